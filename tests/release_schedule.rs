//! Releases that ship by themselves at a set time.

use alphanode::domain::post::RevisionStatus::Drafted;
use chrono::TimeDelta;
use rstest::rstest;
use serde_json::json;

use crate::support::Backend;
use crate::support::release::Desk;

/// Runs the jobs that are due, and answers how many releases they shipped.
async fn work(desk: &Desk) -> i64 {
    let sql = "SELECT COUNT(*) FROM audit_event WHERE subject = 'release' AND action = 'ship'";
    let before = desk.number(sql).await;
    let handlers = alphanode::jobs::handlers(&desk.server.test.store);
    let mut worker = desk.server.test.worker("one", handlers);
    worker.run_until_idle().await.unwrap();
    desk.number(sql).await - before
}

fn advance(desk: &Desk, minutes: i64) {
    desk.server
        .test
        .store
        .clock
        .advance(TimeDelta::minutes(minutes));
}

#[rstest]
#[tokio::test]
async fn a_scheduled_release_ships_at_its_time_and_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let post = desk.posts(&["one"], Drafted).await[0];
    let release = desk.release_of(&[post.revision_id], &[]).await;
    let input = json!({ "id": release, "at": "2026-06-01T12:00:00Z" });
    let problems = desk.refused("scheduleRelease", input).await;
    assert_eq!(problems, [("INVALID".into(), "at".into())]);
    // Finer than the databases keep.
    let input = json!({ "id": release, "at": "2026-06-01T13:00:00.123456789Z" });
    let payload = desk.done("scheduleRelease", input).await;
    assert_eq!(payload["release"]["status"], "SCHEDULED");
    assert_eq!(
        payload["release"]["shipAt"],
        "2026-06-01T13:00:00.123456+00:00"
    );

    // What it holds is settled, and what it needs can't be taken away.
    for (mutation, input, path) in [
        ("addToRelease", json!({ "release": release }), "release"),
        (
            "removeFromRelease",
            json!({ "release": release, "posts": [] }),
            "release",
        ),
        ("deleteRelease", json!({ "id": release }), "id"),
        (
            "updateRelease",
            json!({ "id": release, "reason": null }),
            "reason",
        ),
    ] {
        let problems = desk.refused(mutation, input).await;
        assert_eq!(problems, [("CONFLICT".into(), path.into())], "{mutation}");
    }
    desk.done("updateRelease", json!({ "id": release, "name": "Later" }))
        .await;

    advance(&desk, 59);
    assert_eq!(work(&desk).await, 0);
    assert_eq!(desk.live().await, [None]);
    advance(&desk, 2);
    assert_eq!(work(&desk).await, 1);
    assert_eq!(desk.live().await, [Some(post.revision_id)]);

    // A worker that lost its lease on the way does nothing twice.
    desk.sql("UPDATE job SET status = 'waiting', finished_at = NULL WHERE kind = 'ship_release'")
        .await;
    assert_eq!(work(&desk).await, 0);
    assert_eq!(desk.number("SELECT COUNT(*) FROM publication").await, 1);
}

#[rstest]
#[tokio::test]
async fn a_cancelled_schedule_ships_nothing_and_a_moved_one_at_its_new_time(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let post = desk.posts(&["one"], Drafted).await[0];
    let release = desk.release_of(&[post.revision_id], &[]).await;
    let problems = desk
        .refused("cancelReleaseSchedule", json!({ "id": release }))
        .await;
    assert_eq!(problems, [("CONFLICT".into(), "id".into())]);
    let at = |time: &str| json!({ "id": release, "at": format!("2026-06-01T{time}:00Z") });
    desk.done("scheduleRelease", at("12:10")).await;
    let payload = desk
        .done("cancelReleaseSchedule", json!({ "id": release }))
        .await;
    assert_eq!(payload["release"]["status"], "OPEN");
    advance(&desk, 11);
    assert_eq!(work(&desk).await, 0);

    desk.done("scheduleRelease", at("12:20")).await;
    desk.done("scheduleRelease", at("12:30")).await;
    desk.done("scheduleRelease", at("12:40")).await;
    desk.done("scheduleRelease", at("12:30")).await;
    advance(&desk, 10);
    assert_eq!(work(&desk).await, 0, "12:21");
    advance(&desk, 10);
    assert_eq!(work(&desk).await, 1, "12:31");
    advance(&desk, 10);
    assert_eq!(work(&desk).await, 0, "12:41");
    assert_eq!(desk.live().await, [Some(post.revision_id)]);

    // One that is scheduled can ship at once, and then not again.
    let other = desk.posts(&["two"], Drafted).await[0];
    let release = desk.release_of(&[other.revision_id], &[]).await;
    let input = json!({ "id": release, "at": "2026-06-01T13:00:00Z" });
    desk.done("scheduleRelease", input).await;
    desk.done("shipRelease", json!({ "id": release })).await;
    advance(&desk, 60);
    assert_eq!(work(&desk).await, 0);
}

#[rstest]
#[tokio::test]
async fn a_schedule_that_can_not_be_kept_ships_nothing_and_says_why(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(desk) = Desk::create(backend).await else {
        return;
    };
    let posts = desk.posts(&["one", "two"], Drafted).await;
    let revisions: Vec<i64> = posts.iter().map(|post| post.revision_id).collect();
    let release = desk.release_of(&revisions, &[]).await;
    let at = |time: &str| json!({ "id": release, "at": format!("2026-06-01T{time}:00Z") });
    desk.done("scheduleRelease", at("12:10")).await;
    let trash = format!(
        "UPDATE post SET trashed_at = created_at WHERE id = {}",
        posts[1].post_id
    );
    desk.sql(&trash).await;
    // What could not ship now is not scheduled.
    let problems = desk.refused("scheduleRelease", at("12:15")).await;
    assert_eq!(problems, [("CONFLICT".into(), "items.1".into())]);

    advance(&desk, 11);
    assert_eq!(work(&desk).await, 0);
    assert_eq!(desk.live().await, [None, None]);
    let query =
        "query($id: ID!) { release(id: $id) { status shipAt shipFailure { at problems } } }";
    let data = desk.data(query, json!({ "id": release })).await;
    assert_eq!(
        data["release"],
        json!({
            "status": "OPEN",
            "shipAt": null,
            "shipFailure": {
                "at": "2026-06-01T12:11:00+00:00",
                "problems": ["“two”: the post is in the trash; restore it first"],
            },
        })
    );
    let sql = "SELECT COUNT(*) FROM audit_event WHERE action = 'fail_to_ship'";
    assert_eq!(desk.number(sql).await, 1);
    let done = "SELECT COUNT(*) FROM job WHERE kind = 'ship_release' AND status = 'done'";
    assert_eq!(
        desk.number(done).await,
        1,
        "a conflict is an answer, not a failed attempt"
    );

    desk.sql("UPDATE post SET trashed_at = NULL").await;
    let payload = desk.done("scheduleRelease", at("12:30")).await;
    assert_eq!(payload["release"]["shipFailure"], json!(null));
    advance(&desk, 20);
    assert_eq!(work(&desk).await, 1);
    assert_eq!(desk.public_titles().await, ["one", "two"]);
}
