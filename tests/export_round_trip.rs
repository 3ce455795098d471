//! What is exported comes back equal.

use alphanode::domain::post::{
    ChecklistItem, Content, Difficulty, EntityName, Flags, Outline, Payload, RevisionStatus, Seo,
};
use alphanode::transfer::export::{markdown, ndjson};
use alphanode::transfer::import::Format;
use alphanode::transfer::{Document, EarlierRevision, RevisionDetails, Score};
use chrono::{DateTime, NaiveDate, Utc};
use proptest::prelude::*;
use serde_json::Value;

use crate::support::reading::{document, read_named};

/// Texts that formats like to misread.
fn text() -> impl Strategy<Value = String> {
    let nasty = proptest::sample::select(vec![
        "",
        " ",
        "---",
        "...",
        "+++",
        "\n",
        "\n\n",
        "a\n",
        "\na",
        "  leading",
        "trailing  ",
        "a: b",
        "- a",
        "# a",
        "a # b",
        "'",
        "\"",
        "\\",
        "'a'",
        "\"a\"",
        "null",
        "~",
        "true",
        "no",
        "yes",
        "on",
        "12",
        "1.0",
        "0x1F",
        "0o7",
        "1e3",
        "1_000",
        "007",
        "-0",
        ".nan",
        ".inf",
        "2024-01-31",
        "10:20:30",
        "a\r\nb",
        "a\rb",
        "\t",
        "a\tb",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "é",
        "日本語",
        "🦀",
        "e\u{301}",
        "{a: b}",
        "[a",
        "*a",
        "&a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "|",
        ">",
        "?",
        "? a",
        "key:",
        "a\n---\nb",
        "---\na",
        "a\n...\nb",
        "<<",
        "=",
        "\u{7f}",
        "\u{1b}[0m",
        "  a\n b\nc",
        "a\n\n  b\n",
        "a  \nb",
        "{{< x >}}",
        "<b>",
        "{\"a\": 1}",
        "\u{a0}a",
    ]);
    prop_oneof![
        3 => nasty.prop_map(str::to_owned),
        2 => "[ -~]{0,20}",
        1 => "[^\0]{0,20}",
        1 => "([ -~]{0,25}\n){0,3}[ -~]{0,90}",
    ]
}

fn present() -> impl Strategy<Value = String> {
    text().prop_filter("present", |text| !text.trim().is_empty())
}

fn maybe<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Option<T>> {
    proptest::option::of(value)
}

fn unique<T: std::fmt::Debug + PartialEq>(
    item: impl Strategy<Value = T>,
) -> impl Strategy<Value = Vec<T>> {
    proptest::collection::vec(item, 0..4).prop_map(|items| {
        let mut kept = Vec::new();
        for item in items {
            if !kept.contains(&item) {
                kept.push(item);
            }
        }
        kept
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |number| {
            serde_json::Number::from_f64(number).map(Value::Number)
        }),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(text(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn payload() -> impl Strategy<Value = Payload> {
    proptest::collection::btree_map(text(), value(), 0..4)
        .prop_map(|members| members.into_iter().collect())
}

fn time() -> impl Strategy<Value = DateTime<Utc>> {
    (-62_000_000_000_i64..253_000_000_000, 0_u32..1_000_000_000)
        .prop_filter_map("time", |(seconds, nanoseconds)| {
            DateTime::from_timestamp(seconds, nanoseconds)
        })
}

fn day() -> impl Strategy<Value = NaiveDate> {
    time().prop_map(|time| time.date_naive())
}

fn status() -> impl Strategy<Value = RevisionStatus> {
    proptest::sample::select(vec![
        RevisionStatus::Drafted,
        RevisionStatus::InReview,
        RevisionStatus::Approved,
        RevisionStatus::Published,
        RevisionStatus::Superseded,
        RevisionStatus::Rejected,
    ])
}

fn checklist() -> impl Strategy<Value = Vec<ChecklistItem>> {
    unique(present()).prop_map(|texts| {
        let item = |(index, text)| ChecklistItem {
            id: format!("step {index}: x"),
            text,
        };
        texts.into_iter().enumerate().map(item).collect()
    })
}

prop_compose! {
    fn details()(
        version in maybe("[0-9]{1,3}\\.(0|[1-9])\\.(0|[1-9])(-[a-z]{1,3})?"
            .prop_filter("semver", |version| !version.starts_with('0') || version.starts_with("0."))),
        status in status(),
        last_reviewed in maybe(day()),
        author in maybe(text()),
        message in maybe(text()),
        saved_at in maybe(time()),
    ) -> RevisionDetails {
        RevisionDetails { version, status, last_reviewed, author, message, saved_at }
    }
}

prop_compose! {
    fn score()(
        figures in proptest::array::uniform4(0_u8..=100),
        assessed_at in maybe(time()),
        assessor in maybe(text()),
    ) -> Score {
        let [quality, freshness, depth, clarity] = figures;
        Score { quality, freshness, depth, clarity, assessed_at, assessor }
    }
}

prop_compose! {
    fn words()(
        title in present(), summary in text(), topic in maybe(text()), body in text(),
        brief in maybe(text()), slug in maybe("[a-z0-9]{1,5}(-[a-z0-9é]{1,5}){0,3}"),
        outline in proptest::array::uniform4(maybe(text())),
        seo in proptest::array::uniform3(maybe(text())),
        code_language in maybe(present()),
    ) -> Content {
        let [context, problem, stack, recommended_action] = outline;
        let [seo_title, description, canonical] = seo;
        Content {
            slug, title, summary, topic, body, brief, code_language,
            outline: Outline { context, problem, stack, recommended_action },
            seo: Seo { title: seo_title, description, canonical },
            ..Content::default()
        }
    }
}

prop_compose! {
    fn content()(
        words in words(),
        stack in unique(present()), tools in unique(present()), notes in unique(present()),
        entities in unique((present(), present()).prop_map(|(name, kind)| EntityName { name, kind })),
        checklist in checklist(),
        difficulty in maybe(proptest::sample::select(vec![
            Difficulty::Beginner, Difficulty::Intermediate, Difficulty::Advanced,
        ])),
        reading_minutes in maybe(any::<u32>()),
        flags in any::<[bool; 4]>(),
        payload in payload(),
    ) -> Content {
        let [ai_generated_style, has_images, image_heavy, needs_human_review] = flags;
        Content {
            stack, tools, notes, entities, checklist, difficulty, reading_minutes, payload,
            flags: Flags { ai_generated_style, has_images, image_heavy, needs_human_review },
            ..words
        }
    }
}

prop_compose! {
    pub fn any_document()(
        identity in proptest::array::uniform4(maybe(present())),
        content in content(), revision in details(),
        view_count in maybe(0..=i64::MAX as u64),
        score in maybe(score()), score_history in proptest::collection::vec(score(), 0..3),
        times in proptest::array::uniform3(maybe(time())),
        redirects in proptest::collection::vec("/[a-z: '\"#é-]{0,9}", 0..3),
        history in proptest::collection::vec(
            (content(), details()).prop_map(|(content, revision)| EarlierRevision { content, revision }),
            0..2,
        ),
    ) -> Document {
        let [source_id, reference, generator, hash] = identity;
        let [published_at, created_at, updated_at] = times;
        Document {
            source_id, reference, generator, hash, content, revision, view_count, score,
            score_history, published_at, created_at, updated_at, redirects, history,
            unknown: Payload::new(),
        }
    }
}

fn exported(document: &Document, format: Format) -> String {
    let mut bytes = Vec::new();
    match format {
        Format::Markdown => markdown::write(document, &mut bytes).unwrap(),
        _ => ndjson::write(document, &mut bytes).unwrap(),
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_document_comes_back_equal(original in any_document()) {
        prop_assert_eq!(original.check(), vec![]);
        for format in [Format::Ndjson, Format::Markdown] {
            let text = exported(&original, format);
            let mut results = read_named("2024-01-31-name", format, text.as_bytes());
            prop_assert_eq!(results.len(), 1, "{}", text);
            let read = results.remove(0);
            prop_assert!(read.is_ok(), "{:?}\n{}", read, text);
            prop_assert_eq!(&read.unwrap().document, &original, "{}", text);
        }
    }
}

#[test]
fn the_field_note_comes_back_equal_and_readable() {
    let original = document(Format::PageText, include_str!("data/field-note.txt"));
    for format in [Format::Ndjson, Format::Markdown] {
        assert_eq!(document(format, &exported(&original, format)), original);
    }
    let markdown = exported(&original, Format::Markdown);
    insta::assert_snapshot!("field_note_markdown", markdown);
}

#[test]
fn documents_of_several_lines_join_into_one_file() {
    let note = document(Format::PageText, "one\n\ntext.");
    let text = exported(&note, Format::Ndjson).repeat(3);
    assert_eq!(
        read_named("x.jsonl", Format::Auto, text.as_bytes()).len(),
        3
    );
}
