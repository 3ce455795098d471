//! What a dry run would change.

use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::{Answer, Incoming};
use crate::domain::error::Result;
use crate::domain::perspective::{Perspective, Reader};
use crate::domain::post::{Content, RevisionDiff, compare, contents};
use crate::domain::slug::name_key;
use crate::domain::transaction::Store;
use crate::foundation::thread::joined;

/// How long the smallest difference between two bodies is looked for.
const TIME_LIMIT: Duration = Duration::from_millis(100);

/// What each document would change of the head of its post; none of those that are about no post, or
/// would leave its head alone. `answers` are those of [`apply`](super::apply()), and what it wrote must
/// have been undone.
///
/// # Errors
///
/// Those of the database.
pub async fn differences(
    store: &Store,
    documents: &[Incoming],
    answers: &[Answer],
) -> Result<Vec<Option<RevisionDiff>>> {
    let mut diffs = vec![None; documents.len()];
    let about = answers.iter().zip(documents).enumerate();
    let about = about.filter_map(|(place, (answer, document))| {
        let head = answer.trace.head_before?;
        let revision = answer.trace.revision_id?;
        (revision != head).then_some((place, head, document))
    });
    let about: Vec<(usize, i64, &Incoming)> = about.collect();
    if about.is_empty() {
        return Ok(diffs);
    }
    let heads: Vec<i64> = about.iter().map(|(_, head, _)| *head).collect();
    let reader = Reader::new(store.database.clone(), Perspective::Draft);
    let mut before = contents(&reader, &heads).await?;
    let pairs = about.into_iter().filter_map(|(place, head, document)| {
        let before = before.remove(&head)?;
        let stated = &document.post.revisions[document.post.head()];
        let after = as_written(stated.revision.content.clone(), &before);
        Some((place, before, after))
    });
    let pairs: Vec<(usize, Content, Content)> = pairs.collect();
    let compared = spawn_blocking(move || -> Result<Vec<(usize, RevisionDiff)>> {
        let pairs = pairs.iter();
        pairs
            .map(|(place, before, after)| {
                Ok((*place, compare(before, after, Instant::now() + TIME_LIMIT)?))
            })
            .collect()
    });
    for (place, diff) in joined(compared).await?? {
        diffs[place] = Some(diff);
    }
    Ok(diffs)
}

/// The content as it would be stored over `before`: without a slug it keeps the slug, and words that
/// are known keep their spelling.
fn as_written(mut content: Content, before: &Content) -> Content {
    if content.slug.is_none() {
        content.slug.clone_from(&before.slug);
    }
    let spelled = |names: &mut Vec<String>, known: &[String]| {
        for name in names {
            let key = name_key(name);
            if let Some(known) = known.iter().find(|known| name_key(known) == key) {
                name.clone_from(known);
            }
        }
    };
    spelled(&mut content.tools, &before.tools);
    spelled(&mut content.stack, &before.stack);
    for entity in &mut content.entities {
        let key = (name_key(&entity.name), name_key(&entity.kind));
        let known = before
            .entities
            .iter()
            .find(|known| (name_key(&known.name), name_key(&known.kind)) == key);
        if let Some(known) = known {
            entity.clone_from(known);
        }
    }
    content
}
