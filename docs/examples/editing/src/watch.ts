// What happens to a post, as it happens: subscriptions by the protocol graphql-transport-ws.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { PostChangedDocument, type PostChangedSubscription } from "./generated.js";

/** What is done to a post from now on, up to and including `last`. */
export async function watch(
  endpoint: string,
  token: string,
  post: string,
  last: string,
): Promise<string[]> {
  const client = createClient({
    url: `${endpoint.replace(/^http/, "ws")}/ws`,
    // Browsers, and Node.js from 22 on, have a WebSocket of their own.
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}`, perspective: "draft" },
  });
  const changes = client.iterate<PostChangedSubscription>({
    query: PostChangedDocument.toString(),
    variables: { ids: [post] },
  });
  const actions: string[] = [];
  try {
    for await (const { data, errors } of changes) {
      if (errors?.[0]) throw new Error(errors[0].message);
      if (data) actions.push(data.postChanged.action);
      if (actions.at(-1) === last) break;
    }
  } finally {
    await client.dispose();
  }
  return actions;
}
