//! The rubric: four figures from what can be counted about a post, each with its reasons. It knows
//! nothing of databases and clocks: the same post gets the same figures. `docs/scores.md` is the
//! same in words.

use serde::{Deserialize, Serialize};

use super::facts::Subject;
use crate::domain::post::CurrentScore;

/// Days in which the freshness of a post that nobody looks at falls by half.
pub const HALF_LIFE: i64 = 365;

/// One of the four figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// How well a post is made.
    Quality,
    /// How well it fits the present state of its stack.
    Freshness,
    /// How far it goes below the surface.
    Depth,
    /// How easily it is understood.
    Clarity,
}

/// Why a figure is what it is: the points of its reasons add up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The figure.
    pub figure: Figure,
    /// What it gives.
    pub points: i16,
    /// The most it can give.
    pub most: i16,
    /// What was found and what is enough, in a sentence.
    pub why: String,
}

/// What the rubric says of a post.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Every reason, figure by figure.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// A figure: the sum of its reasons, 0 to 100.
    pub fn figure(&self, figure: Figure) -> i16 {
        let reasons = self.reasons.iter();
        let of_figure = reasons.filter(|reason| reason.figure == figure);
        of_figure.map(|reason| reason.points).sum()
    }

    /// The four figures.
    pub fn score(&self) -> CurrentScore {
        CurrentScore {
            quality: self.figure(Figure::Quality),
            freshness: self.figure(Figure::Freshness),
            depth: self.figure(Figure::Depth),
            clarity: self.figure(Figure::Clarity),
        }
    }

    fn add(&mut self, figure: Figure, most: i16, share: f64, why: String) {
        self.reasons.push(Reason {
            figure,
            points: points(most, share),
            most,
            why,
        });
    }
}

/// A share from 0 to 1 of at most 100 points.
fn points(most: i16, share: f64) -> i16 {
    #[allow(clippy::cast_possible_truncation, reason = "the number is small")]
    let points = (f64::from(most) * share.clamp(0.0, 1.0)).round() as i16;
    points
}

/// Judges a post.
pub fn judge(subject: &Subject) -> Verdict {
    let mut verdict = Verdict::default();
    judge_quality(subject, &mut verdict);
    judge_freshness(subject, &mut verdict);
    judge_depth(subject, &mut verdict);
    judge_clarity(subject, &mut verdict);
    verdict
}

fn judge_quality(subject: &Subject, verdict: &mut Verdict) {
    use Figure::Quality;
    let body = &subject.body;
    let found =
        |count: usize, enough: usize, what: &str| format!("{count} {what}; {enough} are enough");

    let why = found(body.headings, 4, "headings");
    verdict.add(Quality, 20, part(body.headings, 4), why);
    let (named, blocks) = (body.code_blocks_with_language, body.code_blocks);
    let why = format!("{named} of {blocks} code blocks name their language");
    verdict.add(Quality, 15, part(named, blocks), why);
    let why = found(body.links, 3, "different links");
    verdict.add(Quality, 12, part(body.links, 3), why);
    let answers = subject.outline_answers;
    let why = format!("{answers} of the 4 answers of the outline");
    verdict.add(Quality, 20, part(answers, 4), why);
    let why = found(subject.checklist_items, 5, "steps in the checklist");
    verdict.add(Quality, 15, part(subject.checklist_items, 5), why);
    let length = subject.summary_length;
    let why = format!("a summary of {length} characters; 40 to 300 are right");
    verdict.add(Quality, 8, whole((40..=300).contains(&length)), why);
    let named = [
        subject.has_difficulty,
        subject.stack > 0,
        subject.entities > 0,
    ];
    let named = named.into_iter().filter(|given| *given).count();
    let why = format!("{named} of difficulty, stack and entities are given");
    verdict.add(Quality, 10, part(named, 3), why);
}

/// The freshness of a post that nobody looked at for so many days.
pub fn freshness_after(days: i64) -> i16 {
    points(100, freshness_share(days))
}

fn freshness_share(days: i64) -> f64 {
    // Days since year 0 fit a float many times over.
    #[allow(clippy::cast_precision_loss, reason = "the number is small")]
    0.5_f64.powf(days.max(0) as f64 / HALF_LIFE as f64)
}

fn judge_freshness(subject: &Subject, verdict: &mut Verdict) {
    let days = subject.age_in_days.max(0);
    let share = freshness_share(days);
    let why = format!("{days} days since it was checked or saved; {HALF_LIFE} days halve it");
    verdict.add(Figure::Freshness, 100, share, why);
}

fn judge_depth(subject: &Subject, verdict: &mut Verdict) {
    use Figure::Depth;
    let body = &subject.body;
    let named = subject.entities + subject.tools;
    for (most, count, enough, what) in [
        (40, body.words, 1_500, "words outside code"),
        (25, body.code_lines, 60, "lines of code"),
        (10, body.subheadings, 3, "headings below the second level"),
        (10, body.links, 5, "different links"),
        (10, subject.checklist_items, 8, "steps in the checklist"),
        (5, named, 5, "entities and tools"),
    ] {
        let why = format!("{count} {what}; {enough} are enough");
        verdict.add(Depth, most, part(count, enough), why);
    }
}

fn judge_clarity(subject: &Subject, verdict: &mut Verdict) {
    use Figure::Clarity;
    let body = &subject.body;

    let (length, share) = short(body.paragraph_words, body.sentences, 18.0, 36.0);
    let why = format!("{length:.1} words a sentence; 18 are short, 36 long");
    verdict.add(Clarity, 40, share, why);
    let (length, share) = short(body.paragraph_words, body.paragraphs, 80.0, 200.0);
    let why = format!("{length:.1} words a paragraph; 80 are short, 200 long");
    verdict.add(Clarity, 20, share, why);
    let (headings, words) = (body.headings, body.words);
    let why = format!("{headings} headings over {words} words; one every 250 is enough");
    verdict.add(Clarity, 20, part(headings * 250, words), why);
    let answers = subject.outline_answers;
    let why = format!("{answers} of the 4 answers of the outline");
    verdict.add(Clarity, 10, part(answers, 4), why);
    let summary = subject.summary_length > 0;
    let why = if summary { "a summary" } else { "no summary" };
    verdict.add(Clarity, 5, whole(summary), why.into());
    let lists = body.lists + usize::from(subject.checklist_items > 0);
    let why = format!("{lists} lists, tables and checklists; one is enough");
    verdict.add(Clarity, 5, part(lists, 1), why);
}

/// How much of what is enough is there.
fn part(count: usize, enough: usize) -> f64 {
    match enough {
        0 => 0.0,
        enough => ratio(count, enough).min(1.0),
    }
}

/// The mean length of `pieces`, and what it is worth: everything up to `short`, nothing from `long`
/// on, in a straight line between. Nothing at all is worth nothing.
fn short(words: usize, pieces: usize, short: f64, long: f64) -> (f64, f64) {
    match pieces {
        0 => (0.0, 0.0),
        pieces => {
            let length = ratio(words, pieces);
            (length, (long - length) / (long - short))
        }
    }
}

fn whole(there: bool) -> f64 {
    f64::from(u8::from(there))
}

/// Counts of things in a post are far below what a float holds exactly.
#[allow(clippy::cast_precision_loss, reason = "the numbers are small")]
fn ratio(one: usize, other: usize) -> f64 {
    one as f64 / other as f64
}
