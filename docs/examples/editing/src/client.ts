// Runs typed operations over HTTP. What can go wrong comes in two kinds: an `ApiError` is about the
// request as a whole, `userErrors` in a payload are about what the input says.
import type { ProblemFragment, TypedDocumentString } from "./generated.js";

interface Answer<Data> {
  data: Data | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

/** An error of the request as a whole: nobody is signed in, it is not allowed, our own fault. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(`${code}: ${message}`);
  }
}

/** Something about the input has to be put right. Nothing was changed. */
export class InputError extends Error {
  constructor(readonly problems: ProblemFragment[]) {
    super(problems.map(({ code, path, message }) => `${code}: ${path.join(".")}: ${message}`).join("\n"));
  }
}

export interface Caller {
  /** An access token or an API token; without one the public asks. */
  token?: string;
  /** What is seen; without one the server decides. */
  perspective?: string;
}

export class Client {
  constructor(
    private readonly endpoint: string,
    private readonly caller: Caller = {},
  ) {}

  /** The same endpoint, asked by somebody else. */
  as(caller: Caller): Client {
    return new Client(this.endpoint, caller);
  }

  async ask<Data, Variables>(
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
  ): Promise<Data> {
    const { token, perspective } = this.caller;
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token && { authorization: `Bearer ${token}` }),
        ...(perspective && { "x-alphanode-perspective": perspective }),
      },
      body: JSON.stringify({ query: document.toString(), variables }),
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as Answer<Data>;
    const [error] = answer.errors ?? [];
    if (error) throw new ApiError(error.extensions?.code ?? "UNKNOWN", error.message);
    if (answer.data === null) throw new ApiError("UNKNOWN", "the answer is empty");
    return answer.data;
  }
}

/** The payload of a mutation that was made. */
export function done<Payload extends { userErrors: ProblemFragment[] }>(payload: Payload): Payload {
  if (payload.userErrors.length > 0) throw new InputError(payload.userErrors);
  return payload;
}

/** A value that is there whenever nothing had to be put right. */
export function present<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Error(`${what} is missing`);
  return value;
}
