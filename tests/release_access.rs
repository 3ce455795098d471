//! Who sees releases, and what lists of them cost.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::{Role, Scope};
use alphanode::domain::post::RevisionStatus::{Drafted, Published};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::release::{Desk, content};

#[rstest]
#[tokio::test]
async fn releases_are_for_editors_and_their_drafts_for_nobody_else(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let post = desk.posts(&["one"], Drafted).await[0];
    let release = desk.release_of(&[post.revision_id], &[]).await;
    let node = "query($id: ID!) { node(id: $id) { id ... on Release { name } } }";
    let read = "query($id: ID!) { release(id: $id) { name } releases { totalCount }
        releasePreview(id: $id) { canShip } }";
    let ship = "mutation($id: ID!) { shipRelease(input: { id: $id }) { userErrors { code } } }";
    let back = "mutation($id: ID!) { rollBackRelease(input: { id: $id }) { userErrors { code } } }";
    let write = "mutation($id: ID!) { deleteRelease(input: { id: $id }) { userErrors { code } } }";
    let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
    let author = desk.user("Cid", Role::Author).await;
    let viewer = desk.user("Dan", Role::Viewer).await;
    let token = Actor::ApiToken {
        user_id: desk.editor.user_id().unwrap(),
        role: Role::Editor,
        api_token_id: 1,
        scopes: [Scope::PublishPosts, Scope::WritePosts]
            .into_iter()
            .collect(),
    };
    for (actor, reads, refusal) in [
        (Actor::Anonymous, false, "UNAUTHENTICATED"),
        (author, true, "FORBIDDEN"),
        (viewer, true, "FORBIDDEN"),
        (token, false, "FORBIDDEN"),
    ] {
        for mutation in [ship, back, write] {
            let (answer, _) = desk.ask(actor, mutation, json!({ "id": release })).await;
            assert_eq!(code(&answer), refusal, "{actor} {mutation}");
            // Permission is decided before anything else, so nobody learns what there is.
            let (answer, _) = desk.ask(actor, mutation, json!({ "id": "nonsense" })).await;
            assert_eq!(code(&answer), refusal, "{actor} {mutation}");
        }
        let (answer, _) = desk.ask(actor, read, json!({ "id": release })).await;
        assert_eq!(answer.get("errors").is_none(), reads, "{actor} {answer:#}");
        let (answer, _) = desk.ask(actor, node, json!({ "id": release })).await;
        assert_eq!(answer["data"]["node"]["name"] == "Autumn", reads, "{actor}");
    }
}

#[rstest]
#[tokio::test]
async fn lists_of_releases_cost_the_same_however_long_they_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let posts = desk.posts(&names, Published).await;
    let mut revisions = Vec::new();
    for post in &posts {
        revisions.push(
            desk.revise(post.post_id, content(&format!("s{}", post.post_id), "t"))
                .await,
        );
    }
    let shipped = desk.release_of(&revisions[..2], &[]).await;
    desk.done("shipRelease", json!({ "id": shipped })).await;
    for _ in 0..4 {
        desk.release_of(&revisions, &[]).await;
    }
    let query = "query($first: Int, $after: String, $items: Int!, $filter: ReleaseFilter) {
        releases(first: $first, after: $after, filter: $filter) { totalCount
            pageInfo { hasNextPage endCursor }
            nodes { id name status owner { name } itemCount items(first: $items) {
                postTitle post { title revision { number } } revision { number status }
                replacedRevision { number } } } } }";
    let ask = async |mut variables: Value| {
        for absent in ["first", "after", "filter"] {
            variables[absent] = variables[absent].take();
        }
        let (answer, statements) = desk.ask(desk.editor, query, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer:#}");
        (answer["data"]["releases"].clone(), statements)
    };
    let (one, few) = ask(json!({ "first": 1, "items": 1 })).await;
    let (all, many) = ask(json!({ "first": 5, "items": 12 })).await;
    assert_eq!(one["totalCount"], 5);
    assert_eq!(all["nodes"][0]["items"].as_array().unwrap().len(), 12);
    assert_eq!(one["nodes"][0]["items"].as_array().unwrap().len(), 1);
    let shipped = &all["nodes"][4];
    assert_eq!(shipped["items"][0]["replacedRevision"]["number"], 1);
    assert_eq!(shipped["items"][0]["revision"]["number"], 2);
    assert!(many <= few + 1, "{many} statements for all, {few} for one");

    let after = one["pageInfo"]["endCursor"].clone();
    let (rest, _) = ask(json!({ "first": 2, "after": after, "items": 0 })).await;
    assert_eq!(rest["nodes"][0]["id"], all["nodes"][1]["id"]);
    assert_eq!(rest["pageInfo"]["hasNextPage"], true);
    let filter = json!({ "status": { "in": ["SHIPPED", "ROLLED_BACK"] } });
    let (filtered, _) = ask(json!({ "items": 0, "filter": filter })).await;
    assert_eq!(filtered["totalCount"], 1);
    assert_eq!(filtered["nodes"][0]["status"], "SHIPPED");
}
