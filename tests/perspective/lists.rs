//! Pages of lists through a perspective, and the site at any time.

use alphanode::domain::actor::Actor;
use alphanode::domain::page::PageRequest;
use alphanode::domain::permission::Action;
use alphanode::domain::perspective::{Perspective, Reader};
use alphanode::domain::post::{
    self, NewRevision, PostField, PostFilter, PostList, PostOrder, PreparedRevision,
    RevisionStatus, Standing,
};
use alphanode::domain::transaction::Transaction;
use chrono::{DateTime, TimeDelta, Utc};
use entity::publication;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rstest::rstest;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};

use crate::support::perspective::{id, see};
use crate::support::{Backend, TestServer, TestStore, note};

const PAGE: &str = "query($orderBy: PostOrder, $first: Int, $after: String, $last: Int, $before: String) {
    posts(orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { slug } } }";

async fn page(test: &TestStore, perspective: &str, variables: Value) -> (Vec<String>, Value) {
    // Over HTTP the router writes out the nulls.
    let mut all = json!({ "first": null, "after": null, "last": null, "before": null });
    let named = variables.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(named);
    let data = see(test, perspective, PAGE, all).await;
    let nodes = data["posts"]["nodes"].as_array().unwrap().iter();
    let slugs = nodes.map(|node| node["slug"].as_str().unwrap().to_owned());
    (slugs.collect(), data["posts"].clone())
}

#[rstest]
#[tokio::test]
async fn a_list_is_paged_both_ways(#[values(Backend::Sqlite, Backend::Postgres)] backend: Backend) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server.create_synthetic(40).await;
    let content = |title: &str| post::Content {
        title: title.into(),
        ..post::Content::default()
    };
    let drafts =
        (0..10).map(|number| note(content(&format!("Draft {number}")), RevisionStatus::Drafted));
    let saved = server.create_posts(drafts.collect()).await;
    let draft_of = format!("draft:{}", id("Post", saved[0].post_id));
    for perspective in ["draft", &draft_of, "at:2026-07-01T00:00:00Z"] {
        for field in [
            "PUBLISHED_AT",
            "UPDATED_AT",
            "TITLE",
            "VIEW_COUNT",
            "QUALITY",
        ] {
            for direction in ["ASC", "DESC"] {
                let order = json!({ "field": field, "direction": direction });
                page_through(&server.test, perspective, &order).await;
            }
        }
    }
}

async fn page_through(test: &TestStore, perspective: &str, order: &Value) {
    let why = format!("{perspective} {order}");
    let (whole, list) = page(test, perspective, json!({ "orderBy": order, "first": 100 })).await;
    assert!(whole.len() > 25, "{why}");
    assert_eq!(list["totalCount"], whole.len(), "{why}");
    let (mut forward, mut place) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "orderBy": order, "first": 7, "after": place });
        let (slugs, list) = page(test, perspective, variables).await;
        forward.extend(slugs);
        place = list["pageInfo"]["endCursor"].clone();
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
    }
    assert_eq!(forward, whole, "{why} forwards");
    let (mut backward, mut place) = (Vec::new(), Value::Null);
    loop {
        let variables = json!({ "orderBy": order, "last": 7, "before": place });
        let (slugs, list) = page(test, perspective, variables).await;
        backward.splice(0..0, slugs);
        place = list["pageInfo"]["startCursor"].clone();
        if list["pageInfo"]["hasPreviousPage"] == false {
            break;
        }
    }
    assert_eq!(backward, whole, "{why} backwards");
}

const POSTS: usize = 4;
const ROUNDS: usize = 25;

/// A publication in the model: its post and content, from when and until when.
type Publication = (i64, i64, DateTime<Utc>, Option<DateTime<Utc>>);

fn minute(number: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(number)
}

/// Publications of a post that follow each other, with and without gaps; some are empty, and a
/// clock that was set back makes some overlap. The last may be open.
fn random_publications(
    random: &mut ChaCha8Rng,
    post_id: i64,
    contents: &[i64],
) -> Vec<Publication> {
    let mut publications = Vec::new();
    let mut from = random.random_range(0..4);
    for number in 0..random.random_range(0..5) {
        let until = from + random.random_range(0..4);
        let content = contents[random.random_range(0..contents.len())];
        let last = number == 3 && random.random_range(0..2) == 0;
        let until = (!last).then_some(until);
        publications.push((post_id, content, minute(from), until.map(minute)));
        from = until.unwrap_or(from) + random.random_range(-1..3);
    }
    publications
}

#[rstest]
#[tokio::test]
async fn the_site_at_any_time_is_what_was_published_then(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let content = |title: String| post::Content {
        title,
        ..post::Content::default()
    };
    let posts =
        (0..POSTS).map(|number| note(content(format!("Post {number}")), RevisionStatus::Drafted));
    let mut contents = Vec::new();
    for saved in server.create_posts(posts.collect()).await {
        let store = &server.test.store;
        let mut change = Transaction::begin(store, Actor::CommandLine, Action::Import)
            .await
            .unwrap();
        let revision = NewRevision {
            content: content(format!("Again {}", saved.post_id)),
            ..NewRevision::default()
        };
        let prepared = PreparedRevision::new(revision).unwrap();
        let next = post::revise(&mut change, saved.post_id, prepared, Standing::Head)
            .await
            .unwrap();
        change.commit().await.unwrap();
        contents.push((saved.post_id, [saved.revision_id, next.revision_id]));
    }
    let database = &server.test.store.database;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    for round in 0..ROUNDS {
        let model: Vec<Publication> = contents
            .iter()
            .flat_map(|(post_id, contents)| random_publications(&mut random, *post_id, contents))
            .collect();
        publication::Entity::delete_many()
            .exec(database.writer())
            .await
            .unwrap();
        for (post_id, content_id, from, until) in model.clone() {
            let row = publication::ActiveModel {
                post_id: Set(post_id),
                content_id: Set(content_id),
                published_from: Set(from),
                published_until: Set(until),
                ..Default::default()
            };
            publication::Entity::insert(row)
                .exec(database.writer())
                .await
                .unwrap();
        }
        for time in (-1..20).map(minute) {
            let mut expected: Vec<(i64, i64)> = Vec::new();
            for (post_id, _) in &contents {
                let mut covering = model.iter().filter(|(of, _, from, until)| {
                    of == post_id && *from <= time && until.is_none_or(|until| until > time)
                });
                expected.extend(covering.next_back().map(|row| (row.0, row.1)));
            }
            let reader = Reader::new(database.clone(), Perspective::At(time));
            let list = PostList {
                filter: PostFilter::All(Vec::new()),
                order: PostOrder::default(),
            };
            let selection = [PostField::Title].into_iter().collect();
            let page = post::list(&reader, &list, &PageRequest::first(10), selection)
                .await
                .unwrap();
            let mut found: Vec<(i64, i64)> = page
                .rows
                .iter()
                .map(|(_, post)| (post.id, post.content_id))
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected, "round {round} at {time}: {model:?}");
            let count = post::count_many(&reader, &[list]).await.unwrap();
            assert_eq!(count, [i64::try_from(expected.len()).unwrap()]);
        }
    }
}
