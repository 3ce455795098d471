//! The content synthesizer: repeatable, unique, plausible.

use std::collections::{HashMap, HashSet};

use alphanode::domain::post::{Content, RevisionStatus};
use alphanode::transfer::Document;
use alphanode::transfer::synth::{document, documents};
use chrono::{DateTime, Utc};
use serde_json::json;

fn end() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().expect("a date")
}

#[test]
fn the_first_document_stays_what_it_is() {
    let document = document(1, 0);
    insta::assert_json_snapshot!(json!({
        "reference": document.reference,
        "sourceId": document.source_id,
        "slug": document.content.slug,
        "title": document.content.title,
        "tools": document.content.tools,
        "entities": document.content.entities,
        "bodyBytes": document.content.body.len(),
        "publishedAt": document.published_at,
        "score": document.score,
        "viewCount": document.view_count,
        "version": document.revision.version,
    }));
}

#[test]
fn the_same_seed_gives_the_same_documents() {
    let first: Vec<Document> = documents(7, 0..50).collect();
    let again: Vec<Document> = documents(7, 0..50).collect();
    assert_eq!(first, again);
}

#[test]
fn different_seeds_give_different_documents() {
    for (one, other) in documents(1, 0..50).zip(documents(2, 0..50)) {
        assert_ne!(one.content.body, other.content.body);
        assert_ne!(one.reference, other.reference);
    }
}

#[test]
fn a_range_gives_the_same_as_the_whole() {
    let whole: Vec<Document> = documents(3, 0..60).collect();
    let slices: Vec<Document> = documents(3, 0..25).chain(documents(3, 25..60)).collect();
    assert_eq!(whole, slices);
    assert_eq!(document(3, 42), whole[42]);
}

#[test]
fn a_document_survives_the_journey_through_json() {
    for document in documents(5, 0..50) {
        let text = serde_json::to_string(&document).expect("a document as JSON");
        let read: Document = serde_json::from_str(&text).expect("the same document");
        assert_eq!(read, document);
    }
}

#[test]
fn names_are_unique_within_a_seed() {
    let mut seen = HashSet::new();
    // Beyond the number of combinations titles come back, with the number of their part.
    let ranges = [0..20_000, 5_000_000..5_001_000];
    for document in ranges.into_iter().flat_map(|range| documents(1, range)) {
        let names = [
            document.source_id,
            document.reference,
            document.content.slug.map(|slug| format!("slug {slug}")),
            Some(format!("title {}", document.content.title)),
        ];
        for name in names {
            let name = name.expect("a name");
            assert!(seen.insert(name.clone()), "{name} was given twice");
        }
    }
}

#[test]
fn dates_are_in_order_and_before_the_end() {
    for document in documents(1, 0..5_000) {
        let name = document.reference.expect("a reference");
        let created = document.created_at.expect("a creation date");
        let updated = document.updated_at.expect("a date of the last change");
        let published = document.published_at;
        assert!(created <= updated && updated < end(), "{name}");
        assert!(published.is_none_or(|published| created <= published && published <= updated));
        let is_published = document.revision.status == RevisionStatus::Published;
        assert_eq!(is_published, published.is_some(), "{name}");

        let assessments = document.score_history.iter().chain(&document.score);
        let assessed: Vec<_> = assessments.map(|score| score.assessed_at).collect();
        assert!(assessed.is_sorted(), "{name}");
        assert!(
            assessed
                .iter()
                .flatten()
                .all(|date| created <= *date && *date < end())
        );

        let saves = document
            .history
            .iter()
            .map(|earlier| earlier.revision.saved_at);
        let saves: Vec<_> = saves.chain([Some(updated)]).collect();
        assert!(
            saves.is_sorted() && saves.iter().all(|save| *save >= Some(created)),
            "{name}"
        );
    }
}

#[test]
fn some_posts_share_the_moment_of_publication() {
    let mut moments: HashMap<DateTime<Utc>, usize> = HashMap::new();
    for published in documents(1, 0..5_000).filter_map(|document| document.published_at) {
        *moments.entry(published).or_default() += 1;
    }
    assert!(moments.values().filter(|posts| **posts > 1).count() > 100);
}

#[test]
fn bodies_have_a_plausible_length() {
    let mut lengths: Vec<usize> = documents(1, 0..2_000)
        .map(|document| document.content.body.len())
        .collect();
    lengths.sort_unstable();
    let mean = lengths.iter().sum::<usize>() / lengths.len();
    assert!((4_000..=8_000).contains(&mean), "the mean is {mean}");
    assert!(
        lengths[20] > 2_500,
        "one in a hundred is shorter than {}",
        lengths[20]
    );
    assert!(
        lengths[1_980] > 9_000,
        "one in a hundred is longer than {}",
        lengths[1_980]
    );
}

#[test]
fn bodies_are_sound_markdown() {
    let check = |content: &Content| {
        let body = &content.body;
        assert!(
            body.lines().any(|line| line.starts_with("## ")),
            "no heading: {body}"
        );
        let fences = body.lines().filter(|line| line.starts_with("```")).count();
        assert!(fences >= 2 && fences % 2 == 0, "{fences} fences: {body}");
        assert!(
            !body.contains('‹') && !body.contains('›'),
            "an open slot: {body}"
        );
        let marks = |end: &str| body.matches("[^").count() - body.matches(end).count();
        let definitions = body.lines().filter(|line| line.starts_with("[^")).count();
        assert_eq!(marks("]: "), definitions, "footnotes: {body}");
        assert_eq!(content.flags.has_images, body.contains("!["));
    };
    for document in documents(1, 0..1_000) {
        check(&document.content);
        document
            .history
            .iter()
            .for_each(|earlier| check(&earlier.content));
    }
}

#[test]
fn few_tools_are_used_by_many_posts() {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for document in documents(1, 0..5_000) {
        assert!((3..=8).contains(&document.content.tools.len()));
        assert!((1..=3).contains(&document.content.stack.len()));
        assert!((2..=6).contains(&document.content.entities.len()));
        for tool in document.content.tools {
            *uses.entry(tool).or_default() += 1;
        }
    }
    let mut uses: Vec<usize> = uses.into_values().collect();
    uses.sort_unstable_by(|one, other| other.cmp(one));
    let (top, median) = (uses[0], uses[uses.len() / 2]);
    assert!(uses.len() > 350, "{} tools", uses.len());
    assert!(
        top >= 10 * median,
        "the top tool {top}, the median {median}"
    );
}

#[test]
fn checklist_ids_are_unique_within_a_post() {
    for document in documents(1, 0..2_000) {
        let steps = document.content.checklist;
        let ids: HashSet<&str> = steps.iter().map(|step| step.id.as_str()).collect();
        assert_eq!(ids.len(), steps.len());
        assert!(!ids.contains(""));
    }
}

#[test]
fn scores_are_within_bounds_and_differ() {
    let mut qualities = HashSet::new();
    for document in documents(1, 0..2_000) {
        for score in document.score_history.iter().chain(&document.score) {
            let figures = [score.quality, score.freshness, score.depth, score.clarity];
            assert!(figures.iter().all(|figure| *figure <= 100));
            qualities.insert(score.quality);
        }
    }
    assert!(qualities.len() > 20);
}

#[test]
fn earlier_revisions_differ_a_little() {
    let all: Vec<Document> = documents(1, 0..2_000).collect();
    let edited = all.iter().filter(|document| !document.history.is_empty());
    assert!((300..=500).contains(&edited.clone().count()));
    for document in edited {
        for earlier in &document.history {
            let body = &document.content.body;
            assert_ne!(earlier.content.body, *body);
            assert_eq!(earlier.content.slug, document.content.slug);
            let kept = earlier
                .content
                .body
                .lines()
                .filter(|line| body.contains(line))
                .count();
            assert!(
                kept * 10 > body.lines().count() * 8,
                "little is left of {body}"
            );
        }
    }
}

#[test]
fn most_posts_are_published() {
    let published = documents(1, 0..2_000)
        .filter(|document| document.revision.status == RevisionStatus::Published)
        .count();
    assert!((1_750..=1_850).contains(&published), "{published} of 2,000");
}
