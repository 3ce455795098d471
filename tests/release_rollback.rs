//! Rolling a release back, and what stands in its way.

use alphanode::domain::permission::Role;
use alphanode::domain::post::RevisionStatus::{Drafted, Published};
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::Backend;
use crate::support::release::{Desk, content, id};

fn titles(list: &Value, field: &str) -> Vec<(String, Value)> {
    let rows = list.as_array().unwrap().iter();
    rows.map(|row| {
        let title = row["postTitle"]
            .as_str()
            .or(row["item"]["postTitle"].as_str());
        (title.unwrap().to_owned(), row[field].clone())
    })
    .collect()
}

#[rstest]
#[tokio::test]
async fn a_rollback_restores_what_was_live_before(
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
    let problems = desk
        .refused("rollBackRelease", json!({ "id": release }))
        .await;
    assert_eq!(problems, [("CONFLICT".into(), "id".into())]);
    // Before it shipped, nothing has been put away.
    let before = desk.live().await;
    let clock = &desk.server.test.store.clock;
    clock.advance(TimeDelta::minutes(5));
    desk.done("shipRelease", json!({ "id": release })).await;
    // What was live before needs no new review.
    desk.sql("UPDATE post_content SET needs_human_review = TRUE")
        .await;
    clock.advance(TimeDelta::minutes(5));
    let payload = desk.done("rollBackRelease", json!({ "id": release })).await;
    assert_eq!(payload["release"]["status"], "ROLLED_BACK");
    let restored = titles(&payload["release"]["items"], "restored");
    assert!(
        restored.iter().all(|(_, restored)| *restored == true),
        "{restored:?}"
    );

    assert_eq!(desk.live().await, before);
    assert_eq!(desk.public_titles().await, ["gone", "kept", "moved"]);
    // The path that people may have kept meanwhile leads back, the old one is a page again.
    assert_eq!(desk.redirect("/posts/moved-away").await, "/posts/moved");
    assert_eq!(desk.redirect("/posts/moved").await, json!(null));
    assert_eq!(
        desk.publications(live[1].post_id).await,
        [
            (live[1].revision_id, 0, Some(5)),
            (moved, 5, Some(10)),
            (live[1].revision_id, 10, None),
        ]
    );
    assert_eq!(
        desk.publications(live[2].post_id).await,
        [
            (live[2].revision_id, 0, Some(5)),
            (live[2].revision_id, 10, None)
        ]
    );
    assert_eq!(
        desk.publications(draft.post_id).await,
        [(draft.revision_id, 5, Some(10))]
    );
    desk.assert_consistent().await;
    let problems = desk
        .refused("rollBackRelease", json!({ "id": release }))
        .await;
    assert_eq!(problems, [("CONFLICT".into(), "id".into())]);
}

#[rstest]
#[tokio::test]
async fn every_later_edit_stands_in_the_way_until_it_is_answered(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(mut desk) = Desk::create(backend).await else {
        return;
    };
    let names = [
        "plain",
        "published",
        "unpublished",
        "trashed",
        "deleted",
        "raised",
    ];
    let posts = desk.posts(&names, Published).await;
    let mut revisions = Vec::new();
    for (post, name) in posts.iter().zip(names).take(5) {
        revisions.push(desk.revise(post.post_id, content(name, name)).await);
    }
    let release = desk.release_of(&revisions, &[posts[5].post_id]).await;
    desk.done("shipRelease", json!({ "id": release })).await;

    desk.server.test.store.clock.advance(TimeDelta::minutes(30));
    desk.editor = desk.user("Bob", Role::Editor).await;
    let later = desk
        .revise(posts[1].post_id, content("published", "later"))
        .await;
    desk.publish(posts[1].post_id, later).await;
    for post in &posts[2..5] {
        desk.unpublish(post.post_id).await;
    }
    desk.sql(&format!(
        "UPDATE post SET trashed_at = created_at WHERE id = {}",
        posts[3].post_id
    ))
    .await;
    desk.sql(&format!("DELETE FROM post WHERE id = {}", posts[4].post_id))
        .await;
    let raised = desk
        .revise(posts[5].post_id, content("raised", "raised again"))
        .await;
    desk.publish(posts[5].post_id, raised).await;

    let before = desk.live().await;
    let payload = desk
        .change("rollBackRelease", json!({ "id": release }))
        .await;
    let kinds = [
        ("published", "PUBLISHED"),
        ("unpublished", "UNPUBLISHED"),
        ("trashed", "TRASHED"),
        ("deleted", "DELETED"),
        ("raised", "PUBLISHED"),
    ];
    assert_eq!(
        titles(&payload["obstacles"], "kind"),
        kinds.map(|(title, kind)| (title.to_owned(), json!(kind)))
    );
    assert_eq!(payload["userErrors"].as_array().unwrap().len(), 5);
    assert_eq!(payload["userErrors"][0]["path"], json!(["laterEdits"]));
    assert_eq!(payload["release"], json!(null));
    let first = &payload["obstacles"][0];
    assert_eq!(first["by"], "Bob");
    assert_eq!(first["since"], "2026-06-01T12:30:00+00:00");
    assert_eq!(first["liveRevision"]["number"], 3);
    assert_eq!(
        first["message"],
        "“published” was published again by Bob on 2026-06-01 at 12:30 UTC after the release \
         shipped; say KEEP_LATER to leave it as it is, or OVERWRITE to restore what was live \
         before the release"
    );
    assert_eq!(desk.live().await, before, "nothing was done");

    // What is in the trash or gone can't be overwritten, whatever is said of the others.
    let input = json!({ "id": release, "otherLaterEdits": "OVERWRITE" });
    let payload = desk.change("rollBackRelease", input).await;
    let left = titles(&payload["obstacles"], "kind");
    assert_eq!(
        left,
        [
            ("trashed".into(), json!("TRASHED")),
            ("deleted".into(), json!("DELETED"))
        ]
    );
    assert_eq!(desk.live().await, before, "nothing was done");

    let answer = |post: i64, choice: &str| json!({ "post": id("Post", post), "choice": choice });
    let input = json!({ "id": release, "laterEdits": [answer(999_999, "OVERWRITE")] });
    let problems = desk.refused("rollBackRelease", input).await;
    assert_eq!(problems, [("NOT_FOUND".into(), "laterEdits.0.post".into())]);

    let input = json!({
        "id": release,
        "laterEdits": [
            answer(posts[1].post_id, "OVERWRITE"),
            answer(posts[2].post_id, "OVERWRITE"),
        ],
        "otherLaterEdits": "KEEP_LATER",
    });
    let payload = desk.done("rollBackRelease", input).await;
    assert_eq!(payload["obstacles"], json!([]));
    assert_eq!(
        titles(&payload["release"]["items"], "restored"),
        [
            ("plain".to_owned(), json!(true)),
            ("published".to_owned(), json!(true)),
            ("unpublished".to_owned(), json!(true)),
            ("trashed".to_owned(), json!(false)),
            ("deleted".to_owned(), json!(false)),
            ("raised".to_owned(), json!(false)),
        ]
    );
    let first = |index: usize| Some(posts[index].revision_id);
    assert_eq!(
        desk.live().await,
        [first(0), first(1), first(2), None, Some(raised)]
    );
    desk.assert_consistent().await;
}

/// Somebody has put a post back by hand: there is nothing to ask.
#[rstest]
#[tokio::test]
async fn a_post_that_shows_what_it_showed_before_is_in_nobodys_way(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let live = desk.posts(&["live"], Published).await[0];
    let draft = desk.posts(&["draft", "binned"], Drafted).await;
    let newer = desk.revise(live.post_id, content("live", "newer")).await;
    let revisions = [newer, draft[0].revision_id, draft[1].revision_id];
    let release = desk.release_of(&revisions, &[]).await;
    desk.done("shipRelease", json!({ "id": release })).await;
    desk.publish(live.post_id, live.revision_id).await;
    desk.unpublish(draft[0].post_id).await;
    desk.unpublish(draft[1].post_id).await;
    desk.sql(&format!(
        "UPDATE post SET trashed_at = created_at WHERE id = {}",
        draft[1].post_id
    ))
    .await;
    let publications = desk.number("SELECT COUNT(*) FROM publication").await;
    desk.done("rollBackRelease", json!({ "id": release })).await;
    assert_eq!(desk.live().await, [Some(live.revision_id), None, None]);
    assert_eq!(
        desk.number("SELECT COUNT(*) FROM publication").await,
        publications
    );
}
