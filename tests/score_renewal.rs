//! Scores that keep up with their posts, and freshness that decays, without anybody asking.

use alphanode::domain::permission::Role;
use alphanode::domain::post::{Content, NewPost, NewScore, RevisionStatus};
use alphanode::domain::score::{Renewed, freshness_after, renew_from};
use chrono::{TimeDelta, TimeZone, Utc};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::editing::{done, publish, revise, write};
use crate::support::{Backend, TestServer, note};

async fn work(server: &TestServer) {
    let handlers = alphanode::jobs::handlers(&server.test.store);
    let mut worker = server.test.worker("one", handlers);
    worker.run_until_idle().await.unwrap();
}

/// Looks at every post; answers how many were assessed and how many have decayed.
async fn renew(server: &TestServer) -> (u64, u64) {
    let mut all = Renewed::default();
    let mut next = Some(0);
    while let Some(after) = next {
        let (some, last) = renew_from(&server.test.store, after).await.unwrap();
        all.assessed += some.assessed;
        all.decayed += some.decayed;
        next = last;
    }
    (all.assessed, all.decayed)
}

fn advance(server: &TestServer, days: i64) {
    server.test.store.clock.advance(TimeDelta::days(days));
}

/// The current score of a post, and the assessors of its history, the newest first.
async fn score(server: &TestServer, slug: &str) -> (Value, Vec<String>) {
    let document = "query($slug: String!) { post(by: {slug: $slug}) {
        score { quality freshness depth clarity }
        scoreHistory(first: 20) { assessor } } }";
    let data = server.data(document, json!({ "slug": slug })).await;
    let history = data["post"]["scoreHistory"].as_array().unwrap();
    let names = history
        .iter()
        .map(|one| one["assessor"].as_str().unwrap().to_owned());
    (data["post"]["score"].clone(), names.collect())
}

fn content(slug: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: slug.to_owned(),
        body: "## One\n\nSome text.".into(),
        ..Content::default()
    }
}

#[rstest]
#[tokio::test]
async fn what_goes_live_is_assessed_once(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let editor = server.sign_in_as(Role::Editor).await;
    let post = write(&server, &editor, json!({ "title": "One", "slug": "one" })).await;
    work(&server).await;
    publish(&server, &editor, &post).await;
    assert_eq!(score(&server, "one").await.0, json!(null));
    work(&server).await;
    let (first, history) = score(&server, "one").await;
    assert_eq!(first["freshness"], 100);
    assert_eq!(history, ["rubric"]);
    assert_eq!(renew(&server).await, (0, 0), "nothing is due");

    // What an editor thinks of it stays until it says something else.
    let figures =
        json!({ "id": post.id, "quality": 90, "freshness": 40, "depth": 80, "clarity": 70 });
    done(&server, &editor, "scorePost", figures).await;
    work(&server).await;
    assert_eq!(renew(&server).await, (0, 0));
    assert_eq!(score(&server, "one").await.0["quality"], 90);

    advance(&server, 1);
    let editor = server.renew(&editor).await;
    let body = "## A heading\n\nText.\n\n## Another heading\n\nText.";
    let post = revise(&server, &editor, &post, json!({ "body": body })).await;
    work(&server).await;
    assert_eq!(
        score(&server, "one").await.0["quality"],
        90,
        "a draft changes nothing"
    );
    publish(&server, &editor, &post).await;
    work(&server).await;
    let (second, history) = score(&server, "one").await;
    assert!(second["quality"].as_i64() > first["quality"].as_i64());
    assert_eq!(second["freshness"], 40, "a person knows better for 30 days");
    assert_eq!(history.len(), 3);
    assert_eq!(renew(&server).await, (0, 0));
}

#[rstest]
#[tokio::test]
async fn freshness_decays_when_the_difference_is_worth_telling(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let scored = |slug: &str, freshness: i16| {
        let mut post: NewPost = note(content(slug), RevisionStatus::Published);
        post.scores.push(NewScore {
            quality: 77,
            freshness,
            depth: 66,
            clarity: 55,
            assessor: Some("Ada".into()),
            assessed_at: None,
        });
        post
    };
    let unscored = note(content("unscored"), RevisionStatus::Published);
    let draft = note(content("draft"), RevisionStatus::Drafted);
    let posts = vec![scored("fresh", 100), scored("stale", 20), unscored, draft];
    server.create_posts(posts).await;
    assert_eq!(
        renew(&server).await,
        (1, 0),
        "the one that nobody has assessed"
    );
    assert_eq!(renew(&server).await, (0, 0));

    // The rubric would give 95 soon; what a person said stays, for a month.
    advance(&server, 29);
    assert_eq!(freshness_after(29), 95);
    assert_eq!(renew(&server).await, (0, 1), "the rubric's own");
    assert_eq!(score(&server, "fresh").await.0["freshness"], 100);
    advance(&server, 2);
    assert_eq!(renew(&server).await, (0, 1));
    let (figures, history) = score(&server, "fresh").await;
    assert_eq!(
        figures,
        json!({ "quality": 77, "freshness": freshness_after(31), "depth": 66, "clarity": 55 })
    );
    assert_eq!(history, ["rubric", "Ada"]);
    assert_eq!(
        score(&server, "stale").await.0["freshness"],
        20,
        "time makes nothing fresher"
    );
    assert_eq!(renew(&server).await, (0, 0), "once a day is enough");
    advance(&server, 1);
    assert_eq!(renew(&server).await, (0, 0), "a day is not worth telling");
    advance(&server, 365);
    assert_eq!(renew(&server).await, (0, 2));
    let fresh = score(&server, "fresh").await.0["freshness"]
        .as_i64()
        .unwrap();
    assert_eq!(fresh, i64::from(freshness_after(397)));
}

#[rstest]
#[tokio::test]
async fn an_assessment_of_a_time_to_come_is_left_alone(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let mut post = note(content("one"), RevisionStatus::Published);
    post.scores.push(NewScore {
        freshness: 100,
        assessed_at: Some(Utc.with_ymd_and_hms(2030, 1, 1, 0, 0, 0).unwrap()),
        ..NewScore::default()
    });
    server.create_posts(vec![post]).await;
    advance(&server, 400);
    assert_eq!(renew(&server).await, (0, 0));
}

/// However many posts there are, each is looked at, and in batches.
#[rstest]
#[tokio::test]
async fn many_posts_are_done_in_batches(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let posts = (0..620).map(|number| {
        note(
            content(&format!("post-{number}")),
            RevisionStatus::Published,
        )
    });
    server.create_posts(posts.collect()).await;
    assert_eq!(renew(&server).await, (620, 0));
    advance(&server, 100);
    assert_eq!(renew(&server).await, (0, 620));
    assert_eq!(renew(&server).await, (0, 0));
}
