//! Files that nobody should have written.

use std::time::{Duration, Instant};

use alphanode::transfer::import::{Format, MAXIMUM_DOCUMENT_BYTES};
use proptest::prelude::*;
use rstest::rstest;

use crate::support::reading::{problem, read_named, read_one};

const FORMATS: [Format; 5] = [
    Format::Auto,
    Format::PageText,
    Format::Json,
    Format::Ndjson,
    Format::Markdown,
];

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        for format in FORMATS {
            read_named("note.md", format, &bytes);
        }
    }

    #[test]
    fn no_text_makes_a_reader_panic(
        text in "([-+]{3}\n)?([a-z]{1,9}: ?)?[ \\[\\]{}\":,•#*`<>&|a-z0-9\n\r\t-]{0,200}(\n---\n)?.{0,50}"
    ) {
        for format in FORMATS {
            read_named("2024-01-31-é.md", format, text.as_bytes());
        }
    }

    #[test]
    fn no_metadata_makes_a_reader_panic(
        lines in proptest::collection::vec(
            "(topic|score|payload|entities|flags|revision|reading time|  • )?[a-z0-9:. •-]{0,20}",
            0..20
        )
    ) {
        let text = format!("title\n\nalphanode post meta\n{}", lines.join("\n"));
        read_named("note", Format::PageText, text.as_bytes());
    }
}

#[test]
fn a_line_of_50_megabytes_does_not_break_the_others() {
    let mut bytes = b"{\"title\": \"a\"}\n{\"title\": \"".to_vec();
    bytes.resize(50 * 1024 * 1024, b'x');
    bytes.extend_from_slice(b"\"}\n{\"title\": \"b\"}\n");
    let read = read_named("x.ndjson", Format::Auto, &bytes);
    assert_eq!(read.len(), 3);
    assert_eq!(read[0].as_ref().unwrap().document.content.title, "a");
    let problem = read[1].as_ref().unwrap_err();
    assert_eq!(problem.line, Some(2));
    assert!(problem.reason.contains("8 MiB"), "{problem}");
    assert_eq!(read[2].as_ref().unwrap().line, 3);

    let array = [&b"["[..], &bytes, &b"]"[..]].concat();
    let array = String::from_utf8(array).unwrap().replace("}\n{", "},\n{");
    let read = read_named("x.json", Format::Auto, array.as_bytes());
    assert_eq!(read.iter().filter(|result| result.is_ok()).count(), 2);
    assert_eq!(read.len(), 3);
}

#[rstest]
#[case(Format::PageText)]
#[case(Format::Markdown)]
#[case(Format::Json)]
fn a_file_beyond_the_limit_is_refused(#[case] format: Format) {
    let mut bytes = b"{\"a\": \"".to_vec();
    bytes.resize(MAXIMUM_DOCUMENT_BYTES + 1, b'a');
    bytes.extend_from_slice(b"\"}");
    assert!(problem(format, bytes).reason.contains("8 MiB"));
}

#[rstest]
#[case(b"", "is empty")]
#[case(b"\xEF\xBB\xBF", "is empty")]
#[case(b"\xFF\xFEa\0", "UTF-16 (little endian)")]
#[case(b"\xFE\xFF\0a", "UTF-16 (big endian)")]
#[case(b"{\"title\":\n\"a\xFFb\"}", "byte 12 of the file is not valid UTF-8")]
#[case(b"{\"title\":\n\"a\0b\"}", "byte 12 of the file is a NUL character")]
fn encodings_are_named(#[case] bytes: &[u8], #[case] reason: &str) {
    for format in [Format::Json, Format::PageText, Format::Markdown] {
        let problem = problem(format, bytes);
        assert!(problem.reason.contains(reason), "{problem}");
        if problem.reason.contains("byte 12") {
            assert_eq!(problem.line, Some(2));
        }
    }
}

#[rstest]
#[case(Format::Json)]
#[case(Format::Ndjson)]
fn nothing_but_blanks_is_a_problem(#[case] format: Format) {
    assert!(
        problem(format, " \n \n")
            .reason
            .contains("nothing but blanks")
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    for (format, text) in [
        (Format::Json, "\u{feff}{\"title\": \"a\"}"),
        (Format::Ndjson, "\u{feff}{\"title\": \"a\"}"),
        (Format::Markdown, "\u{feff}---\ntitle: a\n---\n"),
        (Format::PageText, "\u{feff}a"),
        (Format::Auto, "\u{feff}a"),
    ] {
        assert_eq!(read_one(format, text).document.content.title, "a");
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        for depth in [40, 200, 1_000_000] {
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let json = format!("{{\"title\": \"a\", \"payload\": {{\"x\": {value}}}}}");
            let yaml = format!("---\ntitle: a\npayload:\n  x: {value}\n---\n");
            for (format, text) in [(Format::Json, json), (Format::Markdown, yaml)] {
                let results = read_named("x", format, text.as_bytes());
                assert!(results[0].is_err(), "{format:?} {depth}");
            }
        }
    }
    let block: String = (0..5_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    problem(Format::Markdown, format!("---\n{}---\n", &block[..200_000]));
}

#[rstest]
#[case("a: &a [*a]")]
#[case("a: &a\n  b: *a")]
#[case(
    "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
        c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
        e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e]\n\
        g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g]"
)]
fn aliases_cannot_be_a_bomb(#[case] yaml: &str) {
    let start = Instant::now();
    let problem = problem(Format::Markdown, format!("---\ntitle: a\n{yaml}\n---\n"));
    assert!(problem.reason.contains("not valid YAML"), "{problem}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_long_text_repeated_by_aliases_is_refused() {
    let text = "x".repeat(1024 * 1024);
    let aliases = "*a, ".repeat(90);
    let yaml = format!("---\ntitle: a\nx: &a {text}\ny: [{aliases}]\n---\n");
    problem(Format::Markdown, yaml);
}

#[rstest]
#[case("\n")]
#[case("|\n")]
#[case("a\n\nb.\n\n")]
#[case("a:\n")]
#[case("f {\n")]
#[case("f {\n\n")]
#[case("• a\n")]
#[case("  ")]
#[case("`")]
fn a_page_of_one_piece_repeated_takes_bounded_time(#[case] piece: &str) {
    let text = piece.repeat(6 * 1024 * 1024 / piece.len());
    let start = Instant::now();
    read_named(
        "x",
        Format::PageText,
        format!("title\n\n{text}x\n").as_bytes(),
    );
    let article = piece.repeat(190_000 / piece.matches('\n').count().max(1));
    read_named(
        "x",
        Format::PageText,
        format!("title\n\n{article}x\n").as_bytes(),
    );
    let meta = format!("title\n\nalphanode post meta\n\n{article}x\n");
    read_named("x", Format::PageText, meta.as_bytes());
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}
