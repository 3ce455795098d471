//! What differs between two lists.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};

/// A list that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListChange {
    /// Its name, e.g. `tools`.
    pub field: String,
    /// What came, with its place in the new list.
    pub added: Vec<ListItem>,
    /// What went, with its place in the old list.
    pub removed: Vec<ListItem>,
    /// What stands elsewhere among those that stayed: the fewest moves that make the new order.
    pub moved: Vec<MovedItem>,
    /// Steps of a checklist that say something else under the same id.
    pub changed: Vec<ChangedItem>,
}

/// An item and its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListItem {
    /// The item.
    pub item: Value,
    /// Its place, from 0.
    pub position: usize,
}

/// An item that stands elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovedItem {
    /// The item as it is now.
    pub item: Value,
    /// Its place in the old list, from 0.
    pub from: usize,
    /// Its place in the new list, from 0.
    pub to: usize,
}

/// An item that says something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedItem {
    /// What it said.
    pub before: Value,
    /// What it says.
    pub after: Value,
    /// Its place in the new list, from 0.
    pub position: usize,
}

/// What an item is known by: its id where it has one, else all of it; and how many like it stand
/// before it.
type Key = (String, usize);

impl ListChange {
    /// What differs between two lists.
    pub(super) fn between(field: String, before: Vec<Value>, after: Vec<Value>) -> Self {
        let (old_keys, new_keys) = (keys(&before), keys(&after));
        let old_places: HashMap<&Key, usize> = old_keys.iter().zip(0..).collect();
        let stays: HashSet<&Key> = new_keys
            .iter()
            .filter(|key| old_places.contains_key(key))
            .collect();
        let moved = moved(&old_keys, &new_keys, &stays);
        let mut change = Self {
            field,
            added: Vec::new(),
            removed: Vec::new(),
            moved: Vec::new(),
            changed: Vec::new(),
        };
        for ((item, key), position) in before.iter().zip(&old_keys).zip(0..) {
            if !stays.contains(key) {
                let item = item.clone();
                change.removed.push(ListItem { item, position });
            }
        }
        for ((item, key), position) in after.into_iter().zip(&new_keys).zip(0..) {
            let Some(&from) = old_places.get(key) else {
                change.added.push(ListItem { item, position });
                continue;
            };
            if before[from] != item {
                change.changed.push(ChangedItem {
                    before: before[from].clone(),
                    after: item.clone(),
                    position,
                });
            }
            if moved.contains(key) {
                change.moved.push(MovedItem {
                    item,
                    from,
                    to: position,
                });
            }
        }
        change
    }
}

fn keys(items: &[Value]) -> Vec<Key> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let key = |item: &Value| {
        let id = item.get("id").and_then(Value::as_str);
        let name = match id.filter(|id| !id.is_empty()) {
            Some(id) => id.to_owned(),
            None => item.to_string(),
        };
        let before = seen.entry(name.clone()).or_default();
        *before += 1;
        (name, *before)
    };
    items.iter().map(key).collect()
}

/// Of the items that stay, those that are out of the longest order that both lists share.
fn moved<'key>(old: &'key [Key], new: &'key [Key], stays: &HashSet<&Key>) -> HashSet<&'key Key> {
    let staying = |keys: &'key [Key]| -> Vec<&'key Key> {
        keys.iter().filter(|key| stays.contains(key)).collect()
    };
    let (old, new) = (staying(old), staying(new));
    let mut moved = HashSet::new();
    for change in capture_diff_slices(Algorithm::Myers, &old, &new) {
        if !matches!(change, DiffOp::Equal { .. }) {
            moved.extend(&old[change.old_range()]);
        }
    }
    moved
}
