//! How clients write perspectives.

use alphanode::domain::error::Error;
use alphanode::domain::perspective::Perspective;
use alphanode::graphql::perspective::parse;
use proptest::prelude::*;
use rstest::rstest;

use crate::support::perspective::id;

#[test]
fn each_form_is_read() {
    let time = "2026-06-01T10:30:00Z".parse().unwrap();
    for (text, perspective) in [
        ("published".into(), Perspective::Published),
        ("draft".into(), Perspective::Draft),
        ("trash".into(), Perspective::Trash),
        (format!("draft:{}", id("Post", 7)), Perspective::DraftOf(7)),
        (
            format!("revision:{}", id("Revision", 8)),
            Perspective::Revision(8),
        ),
        (
            format!("release:{}", id("Release", 9)),
            Perspective::Release(9),
        ),
        ("at:2026-06-01T10:30:00Z".into(), Perspective::At(time)),
        ("at:2026-06-01T12:30:00+02:00".into(), Perspective::At(time)),
    ] {
        assert_eq!(parse(&text).unwrap(), perspective, "{text}");
    }
}

#[rstest]
#[case::empty("")]
#[case::unknown("everything")]
#[case::case("Draft")]
#[case::no_id("draft:")]
#[case::a_key("revision:1")]
#[case::no_such_form("tool:VG9vbDox")]
#[case::spaces(" draft")]
#[case::no_time("at:yesterday")]
#[case::no_zone("at:2026-06-01T10:30:00")]
#[case::five_digits("at:9999-12-31T23:59:59-01:00")]
fn anything_else_is_refused_with_the_forms(#[case] text: &str) {
    let Error::BadArgument(message) = parse(text).unwrap_err() else {
        panic!("{text}");
    };
    for form in [
        "published",
        "draft:",
        "trash",
        "revision:",
        "release:",
        "at:",
    ] {
        assert!(message.contains(&format!("`{form}`")), "{message}");
    }
    assert!(message.contains(&format!("`{text}`")), "{message}");
}

#[test]
fn an_id_is_of_the_type_that_the_form_says() {
    let text = format!("revision:{}", id("Post", 1));
    let message = parse(&text).unwrap_err().to_string();
    assert!(
        message.contains("that of a Post, not of a Revision"),
        "{message}"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "(draft|revision|release|at)?:?\\PC{0,40}") {
        let _ = parse(&text);
    }
}
