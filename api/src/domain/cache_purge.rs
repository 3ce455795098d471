//! Forgetting answers by hand.

use std::collections::BTreeSet;

use serde_json::json;

use super::audit::AuditEvent;
use super::error::{Problem, Result};
use super::transaction::Transaction;
use crate::foundation::cache_tag::CacheTag;

/// The most tags of a call; whoever has more purges everything.
const MOST_TAGS: usize = 1_000;

/// Says that answers made from these are out of date, on every node, once the transaction commits.
/// Tags are as answers carry them. Answers what was said, each once.
///
/// # Errors
///
/// [`Error::Refused`](super::error::Error::Refused) with every tag that is none.
pub fn purge(transaction: &mut Transaction<'_>, tags: &[String]) -> Result<Vec<String>> {
    if tags.is_empty() {
        let message = "is empty; name at least one tag, or `*` for everything";
        return Err(Problem::invalid("tags", message).into());
    }
    if tags.len() > MOST_TAGS {
        let message = format!("has {} items; purge `*` instead", tags.len());
        return Err(Problem::invalid("tags", message).into());
    }
    let mut problems = Vec::new();
    let mut found = BTreeSet::new();
    for (index, text) in tags.iter().enumerate() {
        match CacheTag::parse(text.trim()) {
            Some(tag) => {
                found.insert(tag);
            }
            None => {
                let message = "is no tag; pass one as the header `Surrogate-Key` has them, such as \
                               `post:17` or `list:posts`, or `*` for everything";
                problems.push(Problem::invalid(format!("tags[{index}]"), message));
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems.into());
    }
    for tag in &found {
        transaction.touch(*tag);
    }
    let purged: Vec<String> = found.iter().map(CacheTag::to_string).collect();
    transaction.record(AuditEvent {
        action: "purge",
        subject: "cache",
        subject_id: 0,
        before: None,
        after: Some(json!({ "tags": purged })),
    });
    Ok(purged)
}
