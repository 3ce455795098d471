//! The structured lists of a post: stacks, tools, entities, checklist, notes, payload.

use serde_json::Value;

use super::random::Random;
use super::subject::{Subject, slugify};
use super::vocabulary::VOCABULARY;
use super::voice::Voice;
use crate::domain::post::{ChecklistItem, EntityName, Payload};

/// Three to eight tools: a few that belong to the stack, the rest from all of them.
pub(super) fn tools(random: &mut Random, subject: &Subject) -> Vec<&'static str> {
    let count = random.between(3, 8) as usize;
    let own = random.between(1, 3) as usize;
    let mut tools: Vec<&'static str> = Vec::new();
    while tools.len() < count {
        let tool = match tools.len() < own {
            true => *random.zipf(&subject.stack.tools),
            false => *random.zipf(&VOCABULARY.tools),
        };
        if !tools.iter().any(|known| known.eq_ignore_ascii_case(tool)) {
            tools.push(tool);
        }
    }
    tools
}

/// The stack of the subject, and up to two that it is met with.
pub(super) fn stack(random: &mut Random, subject: &Subject) -> Vec<String> {
    let count = random.between(0, 2) as usize;
    let companions = random.several(&subject.stack.companions, count);
    let names = std::iter::once(&subject.stack.name).chain(companions);
    names.map(|name| name.to_lowercase()).collect()
}

/// Two to six entities: the stack, the problem, often the area, and composed ones.
pub(super) fn entities(random: &mut Random, subject: &Subject) -> Vec<EntityName> {
    let named = |name: &str, kind: &str| EntityName {
        name: name.to_lowercase(),
        kind: kind.to_owned(),
    };
    let mut entities = vec![
        named(subject.stack.name, "stack"),
        named(subject.problem, "problem"),
    ];
    if random.chance(70) {
        entities.insert(1, named(subject.stack.area, "area"));
    }
    for _ in 0..random.between(0, 3) {
        let composed = random.zipf(&VOCABULARY.entities);
        if !entities.contains(composed) {
            entities.push(composed.clone());
        }
    }
    entities
}

/// Three to eight steps whose ids differ.
pub(super) fn checklist(voice: &mut Voice) -> Vec<ChecklistItem> {
    let count = voice.random.between(3, 8) as usize;
    let mut steps: Vec<ChecklistItem> = Vec::new();
    for template in voice.random.several(&VOCABULARY.checklist, count) {
        let mut text = String::new();
        voice.phrase(template, &mut text);
        let id = slugify(&text);
        if !steps.iter().any(|step| step.id == id) {
            steps.push(ChecklistItem { id, text });
        }
    }
    steps
}

/// Up to three remarks.
pub(super) fn notes(voice: &mut Voice) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    for _ in 0..voice.random.below(4) {
        let note = voice.phrase_of("note");
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    notes
}

/// A payload of those values.
pub(super) fn payload<const COUNT: usize>(values: [(&str, Value); COUNT]) -> Payload {
    let values = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    values.collect()
}
