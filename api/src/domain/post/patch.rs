//! Changes to a content: what is absent stays, what is cleared becomes empty.

use super::checklist::{ChecklistItem, complete_checklist};
use super::content::{Content, Difficulty, EntityName, Flags, Outline, Payload, Seo};
use crate::domain::patch::Patch;

/// A change to a content.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of the content")]
pub struct ContentPatch {
    pub slug: Patch<String>,
    pub title: Patch<String>,
    pub summary: Patch<String>,
    pub topic: Patch<String>,
    pub body: Patch<String>,
    pub stack: Patch<Vec<String>>,
    pub tools: Patch<Vec<String>>,
    pub entities: Patch<Vec<EntityName>>,
    pub code_language: Patch<String>,
    pub difficulty: Patch<Difficulty>,
    pub reading_minutes: Patch<u32>,
    pub outline: Patch<OutlinePatch>,
    pub brief: Patch<String>,
    pub checklist: Patch<Vec<ChecklistItem>>,
    pub notes: Patch<Vec<String>>,
    pub flags: Patch<FlagsPatch>,
    pub seo: Patch<SeoPatch>,
    pub payload: Patch<Payload>,
}

/// A change to an outline.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of the outline")]
pub struct OutlinePatch {
    pub context: Patch<String>,
    pub problem: Patch<String>,
    pub stack: Patch<String>,
    pub recommended_action: Patch<String>,
}

/// A change to the flags.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of the flags")]
pub struct FlagsPatch {
    pub ai_generated_style: Patch<bool>,
    pub has_images: Patch<bool>,
    pub image_heavy: Patch<bool>,
    pub needs_human_review: Patch<bool>,
}

/// A change to what search engines are told.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs, reason = "the fields are those of the metadata")]
pub struct SeoPatch {
    pub title: Patch<String>,
    pub description: Patch<String>,
    pub canonical: Patch<String>,
}

impl ContentPatch {
    /// Makes the change. Steps of the checklist without an id get one.
    pub fn apply(self, content: &mut Content) {
        self.slug.apply_to_option(&mut content.slug);
        self.title.apply_to(&mut content.title);
        self.summary.apply_to(&mut content.summary);
        self.topic.apply_to_option(&mut content.topic);
        self.body.apply_to(&mut content.body);
        self.stack.apply_to(&mut content.stack);
        self.tools.apply_to(&mut content.tools);
        self.entities.apply_to(&mut content.entities);
        self.code_language
            .apply_to_option(&mut content.code_language);
        self.difficulty.apply_to_option(&mut content.difficulty);
        self.reading_minutes
            .apply_to_option(&mut content.reading_minutes);
        match self.outline {
            Patch::Keep => {}
            Patch::Clear => content.outline = Outline::default(),
            Patch::Set(patch) => patch.apply(&mut content.outline),
        }
        self.brief.apply_to_option(&mut content.brief);
        self.checklist.apply_to(&mut content.checklist);
        complete_checklist(&mut content.checklist);
        self.notes.apply_to(&mut content.notes);
        match self.flags {
            Patch::Keep => {}
            Patch::Clear => content.flags = Flags::default(),
            Patch::Set(patch) => patch.apply(&mut content.flags),
        }
        match self.seo {
            Patch::Keep => {}
            Patch::Clear => content.seo = Seo::default(),
            Patch::Set(patch) => patch.apply(&mut content.seo),
        }
        self.payload.apply_to(&mut content.payload);
    }
}

impl OutlinePatch {
    fn apply(self, outline: &mut Outline) {
        self.context.apply_to_option(&mut outline.context);
        self.problem.apply_to_option(&mut outline.problem);
        self.stack.apply_to_option(&mut outline.stack);
        self.recommended_action
            .apply_to_option(&mut outline.recommended_action);
    }
}

impl FlagsPatch {
    pub(super) fn apply(self, flags: &mut Flags) {
        self.ai_generated_style
            .apply_to(&mut flags.ai_generated_style);
        self.has_images.apply_to(&mut flags.has_images);
        self.image_heavy.apply_to(&mut flags.image_heavy);
        self.needs_human_review
            .apply_to(&mut flags.needs_human_review);
    }
}

impl SeoPatch {
    fn apply(self, seo: &mut Seo) {
        self.title.apply_to_option(&mut seo.title);
        self.description.apply_to_option(&mut seo.description);
        self.canonical.apply_to_option(&mut seo.canonical);
    }
}
