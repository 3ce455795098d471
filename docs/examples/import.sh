#!/usr/bin/env bash
# Imports a file over HTTP, waits for the end, and says what became of it. docs/importing.md explains
# each step.
#
#   ALPHANODE_URL=http://127.0.0.1:8080 TOKEN=anp_… docs/examples/import.sh notes.ndjson [publish=true …]
#
# TOKEN is an API token with the scope `import`. It needs curl and jq. It ends with 0 when every document
# is in, with 2 when some failed or are in conflict, and with 1 when the import did not come to its end.
set -euo pipefail

url=${ALPHANODE_URL:-http://127.0.0.1:8080}
: "${TOKEN:?set TOKEN to an API token with the scope import}"
file=${1:?name the file to import}
options=("${@:2}")

# The token goes by way of a pipe, for arguments of programs can be seen by everybody on the machine.
send() { # send CURL-OPTION…
    curl -sS --config <(printf 'header = "authorization: Bearer %s"\n' "$TOKEN") "$@"
}

ask() { # ask DOCUMENT VARIABLES
    jq -n --arg query "$1" --argjson variables "$2" '$ARGS.named' |
        send "$url/graphql" -H 'content-type: application/json' -d @- |
        jq -e 'if .errors then .errors[].message | halt_error(1) else .data end'
}

query="name=$(jq -rn --arg name "$(basename "$file")" '$name | @uri')"
for option in "${options[@]}"; do query+="&$option"; done
started=$(send -X POST "$url/imports?$query" -H 'content-type: application/octet-stream' -T "$file")
id=$(jq -er '.importRun.id // (.errors[].message | halt_error(1))' <<<"$started")

watch='query ($id: ID!) { importRun(id: $id) {
    status failure progress { done total estimatedFinish }
    counts { documents created updated skipped conflicted failed } } }'
while run=$(ask "$watch" "{\"id\": \"$id\"}" | jq -c .importRun); do
    status=$(jq -r .status <<<"$run")
    case $status in
        WAITING | RUNNING) sleep "${INTERVAL:-2}" ;;
        *) break ;;
    esac
done

report='query ($id: ID!, $after: String) { importRun(id: $id) {
    documents(outcome: [FAILED, CONFLICTED], first: 100, after: $after) {
        nodes { path line outcome message } pageInfo { hasNextPage endCursor } } } }'
after=null
while page=$(ask "$report" "{\"id\": \"$id\", \"after\": $after}" | jq -c .importRun.documents); do
    jq -r '.nodes[] | "\(.path):\(.line // ""): \(.outcome): \(.message)"' <<<"$page" >&2
    [[ $(jq .pageInfo.hasNextPage <<<"$page") == true ]] || break
    after=$(jq .pageInfo.endCursor <<<"$page")
done

jq -r '"\(.status): \(.counts.created) created, \(.counts.updated) updated, \(.counts.skipped) skipped, " +
    "\(.counts.conflicted) in conflict, \(.counts.failed) failed"' <<<"$run"
[[ $status == FINISHED ]] || exit 1
[[ $(jq '.counts.conflicted + .counts.failed' <<<"$run") == 0 ]] || exit 2
