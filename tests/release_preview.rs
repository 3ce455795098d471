//! What a release would do, told before it does it and by the same rules.

use alphanode::domain::post::RevisionStatus::{Drafted, Published};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::release::{Desk, content, id};

const PREVIEW: &str = "query($id: ID!) { releasePreview(id: $id) { canShip
    changes { action pathNow pathThen liveRevision { number } item { postTitle post { title } } }
    conflicts { kind blocks path message item { postTitle } }
    redirects { fromPath toPath } cacheTags paths } }";

async fn preview(desk: &Desk, release: &str) -> (Value, u32) {
    let variables = json!({ "id": release });
    let (answer, statements) = desk.ask(desk.editor, PREVIEW, variables).await;
    assert_eq!(answer.get("errors"), None, "{answer:#}");
    (answer["data"]["releasePreview"].clone(), statements)
}

#[rstest]
#[tokio::test]
async fn a_preview_tells_what_shipping_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let live = desk.posts(&["same", "moved", "gone"], Published).await;
    let draft = desk.posts(&["new"], Drafted).await[0];
    let moved = desk
        .revise(live[1].post_id, content("moved-away", "Moved"))
        .await;
    let revisions = [live[0].revision_id, moved, draft.revision_id];
    let release = desk.release_of(&revisions, &[live[2].post_id]).await;
    let (preview, _) = preview(&desk, &release).await;
    assert_eq!(preview["canShip"], true);
    assert_eq!(preview["conflicts"], json!([]));
    let changes: Vec<_> = preview["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["action"].as_str().unwrap(),
                change["pathNow"].as_str(),
                change["pathThen"].as_str(),
                change["liveRevision"]["number"].as_i64(),
            )
        })
        .collect();
    assert_eq!(
        changes,
        [
            ("NOTHING", Some("/posts/same"), Some("/posts/same"), Some(1)),
            (
                "REPLACE",
                Some("/posts/moved"),
                Some("/posts/moved-away"),
                Some(1)
            ),
            ("PUBLISH", None, Some("/posts/new"), None),
            ("UNPUBLISH", Some("/posts/gone"), None, Some(1)),
        ]
    );
    let redirect = json!([{ "fromPath": "/posts/moved", "toPath": "/posts/moved-away" }]);
    assert_eq!(preview["redirects"], redirect);
    let paths = [
        "/posts/gone",
        "/posts/moved",
        "/posts/moved-away",
        "/posts/new",
    ];
    assert_eq!(preview["paths"], json!(paths));

    // The tags it foretells are those that shipping touches.
    let mut changes = desk.server.test.store.changes();
    desk.done("shipRelease", json!({ "id": release })).await;
    let touched: Vec<String> = changes
        .try_recv()
        .unwrap()
        .tags
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(preview["cacheTags"], json!(touched));
}

#[rstest]
#[tokio::test]
async fn a_preview_tells_every_conflict_as_shipping_does(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    let posts = desk.posts(&names, Drafted).await;
    let other = desk.posts(&["live"], Published).await[0];
    let revisions: Vec<i64> = posts.iter().map(|post| post.revision_id).collect();
    let release = desk.release_of(&revisions, &[]).await;
    let input = json!({ "release": desk.release("Other").await,
        "revisions": [id("Revision", revisions[6])] });
    desk.done("addToRelease", input).await;
    desk.done(
        "updateRelease",
        json!({ "id": release, "rollbackNote": "" }),
    )
    .await;
    for statement in [
        format!(
            "UPDATE post SET trashed_at = created_at WHERE id = {}",
            posts[0].post_id
        ),
        format!("DELETE FROM post WHERE id = {}", posts[1].post_id),
        format!(
            "UPDATE revision SET status = 'rejected' WHERE id = {}",
            revisions[2]
        ),
        format!(
            "UPDATE post_content SET needs_human_review = TRUE WHERE id = {}",
            revisions[3]
        ),
        format!(
            "UPDATE post_content SET slug = 'live' WHERE id = {}",
            revisions[4]
        ),
        format!(
            "UPDATE post_content SET slug = 'f' WHERE id = {}",
            revisions[6]
        ),
    ] {
        desk.sql(&statement).await;
    }
    desk.revise(posts[5].post_id, content("f", "f again")).await;

    let (preview, few) = preview(&desk, &release).await;
    assert_eq!(preview["canShip"], false);
    let conflicts: Vec<(&str, bool, String)> = preview["conflicts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|conflict| {
            let path = conflict["path"].as_array().unwrap().iter();
            let path: Vec<&str> = path.map(|part| part.as_str().unwrap()).collect();
            let kind = conflict["kind"].as_str().unwrap();
            (kind, conflict["blocks"].as_bool().unwrap(), path.join("."))
        })
        .collect();
    let expected = [
        ("INCOMPLETE", true, "rollbackNote"),
        ("POST_IN_TRASH", true, "items.0"),
        ("POST_DELETED", true, "items.1"),
        ("REVISION_REJECTED", true, "items.2"),
        ("REVIEW_REQUIRED", true, "items.3"),
        ("SLUG_TAKEN", true, "items.6"),
        ("SLUG_TAKEN", true, "items.4"),
        ("NEWER_REVISION", false, "items.5"),
        ("IN_ANOTHER_RELEASE", false, "items.6"),
    ];
    assert_eq!(
        conflicts,
        expected.map(|(kind, blocks, path)| (kind, blocks, path.to_owned()))
    );
    assert_eq!(preview["conflicts"][1]["item"]["postTitle"], "a");

    let refused = desk.refused("shipRelease", json!({ "id": release })).await;
    let refused: Vec<&String> = refused.iter().map(|(_, path)| path).collect();
    let blocking: Vec<&String> = conflicts
        .iter()
        .filter(|(_, blocks, _)| *blocks)
        .map(|(_, _, path)| path)
        .collect();
    assert_eq!(refused, blocking);

    // It costs the same for one post.
    let small = desk.release_of(&[other.revision_id], &[]).await;
    let (_, one) = self::preview(&desk, &small).await;
    assert!(
        few <= one + 2,
        "{few} statements for seven posts, {one} for one"
    );

    // What has shipped can't ship again.
    desk.done("shipRelease", json!({ "id": small })).await;
    let (preview, _) = self::preview(&desk, &small).await;
    assert_eq!(preview["conflicts"][0]["kind"], "ALREADY_SHIPPED");
    assert_eq!(preview["conflicts"].as_array().unwrap().len(), 1);
}
