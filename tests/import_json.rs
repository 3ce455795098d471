//! JSON and NDJSON documents.

use alphanode::transfer::import::Format;
use rstest::rstest;
use serde_json::json;

use crate::support::reading::{document, problem, read_named, read_one};

fn titles(format: Format, text: &str) -> Vec<String> {
    read_named("notes", format, text.as_bytes())
        .into_iter()
        .map(|result| match result {
            Ok(parsed) => parsed.document.content.title,
            Err(problem) => format!("! {problem}"),
        })
        .collect()
}

#[rstest]
#[case(r#"{"title": "a"}"#, &["a"])]
#[case(r#" [{"title": "a"}, {"title": "b"}] "#, &["a", "b"])]
#[case(r#"{"site": "x", "posts": [{"title": "a"}, {"title": "b"}], "next": 2}"#, &["a", "b"])]
#[case(r#"{"title": "a", "posts": [1]}"#, &["a"])]
#[case("[]", &[])]
#[case(r#"{"title": "brackets ]}[{ \" in text"}"#, &[r#"brackets ]}[{ " in text"#])]
fn json_is_a_document_an_array_or_an_object_with_posts(
    #[case] text: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(titles(Format::Json, text), expected);
    assert_eq!(titles(Format::Auto, text), expected);
}

#[test]
fn keys_beside_posts_are_said() {
    let text = r#"{"site": "x", "posts": [{"title": "a"}], "next": 2}"#;
    let parsed = read_one(Format::Json, text);
    assert!(
        parsed
            .inferred
            .iter()
            .any(|line| line.contains(r#""site", "next" beside"#))
    );
}

#[test]
fn a_bad_document_does_not_stop_the_next() {
    let text =
        "[\n{\"title\": \"a\"},\n{\"title\": },\n7,\n{\"title\": \"\"},\n{\"title\": \"b\"}]";
    let read = titles(Format::Json, text);
    assert_eq!(read[0], "a");
    assert!(
        read[1].starts_with("! line 3: is not valid JSON"),
        "{}",
        read[1]
    );
    assert!(
        read[2].starts_with("! line 4: a document must be an object"),
        "{}",
        read[2]
    );
    assert!(
        read[3].starts_with("! line 5: title: is missing"),
        "{}",
        read[3]
    );
    assert_eq!(read[4], "b");
}

#[rstest]
#[case("[{\"title\": \"a\"}", "the file ends before the array does")]
#[case("[{\"title\": \"a\"} {\"title\": \"b\"}]", "expected `,` or `]`")]
#[case("[{\"title\": \"a\"},]", "expected a document")]
#[case("{\"title\": \"a\"}\n{\"title\": \"b\"}", "more follows after the end")]
#[case(
    "[{\"title\": \"a\"}, {\"title\": \"b\"",
    "is not closed before the file ends"
)]
fn what_was_whole_is_kept_when_the_file_breaks(#[case] text: &str, #[case] reason: &str) {
    let read = titles(Format::Json, text);
    assert_eq!(read.len(), 2, "{read:?}");
    assert_eq!(read[0], "a");
    assert!(read[1].contains(reason), "{read:?}");
}

#[test]
fn ndjson_is_a_document_a_line() {
    let text = "{\"title\": \"a\"}\n\n  \r\nnothing\n{\"title\": \"b\"}";
    let read = titles(Format::Ndjson, text);
    assert_eq!((read[0].as_str(), read[2].as_str()), ("a", "b"));
    assert!(
        read[1].starts_with("! line 4: is not valid JSON"),
        "{read:?}"
    );
    let lines = "{\"title\": \"a\"}\n{\"title\": \"b\"}\n";
    assert_eq!(titles(Format::Auto, lines), ["a", "b"]);
}

#[test]
fn unknown_keys_are_kept_in_the_payload_and_said() {
    let parsed = read_one(
        Format::Json,
        r#"{"title": "a", "view_count": 3, "mood": null, "payload": {"seed": 1},
            "revision": {"reviewer": "jo"}, "entities": [{"name": "x", "type": "y", "url": "z"}]}"#,
    );
    assert_eq!(
        serde_json::Value::Object(parsed.document.content.payload),
        json!({"seed": 1, "view_count": 3, "mood": null, "revision.reviewer": "jo",
               "entities[0].url": "z"})
    );
    let said = parsed.inferred.join("\n");
    assert!(
        said.contains("`view_count` is not a key of a document (`viewCount` is)"),
        "{said}"
    );
}

#[rstest]
#[case(
    r#"{"title": "a", "seed": 1, "payload": {"seed": 2}}"#,
    "seed: is a key of the document"
)]
#[case(r#"{"title": "a", "title": "b"}"#, "the key `title` is there twice")]
#[case(r#"{"title": 404}"#, "title: `404` must be text")]
#[case(r#"{"title": "a", "tools": "git"}"#, "tools: `git` must be a list")]
#[case(
    r#"{"title": "a", "viewCount": -1}"#,
    "viewCount: `-1` must be a whole number from 0"
)]
#[case(r#"{"title": "a", "viewCount": 18446744073709551615}"#, "viewCount:")]
#[case(r#"{"title": "a", "difficulty": "hard"}"#, "must be one of `beginner`")]
#[case(
    r#"{"title": "a", "publishedAt": "2024-01-31"}"#,
    "write it as `2024-01-31T10:00:00Z`"
)]
#[case(
    r#"{"title": "a", "score": {"quality": 101, "freshness": 1, "depth": 1, "clarity": 1}}"#,
    "score.quality: `101` must be a whole number from 0 to 100"
)]
#[case(
    r#"{"title": "a", "score": {"quality": 1}}"#,
    "score.depth: is missing"
)]
#[case(r#"{"title": "a", "revision": {"version": "1.3"}}"#, "write `1.3.0`")]
#[case(r#"{"title": "a", "revision": {"version": "v2"}}"#, "write `2.0.0`")]
#[case(r#"{"title": "a", "slug": "A b"}"#, "e.g. `a-b`")]
#[case(
    r#"{"title": "a", "redirects": ["old"]}"#,
    "redirects[0]: `old` must be a path"
)]
#[case(r#"{"title": "a", "sourceId": " "}"#, "sourceId: is empty")]
#[case(r#"{"title": "a", "body": "x\u0000y"}"#, "body: holds a NUL character")]
#[case(
    r#"{"title": "a", "checklist": [{"id": "x", "text": "1"}, {"id": "x", "text": "2"}]}"#,
    "checklist[1].id: `x` is the id of another step"
)]
#[case(
    r#"{"title": "a", "history": [{"title": ""}]}"#,
    "history[0].title: is missing"
)]
fn a_wrong_value_is_named_with_its_fix(#[case] text: &str, #[case] reason: &str) {
    let problem = problem(Format::Json, text);
    assert!(problem.reason.contains(reason), "{problem}");
    assert_eq!(problem.line, Some(1));
}

#[test]
fn all_wrong_values_are_named_at_once() {
    let problem = problem(
        Format::Json,
        r#"{"title": 1, "tools": 2, "flags": {"hasImages": 1}}"#,
    );
    for field in ["title:", "tools:", "flags.hasImages:"] {
        assert!(problem.reason.contains(field), "{problem}");
    }
}

#[test]
fn null_counts_as_absent() {
    let text = r#"{"title": "a", "summary": null, "tools": null, "score": null}"#;
    assert_eq!(
        document(Format::Json, text),
        document(Format::Json, r#"{"title": "a"}"#)
    );
}

#[test]
fn a_checklist_may_be_plain_text() {
    let text =
        r#"{"title": "a", "checklist": ["Run it", {"text": "run it"}, {"id": "x", "text": "y"}]}"#;
    let checklist = document(Format::Json, text).content.checklist;
    let ids: Vec<&str> = checklist.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, ["run-it", "run-it-2", "x"]);
}

#[test]
fn reading_stops_when_it_is_told_to() {
    let mut input = "[{\"title\": \"a\"}, {\"title\": \"b\"}, {\"title\": \"c\"}]".as_bytes();
    let mut count = 0;
    let flow = alphanode::transfer::import::read_from(
        &mut input,
        "x.json".as_ref(),
        Format::Auto,
        &crate::support::reading::context(),
        &mut |_| {
            count += 1;
            std::ops::ControlFlow::Break(())
        },
    );
    assert!(flow.is_break());
    assert_eq!(count, 1);
}
