//! What a revision says, as it comes out and as it goes in.

use async_graphql::{InputObject, Json, MaybeUndefined, SimpleObject};

use super::post::{Difficulty, Flags, Outline};
use crate::domain::post;

/// What a revision says: everything about a post that is versioned.
#[derive(Clone, Debug, SimpleObject)]
pub struct Content {
    /// The last part of the post's path.
    pub slug: String,
    /// The headline, plain text.
    pub title: String,
    /// One or two sentences for lists and search results, plain text.
    pub summary: String,
    /// What the post is about, e.g. `handling background jobs / next.js`.
    pub topic: Option<String>,
    /// The article as Markdown.
    pub body: String,
    /// The names of the technology stack, most important first.
    pub stack: Vec<String>,
    /// The names of the tools, most important first.
    pub tools: Vec<String>,
    /// Named things the post is about.
    pub entities: Vec<EntityName>,
    /// The language most of the code is in.
    pub code_language: Option<String>,
    /// Who the post is written for.
    pub difficulty: Option<Difficulty>,
    /// Minutes to read, where they were stated; they are computed where they were not.
    pub reading_minutes: Option<u32>,
    /// The post in four short answers.
    pub outline: Outline,
    /// A paragraph on how the article is written and why.
    pub brief: Option<String>,
    /// Steps a reader ticks off.
    pub checklist: Vec<ContentChecklistItem>,
    /// Remarks for editors and frontends.
    pub notes: Vec<String>,
    /// How the post was made.
    pub flags: Flags,
    /// What search engines are told, where it differs from title and summary.
    pub seo: ContentSeo,
    /// Everything that has no field of its own.
    pub payload: Json<post::Payload>,
}

/// The name of an entity and the type of thing it is.
#[derive(Clone, Debug, SimpleObject, InputObject)]
#[graphql(input_name = "EntityNameInput")]
pub struct EntityName {
    /// What kind of thing it is, e.g. `problem`.
    #[graphql(name = "type")]
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// One step of a checklist, as a revision says it.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContentChecklistItem {
    /// Stable within the post, also when the text is reworded.
    pub id: String,
    /// What to do.
    pub text: String,
}

/// What search engines are told, where it differs from title and summary.
#[derive(Clone, Debug, SimpleObject)]
pub struct ContentSeo {
    /// Title for search results.
    pub title: Option<String>,
    /// Description for search results.
    pub description: Option<String>,
    /// Absolute URL of the original, when the post is a copy.
    pub canonical: Option<String>,
}

impl From<post::Content> for Content {
    fn from(content: post::Content) -> Self {
        let entities = content.entities.into_iter();
        Self {
            slug: content.slug.unwrap_or_default(),
            title: content.title,
            summary: content.summary,
            topic: content.topic,
            body: content.body,
            stack: content.stack,
            tools: content.tools,
            entities: entities
                .map(|entity| EntityName {
                    kind: entity.kind,
                    name: entity.name,
                })
                .collect(),
            code_language: content.code_language,
            difficulty: content.difficulty.map(Into::into),
            reading_minutes: content.reading_minutes,
            outline: content.outline.into(),
            brief: content.brief,
            checklist: content
                .checklist
                .into_iter()
                .map(|item| ContentChecklistItem {
                    id: item.id,
                    text: item.text,
                })
                .collect(),
            notes: content.notes,
            flags: content.flags.into(),
            seo: ContentSeo {
                title: content.seo.title,
                description: content.seo.description,
                canonical: content.seo.canonical,
            },
            payload: Json(content.payload),
        }
    }
}

/// What a post is to say. Where something is changed, a field that is left out stays as it is, and
/// null makes it empty.
#[derive(Clone, Debug, InputObject)]
pub struct ContentInput {
    /// The last part of the post's path: lower-case letters, digits, `-`, `_` and `.`. Made from
    /// the title when null, or when a new post leaves it out.
    pub slug: MaybeUndefined<String>,
    /// The headline, plain text. A post can't be saved without one.
    pub title: MaybeUndefined<String>,
    /// One or two sentences for lists and search results, plain text.
    pub summary: MaybeUndefined<String>,
    /// What the post is about, e.g. `handling background jobs / next.js`.
    pub topic: MaybeUndefined<String>,
    /// The article as Markdown (CommonMark with tables, footnotes and task lists).
    pub body: MaybeUndefined<String>,
    /// The technology stack by name, most important first. New names become stacks.
    pub stack: MaybeUndefined<Vec<String>>,
    /// The tools by name, most important first. New names become tools.
    pub tools: MaybeUndefined<Vec<String>>,
    /// What the post is about. New names become entities.
    pub entities: MaybeUndefined<Vec<EntityName>>,
    /// The language most of the code is in, e.g. `typescript`.
    pub code_language: MaybeUndefined<String>,
    /// Who the post is written for.
    pub difficulty: MaybeUndefined<Difficulty>,
    /// Minutes to read. Computed from the body when null.
    pub reading_minutes: MaybeUndefined<u32>,
    /// The post in four short answers; answers that are left out stay as they are.
    pub outline: MaybeUndefined<OutlineInput>,
    /// A paragraph on how the article is written and why.
    pub brief: MaybeUndefined<String>,
    /// Steps a reader ticks off: all of them, in order.
    pub checklist: MaybeUndefined<Vec<ChecklistItemInput>>,
    /// Remarks for editors and frontends: all of them, in order.
    pub notes: MaybeUndefined<Vec<String>>,
    /// How the post was made; flags that are left out stay as they are.
    pub flags: MaybeUndefined<FlagsInput>,
    /// What search engines are told; what is left out stays as it is.
    pub seo: MaybeUndefined<SeoInput>,
    /// Everything that has no field of its own: the whole object.
    pub payload: MaybeUndefined<Json<post::Payload>>,
}

/// The post in four short answers.
#[derive(Clone, Debug, InputObject)]
pub struct OutlineInput {
    /// Where the problem appears.
    pub context: MaybeUndefined<String>,
    /// The problem.
    pub problem: MaybeUndefined<String>,
    /// The stack it appears in.
    pub stack: MaybeUndefined<String>,
    /// What the post recommends.
    pub recommended_action: MaybeUndefined<String>,
}

/// One step of a checklist.
#[derive(Clone, Debug, InputObject)]
pub struct ChecklistItemInput {
    /// Its id, so that ticks stay when the text is reworded. Made from the text when left out.
    pub id: Option<String>,
    /// What to do.
    pub text: String,
}

/// How a post was made. Null is false.
#[derive(Clone, Copy, Debug, Default, InputObject)]
pub struct FlagsInput {
    /// The text is written in the style of a generated article.
    pub ai_generated_style: MaybeUndefined<bool>,
    /// The body contains images.
    pub has_images: MaybeUndefined<bool>,
    /// Images carry most of the content.
    pub image_heavy: MaybeUndefined<bool>,
    /// A person has to approve every revision before it goes live, and search engines are told not
    /// to index the post.
    pub needs_human_review: MaybeUndefined<bool>,
}

/// What search engines are told, where it differs from title and summary.
#[derive(Clone, Debug, InputObject)]
pub struct SeoInput {
    /// Title for search results.
    pub title: MaybeUndefined<String>,
    /// Description for search results.
    pub description: MaybeUndefined<String>,
    /// Absolute URL of the original, when the post is a copy.
    pub canonical: MaybeUndefined<String>,
}

impl From<ContentInput> for post::ContentPatch {
    fn from(input: ContentInput) -> Self {
        use crate::domain::patch::Patch;
        Self {
            slug: input.slug.into(),
            title: input.title.into(),
            summary: input.summary.into(),
            topic: input.topic.into(),
            body: input.body.into(),
            stack: input.stack.into(),
            tools: input.tools.into(),
            entities: Patch::from(input.entities)
                .map(|entities| entities.into_iter().map(Into::into).collect()),
            code_language: input.code_language.into(),
            difficulty: Patch::from(input.difficulty).map(Into::into),
            reading_minutes: input.reading_minutes.into(),
            outline: Patch::from(input.outline).map(Into::into),
            brief: input.brief.into(),
            checklist: Patch::from(input.checklist)
                .map(|items| items.into_iter().map(Into::into).collect()),
            notes: input.notes.into(),
            flags: Patch::from(input.flags).map(Into::into),
            seo: Patch::from(input.seo).map(Into::into),
            payload: Patch::from(input.payload).map(|payload| payload.0),
        }
    }
}

impl From<EntityName> for post::EntityName {
    fn from(entity: EntityName) -> Self {
        Self {
            kind: entity.kind,
            name: entity.name,
        }
    }
}

impl From<OutlineInput> for post::OutlinePatch {
    fn from(input: OutlineInput) -> Self {
        Self {
            context: input.context.into(),
            problem: input.problem.into(),
            stack: input.stack.into(),
            recommended_action: input.recommended_action.into(),
        }
    }
}

impl From<ChecklistItemInput> for post::ChecklistItem {
    fn from(input: ChecklistItemInput) -> Self {
        Self {
            id: input.id.unwrap_or_default(),
            text: input.text,
        }
    }
}

impl From<FlagsInput> for post::FlagsPatch {
    fn from(input: FlagsInput) -> Self {
        Self {
            ai_generated_style: input.ai_generated_style.into(),
            has_images: input.has_images.into(),
            image_heavy: input.image_heavy.into(),
            needs_human_review: input.needs_human_review.into(),
        }
    }
}

impl From<SeoInput> for post::SeoPatch {
    fn from(input: SeoInput) -> Self {
        Self {
            title: input.title.into(),
            description: input.description.into(),
            canonical: input.canonical.into(),
        }
    }
}
