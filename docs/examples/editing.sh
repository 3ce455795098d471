#!/usr/bin/env bash
# An editor's day over HTTP: sign in, write, save and meet a conflict, review, publish, ship a release
# of two posts and roll it back. docs/editing.md explains each step.
#
#   ALPHANODE_URL=http://127.0.0.1:8080 EMAIL=you@example.org PASSWORD=… docs/examples/editing.sh
#
# EMAIL and PASSWORD are those of an editor or an admin. It needs curl, and Node.js to read JSON. It
# stops at the first answer that is not what it should be. The posts that it wrote are deleted at the
# end, however it ends; KEEP=yes leaves them there to be looked at. The release stays: what was shipped
# is history.
set -euo pipefail

url=${ALPHANODE_URL:-http://127.0.0.1:8080}/graphql
: "${EMAIL:?set EMAIL to the address of an editor or an admin}"
: "${PASSWORD:?set PASSWORD to their password}"

token=       # Of whoever is signed in; nothing is sent while it is empty.
perspective= # What requests see; the server decides while it is empty.

say() { printf '%s\n' "$*"; }

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# quote TEXT: the text as JSON. It goes by way of a pipe, for arguments of programs can be seen by
# everybody on the machine.
quote() {
    printf %s "$1" |
        node -e 'console.log(JSON.stringify(require("node:fs").readFileSync(0, "utf8")))'
}

# Reads an answer, and prints a line `name<tab>value` for each argument `name=path.to.the.value`.
# Fails with what the server said when the answer has errors, at its top or in a payload.
read -r -d '' read_answer <<'JS' || true
const text = require("node:fs").readFileSync(0, "utf8");
const stop = (lines) => { console.error([].concat(lines).join("\n")); process.exit(1); };
let answer;
try { answer = JSON.parse(text); } catch { stop(`this is no JSON: ${text.slice(0, 200)}`); }
if (answer.errors) stop(answer.errors.map((e) => `${e.extensions?.code}: ${e.message}`));
const problems = Object.entries(answer.data).flatMap(([field, payload]) =>
    (payload?.userErrors ?? []).map((e) => `${e.code}: ${[field, ...e.path].join(".")}: ${e.message}`));
if (problems.length > 0) stop(problems);
for (const wanted of process.argv.slice(1)) {
    const [name, path] = wanted.split("=");
    const value = path.split(".").reduce((value, key) => value?.[key], answer.data);
    console.log(`${name}\t${value ?? ""}`);
}
JS

# ask DOCUMENT VARIABLES [NAME=PATH…]: runs an operation, and sets each shell variable NAME to the
# value at PATH in `data`; to nothing where that is null.
ask() {
    local document=$1 variables=$2 body answer picked _name _value
    local headers=(-H 'content-type: application/json')
    shift 2
    [ -z "$token" ] || headers+=(-H "authorization: Bearer $token")
    [ -z "$perspective" ] || headers+=(-H "x-alphanode-perspective: $perspective")
    # Without its line breaks, a document that holds no quotes is a string of JSON as it is.
    body="{\"query\": \"${document//$'\n'/ }\", \"variables\": $variables}"
    answer=$(printf %s "$body" | curl -sS --max-time 30 "${headers[@]}" --data-binary @- "$url") ||
        fail "no answer from $url"
    picked=$(node -e "$read_answer" -- "$@" <<<"$answer") || fail "that was the answer to: $document"
    while IFS=$'\t' read -r _name _value; do
        [ -z "$_name" ] || printf -v "$_name" %s "$_value"
    done <<<"$picked"
}

# ask_as TOKEN PERSPECTIVE …: the same with another token and perspective.
ask_as() {
    local token=$1 perspective=$2
    shift 2
    ask "$@"
}

# expect WHAT FOUND WANTED
expect() {
    [ "$2" = "$3" ] || fail "$1 is “$2”, and should be “$3”"
}

# expect_public SLUG TITLE: what somebody who is not signed in finds there; nothing when TITLE is
# empty.
expect_public() {
    ask_as '' '' 'query($slug: String!) { post(by: { slug: $slug }) { title } }' \
        "{\"slug\": \"$1\"}" seen=post.title
    expect "what the public sees at $1" "$seen" "$2"
}

post= other=

# shellcheck disable=SC2317 # called by a trap
tidy_up() {
    local code=$? id
    trap - EXIT
    set +e
    if [ -n "$token" ] && [ "${KEEP:-}" != yes ]; then
        for id in $post $other; do
            (ask 'mutation($input: PostIdInput!) {
                trashPost(input: $input) { userErrors { code path message } } }' "{\"input\": {\"id\": \"$id\"}}")
            (ask 'mutation($input: PostIdInput!) {
                deletePost(input: $input) { userErrors { code path message } } }' "{\"input\": {\"id\": \"$id\"}}")
        done
    fi
    [ -z "$token" ] || (ask 'mutation { signOut { userErrors { code path message } } }' '{}')
    exit "$code"
}
trap tidy_up EXIT

# ---- Sign in

ask 'mutation($input: SignInInput!) { signIn(input: $input) {
        accessToken user { name role } userErrors { code path message } } }' \
    "{\"input\": {\"email\": $(quote "$EMAIL"), \"password\": $(quote "$PASSWORD"), \"refreshTokenIn\": \"PAYLOAD\"}}" \
    token=signIn.accessToken name=signIn.user.name role=signIn.user.role
say "signed in as $name ($role)"

# ---- Write a post, twice with the same key: there is one post

run=$(date +%s)-$$
slug=retrying-jobs-$run
other_slug=naming-jobs-$run
create='mutation($input: CreatePostInput!) { createPost(input: $input) {
    post { id revision { id } } userErrors { code path message } } }'
input="{\"input\": {
    \"content\": {\"title\": \"Retrying jobs\", \"slug\": \"$slug\", \"body\": \"Wait, then try again.\"},
    \"idempotencyKey\": \"create-$slug\"}}"
ask "$create" "$input" post=createPost.post.id first=createPost.post.revision.id
ask "$create" "$input" again=createPost.post.id
expect "the post of the same request sent again" "$again" "$post"
expect_public "$slug" ''
say "wrote a draft; sent twice, it is one post"

# ---- Save a revision; somebody who is late meets a conflict

update='mutation($input: UpdatePostInput!) { updatePost(input: $input) {
    post { revision { id number } }
    conflict { base { number } current { number author } }
    userErrors { code path message } } }'
ask "$update" "{\"input\": {\"id\": \"$post\", \"basedOn\": \"$first\",
        \"content\": {\"summary\": \"How long to wait.\"}, \"message\": \"Add a summary\"}}" \
    second=updatePost.post.revision.id number=updatePost.post.revision.number
expect "the number of the saved revision" "$number" 2
ask "$update" "{\"input\": {\"id\": \"$post\", \"basedOn\": \"$first\", \"content\": {\"summary\": \"Too late.\"}}}" \
    base=updatePost.conflict.base.number current=updatePost.conflict.current.number
expect "the revision that the late change is based on" "$base" 1
expect "the revision that is in its way" "$current" 2
say "saved revision 2; a change based on revision 1 is a conflict, and nothing is lost"

# ---- Review and publish

ask 'mutation($input: RequestReviewInput!) { requestReview(input: $input) {
        revision { status } userErrors { code path message } } }' \
    "{\"input\": {\"id\": \"$post\", \"revision\": \"$second\", \"comment\": \"Is a minute too long?\"}}" \
    status=requestReview.revision.status
expect "the status of the revision" "$status" IN_REVIEW
ask 'mutation($input: ApproveRevisionInput!) { approveRevision(input: $input) {
        revision { status } userErrors { code path message } } }' \
    "{\"input\": {\"revision\": \"$second\", \"comment\": \"A minute is fine.\"}}" \
    status=approveRevision.revision.status
expect "the status of the revision" "$status" APPROVED

publish='mutation($input: PublishPostInput!) { publishPost(input: $input) {
    post { path editing { liveRevisionId } } userErrors { code path message } } }'
ask "$publish" "{\"input\": {\"id\": \"$post\", \"revision\": \"$second\"}}" \
    path=publishPost.post.path live=publishPost.post.editing.liveRevisionId
expect "the revision that is live" "$live" "$second"
expect_public "$slug" 'Retrying jobs'
say "reviewed and published at $path"

# ---- Change what is live: the public sees it when it is published, not before

ask "$update" "{\"input\": {\"id\": \"$post\", \"basedOn\": \"$second\",
        \"content\": {\"title\": \"Retrying jobs with backoff\"}}}" third=updatePost.post.revision.id
expect_public "$slug" 'Retrying jobs'
ask "$publish" "{\"input\": {\"id\": \"$post\", \"revision\": \"$third\"}}"
expect_public "$slug" 'Retrying jobs with backoff'
say "changed it and published again"

# ---- Show a draft to somebody without an account

ask "$update" "{\"input\": {\"id\": \"$post\", \"basedOn\": \"$third\",
        \"content\": {\"title\": \"Retrying jobs without regret\"}}}" fourth=updatePost.post.revision.id
ask 'mutation($input: CreatePreviewLinkInput!) { createPreviewLink(input: $input) {
        token userErrors { code path message } } }' \
    "{\"input\": {\"post\": \"$post\", \"expiresInSeconds\": 3600}}" link=createPreviewLink.token
ask_as '' '' 'mutation($input: ExchangePreviewLinkInput!) { exchangePreviewLink(input: $input) {
        accessToken userErrors { code path message } } }' \
    "{\"input\": {\"token\": \"$link\"}}" preview=exchangePreviewLink.accessToken
ask_as "$preview" '' 'query($id: ID!) { post(by: { id: $id }) { title } }' "{\"id\": \"$post\"}" seen=post.title
expect "what the preview link shows" "$seen" 'Retrying jobs without regret'
expect_public "$slug" 'Retrying jobs with backoff'
say "saved a draft and showed it by a preview link"

# ---- A token for a script: it may do what its scopes say

ask 'mutation($input: CreateApiTokenInput!) { createApiToken(input: $input) {
        secret apiToken { id } userErrors { code path message } } }' \
    '{"input": {"name": "editing.sh", "scopes": ["READ_DRAFTS"]}}' \
    secret=createApiToken.secret api_token=createApiToken.apiToken.id
ask_as "$secret" draft 'query($id: ID!) { post(by: { id: $id }) { title } }' "{\"id\": \"$post\"}" seen=post.title
expect "what the token sees in the draft perspective" "$seen" 'Retrying jobs without regret'
refusal=$( (ask_as "$secret" '' "$publish" "{\"input\": {\"id\": \"$post\", \"revision\": \"$fourth\"}}") 2>&1) &&
    fail "a token that only reads could publish"
case $refusal in
    *'FORBIDDEN: the token lacks the scope `posts:publish`'*) ;;
    *) fail "publishing with a token that only reads was refused otherwise: $refusal" ;;
esac
ask 'mutation($input: RevokeApiTokenInput!) { revokeApiToken(input: $input) {
        userErrors { code path message } } }' "{\"input\": {\"id\": \"$api_token\"}}"
say "made a token that reads drafts and can't publish, and revoked it"

# ---- A release: two posts go live together, and are taken back together

ask "$create" "{\"input\": {\"content\": {\"title\": \"Naming jobs\", \"slug\": \"$other_slug\"}}}" \
    other=createPost.post.id other_first=createPost.post.revision.id
ask 'mutation($input: CreateReleaseInput!) { createRelease(input: $input) {
        release { id } userErrors { code path message } } }' \
    '{"input": {"name": "Jobs week", "reason": "Readers ask about failing jobs.",
        "expectedResult": "Fewer questions about retries.",
        "rollbackNote": "Roll back if the new title is misleading."}}' \
    release=createRelease.release.id
ask 'mutation($input: AddToReleaseInput!) { addToRelease(input: $input) {
        release { itemCount } userErrors { code path message } } }' \
    "{\"input\": {\"release\": \"$release\", \"revisions\": [\"$fourth\", \"$other_first\"]}}" \
    count=addToRelease.release.itemCount
expect "the number of posts in the release" "$count" 2

ask 'query($id: ID!) { releasePreview(id: $id) {
        canShip changes { action pathThen } conflicts { blocks message } } }' "{\"id\": \"$release\"}" \
    can_ship=releasePreview.canShip \
    one=releasePreview.changes.0.action two=releasePreview.changes.1.action
expect "whether the release can ship" "$can_ship" true
expect "what happens to the first post" "$one" REPLACE
expect "what happens to the second post" "$two" PUBLISH
ask_as "$token" "release:$release" 'query($slug: String!) { post(by: { slug: $slug }) { title } }' \
    "{\"slug\": \"$other_slug\"}" seen=post.title
expect "what the release perspective shows" "$seen" 'Naming jobs'
expect_public "$other_slug" ''
say "put two posts into a release and looked at the site as it would be"

ask 'mutation($input: ReleaseInput!) { shipRelease(input: $input) {
        release { status } userErrors { code path message } } }' "{\"input\": {\"id\": \"$release\"}}" \
    status=shipRelease.release.status
expect "the status of the release" "$status" SHIPPED
expect_public "$slug" 'Retrying jobs without regret'
expect_public "$other_slug" 'Naming jobs'
say "shipped it"

ask 'mutation($input: RollBackReleaseInput!) { rollBackRelease(input: $input) {
        release { status } obstacles { message } userErrors { code path message } } }' \
    "{\"input\": {\"id\": \"$release\"}}" status=rollBackRelease.release.status
expect "the status of the release" "$status" ROLLED_BACK
expect_public "$slug" 'Retrying jobs with backoff'
expect_public "$other_slug" ''
say "rolled it back: everything is as it was before"
