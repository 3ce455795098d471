// audit.mjs URL: the audits of the GraphQL-over-HTTP specification, one line of JSON each.
import { serverAudits } from "graphql-http";

const [url] = process.argv.slice(2);

for (const audit of serverAudits({ url })) {
  const { id, name, status, reason, response } = await audit.fn();
  const answer = response && {
    status: response.status,
    type: response.headers.get("content-type"),
    body: response.bodyUsed ? undefined : await response.text(),
  };
  console.log(JSON.stringify({ id, name, passed: status === "ok", reason, answer }));
}
