//! What differs between two bodies: lines in hunks, and the words within changed lines.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use similar::{ChangeTag, DiffOp, InlineChangeOptions, TextDiff};

/// Lines that stay the same, shown before and after a change.
const CONTEXT: usize = 3;

/// The most lines of all hunks together; the answer holds an object for each.
const MOST_LINES: usize = 5_000;

/// The most bytes of all hunks together.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Bytes of a changed passage up to which its words are compared.
const MOST_BYTES_BY_WORD: usize = 64 * 1024;

/// What differs between two bodies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyDiff {
    /// The passages that differ, in order, with what stands round them.
    pub hunks: Vec<Hunk>,
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    /// Whether `hunks` holds every passage: very large ones, and all after them, are left out.
    pub complete: bool,
}

/// A passage that differs, with up to three lines before and after it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// The number of its first line in the old body, from 1; when it has none there, of the line it
    /// stands before.
    pub from_start: usize,
    /// How many lines of the old body it replaces.
    pub from_lines: usize,
    /// The number of its first line in the new body, from 1; when it has none there, of the line it
    /// stood before.
    pub to_start: usize,
    /// How many lines of the new body replace them.
    pub to_lines: usize,
    /// Its lines; of changed ones, those that went stand before those that came.
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What became of it.
    pub kind: LineKind,
    /// Its number in the old body, from 1.
    pub from_number: Option<usize>,
    /// Its number in the new body, from 1.
    pub to_number: Option<usize>,
    /// Its text in pieces, with the line break it ends in; the last line of a body may have none.
    pub segments: Vec<Segment>,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineKind {
    /// It is the same in both bodies.
    Same,
    /// It is in the old body only.
    Removed,
    /// It is in the new body only.
    Added,
}

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Its text.
    pub text: String,
    /// Whether these words are what differs between a line that went and the one that came for it.
    pub changed: bool,
}

/// Compares two bodies line by line, and changed lines word by word. After `deadline` it no longer
/// looks for the smallest difference.
pub fn diff_body(from: &str, to: &str, deadline: Instant) -> BodyDiff {
    let diff = TextDiff::configure()
        .deadline(deadline)
        .diff_lines(from, to);
    let mut body = BodyDiff {
        complete: true,
        ..BodyDiff::default()
    };
    for op in diff.ops() {
        if !matches!(op, DiffOp::Equal { .. }) {
            body.removed += op.old_range().len();
            body.added += op.new_range().len();
        }
    }
    let (mut lines, mut bytes) = (0, 0);
    for ops in diff.grouped_ops(CONTEXT) {
        lines += ops.iter().map(lines_of).sum::<usize>();
        bytes += ops.iter().map(|op| bytes_of(&diff, op)).sum::<usize>();
        if lines > MOST_LINES || bytes > MOST_BYTES {
            body.complete = false;
            break;
        }
        body.hunks.push(hunk(&diff, &ops, deadline));
    }
    body
}

fn hunk(diff: &TextDiff<'_, '_, str>, ops: &[DiffOp], deadline: Instant) -> Hunk {
    let mut hunk = Hunk::default();
    if let (Some(first), Some(last)) = (ops.first(), ops.last()) {
        hunk.from_start = first.old_range().start + 1;
        hunk.from_lines = last.old_range().end - first.old_range().start;
        hunk.to_start = first.new_range().start + 1;
        hunk.to_lines = last.new_range().end - first.new_range().start;
    }
    let mut options = InlineChangeOptions::new();
    options.semantic_cleanup(true);
    for op in ops {
        let replaced = matches!(op, DiffOp::Replace { .. });
        if replaced && bytes_of(diff, op) <= MOST_BYTES_BY_WORD {
            for change in
                diff.iter_inline_changes_with_options_deadline(op, options, Some(deadline))
            {
                let numbers = (change.old_index(), change.new_index());
                hunk.lines
                    .push(line(change.tag(), numbers, change.values()));
            }
        } else {
            for change in diff.iter_changes(op) {
                let numbers = (change.old_index(), change.new_index());
                hunk.lines
                    .push(line(change.tag(), numbers, &[(false, change.value())]));
            }
        }
    }
    hunk
}

fn line(tag: ChangeTag, numbers: (Option<usize>, Option<usize>), pieces: &[(bool, &str)]) -> Line {
    let mut segments: Vec<Segment> = Vec::new();
    for (changed, text) in pieces {
        match segments.last_mut() {
            Some(last) if last.changed == *changed => last.text.push_str(text),
            _ => segments.push(Segment {
                text: (*text).to_owned(),
                changed: *changed,
            }),
        }
    }
    Line {
        kind: match tag {
            ChangeTag::Equal => LineKind::Same,
            ChangeTag::Delete => LineKind::Removed,
            ChangeTag::Insert => LineKind::Added,
        },
        from_number: numbers.0.map(|index| index + 1),
        to_number: numbers.1.map(|index| index + 1),
        segments,
    }
}

fn lines_of(op: &DiffOp) -> usize {
    match op {
        DiffOp::Equal { len, .. } => *len,
        op => op.old_range().len() + op.new_range().len(),
    }
}

fn bytes_of(diff: &TextDiff<'_, '_, str>, op: &DiffOp) -> usize {
    let old = op.old_range().filter_map(|index| diff.old_slice(index));
    let new = op.new_range().filter_map(|index| diff.new_slice(index));
    old.chain(new).map(str::len).sum()
}
