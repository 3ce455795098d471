//! Releases: putting them together, and shipping all of their posts or none.

use alphanode::domain::permission::{Action, Role};
use alphanode::domain::post::RevisionStatus::{Drafted, Published};
use alphanode::domain::release;
use alphanode::domain::transaction::Transaction;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::release::{Desk, content, id};

/// Names for many posts.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("p{number:03}")).collect()
}

fn audit_sql(action: &str) -> String {
    format!("SELECT COUNT(*) FROM audit_event WHERE subject = 'release' AND action = '{action}'")
}

#[rstest]
#[tokio::test]
async fn a_release_is_put_together_and_changed(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let posts = desk.posts(&["one", "two", "three"], Drafted).await;
    let problems = desk.refused("createRelease", json!({ "name": " " })).await;
    assert_eq!(problems, [("INVALID".into(), "name".into())]);
    let release = desk.release("Autumn").await;
    let input = json!({
        "release": release,
        "revisions": [id("Revision", posts[0].revision_id), id("Revision", posts[1].revision_id)],
        "unpublish": [id("Post", posts[2].post_id)],
    });
    let payload = desk.done("addToRelease", input).await;
    assert_eq!(payload["release"]["owner"]["name"], "Ann");
    let items = |payload: &Value| payload["release"]["items"].clone();
    assert_eq!(
        items(&payload),
        json!([
            { "postTitle": "one", "unpublish": false },
            { "postTitle": "two", "unpublish": false },
            { "postTitle": "three", "unpublish": true },
        ])
    );

    // Another revision of a post replaces what is held of it, in its place.
    let newer = desk
        .revise(posts[0].post_id, content("one", "One, better"))
        .await;
    let input = json!({ "release": release, "revisions": [id("Revision", newer)] });
    let payload = desk.done("addToRelease", input).await;
    assert_eq!(items(&payload)[0]["postTitle"], "One, better");
    assert_eq!(payload["release"]["itemCount"], 3);
    let input = json!({ "release": release, "posts": [id("Post", posts[1].post_id)] });
    let payload = desk.done("removeFromRelease", input.clone()).await;
    assert_eq!(payload["release"]["itemCount"], 2);
    let problems = desk.refused("removeFromRelease", input).await;
    assert_eq!(problems, [("NOT_FOUND".into(), "posts.0".into())]);

    // Everything that can't be added is said at once.
    let input = json!({
        "release": release,
        "revisions": [
            id("Revision", newer), id("Revision", 999_999), id("Revision", posts[0].revision_id),
        ],
        "unpublish": [id("Post", posts[0].post_id), id("Post", 999_999)],
    });
    assert_eq!(
        desk.refused("addToRelease", input).await,
        [
            ("NOT_FOUND".into(), "revisions.1".into()),
            ("NOT_FOUND".into(), "unpublish.1".into()),
            ("CONFLICT".into(), "revisions.2".into()),
            ("CONFLICT".into(), "unpublish.0".into()),
        ]
    );

    let bob = desk.user("Bob", Role::Editor).await.user_id().unwrap();
    let input = json!({
        "id": release, "owner": id("User", bob), "name": "Winter", "commandUsed": null,
        "metricBefore": 2.5, "filesTouched": ["a.md"],
    });
    let payload = desk.done("updateRelease", input).await;
    assert_eq!(payload["release"]["owner"]["name"], "Bob");
    assert_eq!(payload["release"]["name"], "Winter");
    let input = json!({ "id": release, "owner": id("User", 999_999), "name": null });
    assert_eq!(
        desk.refused("updateRelease", input).await,
        [
            ("INVALID".into(), "name".into()),
            ("NOT_FOUND".into(), "owner".into()),
        ]
    );
    desk.done("deleteRelease", json!({ "id": release })).await;
    let problems = desk
        .refused("deleteRelease", json!({ "id": release }))
        .await;
    assert_eq!(problems, [("NOT_FOUND".into(), "id".into())]);
    for (action, times) in [
        ("create", 1),
        ("add", 2),
        ("remove", 1),
        ("update", 1),
        ("delete", 1),
    ] {
        assert_eq!(desk.number(&audit_sql(action)).await, times, "{action}");
    }
}

#[rstest]
#[tokio::test]
async fn a_release_publishes_replaces_and_unpublishes_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let live = desk.posts(&["kept", "moved", "gone"], Published).await;
    let draft = desk.posts(&["new"], Drafted).await[0];
    let kept = desk
        .revise(live[0].post_id, content("kept", "Kept, better"))
        .await;
    let moved = desk
        .revise(live[1].post_id, content("moved-away", "Moved"))
        .await;
    let release = desk
        .release_of(&[draft.revision_id, kept, moved], &[live[2].post_id])
        .await;
    assert_eq!(desk.public_titles().await, ["gone", "kept", "moved"]);

    desk.server.test.store.clock.advance(TimeDelta::minutes(5));
    let mut changes = desk.server.test.store.changes();
    let payload = desk.done("shipRelease", json!({ "id": release })).await;
    assert_eq!(payload["release"]["status"], "SHIPPED");
    assert_eq!(desk.public_titles().await, ["Kept, better", "Moved", "new"]);
    assert_eq!(desk.redirect("/posts/moved").await, "/posts/moved-away");
    assert_eq!(
        desk.publications(live[0].post_id).await,
        [(live[0].revision_id, 0, Some(5)), (kept, 5, None)]
    );
    assert_eq!(
        desk.publications(live[2].post_id).await,
        [(live[2].revision_id, 0, Some(5))]
    );
    desk.assert_consistent().await;

    let change = changes.try_recv().unwrap();
    let tags: Vec<String> = change.tags.iter().map(ToString::to_string).collect();
    for tag in [
        "list:posts",
        "list:redirects",
        "list:releases",
        "release:1",
        "post:4",
        "post:3",
    ] {
        assert!(
            tags.iter().any(|touched| touched == tag),
            "{tag} in {tags:?}"
        );
    }
    let verbs: Vec<&str> = change.events.iter().map(|event| event.action).collect();
    assert_eq!(
        verbs,
        ["publish", "publish", "publish", "unpublish", "ship"]
    );
    let jobs = "SELECT COUNT(*) FROM job WHERE kind = 'similar_posts' AND status = 'waiting'";
    assert_eq!(
        desk.number(jobs).await,
        2,
        "one for the import, one for the release"
    );

    // What it shipped for stays; what came of it may follow.
    let input = json!({
        "id": release, "reason": "another", "rollbackNote": null, "owner": id("User", 999_999),
    });
    assert_eq!(
        desk.refused("updateRelease", input).await,
        [
            ("CONFLICT".into(), "reason".into()),
            ("CONFLICT".into(), "rollbackNote".into()),
            ("NOT_FOUND".into(), "owner".into()),
        ]
    );
    let input = json!({ "id": release, "metricAfter": 7.0, "commandUsed": "make" });
    desk.done("updateRelease", input).await;
    for (mutation, path) in [("shipRelease", "id"), ("deleteRelease", "id")] {
        let problems = desk.refused(mutation, json!({ "id": release })).await;
        assert_eq!(problems, [("CONFLICT".into(), path.into())], "{mutation}");
    }
}

/// Two posts that exchange their slugs, which takes them out of the way of each other first.
#[rstest]
#[tokio::test]
async fn posts_of_a_release_may_exchange_their_slugs(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let posts = desk.posts(&["left", "right"], Published).await;
    let left = desk
        .revise(posts[0].post_id, content("left-2", "Left"))
        .await;
    let right = desk
        .revise(posts[1].post_id, content("right-2", "Right"))
        .await;
    desk.sql(&format!(
        "UPDATE post_content SET slug = 'right' WHERE id = {left}"
    ))
    .await;
    desk.sql(&format!(
        "UPDATE post_content SET slug = 'left' WHERE id = {right}"
    ))
    .await;
    let release = desk.release_of(&[left, right], &[]).await;
    desk.done("shipRelease", json!({ "id": release })).await;
    let data = desk
        .server
        .data("{ posts { nodes { title slug } } }", json!({}))
        .await;
    let mut pairs: Vec<String> = data["posts"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|post| format!("{} {}", post["title"], post["slug"]))
        .collect();
    pairs.sort();
    assert_eq!(pairs, ["\"Left\" \"right\"", "\"Right\" \"left\""]);
    assert_eq!(desk.redirect("/posts/left").await, json!(null));
    desk.assert_consistent().await;
    desk.done("rollBackRelease", json!({ "id": release })).await;
    assert_eq!(desk.public_titles().await, ["left", "right"]);
    desk.assert_consistent().await;
}

#[rstest]
#[tokio::test]
async fn one_impossible_post_of_a_hundred_keeps_all_of_them_as_they_are(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let names = names(100);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let posts = desk.posts(&names, Drafted).await;
    let revisions: Vec<i64> = posts.iter().map(|post| post.revision_id).collect();
    let release = desk.release_of(&revisions, &[]).await;
    desk.sql(&format!(
        "UPDATE post SET trashed_at = created_at WHERE id = {}",
        posts[57].post_id
    ))
    .await;
    let audits = desk.number("SELECT COUNT(*) FROM audit_event").await;
    let problems = desk.refused("shipRelease", json!({ "id": release })).await;
    assert_eq!(problems, [("CONFLICT".into(), "items.57".into())]);
    assert_eq!(desk.live().await, [None; 100]);
    assert_eq!(desk.number("SELECT COUNT(*) FROM publication").await, 0);
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM audit_event").await,
        audits
    );

    // A failure of the database at the very end leaves nothing either.
    desk.sql("UPDATE post SET trashed_at = NULL").await;
    desk.sql("CREATE UNIQUE INDEX stop ON audit_event (action) WHERE action = 'publish'")
        .await;
    let ship = "mutation($id: ID!) { shipRelease(input: { id: $id }) { release { id } } }";
    let (answer, _) = desk.ask(desk.editor, ship, json!({ "id": release })).await;
    let code = &answer["errors"][0]["extensions"]["code"];
    assert_eq!(code, "TRY_AGAIN", "{answer:#}");
    assert_eq!(desk.live().await, [None; 100]);
    assert_eq!(desk.number("SELECT COUNT(*) FROM publication").await, 0);
    let shipped = "SELECT COUNT(*) FROM release WHERE status <> 'open'";
    assert_eq!(desk.number(shipped).await, 0);

    desk.sql("DROP INDEX stop").await;
    let payload = desk.done("shipRelease", json!({ "id": release })).await;
    assert_eq!(payload["release"]["itemCount"], 100);
    assert_eq!(desk.public_titles().await.len(), 100);
    desk.assert_consistent().await;
}

#[rstest]
#[tokio::test]
async fn everything_that_is_wrong_is_said_at_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut desk) = Desk::create(backend).await else {
        return;
    };
    let payload = desk.done("createRelease", json!({ "name": "Bare" })).await;
    let bare = payload["release"]["id"].clone();
    assert_eq!(
        desk.refused("shipRelease", json!({ "id": bare })).await,
        [
            ("INVALID".into(), "reason".into()),
            ("INVALID".into(), "expectedResult".into()),
            ("INVALID".into(), "rollbackNote".into()),
            ("INVALID".into(), "items".into()),
        ]
    );
    let posts = desk.posts(&["a", "b", "c", "d", "e"], Drafted).await;
    let revisions: Vec<i64> = posts.iter().map(|post| post.revision_id).collect();
    let release = desk.release_of(&revisions, &[]).await;
    desk.done("updateRelease", json!({ "id": release, "owner": null }))
        .await;
    desk.server.test.store.review_required = true;
    for (index, status) in [(1, "approved"), (2, "rejected")] {
        desk.sql(&format!(
            "UPDATE revision SET status = '{status}' WHERE id = {}",
            revisions[index]
        ))
        .await;
    }
    desk.sql(&format!(
        "UPDATE post SET trashed_at = created_at WHERE id = {}",
        posts[3].post_id
    ))
    .await;
    desk.sql(&format!("DELETE FROM post WHERE id = {}", posts[4].post_id))
        .await;
    assert_eq!(
        desk.refused("shipRelease", json!({ "id": release })).await,
        [
            ("INVALID".into(), "owner".into()),
            ("REVIEW_REQUIRED".into(), "items.0".into()),
            ("CONFLICT".into(), "items.2".into()),
            ("CONFLICT".into(), "items.3".into()),
            ("NOT_FOUND".into(), "items.4".into()),
        ]
    );
}

#[rstest]
#[tokio::test]
async fn the_same_key_ships_once(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let post = desk.posts(&["one"], Drafted).await[0];
    let release = desk.release_of(&[post.revision_id], &[]).await;
    let input = json!({ "id": release, "idempotencyKey": "k" });
    let first = desk.done("shipRelease", input.clone()).await;
    assert_eq!(desk.done("shipRelease", input).await, first);
    assert_eq!(desk.number(&audit_sql("ship")).await, 1);

    // A rollback that was not made is not remembered.
    let newer = desk.revise(post.post_id, content("one", "newer")).await;
    desk.publish(post.post_id, newer).await;
    let input = json!({ "id": release, "idempotencyKey": "back" });
    desk.refused("rollBackRelease", input.clone()).await;
    desk.publish(post.post_id, post.revision_id).await;
    let first = desk.done("rollBackRelease", input.clone()).await;
    assert_eq!(desk.done("rollBackRelease", input).await, first);
    assert_eq!(desk.number(&audit_sql("roll_back")).await, 1);
}

/// Several releases over the same posts in different orders, at the same moment.
#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn releases_that_ship_at_once_over_the_same_posts_do_so_one_after_the_other(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let names = names(30);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let posts = desk.posts(&names, Published).await;
    let mut releases = Vec::new();
    let mut shipped = Vec::new();
    for round in 0..4_usize {
        let mut revisions = Vec::new();
        for (post, name) in posts.iter().zip(&names) {
            let slug = format!("{name}-{round}");
            let title = format!("Round {round}");
            revisions.push(desk.revise(post.post_id, content(&slug, &title)).await);
        }
        shipped.push(revisions.iter().copied().map(Some).collect::<Vec<_>>());
        // Each holds the posts in an order of its own.
        revisions.rotate_left(round * 7);
        if round % 2 == 1 {
            revisions.reverse();
        }
        releases.push(desk.release_of(&revisions, &[]).await);
    }
    let ships = (1..=4_i64).map(|release_id| {
        let (store, editor) = (desk.server.test.store.clone(), desk.editor);
        tokio::spawn(async move {
            let mut change = Transaction::begin(&store, editor, Action::ShipRelease).await?;
            release::ship(&mut change, release_id).await?;
            change.commit().await
        })
    });
    for ship in ships.collect::<Vec<_>>() {
        ship.await.unwrap().unwrap();
    }
    let live = desk.live().await;
    assert!(
        shipped.contains(&live),
        "the posts of one release: {live:?}"
    );
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM publication").await,
        30 * 5
    );
    desk.assert_consistent().await;

    // The last of them rolls back to the one before it.
    let last = shipped
        .iter()
        .position(|revisions| *revisions == live)
        .unwrap();
    desk.done("rollBackRelease", json!({ "id": releases[last] }))
        .await;
    let live = desk.live().await;
    assert!(
        shipped.contains(&live),
        "the posts of one release: {live:?}"
    );
    desk.assert_consistent().await;
}
