//! Posts answered in one go.
//!
//! The library makes a future of every field, of what the field holds, and of every item of a list,
//! and each is an allocation or two: for a page of posts that takes longer than anything else. All
//! of a post is read before it is resolved, though, except for a few fields that ask the database or
//! take arguments. So a post whose selection has none of those is answered here; every other post is
//! left to the resolvers, which stay what the schema is made from.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, InputType, Name, OutputType, Positioned, ServerResult, Value, to_value,
};

use super::post::{Difficulty, Post};
use super::revision::RevisionStatus;
use crate::domain::post;
use crate::domain::taxonomy::Term;
use crate::graphql::node_id::NodeType;

/// A post that is answered in one go where its selection allows it.
#[derive(Clone)]
pub struct PostAtHand(pub Post);

#[async_graphql::async_trait::async_trait]
impl OutputType for PostAtHand {
    fn type_name() -> Cow<'static, str> {
        Post::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        Post::create_type_info(registry)
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        match Answer(context).post(&self.0.0, &context.item.node) {
            Some(answer) => Ok(answer),
            None => self.0.resolve(context, field).await,
        }
    }
}

/// Answers selections from values; nothing where one asks for more than that.
#[derive(Clone, Copy)]
struct Answer<'a>(&'a ContextSelectionSet<'a>);

impl Answer<'_> {
    fn post(self, post: &post::Post, selection: &SelectionSet) -> Option<Value> {
        self.object("Post", selection, &|field| {
            let inside = &field.selection_set.node;
            Some(match field.name.node.as_str() {
                "id" => NodeType::Post.id(post.id).to_value(),
                "reference" => text(&post.reference),
                "sourceId" => post.source_id.to_value(),
                "generator" => post.generator.to_value(),
                "sourceHash" => post.source_hash.to_value(),
                "slug" => text(&post.slug),
                "path" => Value::String(post::path(&post.slug)),
                "title" => text(&post.title),
                "summary" => text(&post.summary),
                "topic" => post.topic.to_value(),
                "bodyHtml" => text(&post.body_html),
                "bodyMarkdown" => text(&post.body_markdown),
                "tableOfContents" => {
                    let headings = post.table_of_contents.iter();
                    self.list(headings, "Heading", inside, |heading, name| match name {
                        "id" => Some(text(&heading.id)),
                        "level" => Some(heading.level.to_value()),
                        "text" => Some(text(&heading.text)),
                        _ => None,
                    })?
                }
                "codeLanguage" => post.code_language.to_value(),
                "difficulty" => post.difficulty.map(Difficulty::from).to_value(),
                "readingMinutes" => post.reading_minutes.to_value(),
                "wordCount" => post.word_count.to_value(),
                "viewCount" => post.view_count.to_value(),
                "outline" => {
                    let outline = &post.outline;
                    self.flat("Outline", inside, |name| match name {
                        "context" => Some(outline.context.to_value()),
                        "problem" => Some(outline.problem.to_value()),
                        "stack" => Some(outline.stack.to_value()),
                        "recommendedAction" => Some(outline.recommended_action.to_value()),
                        _ => None,
                    })?
                }
                "brief" => post.brief.to_value(),
                "checklist" => {
                    let items = post.checklist.iter();
                    self.list(items, "ChecklistItem", inside, |item, name| match name {
                        "id" => Some(text(&item.id)),
                        "text" => Some(text(&item.text)),
                        _ => None,
                    })?
                }
                "notes" => post.notes.to_value(),
                "flags" => {
                    let flags = post.flags;
                    self.flat("Flags", inside, |name| match name {
                        "aiGeneratedStyle" => Some(flags.ai_generated_style.to_value()),
                        "hasImages" => Some(flags.has_images.to_value()),
                        "imageHeavy" => Some(flags.image_heavy.to_value()),
                        "needsHumanReview" => Some(flags.needs_human_review.to_value()),
                        _ => None,
                    })?
                }
                "payload" => to_value(&post.payload).ok()?,
                "tools" => self.terms(&post.tools, "Tool", NodeType::Tool, inside)?,
                "stack" => self.terms(&post.stack, "Stack", NodeType::Stack, inside)?,
                "entities" => self.terms(&post.entities, "Entity", NodeType::Entity, inside)?,
                "score" => match post.score {
                    None => Value::Null,
                    Some(score) => self.flat("Score", inside, |name| match name {
                        "quality" => Some(score.quality.to_value()),
                        "freshness" => Some(score.freshness.to_value()),
                        "depth" => Some(score.depth.to_value()),
                        "clarity" => Some(score.clarity.to_value()),
                        _ => None,
                    })?,
                },
                "revision" => self.revision(&post.revision, inside)?,
                "publishedAt" => post.published_at.to_value(),
                "updatedAt" => post.updated_at.to_value(),
                "createdAt" => post.created_at.to_value(),
                _ => return None,
            })
        })
    }

    fn revision(self, revision: &post::Revision, selection: &SelectionSet) -> Option<Value> {
        self.flat("Revision", selection, |name| match name {
            "id" => Some(NodeType::Revision.id(revision.id).to_value()),
            "number" => Some(revision.number.to_value()),
            "version" => Some(text(&revision.version)),
            "status" => Some(RevisionStatus::from(revision.status).to_value()),
            "author" => Some(revision.author.to_value()),
            "message" => Some(revision.message.to_value()),
            "lastReviewed" => Some(revision.last_reviewed.to_value()),
            "contentHash" => Some(text(&revision.content_hash)),
            "savedAt" => Some(revision.saved_at.to_value()),
            _ => None,
        })
    }

    fn terms(
        self,
        terms: &[Term],
        type_name: &'static str,
        node: NodeType,
        selection: &SelectionSet,
    ) -> Option<Value> {
        self.list(
            terms.iter(),
            type_name,
            selection,
            |term, name| match name {
                "id" => Some(node.id(term.id).to_value()),
                "name" => Some(text(&term.name)),
                "slug" => Some(text(&term.slug)),
                "type" if node == NodeType::Entity => Some(text(&term.kind)),
                _ => None,
            },
        )
    }

    fn list<'item, Item: 'item>(
        self,
        items: impl Iterator<Item = &'item Item>,
        type_name: &'static str,
        selection: &SelectionSet,
        value: impl Fn(&Item, &str) -> Option<Value>,
    ) -> Option<Value> {
        let objects = items.map(|item| self.flat(type_name, selection, |name| value(item, name)));
        Some(Value::List(objects.collect::<Option<_>>()?))
    }

    /// An object without objects in it.
    fn flat(
        self,
        type_name: &'static str,
        selection: &SelectionSet,
        value: impl Fn(&str) -> Option<Value>,
    ) -> Option<Value> {
        self.object(type_name, selection, &|field| value(&field.name.node))
    }

    fn object(
        self,
        type_name: &'static str,
        selection: &SelectionSet,
        value: &dyn Fn(&Field) -> Option<Value>,
    ) -> Option<Value> {
        let mut object = IndexMap::with_capacity(selection.items.len());
        self.add(type_name, selection, value, &mut object)?;
        Some(Value::Object(object))
    }

    fn add(
        self,
        type_name: &'static str,
        selection: &SelectionSet,
        value: &dyn Fn(&Field) -> Option<Value>,
        object: &mut IndexMap<Name, Value>,
    ) -> Option<()> {
        for selection in &selection.items {
            if !selection.node.directives().is_empty() {
                return None;
            }
            match &selection.node {
                Selection::Field(field) => {
                    let value = match field.node.name.node.as_str() {
                        "__typename" => Value::String(type_name.to_owned()),
                        _ => value(&field.node)?,
                    };
                    let key = field.node.response_key().node.clone();
                    // What is asked for twice has to be merged.
                    if object.insert(key, value).is_some() {
                        return None;
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.0.query_env.fragments;
                    let fragment = &fragments.get(&spread.node.fragment_name.node)?.node;
                    if fragment.type_condition.node.on.node != type_name {
                        return None;
                    }
                    self.add(type_name, &fragment.selection_set.node, value, object)?;
                }
                Selection::InlineFragment(_) => return None,
            }
        }
        Some(())
    }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
