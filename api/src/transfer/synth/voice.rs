//! The voice of one post: fills templates with its own words.

use super::random::Random;
use super::subject::Subject;
use super::template::{Piece, Slot, Template};
use super::vocabulary::VOCABULARY;

/// The voice of one post.
pub(super) struct Voice<'a> {
    /// The chance of the document.
    pub(super) random: &'a mut Random,
    subject: &'a Subject,
    tools: &'a [&'static str],
    thing: &'static str,
    verb: &'static str,
    part: &'static str,
    number: u64,
    hundred: u64,
}

impl<'a> Voice<'a> {
    /// The voice of a post on that subject, which uses those tools.
    pub(super) fn new(
        random: &'a mut Random,
        subject: &'a Subject,
        tools: &'a [&'static str],
    ) -> Self {
        let thing = random.zipf(&VOCABULARY.things);
        Self {
            random,
            subject,
            tools,
            thing,
            verb: "",
            part: "",
            number: 0,
            hundred: 0,
        }
    }

    /// Fills the template as it stands: code, or a phrase within a sentence.
    pub(super) fn phrase(&mut self, template: &Template, out: &mut String) {
        self.verb = *self.random.zipf(&VOCABULARY.verbs);
        self.part = *self.random.zipf(&VOCABULARY.parts);
        self.number = self.random.between(2, 9);
        self.hundred = self.random.between(2, 20) * 50;
        self.fill(template, out);
    }

    /// Fills the template and begins it with a capital letter.
    pub(super) fn sentence(&mut self, template: &Template, out: &mut String) {
        let start = out.len();
        self.phrase(template, out);
        capitalise(out, start);
    }

    /// A sentence from the list of that name; empty when there is no such list.
    pub(super) fn one_of(&mut self, list: &str) -> String {
        let mut text = self.phrase_of(list);
        capitalise(&mut text, 0);
        text
    }

    /// A phrase from the list of that name; empty when there is no such list.
    pub(super) fn phrase_of(&mut self, list: &str) -> String {
        let mut text = String::new();
        let list = VOCABULARY.list(list);
        if !list.is_empty() {
            let template = self.random.zipf(list);
            self.phrase(template, &mut text);
        }
        text
    }

    fn fill(&mut self, template: &Template, out: &mut String) {
        for piece in &template.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot { slot, capital } => {
                    let start = out.len();
                    self.fill_slot(slot, out);
                    if *capital {
                        capitalise(out, start);
                    }
                    fit_article(out, start);
                }
            }
        }
    }

    fn fill_slot(&mut self, slot: &Slot, out: &mut String) {
        match slot {
            Slot::Stack => out.push_str(self.subject.stack.name),
            Slot::Problem => out.push_str(self.subject.problem),
            Slot::Scope if self.subject.scope.is_empty() => {}
            Slot::Scope => {
                out.push(' ');
                out.push_str(self.subject.scope);
            }
            Slot::Tool => {
                let tool = self.random.below(self.tools.len() as u64) as usize;
                out.push_str(self.tools.get(tool).unwrap_or(&self.subject.stack.name));
            }
            Slot::Thing => out.push_str(self.thing),
            Slot::Things => {
                out.push_str(self.thing);
                out.push('s');
            }
            Slot::Identifier => self.identifier(out),
            Slot::Verb => out.push_str(self.verb),
            Slot::Part => out.push_str(self.part),
            Slot::Number => out.push_str(&self.number.to_string()),
            Slot::Hundred => out.push_str(&self.hundred.to_string()),
            Slot::Percent => out.push_str(&self.random.between(1, 19).to_string()),
            Slot::List(list) => {
                let template = self.random.zipf(&VOCABULARY.lists[*list]);
                self.fill(template, out);
            }
        }
    }

    /// A name such as `publish_invoice_cursor`: the rare words that a search looks for.
    fn identifier(&mut self, out: &mut String) {
        let verb = self.random.pick(&VOCABULARY.verbs);
        let part = self.random.pick(&VOCABULARY.parts);
        for piece in ["`", verb, "_", self.thing, "_", part, "`"] {
            out.push_str(piece);
        }
    }
}

/// Turns `a` into `an` where the word at `start` begins with a vowel.
fn fit_article(text: &mut String, start: usize) {
    let (before, word) = text.split_at(start);
    let article = before == "A " || before.ends_with(" a ") || before.ends_with(" A ");
    if article && word.starts_with(['a', 'e', 'i', 'o', 'A', 'E', 'I', 'O']) {
        text.insert(start - 1, 'n');
    }
}

/// Makes the letter at `start` a capital, when it is one of ASCII.
fn capitalise(text: &mut str, start: usize) {
    if let Some(first) = text.get_mut(start..start + 1) {
        first.make_ascii_uppercase();
    }
}
