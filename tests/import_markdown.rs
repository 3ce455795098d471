//! Markdown with front matter.

use alphanode::domain::post::RevisionStatus;
use alphanode::transfer::Document;
use alphanode::transfer::import::{Format, Parsed};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::reading::{document, problem, read_named, read_one};

fn front(lines: &str) -> Document {
    document(
        Format::Markdown,
        &format!("---\ntitle: a\n{lines}\n---\n\ntext\n"),
    )
}

fn named(name: &str, text: &str) -> Parsed {
    read_named(name, Format::Auto, text.as_bytes())
        .remove(0)
        .unwrap()
}

fn time(time: Option<chrono::DateTime<chrono::Utc>>) -> String {
    time.map(|time| time.to_rfc3339()).unwrap_or_default()
}

#[test]
fn the_conventions_of_blogs_are_read() {
    let parsed = read_one(
        Format::Markdown,
        "---\ntitle: \"Hello: world\"\ndate: 2024-01-31\nlastmod: 2024-02-01 10:00\n\
         description: short\ntags: [next.js, rust]\ncategories:\n  - web development\n\
         keywords: a, b\nslug: hello-world\nauthor: Jo\ncanonicalUrl: https://x.y/z\n\
         aliases: [old-post, /older/]\nhero:\n  image: a.png\n  sizes: [1, 2]\n---\n\n# Hi\n",
    );
    let document = &parsed.document;
    assert_eq!(document.content.title, "Hello: world");
    assert_eq!(document.content.summary, "short");
    assert_eq!(document.content.slug.as_deref(), Some("hello-world"));
    let entities: Vec<String> = document
        .content
        .entities
        .iter()
        .map(|entity| format!("{}:{}", entity.kind, entity.name))
        .collect();
    assert_eq!(
        entities,
        [
            "tag:next.js",
            "tag:rust",
            "category:web development",
            "keyword:a",
            "keyword:b"
        ]
    );
    assert_eq!(document.revision.author.as_deref(), Some("Jo"));
    assert_eq!(document.revision.status, RevisionStatus::Published);
    assert_eq!(
        document.content.seo.canonical.as_deref(),
        Some("https://x.y/z")
    );
    assert_eq!(document.redirects, ["/old-post", "/older/"]);
    assert_eq!(time(document.published_at), "2024-01-31T00:00:00+00:00");
    assert_eq!(time(document.updated_at), "2024-02-01T10:00:00+00:00");
    assert_eq!(
        Value::Object(document.content.payload.clone()),
        json!({"hero": {"image": "a.png", "sizes": [1, 2]}})
    );
    assert_eq!(document.content.body, "# Hi");
    insta::assert_json_snapshot!("markdown_inferred", parsed.inferred);
}

#[rstest]
#[case("2024-01-31", "2024-01-31T00:00:00+00:00")]
#[case("2024/01/31", "2024-01-31T00:00:00+00:00")]
#[case("2024-01-31 10:00", "2024-01-31T10:00:00+00:00")]
#[case("2024-01-31 10:00:05 +0200", "2024-01-31T08:00:05+00:00")]
#[case("2024-01-31 10:00:05 -05:00", "2024-01-31T15:00:05+00:00")]
#[case("2024-01-31 10:00:05 Z", "2024-01-31T10:00:05+00:00")]
#[case("2024-01-31t10:00:05.25Z", "2024-01-31T10:00:05.250+00:00")]
#[case("2024-01-31T10:00:05", "2024-01-31T10:00:05+00:00")]
#[case("Wed, 31 Jan 2024 10:00:00 +0100", "2024-01-31T09:00:00+00:00")]
#[case("January 31, 2024", "2024-01-31T00:00:00+00:00")]
#[case("Jan 31, 2024", "2024-01-31T00:00:00+00:00")]
#[case("31 Jan 2024", "2024-01-31T00:00:00+00:00")]
#[case("31 January 2024", "2024-01-31T00:00:00+00:00")]
#[case("January 31, 2024 3:04 PM", "2024-01-31T15:04:00+00:00")]
fn dates_of_all_kinds(#[case] date: &str, #[case] expected: &str) {
    assert_eq!(
        time(front(&format!("date: \"{date}\"")).published_at),
        expected
    );
    assert_eq!(time(front(&format!("date: {date}")).published_at), expected);
}

#[rstest]
#[case("01/02/2024")]
#[case("31.01.2024")]
#[case("24-01-31")]
#[case("2024-02-30")]
#[case("yesterday")]
#[case("1706695200")]
fn a_date_that_is_none_or_ambiguous_says_how_to_write_it(#[case] date: &str) {
    let problem = problem(
        Format::Markdown,
        format!("---\ntitle: a\ndate: {date}\n---\n"),
    );
    assert!(
        problem.reason.contains("write it as `2024-01-31"),
        "{problem}"
    );
}

#[rstest]
#[case("", RevisionStatus::Published)]
#[case("draft: true", RevisionStatus::Drafted)]
#[case("draft: yes", RevisionStatus::Drafted)]
#[case("draft: false", RevisionStatus::Published)]
#[case("published: false", RevisionStatus::Drafted)]
#[case("published: true\ndraft: true", RevisionStatus::Drafted)]
#[case("date: 2030-01-01", RevisionStatus::Drafted)]
#[case("publishDate: 2030-01-01\ndate: 2020-01-01", RevisionStatus::Drafted)]
#[case("publishedAt: 2030-01-01", RevisionStatus::Drafted)]
#[case("status: in review", RevisionStatus::InReview)]
#[case("revision: {status: approved}", RevisionStatus::Approved)]
#[case("published: 2024-01-31", RevisionStatus::Published)]
fn drafts_stay_drafts(#[case] lines: &str, #[case] status: RevisionStatus) {
    assert_eq!(front(lines).revision.status, status);
}

#[test]
fn a_date_to_come_is_kept_and_said() {
    let parsed = read_one(
        Format::Markdown,
        "---\ntitle: a\ndate: 2030-01-01\n---\ntext",
    );
    assert_eq!(parsed.document.published_at, None);
    assert_eq!(parsed.document.content.payload["date"], json!("2030-01-01"));
    assert!(
        parsed
            .inferred
            .iter()
            .any(|line| line.contains("lies in the future"))
    );
}

#[test]
fn a_draft_was_written_on_its_date() {
    let document = front("draft: true\ndate: 2024-01-31");
    assert_eq!(time(document.created_at), "2024-01-31T00:00:00+00:00");
    assert_eq!(document.published_at, None);
}

#[rstest]
#[case("status: burnt", "status:")]
#[case("draft: maybe", "must be true or false")]
#[case("title: b", "duplicate")]
#[case("revision: {status: burnt}", "revision.status: `burnt` must be one of")]
#[case("draft: true\nstatus: published", "keep one")]
#[case("body: x", "the front matter has a `body`")]
#[case("payload: 3\nfoo: bar", "payload: `3` must be a mapping")]
fn contradictions_are_problems(#[case] lines: &str, #[case] reason: &str) {
    let text = format!("---\ntitle: a\n{lines}\n---\n");
    let problem = problem(Format::Markdown, text);
    assert!(problem.reason.contains(reason), "{problem}");
}

#[test]
fn jekyll_names_hold_date_and_slug() {
    let document = named("_posts/2024-01-31-My-first_post.md", "---\ntitle: a\n---\n").document;
    assert_eq!(time(document.published_at), "2024-01-31T00:00:00+00:00");
    assert_eq!(document.content.slug.as_deref(), Some("my-first-post"));
    let draft = named("_drafts/idea.md", "---\ntitle: a\n---\n").document;
    assert_eq!(draft.revision.status, RevisionStatus::Drafted);
}

#[test]
fn a_missing_title_is_the_first_heading_or_the_file_name() {
    let parsed = named("x.md", "```\n# code\n```\n\n# The *title*\n\ntext\n");
    assert_eq!(parsed.document.content.title, "The title");
    assert_eq!(parsed.document.content.body, "```\n# code\n```\n\ntext");
    let parsed = named("posts/my-note/index.md", "text\n");
    assert_eq!(parsed.document.content.title, "my note");
    assert!(
        parsed
            .inferred
            .iter()
            .any(|line| line.contains("name of the file"))
    );
}

#[test]
fn values_that_are_no_text_are_taken_as_text_and_said() {
    let parsed = read_one(
        Format::Markdown,
        "---\ntitle: 404\nsummary: true\ntopic: 007\n---\n",
    );
    assert_eq!(parsed.document.content.title, "404");
    assert_eq!(parsed.document.content.summary, "true");
    assert_eq!(parsed.document.content.topic.as_deref(), Some("007"));
    assert!(
        parsed
            .inferred
            .iter()
            .any(|line| line.contains("title: `404` is taken as text"))
    );
}

#[rstest]
#[case("permalink: /2024/01/My-Post.html", "my-post")]
#[case("url: https://x.y/blog/a-b/", "a-b")]
#[case("slug: /blog/c-d", "c-d")]
fn the_slug_is_the_last_part_of_an_address(#[case] line: &str, #[case] slug: &str) {
    assert_eq!(front(line).content.slug.as_deref(), Some(slug));
}

#[test]
fn a_summary_and_a_description_have_their_own_places() {
    let document = front("summary: s\ndescription: d\nexcerpt: e");
    assert_eq!(document.content.summary, "s");
    assert_eq!(document.content.seo.description.as_deref(), Some("d"));
    assert_eq!(document.content.payload["excerpt"], json!("e"));
}

#[test]
fn toml_front_matter_is_read() {
    let document = document(
        Format::Markdown,
        "+++\ntitle = \"a\"\ndate = 2024-01-31T10:00:00Z\ndraft = false\ntags = [\"x\"]\n\
         [params]\nwide = true\n+++\n\ntext\n",
    );
    assert_eq!(time(document.published_at), "2024-01-31T10:00:00+00:00");
    assert_eq!(document.content.entities[0].name, "x");
    assert_eq!(document.content.payload["params"], json!({"wide": true}));
    let broken = problem(Format::Markdown, "+++\ntitle = \"a\"\nx = \n+++\n");
    assert_eq!(broken.line, Some(3));
}

#[test]
fn a_page_without_a_date_says_that_it_counts_from_now() {
    let said = |lines: &str| {
        let parsed = read_one(
            Format::Markdown,
            &format!("---\ntitle: a\n{lines}\n---\n\nb\n"),
        );
        let of_time = |sentence: &&String| sentence.contains("counts from this import");
        parsed.inferred.iter().filter(of_time).count()
    };
    assert_eq!(said("layout: post"), 1);
    for silent in ["date: 2024-01-31", "draft: true", "publishedAt: 2024-01-31"] {
        assert_eq!(said(silent), 0, "{silent}");
    }
}

#[rstest]
#[case("![a chart](chart.png)", true)]
#[case("before <IMG src=\"chart.png\"> after", true)]
#[case("`![code](a.png)` and <imagine>", false)]
fn images_of_the_body_are_noticed(#[case] body: &str, #[case] expected: bool) {
    let page = |lines: &str| format!("---\ntitle: a\n{lines}\n---\n\n{body}\n");
    let parsed = read_one(Format::Markdown, &page("layout: post"));
    assert_eq!(parsed.document.content.flags.has_images, expected);
    let is_said = parsed
        .inferred
        .iter()
        .any(|sentence| sentence.contains("hasImages"));
    assert_eq!(is_said, expected);

    let stated = document(Format::Markdown, &page("flags: { hasImages: false }"));
    assert!(!stated.content.flags.has_images);
}

#[test]
fn windows_line_breaks_are_read() {
    let unix = "---\ntitle: a\n---\n\none\n\ntwo\n";
    assert_eq!(
        document(Format::Markdown, &unix.replace('\n', "\r\n")),
        document(Format::Markdown, unix)
    );
}

#[rstest]
#[case("---\ntitle: a\n", "is not closed")]
#[case("---\n- a\n---\n", "must be keys and values")]
#[case("---\ntitle: [a\n---\n", "not valid YAML")]
fn broken_front_matter_is_a_problem(#[case] text: &str, #[case] reason: &str) {
    let problem = problem(Format::Markdown, text);
    assert!(problem.reason.contains(reason), "{problem}");
    assert!(problem.line.is_some());
}
