// An editor's day: sign in, write, save and meet a conflict, review, publish, ship a release of two
// posts and roll it back. docs/editing.md explains each step.
import { setTimeout } from "node:timers/promises";

import { type Caller, Client, done, present } from "./client.js";
import * as documents from "./generated.js";
import { watch } from "./watch.js";

function setting(name: string, otherwise?: string): string {
  const value = process.env[name] || otherwise;
  if (value === undefined) throw new Error(`set ${name}`);
  return value;
}

function expect(what: string, found: unknown, wanted: unknown): void {
  if (found !== wanted) {
    throw new Error(`${what} is ${JSON.stringify(found)}, and should be ${JSON.stringify(wanted)}`);
  }
}

const endpoint = `${setting("ALPHANODE_URL", "http://127.0.0.1:8080")}/graphql`;
const run = `${Date.now()}-${process.pid}`;
const slug = `retrying-jobs-${run}`;
const otherSlug = `naming-jobs-${run}`;

const everybody = new Client(endpoint);

async function title(client: Client, slug: string): Promise<string | undefined> {
  const { post } = await client.ask(documents.PostBySlugDocument, { slug });
  return post?.title;
}

/** Checks what somebody who is not signed in finds there: nothing when `wanted` is left out. */
async function expectPublic(slug: string, wanted?: string): Promise<void> {
  expect(`what the public sees at ${slug}`, await title(everybody, slug), wanted);
}

async function signIn(): Promise<Caller & { token: string }> {
  const answer = await everybody.ask(documents.SignInDocument, {
    input: {
      email: setting("EMAIL"),
      password: setting("PASSWORD"),
      refreshTokenIn: "PAYLOAD",
    },
  });
  const { accessToken, user } = done(answer.signIn);
  console.log(`signed in as ${user?.name} (${user?.role})`);
  return { token: present(accessToken, "the access token") };
}

interface Draft {
  id: string;
  revision: string;
}

/** Writes a post. Sent again with the same key, it is still one post. */
async function write(editor: Client, title: string, slug: string): Promise<Draft> {
  const answer = await editor.ask(documents.CreatePostDocument, {
    input: { content: { title, slug }, idempotencyKey: `create-${slug}` },
  });
  const post = present(done(answer.createPost).post, "the post");
  return { id: post.id, revision: post.revision.id };
}

/** Saves a revision; answers its id, or the numbers of both sides of a conflict. */
async function save(editor: Client, id: string, basedOn: string, title: string) {
  const answer = await editor.ask(documents.UpdatePostDocument, {
    input: { id, basedOn, content: { title } },
  });
  const { post, conflict } = done(answer.updatePost);
  if (conflict) return { conflict };
  return { revision: present(post, "the post").revision.id };
}

async function saved(editor: Client, id: string, basedOn: string, title: string): Promise<string> {
  return present((await save(editor, id, basedOn, title)).revision, "the revision");
}

async function review(editor: Client, id: string, revision: string): Promise<void> {
  const requested = await editor.ask(documents.RequestReviewDocument, { input: { id, revision } });
  expect("the status", done(requested.requestReview).revision?.status, "IN_REVIEW");
  const approved = await editor.ask(documents.ApproveRevisionDocument, { input: { revision } });
  expect("the status", done(approved.approveRevision).revision?.status, "APPROVED");
}

async function publish(editor: Client, id: string, revision: string): Promise<void> {
  const answer = await editor.ask(documents.PublishPostDocument, { input: { id, revision } });
  const { post } = done(answer.publishPost);
  expect("the revision that is live", post?.editing?.liveRevisionId, revision);
}

/** Ships revisions together, and takes them back. */
async function shipAndRollBack(caller: Caller, revisions: string[]): Promise<void> {
  const editor = everybody.as(caller);
  const created = await editor.ask(documents.CreateReleaseDocument, {
    input: {
      name: "Jobs week",
      reason: "Readers ask about failing jobs.",
      expectedResult: "Fewer questions about retries.",
      rollbackNote: "Roll back if the new title is misleading.",
    },
  });
  const { id } = present(done(created.createRelease).release, "the release");
  done((await editor.ask(documents.AddToReleaseDocument, { input: { release: id, revisions } })).addToRelease);

  const { releasePreview } = await editor.ask(documents.ReleasePreviewDocument, { id });
  const preview = present(releasePreview, "the preview");
  expect("whether it can ship", preview.canShip, true);
  expect("what would happen", preview.changes.map(({ action }) => action).join(), "REPLACE,PUBLISH");
  const asItWillBe = everybody.as({ ...caller, perspective: `release:${id}` });
  expect("the site as it will be", await title(asItWillBe, otherSlug), "Naming jobs");
  await expectPublic(otherSlug);
  console.log("put two posts into a release and looked at the site as it would be");

  const shipped = await editor.ask(documents.ShipReleaseDocument, { input: { id } });
  expect("the status", done(shipped.shipRelease).release?.status, "SHIPPED");
  await expectPublic(slug, "Retrying jobs without regret");
  await expectPublic(otherSlug, "Naming jobs");
  console.log("shipped it");

  const rolledBack = await editor.ask(documents.RollBackReleaseDocument, { input: { id } });
  expect("the status", done(rolledBack.rollBackRelease).release?.status, "ROLLED_BACK");
  await expectPublic(slug, "Retrying jobs with backoff");
  await expectPublic(otherSlug);
  console.log("rolled it back: everything is as it was before");
}

async function walk(caller: Caller & { token: string }, posts: string[]): Promise<void> {
  const editor = everybody.as(caller);
  const post = await write(editor, "Retrying jobs", slug);
  posts.push(post.id);
  expect("the post of the same request", (await write(editor, "Retrying jobs", slug)).id, post.id);
  await expectPublic(slug);
  console.log("wrote a draft; sent twice, it is one post");

  const told = watch(endpoint, caller.token, post.id, "publish");
  // It is awaited below; should it fail before, that is soon enough.
  told.catch(() => undefined);
  const second = await saved(editor, post.id, post.revision, "Retrying failed jobs");
  const { conflict } = await save(editor, post.id, post.revision, "Too late");
  expect("the revision that the late change is based on", conflict?.base.number, 1);
  expect("the revision that is in its way", conflict?.current.number, 2);
  console.log("saved revision 2; a change based on revision 1 is a conflict, and nothing is lost");

  await review(editor, post.id, second);
  await publish(editor, post.id, second);
  await expectPublic(slug, "Retrying failed jobs");
  console.log("reviewed and published");

  const third = await saved(editor, post.id, second, "Retrying jobs with backoff");
  await expectPublic(slug, "Retrying failed jobs");
  await publish(editor, post.id, third);
  await expectPublic(slug, "Retrying jobs with backoff");
  console.log("changed it and published again");

  const late = setTimeout(30_000, undefined, { ref: false });
  const actions = present(await Promise.race([told, late]), "what was done to the post");
  console.log(`was told meanwhile: ${actions.join(", ")}`);

  const fourth = await saved(editor, post.id, third, "Retrying jobs without regret");
  const other = await write(editor, "Naming jobs", otherSlug);
  posts.push(other.id);
  await shipAndRollBack(caller, [fourth, other.revision]);
}

const caller = await signIn();
const editor = everybody.as(caller);
const posts: string[] = [];
try {
  await walk(caller, posts);
} finally {
  for (const id of process.env["KEEP"] === "yes" ? [] : posts) {
    done((await editor.ask(documents.TrashPostDocument, { input: { id } })).trashPost);
    done((await editor.ask(documents.DeletePostDocument, { input: { id } })).deletePost);
  }
  done((await editor.ask(documents.SignOutDocument, {})).signOut);
}
