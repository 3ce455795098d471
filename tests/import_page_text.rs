//! Page text: the rules of `docs/import-formats.md`.

use alphanode::domain::post::{Difficulty, RevisionStatus};
use alphanode::transfer::import::Format;
use pulldown_cmark::{Event, Options, Parser};
use rstest::rstest;
use serde_json::json;

use crate::support::reading::{document, problem, read_named, read_one};

const FIELD_NOTE: &str = include_str!("data/field-note.txt");

fn page(metadata: &str) -> String {
    format!("a title\n\nan introduction of one sentence.\n\nalphanode post meta\n\n{metadata}\n")
}

fn body(article: &str) -> String {
    document(Format::PageText, &format!("a title\n\n{article}\n"))
        .content
        .body
}

#[test]
fn the_field_note_lands_in_its_places() {
    let parsed = read_one(Format::PageText, FIELD_NOTE);
    let document = &parsed.document;
    let score = document.score.as_ref().unwrap();
    assert_eq!(
        [score.quality, score.freshness, score.depth, score.clarity],
        [80, 63, 91, 77]
    );
    assert_eq!(document.revision.version.as_deref(), Some("1.3.9"));
    assert_eq!(document.revision.status, RevisionStatus::Drafted);
    assert_eq!(
        document.revision.last_reviewed.unwrap().to_string(),
        "2020-11-19"
    );
    let content = &document.content;
    assert_eq!(content.reading_minutes, Some(13));
    assert_eq!(content.difficulty, Some(Difficulty::Beginner));
    assert_eq!(content.checklist.len(), 5);
    assert_eq!(content.entities.len(), 3);
    assert_eq!(content.tools.len(), 6);
    assert_eq!(content.stack.len(), 3);
    assert_eq!(content.payload["seed"], json!(27899));
    assert!(content.flags.ai_generated_style);
    assert!(!content.flags.has_images);
    assert_eq!(document.source_id.as_deref(), Some("alphanode-027899"));
    assert_eq!(document.reference.as_deref(), Some("anp-ref-027899-5888"));
    assert_eq!(document.hash.as_deref(), Some("ab5ae13482af2786d080bde3"));
    assert_eq!(document.view_count, Some(364_217));

    let code = "```typescript\nexport const revalidate = 300;\nexport async function \
                generate_metadata() {\n  return { title: 'developer notes' };\n}\n```";
    assert_eq!(content.body.matches(code).count(), 2, "{}", content.body);
    insta::assert_json_snapshot!("field_note", document);
    insta::assert_json_snapshot!("field_note_inferred", parsed.inferred);
}

#[test]
fn every_line_of_the_article_is_in_the_body() {
    let body = document(Format::PageText, FIELD_NOTE).content.body;
    let article = FIELD_NOTE.split("alphanode post meta").next().unwrap();
    for line in article.lines().skip(3).filter(|line| !line.is_empty()) {
        let text = line.trim_start_matches("  • ");
        assert!(body.contains(text), "{text}");
    }
}

#[test]
fn windows_line_breaks_read_the_same() {
    let windows = FIELD_NOTE.replace('\n', "\r\n");
    assert_eq!(
        document(Format::PageText, &windows),
        document(Format::PageText, FIELD_NOTE)
    );
    let marked = format!("\u{feff}{windows}");
    assert_eq!(
        document(Format::PageText, &marked),
        document(Format::PageText, FIELD_NOTE)
    );
}

#[rstest]
#[case("reading timeabc", "reading time: `abc` cannot be; write the minutes")]
#[case("reading time-1", "reading time: `-1` cannot be")]
#[case("view count364,217", "view count: `364,217` cannot be")]
#[case("difficultywizard", "difficulty: `wizard` cannot be; write `beginner`")]
#[case(
    "flags\n  • has images: 2",
    "flags has images: `2` cannot be; write `1`"
)]
#[case("revision\n  • status: burnt", "revision status: `burnt` cannot be")]
#[case("revision\n  • version: 1.3", "revision version: `1.3` cannot be")]
#[case("revision\n  • last reviewed: 2020-13-19", "revision last reviewed")]
#[case("revision\n  • last reviewed: 01/02/2020", "revision last reviewed")]
#[case(
    "entities\n    • name: rust",
    "entities name: `rust` cannot be; write its `type`"
)]
#[case(
    "entities\n    • type: stack",
    "entities type: `stack` cannot be; write its `name`"
)]
#[case("topicone\ntopictwo", "`topic` is there twice")]
#[case(
    "payload\n  • seed: 1\n  • seed: 2",
    "payload seed: `2` cannot be; it is there twice"
)]
fn an_impossible_value_is_named_with_its_fix(#[case] metadata: &str, #[case] reason: &str) {
    let problem = problem(Format::PageText, page(metadata));
    assert!(problem.reason.contains(reason), "{problem}");
    assert!(problem.line.unwrap() >= 7, "{problem}");
}

#[test]
fn a_score_has_four_figures_from_0_to_100() {
    let text = page("score\n  • quality: 300\n  • depth: 1");
    let problem = problem(Format::PageText, text);
    assert_eq!(problem.line, Some(8));
    for part in ["score quality: `300`", "no `freshness`", "no `clarity`"] {
        assert!(problem.reason.contains(part), "{problem}");
    }
}

#[rstest]
#[case("draft", RevisionStatus::Drafted)]
#[case("in review", RevisionStatus::InReview)]
#[case("approved", RevisionStatus::Approved)]
#[case("live", RevisionStatus::Published)]
#[case("superseded", RevisionStatus::Superseded)]
fn a_status_has_synonyms(#[case] word: &str, #[case] status: RevisionStatus) {
    let text = page(&format!("revision\n  • status: {word}"));
    assert_eq!(document(Format::PageText, &text).revision.status, status);
}

#[test]
fn nothing_unknown_is_dropped_or_silent() {
    let text = page(
        "audience: developers\nscoreboard\n  • first: 1\n  • second: x\nwordsthat run together\n\
         score\n  • quality: 1\n  • freshness: 2\n  • depth: 3\n  • clarity: 4\n  • reach: 5\n\
         payload\n  • zip: 00123\n  • minus: -7\n  • zero: -0\n  • url: https://x.y: 1\n\
         notes\n  • twice\n  • twice",
    );
    let parsed = read_one(Format::PageText, &text);
    let content = &parsed.document.content;
    assert_eq!(
        serde_json::Value::Object(content.payload.clone()),
        json!({
            "audience": "developers", "scoreboard": {"first": 1, "second": "x"},
            "unlabelled": ["wordsthat run together"], "score.reach": 5,
            "zip": "00123", "minus": -7, "zero": "-0", "url": "https://x.y: 1"
        })
    );
    assert_eq!(content.notes, ["twice"]);
    for part in [
        "`audience`",
        "`scoreboard`",
        "`wordsthat run",
        "`reach`",
        "`twice`",
    ] {
        assert!(
            parsed.inferred.iter().any(|line| line.contains(part)),
            "{part}"
        );
    }
}

#[test]
fn equal_steps_of_the_checklist_have_their_own_ids() {
    let text = page("checklist\n  • run tests\n  • run tests!\n  • …\n  • run tests");
    let ids: Vec<String> = document(Format::PageText, &text)
        .content
        .checklist
        .into_iter()
        .map(|item| item.id)
        .collect();
    assert_eq!(ids, ["run-tests", "run-tests-2", "step"]);
}

#[test]
fn headings_are_short_lines_on_their_own_before_content() {
    assert_eq!(
        body("intro here.\n\nfirst part\n\ntext one.\n\nnot a heading.\n\nlast line"),
        "intro here.\n\n## first part\n\ntext one.\n\nnot a heading.\n\nlast line"
    );
    assert_eq!(
        body("part #1 of c #\n\ntext."),
        "## part \\#1 of c \\#\n\ntext."
    );
}

#[rstest]
#[case("$ cargo test --workspace", "bash")]
#[case("npm ci --omit dev", "bash")]
#[case("select * from posts", "sql")]
#[case("fn main() {\n    run();\n}", "rust")]
#[case("def run(job):\n    job.start()", "python")]
#[case("{\n  \"a\": 1\n}", "json")]
#[case("services:\n  web:\n    image: nginx", "yaml")]
#[case("<div>hello</div>", "html")]
#[case("const a = 1;", "javascript")]
#[case("func main() {\n}", "go")]
fn code_is_fenced_with_its_language(#[case] code: &str, #[case] language: &str) {
    assert_eq!(body(code), format!("```{language}\n{code}\n```"));
}

#[test]
fn code_goes_on_over_blank_lines_until_its_brackets_close() {
    let code = "export function run() {\n  start();\n\n  stop();\n}";
    assert_eq!(
        body(&format!("{code}\n\ntext.")),
        format!("```javascript\n{code}\n```\n\ntext.")
    );
    assert_eq!(
        body("run this:\nlet x = f();\nnow it runs."),
        "run this:\n\n```javascript\nlet x = f();\n```\n\nnow it runs."
    );
}

#[test]
fn code_that_holds_a_fence_gets_a_longer_one() {
    assert_eq!(
        body("const fence = '```';"),
        "````javascript\nconst fence = '```';\n````"
    );
}

#[test]
fn prose_is_not_code() {
    for text in [
        "import scripts should be idempotent, logged (always), and safe to run again.",
        "for this next.js case, keep the owner in the same place.",
        "let the cache expire",
        "select a small verified change over a broad rewrite.",
    ] {
        assert_eq!(body(text), text);
    }
}

#[test]
fn nested_bullets_stay_nested() {
    assert_eq!(
        body("steps:\n  • one\n    • deeper\n  • two"),
        "steps:\n\n- one\n  - deeper\n- two"
    );
}

/// The text that a reader of the rendered Markdown sees, and whether anything but paragraphs,
/// headings and line breaks was rendered.
fn rendered(markdown: &str) -> (String, bool) {
    let mut text = String::new();
    let mut plain = true;
    for event in Parser::new_ext(
        markdown,
        Options::all()
            - Options::ENABLE_SMART_PUNCTUATION
            - Options::ENABLE_MATH
            - Options::ENABLE_SUPERSCRIPT
            - Options::ENABLE_SUBSCRIPT
            - Options::ENABLE_OLD_FOOTNOTES
            - Options::ENABLE_WIKILINKS,
    ) {
        match event {
            Event::Text(piece) => text.push_str(&piece),
            Event::SoftBreak => text.push('\n'),
            Event::Start(pulldown_cmark::Tag::Paragraph)
            | Event::End(pulldown_cmark::TagEnd::Paragraph) => {}
            _ => plain = false,
        }
    }
    (text, plain)
}

#[rstest]
#[case("* star and _underscores_ and snake_case stay.")]
#[case("# no heading, 1. no list.")]
#[case("1. no list.")]
#[case("- no list.")]
#[case("<script>alert(1)</script> is text.")]
#[case("a [link](x) and ![image](y) &amp; `code` \\ ~~no~~.")]
#[case("a | b\n--- | ---\nc | d.")]
#[case("under\n===\nlined.")]
#[case("> no quote.")]
fn markup_in_prose_is_rendered_as_text(#[case] text: &str) {
    let (seen, plain) = rendered(&body(text));
    assert_eq!(seen, text);
    assert!(plain, "{}", body(text));
}

proptest::proptest! {
    #[test]
    fn any_prose_is_rendered_as_its_text(
        text in "[a-z*_<>#&\\[\\]()`~|+=:!.1-3\\\\-]{1,12}( [a-z*_<>#&\\[\\]()`~|+=:!.1-3\\\\-]{1,8}){0,4}"
    ) {
        // A full stop at the end, and a word in front of code signs, make it prose.
        let text = format!("{text} ends.");
        proptest::prop_assume!(!body(&text).contains("```"));
        let (seen, plain) = rendered(&body(&text));
        proptest::prop_assert_eq!(&seen, &text);
        proptest::prop_assert!(plain, "{}", body(&text));
    }
}

#[test]
fn a_page_needs_a_title_and_may_lack_the_rest() {
    for text in ["| |\n\n--\n", "alphanode post meta\n\ntopicx"] {
        assert!(problem(Format::PageText, text).reason.contains("title"));
    }
    let parsed = read_one(Format::PageText, "only a title");
    assert_eq!(parsed.document.content.title, "only a title");
    assert!(parsed.inferred.contains(&String::from("the body is empty")));
}

#[test]
fn what_the_page_shows_below_is_left_out_and_said() {
    let text = page("topicx\n\nSimilar Posts\nanother post\nand one more");
    let parsed = read_one(Format::PageText, &text);
    assert!(
        parsed
            .inferred
            .iter()
            .any(|line| line.contains("3 line(s) left out"))
    );
    assert!(parsed.document.content.payload.is_empty());
}

#[test]
fn the_extension_chooses_the_format() {
    let read = read_named("field-note.txt", Format::Auto, FIELD_NOTE.as_bytes());
    assert_eq!(read[0].as_ref().unwrap().document.content.tools.len(), 6);
}
