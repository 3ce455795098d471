//! The rows of revisions, collected and then inserted table by table, however many posts they
//! belong to.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::{
    post, post_content, post_content_body, post_content_entity, post_content_stack,
    post_content_tool, post_search, post_slug, publication, redirect, revision,
    revision_transition, score,
};
use sea_orm::ActiveValue::Set;

use super::content::Content;
use super::insert::Inserter;
use super::prepare::PreparedRevision;
use super::search_entry::SearchEntry;
use crate::domain::error::Result;
use crate::domain::taxonomy::{Taxonomy, TermName, find_or_create};
use crate::domain::transaction::Transaction;

/// Rows waiting to be inserted.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) posts: Vec<post::ActiveModel>,
    pub(super) slugs: Vec<post_slug::ActiveModel>,
    pub(super) redirects: Vec<redirect::ActiveModel>,
    pub(super) scores: Vec<score::ActiveModel>,
    pub(super) publications: Vec<publication::ActiveModel>,
    revisions: Vec<revision::ActiveModel>,
    transitions: Vec<revision_transition::ActiveModel>,
    contents: Vec<post_content::ActiveModel>,
    bodies: Vec<post_content_body::ActiveModel>,
    tools: Vec<post_content_tool::ActiveModel>,
    stacks: Vec<post_content_stack::ActiveModel>,
    entities: Vec<post_content_entity::ActiveModel>,
    search: Vec<post_search::ActiveModel>,
}

/// Where a revision goes.
pub(super) struct Place {
    pub(super) id: i64,
    pub(super) post_id: i64,
    pub(super) number: i32,
    /// Set when the content is live at once.
    pub(super) published_at: Option<DateTime<Utc>>,
}

/// The keys of every word that some contents use.
pub(super) struct Terms {
    tools: HashMap<TermName, i64>,
    stacks: HashMap<TermName, i64>,
    entities: HashMap<TermName, i64>,
}

impl Terms {
    /// Finds the words of `contents`, adding those that are missing.
    pub(super) async fn of(
        transaction: &mut Transaction<'_>,
        contents: &[&Content],
    ) -> Result<Self> {
        let (mut tools, mut stacks, mut entities) = (Vec::new(), Vec::new(), Vec::new());
        for content in contents {
            let plain = |name: &String| (String::new(), name.clone());
            tools.extend(content.tools.iter().map(plain));
            stacks.extend(content.stack.iter().map(plain));
            for entity in &content.entities {
                entities.push((entity.kind.clone(), entity.name.clone()));
            }
        }
        Ok(Self {
            tools: find_or_create(transaction, Taxonomy::Tool, tools).await?,
            stacks: find_or_create(transaction, Taxonomy::Stack, stacks).await?,
            entities: find_or_create(transaction, Taxonomy::Entity, entities).await?,
        })
    }
}

/// Each key once, in the order of its first appearance, with its position.
fn positions(ids: impl Iterator<Item = i64>) -> Vec<(i64, i16)> {
    let mut seen = std::collections::HashSet::new();
    ids.filter(|id| seen.insert(*id)).zip(0..i16::MAX).collect()
}

impl Rows {
    /// Adds one revision with its content, body, words and search entry.
    pub(super) fn add_revision(
        &mut self,
        prepared: PreparedRevision,
        slug: String,
        place: &Place,
        terms: &Terms,
        actor: &str,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let reading_minutes = prepared.reading_minutes();
        let PreparedRevision {
            revision,
            rendered,
            content_hash,
            ..
        } = prepared;
        let content = revision.content;
        let saved_at = revision.saved_at.unwrap_or(now);
        let status = revision.status.as_str().to_owned();
        self.revisions.push(revision::ActiveModel {
            id: Set(place.id),
            post_id: Set(place.post_id),
            number: Set(place.number),
            version: Set(revision.version.unwrap_or_else(|| "1.0.0".into())),
            status: Set(status.clone()),
            author: Set(revision.author),
            message: Set(revision.message),
            last_reviewed: Set(revision.last_reviewed),
            content_hash: Set(content_hash),
            saved_at: Set(saved_at),
            author_id: Set(revision.author_id),
            reviewer_id: Set(None),
        });
        self.transitions.push(revision_transition::ActiveModel {
            revision_id: Set(place.id),
            status: Set(status),
            actor: Set(actor.to_owned()),
            comment: Set(None),
            at: Set(now),
            ..Default::default()
        });
        self.add_terms(&content, place, terms);
        let entry = SearchEntry::of(&content, rendered.text);
        self.search.push(post_search::ActiveModel {
            content_id: Set(place.id),
            title: Set(entry.title),
            summary: Set(entry.summary),
            terms: Set(entry.terms),
            body: Set(entry.body),
        });
        self.bodies.push(post_content_body::ActiveModel {
            content_id: Set(place.id),
            markdown: Set(content.body),
            html: Set(rendered.html),
            table_of_contents: Set(serde_json::to_value(&rendered.table_of_contents)?),
        });
        let integer = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        self.contents.push(post_content::ActiveModel {
            id: Set(place.id),
            post_id: Set(place.post_id),
            published_at: Set(place.published_at),
            updated_at: Set(saved_at),
            slug: Set(slug),
            title: Set(content.title),
            summary: Set(content.summary),
            topic: Set(content.topic),
            code_language: Set(content.code_language),
            difficulty: Set(content.difficulty.map(|level| level.as_str().to_owned())),
            reading_minutes: Set(integer(reading_minutes)),
            stated_reading_minutes: Set(content.reading_minutes.map(integer)),
            word_count: Set(integer(rendered.word_count)),
            outline_context: Set(content.outline.context),
            outline_problem: Set(content.outline.problem),
            outline_stack: Set(content.outline.stack),
            outline_recommended_action: Set(content.outline.recommended_action),
            brief: Set(content.brief),
            checklist: Set(serde_json::to_value(&content.checklist)?),
            notes: Set(serde_json::to_value(&content.notes)?),
            ai_generated_style: Set(content.flags.ai_generated_style),
            has_images: Set(content.flags.has_images),
            image_heavy: Set(content.flags.image_heavy),
            needs_human_review: Set(content.flags.needs_human_review),
            seo_title: Set(content.seo.title),
            seo_description: Set(content.seo.description),
            seo_canonical: Set(content.seo.canonical),
            payload: Set(serde_json::Value::Object(content.payload)),
        });
        Ok(())
    }

    fn add_terms(&mut self, content: &Content, place: &Place, terms: &Terms) {
        let published_at = place.published_at;
        let plain = |known: &HashMap<TermName, i64>, names: &[String]| {
            let ids = names.iter();
            positions(ids.filter_map(|name| known.get(&(String::new(), name.clone())).copied()))
        };
        for (tool_id, position) in plain(&terms.tools, &content.tools) {
            self.tools.push(post_content_tool::ActiveModel {
                content_id: Set(place.id),
                tool_id: Set(tool_id),
                position: Set(position),
                published_at: Set(published_at),
            });
        }
        for (stack_id, position) in plain(&terms.stacks, &content.stack) {
            self.stacks.push(post_content_stack::ActiveModel {
                content_id: Set(place.id),
                stack_id: Set(stack_id),
                position: Set(position),
                published_at: Set(published_at),
            });
        }
        let entities = positions(content.entities.iter().filter_map(|entity| {
            let name = (entity.kind.clone(), entity.name.clone());
            terms.entities.get(&name).copied()
        }));
        for (named_entity_id, position) in entities {
            self.entities.push(post_content_entity::ActiveModel {
                content_id: Set(place.id),
                named_entity_id: Set(named_entity_id),
                position: Set(position),
                published_at: Set(published_at),
            });
        }
    }

    /// Inserts everything, in an order that foreign keys accept.
    pub(super) fn insert(self, inserter: &Inserter) -> Result<()> {
        inserter.rows(self.posts)?;
        inserter.rows(self.revisions)?;
        inserter.rows(self.transitions)?;
        inserter.rows(self.contents)?;
        inserter.rows(self.bodies)?;
        inserter.rows(self.tools)?;
        inserter.rows(self.stacks)?;
        inserter.rows(self.entities)?;
        inserter.rows(self.search)?;
        inserter.rows(self.publications)?;
        inserter.rows(self.slugs)?;
        inserter.rows(self.redirects)?;
        inserter.rows(self.scores)
    }
}
