//! Assessments of people and of the rubric.

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Role;
use alphanode::domain::post::{
    ChecklistItem, Content, Difficulty, EntityName, NewPost, NewRevision, NewScore, Outline,
    RevisionStatus,
};
use alphanode::domain::score::{BodyFacts, Figure, Reason, Subject, judge};
use chrono::{TimeDelta, TimeZone, Utc};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Editor, TestServer, note};

const BODY: &str = "## Start

Read the [manual](https://example.org/manual), e.g. its start. Then stop! See [below](#end) or
the [manual](https://example.org/manual) again.

```rust
fn main() {

}
```

### Detail

    indented code

- one thing
- another, with `code`

| a | b |
|---|---|
| c | d e |

## End
";

#[test]
fn the_facts_of_a_body_are_counted() {
    let facts = BodyFacts::of(BODY);
    assert_eq!(
        facts,
        BodyFacts {
            words: 27,
            paragraphs: 3,
            paragraph_words: 19,
            sentences: 5,
            headings: 3,
            subheadings: 1,
            code_blocks: 2,
            code_blocks_with_language: 1,
            code_lines: 3,
            links: 1,
            lists: 2,
        }
    );
    assert_eq!(BodyFacts::of(""), BodyFacts::default());
}

/// A post that has enough of everything.
fn perfect() -> Subject {
    Subject {
        body: BodyFacts {
            words: 1_500,
            paragraphs: 20,
            paragraph_words: 1_400,
            sentences: 100,
            headings: 8,
            subheadings: 3,
            code_blocks: 4,
            code_blocks_with_language: 4,
            code_lines: 60,
            links: 5,
            lists: 1,
        },
        summary_length: 120,
        outline_answers: 4,
        checklist_items: 8,
        has_difficulty: true,
        stack: 1,
        tools: 3,
        entities: 2,
        age_in_days: 0,
    }
}

fn figures(subject: &Subject) -> [i16; 4] {
    let verdict = judge(subject);
    [
        Figure::Quality,
        Figure::Freshness,
        Figure::Depth,
        Figure::Clarity,
    ]
    .map(|figure| verdict.figure(figure))
}

#[rstest]
#[case::everything(|_: &mut Subject| {}, [100, 100, 100, 100])]
#[case::a_year_later(|s: &mut Subject| s.age_in_days = 365, [100, 50, 100, 100])]
#[case::two_years_later(|s: &mut Subject| s.age_in_days = 730, [100, 25, 100, 100])]
#[case::from_the_future(|s: &mut Subject| s.age_in_days = -9, [100, 100, 100, 100])]
#[case::two_headings(|s: &mut Subject| { s.body.headings = 2; s.body.subheadings = 0 }, [90, 100, 90, 87])]
#[case::half_the_code_unnamed(|s: &mut Subject| s.body.code_blocks_with_language = 2, [93, 100, 100, 100])]
#[case::no_code(|s: &mut Subject| {
    s.body.code_blocks = 0;
    s.body.code_blocks_with_language = 0;
    s.body.code_lines = 0;
}, [85, 100, 75, 100])]
#[case::no_links(|s: &mut Subject| s.body.links = 0, [88, 100, 90, 100])]
#[case::half_an_outline(|s: &mut Subject| s.outline_answers = 2, [90, 100, 100, 95])]
#[case::no_checklist(|s: &mut Subject| s.checklist_items = 0, [85, 100, 90, 100])]
#[case::no_summary(|s: &mut Subject| s.summary_length = 0, [92, 100, 100, 95])]
#[case::a_long_summary(|s: &mut Subject| s.summary_length = 301, [92, 100, 100, 100])]
#[case::no_stack(|s: &mut Subject| s.stack = 0, [97, 100, 100, 100])]
#[case::half_as_long(|s: &mut Subject| s.body.words = 750, [100, 100, 80, 100])]
#[case::long_sentences(|s: &mut Subject| s.body.paragraph_words = 2_700, [100, 100, 100, 71])]
#[case::endless_paragraphs(|s: &mut Subject| s.body.paragraphs = 7, [100, 100, 100, 80])]
fn the_rubric_gives_what_its_table_says(
    #[case] change: fn(&mut Subject),
    #[case] expected: [i16; 4],
) {
    let mut subject = perfect();
    change(&mut subject);
    assert_eq!(figures(&subject), expected);
}

#[test]
fn an_empty_post_is_fresh_and_nothing_else() {
    assert_eq!(figures(&Subject::default()), [0, 100, 0, 0]);
}

proptest! {
    #[test]
    fn figures_are_from_0_to_100_and_each_point_has_its_reason(
        markdown in "(#{1,4} [a-z. ]{0,20}\n|\\* [a-z.! ]{0,30}\n|```[a-z]{0,2}\n|[a-z]{1,9}[ .\n]|\\[a\\]\\(b\\)){0,60}",
        counts in proptest::collection::vec(0_usize..2_000, 5),
        age_in_days in -10_i64..10_000,
    ) {
        let subject = Subject {
            body: BodyFacts::of(&markdown),
            summary_length: counts[0],
            outline_answers: counts[1] % 5,
            checklist_items: counts[2],
            has_difficulty: counts[3] % 2 == 0,
            stack: counts[3],
            tools: counts[4],
            entities: counts[0],
            age_in_days,
        };
        for figure in figures(&subject) {
            prop_assert!((0..=100).contains(&figure));
        }
        let verdict = judge(&subject);
        for reason in &verdict.reasons {
            prop_assert!((0..=reason.most).contains(&reason.points), "{reason:?}");
        }
        let most = |figure| verdict.reasons.iter().filter(move |r: &&Reason| r.figure == figure);
        for figure in [Figure::Quality, Figure::Freshness, Figure::Depth, Figure::Clarity] {
            prop_assert_eq!(most(figure).map(|reason| reason.most).sum::<i16>(), 100);
        }
    }
}

fn content(slug: &str) -> Content {
    Content {
        slug: Some(slug.to_owned()),
        title: slug.to_owned(),
        summary: "A summary that is as long as a summary should be.".into(),
        body: BODY.into(),
        difficulty: Some(Difficulty::Beginner),
        tools: vec!["git".into()],
        stack: vec!["rust".into()],
        entities: vec![EntityName {
            name: "cache".into(),
            kind: "area".into(),
        }],
        outline: Outline {
            problem: Some("Slow.".into()),
            ..Outline::default()
        },
        checklist: vec![ChecklistItem {
            id: "one".into(),
            text: "One".into(),
        }],
        ..Content::default()
    }
}

const SCORE: &str = "quality freshness depth clarity";

async fn post(editor: &Editor, slug: &str) -> Value {
    let query = format!(
        "query($slug: String!) {{ post(by: {{slug: $slug}}) {{ id score {{ {SCORE} }}
            scoreHistory {{ assessor automatic comment assessedAt score {{ {SCORE} }} }} }} }}"
    );
    editor.data(&query, json!({ "slug": slug })).await["post"].clone()
}

#[rstest]
#[tokio::test]
async fn people_and_the_rubric_score_a_post(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let posts = ["good", "bad"].map(|slug| note(content(slug), RevisionStatus::Published));
    server.create_posts(posts.into()).await;
    let store = &server.test.store;
    let bob = Editor::create(store, "Bob", Role::Editor).await;
    let (good, bad) = (
        post(&bob, "good").await["id"].clone(),
        post(&bob, "bad").await["id"].clone(),
    );

    let input = |id: &Value, quality: i16| {
        json!({ "id": id, "quality": quality, "freshness": 70, "depth": 60, "clarity": 50,
            "comment": "As far as I can see." })
    };
    bob.done("scorePost", "post { id }", input(&good, 40)).await;
    bob.done("scorePost", "post { id }", input(&bad, 30)).await;
    let by_quality = "{ posts(orderBy: {field: QUALITY, direction: DESC}) { nodes { slug } } }";
    let data = server.data(by_quality, json!({})).await;
    assert_eq!(
        data["posts"]["nodes"],
        json!([{ "slug": "good" }, { "slug": "bad" }])
    );

    store.clock.advance(TimeDelta::hours(1));
    let fields = format!("post {{ score {{ {SCORE} }} }}");
    let payload = bob.done("scorePost", &fields, input(&bad, 90)).await;
    assert_eq!(payload["post"]["score"]["quality"], 90);
    let data = server.data(by_quality, json!({})).await;
    assert_eq!(
        data["posts"]["nodes"],
        json!([{ "slug": "bad" }, { "slug": "good" }])
    );

    let seen = post(&bob, "bad").await;
    let history = seen["scoreHistory"].as_array().unwrap();
    assert_eq!(history.len(), 2);
    assert_eq!(history[0]["score"], seen["score"]);
    assert_eq!(history[0]["assessor"], "Bob");
    assert_eq!(history[0]["automatic"], false);
    assert_eq!(history[0]["comment"], "As far as I can see.");
    let public = Editor::of(store, Actor::Anonymous);
    assert_eq!(
        post(&public, "bad").await["scoreHistory"][0]["comment"],
        json!(null)
    );

    // The rubric keeps the freshness of a person for 30 days, and says so.
    let fields = format!("post {{ score {{ {SCORE} }} }} reasons {{ figure points most why }}");
    store.clock.advance(TimeDelta::days(29));
    let payload = bob.done("assessPost", &fields, json!({ "id": bad })).await;
    let score = payload["post"]["score"].clone();
    assert_eq!(score["freshness"], 70);
    let reasons = payload["reasons"].as_array().unwrap();
    let freshness = reasons
        .iter()
        .find(|reason| reason["figure"] == "FRESHNESS")
        .unwrap();
    assert_eq!(
        freshness["why"],
        "as Bob assessed it on 2026-06-01; the rubric leaves that alone for 30 days"
    );
    for (figure, name) in [
        ("QUALITY", "quality"),
        ("DEPTH", "depth"),
        ("CLARITY", "clarity"),
    ] {
        let points = reasons.iter().filter(|reason| reason["figure"] == figure);
        let points: i64 = points
            .map(|reason| reason["points"].as_i64().unwrap())
            .sum();
        assert_eq!(score[name], points);
    }
    // 15 for headings, 8 code, 4 links, 5 outline, 3 checklist, 8 summary, 10 the rest.
    assert_eq!(score["quality"], 53);

    // Its own repetition of that freshness does not count as a person's.
    store.clock.advance(TimeDelta::days(2));
    let payload = bob.done("assessPost", &fields, json!({ "id": bad })).await;
    assert_eq!(payload["post"]["score"]["freshness"], 94);
    let seen = post(&bob, "bad").await;
    let history = seen["scoreHistory"].as_array().unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(
        (&history[0]["assessor"], &history[0]["automatic"]),
        (&json!("rubric"), &json!(true))
    );
    assert_eq!(
        post(&bob, "good").await["score"]["quality"],
        40,
        "the other post is left alone"
    );

    // Again with the same key: the same answer, and no further assessment.
    let input = json!({ "id": good, "idempotencyKey": "again" });
    let once = bob.done("assessPost", &fields, input.clone()).await;
    assert_eq!(bob.done("assessPost", &fields, input).await, once);
    assert_eq!(
        post(&bob, "good").await["scoreHistory"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[rstest]
#[tokio::test]
async fn the_rubric_looks_at_what_is_live(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let revision = |content: Content, status| NewRevision {
        content,
        status,
        ..NewRevision::default()
    };
    let empty = |slug: &str| Content {
        slug: Some(slug.to_owned()),
        title: slug.to_owned(),
        ..Content::default()
    };
    let with_head = |live: Content, head: Content| NewPost {
        revisions: vec![
            revision(live, RevisionStatus::Published),
            revision(head, RevisionStatus::Drafted),
        ],
        ..NewPost::default()
    };
    server
        .create_posts(vec![
            with_head(content("live"), empty("live")),
            note(content("draft"), RevisionStatus::Drafted),
        ])
        .await;
    let bob = Editor::create(&server.test.store, "Bob", Role::Editor).await;
    for slug in ["live", "draft"] {
        let id = post(&bob, slug).await["id"].clone();
        let payload = bob
            .done(
                "assessPost",
                "post { score { quality } }",
                json!({ "id": id }),
            )
            .await;
        assert_eq!(payload["post"]["score"]["quality"], 53, "{slug}");
    }
}

#[rstest]
#[tokio::test]
async fn a_score_is_checked_and_takes_an_editor(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    server
        .create_posts(vec![note(content("good"), RevisionStatus::Published)])
        .await;
    let store = &server.test.store;
    let bob = Editor::create(store, "Bob", Role::Editor).await;
    let id = post(&bob, "good").await["id"].clone();
    let input = json!({ "id": id, "quality": 101, "freshness": -1, "depth": 0, "clarity": 100,
        "comment": "x".repeat(2_001) });
    let payload = bob.change("scorePost", "post { id }", input).await;
    let errors = payload["userErrors"].as_array().unwrap();
    let paths: Vec<&Value> = errors.iter().map(|error| &error["path"][0]).collect();
    assert_eq!(paths, ["quality", "freshness", "comment"]);
    let figures = json!({ "quality": 1, "freshness": 1, "depth": 1, "clarity": 1 });
    let mut missing = figures.clone();
    missing["id"] = json!("UG9zdDo5OTk5");
    let (code, path, _) = bob.refused("scorePost", missing).await;
    assert_eq!((code.as_str(), path.as_str()), ("NOT_FOUND", "id"));

    let ann = Editor::create(store, "Ann", Role::Author).await;
    let mut input = figures;
    input["id"] = id.clone();
    for (mutation, type_name, input) in [
        ("scorePost", "ScorePostInput", input),
        ("assessPost", "AssessPostInput", json!({ "id": id })),
    ] {
        let document = format!(
            "mutation($input: {type_name}!) {{ {mutation}(input: $input) {{ post {{ id }} }} }}"
        );
        let (answer, _) = ann.ask(&document, json!({ "input": input })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    }
    assert_eq!(post(&bob, "good").await["score"], json!(null));
}

#[rstest]
#[tokio::test]
async fn files_know_the_rubric_by_its_name(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let score = |assessor: &str, hour: u32| NewScore {
        assessor: Some(assessor.to_owned()),
        assessed_at: Utc.with_ymd_and_hms(2026, 5, 1, hour, 0, 0).single(),
        ..NewScore::default()
    };
    let mut imported = note(content("good"), RevisionStatus::Published);
    imported.scores = vec![score("Ann", 1), score("rubric", 2)];
    server.create_posts(vec![imported]).await;
    let public = Editor::of(&server.test.store, Actor::Anonymous);
    let history = post(&public, "good").await["scoreHistory"].clone();
    let automatic = |place: usize| (&history[place]["assessor"], &history[place]["automatic"]);
    assert_eq!(automatic(0), (&json!("rubric"), &json!(true)));
    assert_eq!(automatic(1), (&json!("Ann"), &json!(false)));
}
