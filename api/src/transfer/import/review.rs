//! What an import makes live is held to the same review as what people publish, unless it is the
//! operator who imports.

use crate::domain::post::{NewPost, RevisionStatus};

/// Lets revisions wait for a review that would go live without one: those that are marked as needing
/// human review, and all of them where every revision has to be approved. Says so where it is the
/// newest.
pub(super) fn hold_back(post: &mut NewPost, review_required: bool, inferred: &mut Vec<String>) {
    let is_published = |status| status == RevisionStatus::Published;
    let mut newest = true;
    for revision in post.revisions.iter_mut().rev() {
        if !is_published(revision.status) {
            continue;
        }
        let marked = revision.content.flags.needs_human_review;
        if marked || review_required {
            revision.status = match newest {
                true => RevisionStatus::InReview,
                false => RevisionStatus::Superseded,
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
