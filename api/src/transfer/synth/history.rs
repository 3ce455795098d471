//! The revisions before the newest, and how much each differs from the next.

use chrono::{DateTime, TimeDelta, Utc};

use super::body::Body;
use super::voice::Voice;
use crate::domain::post::{Content, RevisionStatus};
use crate::transfer::{EarlierRevision, RevisionDetails};

/// A version such as `1.4.2`; a save before it has a lower last number.
#[derive(Clone, Copy)]
pub(super) struct Version {
    pub(super) major: u64,
    pub(super) minor: u64,
    pub(super) patch: u64,
}

impl Version {
    /// The version that is `saves` saves older.
    pub(super) fn before(self, saves: u64) -> String {
        let patch = self.patch.saturating_sub(saves);
        format!("{}.{}.{patch}", self.major, self.minor)
    }
}

/// Two moments between which the earlier revisions were saved.
pub(super) struct Period {
    pub(super) from: DateTime<Utc>,
    pub(super) until: DateTime<Utc>,
}

/// `count` revisions before `content`, oldest first.
pub(super) fn earlier_revisions(
    voice: &mut Voice,
    content: &Content,
    body: &Body,
    (count, version, period): (u64, Version, Period),
    published: bool,
) -> Vec<EarlierRevision> {
    let mut content = content.clone();
    let mut body = body.clone();
    let mut revisions = Vec::new();
    for saves in 1..=count {
        undo_edit(voice, &mut body);
        content.body = body.markdown();
        // What a later edit typically adds besides text.
        match voice.random.below(4) {
            0 if content.tools.len() > 3 => drop(content.tools.pop()),
            1 if content.checklist.len() > 3 => drop(content.checklist.pop()),
            2 => content.summary = voice.one_of("summary"),
            _ => {}
        }
        let share = (count + 1 - saves) as i64;
        let seconds = (period.until - period.from).num_seconds() * share / (count as i64 + 1);
        let saved_at = period.from + TimeDelta::seconds(seconds);
        revisions.push(EarlierRevision {
            content: content.clone(),
            revision: RevisionDetails {
                version: Some(version.before(saves)),
                status: match published {
                    true => RevisionStatus::Superseded,
                    false if voice.random.chance(30) => RevisionStatus::Rejected,
                    false => RevisionStatus::Drafted,
                },
                last_reviewed: Some(saved_at.date_naive()),
                author: Some(voice.phrase_of("author")),
                message: Some(match saves == count {
                    true => voice.one_of("first-message"),
                    false => voice.one_of("message"),
                }),
                saved_at: Some(saved_at),
            },
        });
    }
    revisions.reverse();
    revisions
}

/// Turns the body back to what it may have been before an edit: a paragraph without its last
/// sentence, another in other words, and sometimes one not yet written.
fn undo_edit(voice: &mut Voice, body: &mut Body) {
    let paragraphs: Vec<usize> = (0..body.blocks.len())
        .filter(|block| body.blocks[*block].paragraph && !body.blocks[*block].text.contains("[^"))
        .collect();
    let mut any = || {
        let position = voice.random.below(paragraphs.len() as u64) as usize;
        paragraphs.get(position).copied()
    };
    let (shortened, reworded, removed) = (any(), any(), any());
    if let Some(block) = shortened.and_then(|block| body.blocks.get_mut(block))
        && let Some((before, _)) = block.text.rsplit_once(". ")
    {
        block.text = format!("{before}.");
    }
    if let Some(block) = reworded.and_then(|block| body.blocks.get_mut(block)) {
        block.text.push(' ');
        block.text.push_str(&voice.one_of("remark"));
    }
    if paragraphs.len() > 6
        && voice.random.chance(50)
        && let Some(block) = removed
    {
        body.blocks.remove(block);
    }
}
