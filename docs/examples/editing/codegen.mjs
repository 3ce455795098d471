// Writes src/generated.ts: the types of the operations in src/operations.graphql, by the schema.
import { readFile, writeFile } from "node:fs/promises";

import { codegen } from "@graphql-codegen/core";
import * as typedDocuments from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const here = (path) => new URL(path, import.meta.url);
const read = async (path) => parse(await readFile(here(path), "utf8"));

const code = await codegen({
  filename: "src/generated.ts",
  schema: await read("../../../schema.graphql"),
  documents: [{ document: await read("src/operations.graphql") }],
  config: {
    // Documents are sent as text, so no GraphQL library is needed when they run.
    documentMode: "string",
    useTypeImports: true,
    scalars: { DateTime: "string", JSON: "unknown", NaiveDate: "string" },
  },
  plugins: [{ operations: {} }, { typedDocuments: {} }],
  pluginMap: { operations, typedDocuments },
});
await writeFile(here("src/generated.ts"), code);
