//! The content synthesizer: as many plausible field notes as a load test wants. Document `i` of a
//! seed is always the same, whatever was asked for before it, so a run can stop and continue
//! anywhere, and memory stays flat.

mod body;
mod figures;
mod history;
mod metadata;
mod random;
mod subject;
mod template;
mod vocabulary;
mod voice;

use std::ops::Range;

use serde_json::json;

use self::body::Body;
use self::figures::{Dates, score, soon_after, view_count};
use self::history::{Period, Version, earlier_revisions};
use self::random::Random;
use self::subject::Subject;
use self::voice::Voice;
use super::{Document, RevisionDetails, Score};
use crate::domain::post::{Content, Difficulty, Flags, Outline, RevisionStatus, Seo};

/// The documents of `seed` whose indexes are in `range`.
pub fn documents(seed: u64, range: Range<u64>) -> impl Iterator<Item = Document> {
    range.map(move |index| document(seed, index))
}

/// Document `index` of `seed`. Source ids, references, slugs and titles are unique within a seed;
/// every date is before 2026-01-01.
pub fn document(seed: u64, index: u64) -> Document {
    let mut random = Random::new(seed, index);
    let subject = Subject::new(seed, index);
    let tools = metadata::tools(&mut random, &subject);
    let status = status(&mut random);
    let published = status == RevisionStatus::Published;
    let earlier = match random.below(100) {
        0..14 => 1,
        14..20 => 2,
        _ => 0,
    };
    let dates = Dates::new(&mut random, index, published, earlier > 0);

    let mut voice = Voice::new(&mut random, &subject, &tools);
    let (content, body) = content(&mut voice, &subject, &tools, published, (seed, index));
    let (score, score_history) = scores(&mut voice, &content, &dates);
    let view_count = (published).then(|| {
        let quality = score.as_ref().map_or(60, |score| score.quality);
        view_count(voice.random, quality, figures::end() - dates.created)
    });

    let version = Version {
        major: voice.random.between(1, 3).min(voice.random.between(1, 3)),
        minor: voice.random.below(12).min(voice.random.below(12)),
        patch: earlier + voice.random.below(10),
    };
    let period = Period {
        from: dates.published.unwrap_or(dates.created),
        until: dates.updated,
    };
    let history = earlier_revisions(
        &mut voice,
        &content,
        &body,
        (earlier, version, period),
        published,
    );

    let reviewed = voice.random.chance(85);
    let last_reviewed = reviewed.then(|| soon_after(voice.random, dates.updated).date_naive());
    Document {
        source_id: Some(format!("synth-{seed}-{index:07}")),
        reference: Some(format!("anp-syn-{seed}-{index:07}")),
        generator: Some("alphanode synth".to_owned()),
        content,
        revision: RevisionDetails {
            version: Some(version.before(0)),
            status,
            last_reviewed,
            author: Some(voice.phrase_of("author")),
            message: Some(match earlier {
                0 => voice.one_of("first-message"),
                _ => voice.one_of("message"),
            }),
            saved_at: None,
        },
        view_count,
        score,
        score_history,
        published_at: dates.published,
        created_at: Some(dates.created),
        updated_at: Some(dates.updated),
        history,
        ..Document::default()
    }
}

fn status(random: &mut Random) -> RevisionStatus {
    match random.below(100) {
        0..90 => RevisionStatus::Published,
        90..96 => RevisionStatus::Drafted,
        96..98 => RevisionStatus::InReview,
        _ => RevisionStatus::Approved,
    }
}

/// The newest content, and its body before it became one text.
fn content(
    voice: &mut Voice,
    subject: &Subject,
    tools: &[&'static str],
    published: bool,
    (seed, index): (u64, u64),
) -> (Content, Body) {
    let checklist = metadata::checklist(voice);
    let steps: Vec<String> = checklist.iter().map(|step| step.text.clone()).collect();
    let body = Body::write(voice, subject.stack.language, &steps);
    let markdown = body.markdown();

    let mut title = String::new();
    voice.sentence(&subject.angle.title, &mut title);
    if subject.round > 1 {
        title.push_str(&format!(" (part {})", subject.round));
    }
    let scenario = match subject.scope {
        "" => "for a content heavy programming website",
        scope => scope,
    };
    let words = markdown.split_ascii_whitespace().count();
    let stated = voice.random.chance(75);
    let review_percent = if published { 2 } else { 20 };
    let content = Content {
        slug: Some(subject.slug()),
        summary: voice.one_of("summary"),
        topic: Some(format!(
            "{} / {}",
            subject.problem,
            subject.stack.name.to_lowercase()
        )),
        stack: metadata::stack(voice.random, subject),
        tools: tools.iter().map(|tool| tool.to_lowercase()).collect(),
        entities: metadata::entities(voice.random, subject),
        code_language: Some(subject.stack.language.to_owned()),
        difficulty: Some(match voice.random.below(100) {
            0..35 => Difficulty::Beginner,
            35..80 => Difficulty::Intermediate,
            _ => Difficulty::Advanced,
        }),
        reading_minutes: stated.then(|| words.div_ceil(200) as u32),
        outline: Outline {
            context: Some(scenario.to_owned()),
            problem: Some(subject.problem.to_owned()),
            stack: Some(subject.stack.name.to_lowercase()),
            recommended_action: Some(voice.phrase_of("recommended")),
        },
        brief: voice.random.chance(40).then(|| voice.one_of("brief")),
        checklist,
        notes: metadata::notes(voice),
        flags: Flags {
            ai_generated_style: voice.random.chance(10),
            has_images: body.images > 0,
            image_heavy: body.images > 4,
            needs_human_review: voice.random.chance(review_percent),
        },
        seo: match voice.random.below(100) {
            0..3 => Seo {
                canonical: Some(format!("https://www.example.com/notes/{}", subject.slug())),
                ..Seo::default()
            },
            3..15 => Seo {
                title: Some(voice.one_of("seo-title")),
                description: Some(voice.one_of("seo-description")),
                canonical: None,
            },
            _ => Seo::default(),
        },
        payload: metadata::payload([
            ("index", json!(index)),
            ("paragraphs", json!(body.paragraphs())),
            ("scenario", json!(scenario)),
            ("seed", json!(seed)),
        ]),
        title,
        body: markdown,
    };
    (content, body)
}

/// The current assessment and those before it; most drafts have none yet.
fn scores(voice: &mut Voice, content: &Content, dates: &Dates) -> (Option<Score>, Vec<Score>) {
    if dates.published.is_none() && voice.random.chance(60) {
        return (None, Vec::new());
    }
    let difficulty = content.difficulty.unwrap_or(Difficulty::Intermediate);
    let words = content.body.split_ascii_whitespace().count();
    let mut assessed_at = dates.created;
    let mut scores = Vec::new();
    for _ in 0..=voice.random.below(4).min(voice.random.below(4)) {
        assessed_at = soon_after(voice.random, assessed_at);
        let mut score = score(voice.random, difficulty, words, assessed_at - dates.created);
        score.assessed_at = Some(assessed_at);
        score.assessor = Some(voice.phrase_of("assessor"));
        scores.push(score);
    }
    (scores.pop(), scores)
}
