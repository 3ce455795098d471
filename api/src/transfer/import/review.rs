//! What an import makes live is held to the same review as what people publish, unless it is the
//! operator who imports.

use crate::domain::post::{NewPost, RevisionStatus};

/// The review that an import is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Review {
    /// Whether every revision has to be approved, and not only those that are marked.
    pub(super) required: bool,
    /// The user who imports. They count as the author of what they bring, so that somebody else has
    /// to approve it.
    pub(super) author_id: Option<i64>,
}

impl Review {
    /// Lets revisions wait for a review that would go live without one, or state that they had it:
    /// those that are marked as needing human review, and all of them where every revision has to be
    /// approved. Only the newest is waited for, and that is said.
    pub(super) fn hold_back(self, post: &mut NewPost, inferred: &mut Vec<String>) {
        let mut newest = true;
        for revision in post.revisions.iter_mut().rev() {
            revision.author_id = self.author_id;
            let if_older = match revision.status {
                RevisionStatus::Published => RevisionStatus::Superseded,
                RevisionStatus::Approved => RevisionStatus::Drafted,
                _ => continue,
            };
            let marked = revision.content.flags.needs_human_review;
            if marked || self.required {
                revision.status = match newest {
                    true => RevisionStatus::InReview,
                    false => if_older,
                };
                if newest {
                    let why = match marked {
                        true => "it is marked as needing human review",
                        false => "revisions are reviewed here before they go live",
                    };
                    inferred.push(format!("it waits for a review, because {why}"));
                }
            }
            newest = false;
        }
    }
}
