//! What differs between two revisions.

use std::time::{Duration, Instant};

use alphanode::domain::actor::Actor;
use alphanode::domain::permission::Role;
use alphanode::domain::post::{
    BodyDiff, ChecklistItem, Content, EntityName, LineKind, NewPost, NewRevision, RevisionStatus,
    compare, diff_body,
};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::{Backend, Editor, TestServer, note};

fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// Lines with their breaks: `\n`, `\r\n` or `\r`.
fn lines(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut lines = Vec::new();
    let mut start = 0;
    for at in 0..bytes.len() {
        let ends = bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if ends {
            lines.push(&text[start..=at]);
            start = at + 1;
        }
    }
    if start < text.len() {
        lines.push(&text[start..]);
    }
    lines
}

/// Does what a reader of the diff would do.
fn apply(from: &str, diff: &BodyDiff) -> String {
    let old = lines(from);
    let mut text = String::new();
    let mut next = 0;
    for hunk in &diff.hunks {
        let start = hunk.from_start - 1;
        text.push_str(&old[next..start].concat());
        let mut replaced = String::new();
        for line in &hunk.lines {
            let line_text: String = line.segments.iter().map(|s| s.text.as_str()).collect();
            if line.kind != LineKind::Added {
                assert_eq!(old[line.from_number.unwrap() - 1], line_text);
                replaced.push_str(&line_text);
            }
            if line.kind != LineKind::Removed {
                text.push_str(&line_text);
            }
        }
        next = start + hunk.from_lines;
        assert_eq!(old[start..next].concat(), replaced);
    }
    text.push_str(&old[next..].concat());
    text
}

fn body() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        4 => "(a|b|one two|two one|## c|)",
        1 => "[ -~éß🦀]{0,30}",
    ];
    let ended = (
        line,
        prop_oneof![8 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r"), 1 => Just("")],
    );
    proptest::collection::vec(ended.prop_map(|(line, end)| line + end), 0..40)
        .prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn applying_the_hunks_to_the_old_body_gives_the_new_one(from in body(), to in body()) {
        let diff = diff_body(&from, &to, later());
        prop_assert!(diff.complete);
        prop_assert_eq!(apply(&from, &diff), to.clone());
        // Without time to look for the smallest one it is as true.
        let hasty = diff_body(&from, &to, Instant::now());
        prop_assert_eq!(apply(&from, &hasty), to);
    }

    #[test]
    fn a_list_can_be_made_anew_from_its_changes(
        from in proptest::collection::vec("[a-e]", 0..8),
        to in proptest::collection::vec("[a-e]", 0..8),
    ) {
        let content = |tools: &[String]| Content { tools: tools.to_vec(), ..Content::default() };
        let diff = compare(&content(&from), &content(&to), later()).unwrap();
        let mut made: Vec<Option<String>> = vec![None; to.len()];
        let text = |item: &Value| Some(item.as_str().unwrap().to_owned());
        let mut left: Vec<Option<String>> = from.iter().cloned().map(Some).collect();
        if let Some(change) = diff.lists.first() {
            for item in &change.removed {
                prop_assert_eq!(left[item.position].take(), text(&item.item));
            }
            for item in &change.moved {
                prop_assert_eq!(left[item.from].take(), text(&item.item));
                made[item.to] = text(&item.item);
            }
            for item in &change.added {
                made[item.position] = text(&item.item);
            }
        }
        let mut rest = left.into_iter().flatten();
        for place in made.iter_mut().filter(|place| place.is_none()) {
            *place = rest.next();
        }
        prop_assert_eq!(rest.next(), None);
        let made: Vec<String> = made.into_iter().flatten().collect();
        prop_assert_eq!(made, to);
    }
}

#[test]
fn large_bodies_are_compared_within_bounds() {
    let every = |words: &str| -> String { (0..60_000).map(|n| format!("{words} {n}\n")).collect() };
    // Nothing in common but the shape: all lines of both went or came.
    let diff = diff_body(&every("one"), &every("other"), Instant::now());
    assert_eq!((diff.added, diff.removed), (60_000, 60_000));
    assert!(!diff.complete);
    assert!(diff.hunks.is_empty());
    // One line of a large body is found all the same.
    let mut changed = every("one");
    changed = changed.replace("one 31000\n", "one 31000 and more\n");
    let diff = diff_body(&every("one"), &changed, later());
    assert!(diff.complete);
    assert_eq!(diff.hunks.len(), 1);
    assert_eq!(diff.hunks[0].from_start, 30_998);
    assert_eq!(diff.hunks[0].lines.len(), 8);
    // So is a word of one very long line, as a line.
    let long = "word ".repeat(200_000);
    let diff = diff_body(&long, &format!("{long}end"), later());
    assert_eq!(diff.hunks[0].lines.len(), 2);
}

fn before() -> Content {
    Content {
        slug: Some("notes".into()),
        title: "Notes".into(),
        summary: "Short.".into(),
        body: "## One\n\nThe quick brown fox.\n\nEnd.\n".into(),
        tools: vec!["git".into(), "make".into(), "vim".into()],
        stack: vec!["rust".into()],
        entities: vec![EntityName {
            name: "cache".into(),
            kind: "area".into(),
        }],
        checklist: vec![
            ChecklistItem {
                id: "one".into(),
                text: "Do one".into(),
            },
            ChecklistItem {
                id: "two".into(),
                text: "Do two".into(),
            },
        ],
        payload: serde_json::from_value(json!({ "series": [1, 2], "kept": true })).unwrap(),
        ..Content::default()
    }
}

fn after() -> Content {
    let mut content = before();
    content.title = "Field notes".into();
    content.topic = Some("notes".into());
    content.outline.problem = Some("Too few notes.".into());
    content.flags.needs_human_review = true;
    content.body = "## One\n\nThe quick red fox.\n\nEnd.\n".into();
    content.tools = vec!["vim".into(), "git".into(), "jj".into()];
    content.checklist[1].text = "Do two well".into();
    content.payload.insert("series".into(), json!([1, 2, 3]));
    content
}

const DIFF: &str = "query($from: ID!, $to: ID!) { revisionDiff(from: $from, to: $to) {
    fields { field before after }
    lists { field added { item position } removed { item position } moved { item from to }
        changed { before after position } }
    body { added removed complete hunks { fromStart fromLines toStart toLines
        lines { kind fromNumber toNumber segments { text changed } } } } } }";

async fn revisions(editor: &Editor, slug: &str) -> Vec<Value> {
    let query = "query($slug: String!) { post(by: {slug: $slug}) { revisions { id } } }";
    let data = editor.data(query, json!({ "slug": slug })).await;
    let revisions = data["post"]["revisions"].as_array().unwrap();
    revisions
        .iter()
        .rev()
        .map(|revision| revision["id"].clone())
        .collect()
}

#[rstest]
#[tokio::test]
async fn two_revisions_are_compared_field_by_field(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let Some(server) = TestServer::create(backend).await else {
        return;
    };
    let revision = |content, status| NewRevision {
        content,
        status,
        ..NewRevision::default()
    };
    let post = NewPost {
        revisions: vec![
            revision(before(), RevisionStatus::Published),
            revision(after(), RevisionStatus::Drafted),
        ],
        ..NewPost::default()
    };
    let mut other = before();
    other.slug = Some("other".into());
    server
        .create_posts(vec![post, note(other, RevisionStatus::Drafted)])
        .await;
    let store = &server.test.store;
    let viewer = Editor::create(store, "vera", Role::Viewer).await;
    let ids = revisions(&viewer, "notes").await;
    let variables = json!({ "from": ids[0], "to": ids[1] });

    let (answer, statements) = viewer.ask(DIFF, variables.clone()).await;
    assert_eq!(statements, 5);
    let diff = &answer["data"]["revisionDiff"];
    assert_eq!(
        diff["fields"],
        json!([
            { "field": "flags.needsHumanReview", "before": false, "after": true },
            { "field": "outline.problem", "before": null, "after": "Too few notes." },
            { "field": "payload.series", "before": [1, 2], "after": [1, 2, 3] },
            { "field": "title", "before": "Notes", "after": "Field notes" },
            { "field": "topic", "before": null, "after": "notes" },
        ])
    );
    assert_eq!(
        diff["lists"],
        json!([
            {
                "field": "checklist", "added": [], "removed": [], "moved": [],
                "changed": [{
                    "before": { "id": "two", "text": "Do two" },
                    "after": { "id": "two", "text": "Do two well" },
                    "position": 1,
                }],
            },
            {
                "field": "tools",
                "added": [{ "item": "jj", "position": 2 }],
                "removed": [{ "item": "make", "position": 1 }],
                "moved": [{ "item": "vim", "from": 2, "to": 0 }],
                "changed": [],
            },
        ])
    );
    let body = &diff["body"];
    assert_eq!((&body["added"], &body["removed"]), (&json!(1), &json!(1)));
    let hunk = &body["hunks"][0];
    assert_eq!(hunk["fromLines"], 5);
    assert_eq!(
        hunk["lines"][2],
        json!({ "kind": "REMOVED", "fromNumber": 3, "toNumber": null, "segments": [
            { "text": "The quick ", "changed": false },
            { "text": "brown", "changed": true },
            { "text": " fox.\n", "changed": false },
        ] })
    );

    let same = viewer
        .data(DIFF, json!({ "from": ids[0], "to": ids[0] }))
        .await;
    assert_eq!(
        same["revisionDiff"],
        json!({ "fields": [], "lists": [], "body": null })
    );
    let other = revisions(&viewer, "other").await;
    let (answer, _) = viewer
        .ask(DIFF, json!({ "from": ids[0], "to": other[0] }))
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");

    let (answer, _) = Editor::of(store, Actor::Anonymous)
        .ask(DIFF, variables)
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let nonsense = json!({ "from": "no id", "to": "no id" });
    let (answer, _) = Editor::of(store, Actor::Anonymous)
        .ask(DIFF, nonsense)
        .await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
}
