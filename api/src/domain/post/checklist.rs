//! The checklist of a post, and the ids that keep a reader's ticks in place.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::slug::slug_of;

/// One step of a checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "WrittenItem")]
pub struct ChecklistItem {
    /// Stable within the post, so that a tick survives a rewording: made from the first text.
    /// Empty until [`complete_checklist`] has made it.
    pub id: String,
    /// What to do.
    pub text: String,
}

/// A step as a file may write it: its text alone, or with its id.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum WrittenItem {
    /// The text; its id is made from it.
    Text(String),
    /// The text with its id.
    Item {
        /// Stable within the post. Made from the text when absent.
        #[serde(default)]
        id: String,
        /// What to do.
        text: String,
    },
}

impl From<WrittenItem> for ChecklistItem {
    fn from(written: WrittenItem) -> Self {
        match written {
            WrittenItem::Text(text) => Self {
                id: String::new(),
                text,
            },
            WrittenItem::Item { id, text } => Self { id, text },
        }
    }
}

/// The id of a step with this text, beside the ids that are taken: its slug, with `-2`, `-3`, …
/// where that is taken.
pub fn checklist_id(text: &str, taken: &HashSet<String>) -> String {
    let slug = match slug_of(text) {
        slug if slug.is_empty() => String::from("step"),
        slug => slug,
    };
    if !taken.contains(&slug) {
        return slug;
    }
    let mut number = 2;
    loop {
        let id = format!("{slug}-{number}");
        if !taken.contains(&id) {
            return id;
        }
        number += 1;
    }
}

/// Gives an id to every step that has none. Ids that are there stay as they are.
pub fn complete_checklist(items: &mut [ChecklistItem]) {
    let mut taken: HashSet<String> = items.iter().map(|item| item.id.clone()).collect();
    for item in items.iter_mut().filter(|item| item.id.is_empty()) {
        item.id = checklist_id(&item.text, &taken);
        taken.insert(item.id.clone());
    }
}
