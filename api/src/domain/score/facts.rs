//! What the rubric looks at: facts about a post that can be counted.

use std::collections::HashSet;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Parser, Tag, TagEnd};

use crate::domain::markdown::OPTIONS;

/// Everything about a post that the rubric looks at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// What its body is made of.
    pub body: BodyFacts,
    /// Characters of its summary.
    pub summary_length: usize,
    /// How many of the four answers of its outline are given.
    pub outline_answers: usize,
    /// Steps of its checklist.
    pub checklist_items: usize,
    /// Whether it says who it is written for.
    pub has_difficulty: bool,
    /// Parts of its stack.
    pub stack: usize,
    /// Tools it uses.
    pub tools: usize,
    /// Named entities it is about.
    pub entities: usize,
    /// Whole days since a person last checked it, or since it was saved, whichever is later.
    pub age_in_days: i64,
}

/// What a body is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyFacts {
    /// Words outside code blocks.
    pub words: usize,
    /// Paragraphs, those within list items and quotes included, and items without one.
    pub paragraphs: usize,
    /// Words of those.
    pub paragraph_words: usize,
    /// Sentences of those. What ends without a full stop is one too.
    pub sentences: usize,
    /// Headings of any level.
    pub headings: usize,
    /// Headings of the third level and below.
    pub subheadings: usize,
    /// Code blocks.
    pub code_blocks: usize,
    /// Code blocks that say which language they are in.
    pub code_blocks_with_language: usize,
    /// Lines of code that are not empty.
    pub code_lines: usize,
    /// Different places that links lead to, anchors in the body left out.
    pub links: usize,
    /// Lists and tables.
    pub lists: usize,
}

impl BodyFacts {
    /// Counts them in Markdown.
    pub fn of(markdown: &str) -> Self {
        let mut facts = Self::default();
        let mut links = HashSet::new();
        let mut prose = String::new();
        let mut in_code = false;
        let mut in_heading = false;
        for event in Parser::new_ext(markdown, OPTIONS) {
            match event {
                Event::Start(Tag::CodeBlock(kind)) => {
                    facts.end_paragraph(&mut prose);
                    in_code = true;
                    facts.code_blocks += 1;
                    let named =
                        matches!(&kind, CodeBlockKind::Fenced(info) if !info.trim().is_empty());
                    facts.code_blocks_with_language += usize::from(named);
                }
                Event::End(TagEnd::CodeBlock) => in_code = false,
                Event::Start(Tag::Heading { level, .. }) => {
                    in_heading = true;
                    facts.headings += 1;
                    facts.subheadings += usize::from(level >= HeadingLevel::H3);
                }
                Event::End(TagEnd::Heading(_)) => in_heading = false,
                Event::Start(Tag::Link { dest_url, .. })
                    if !dest_url.is_empty() && !dest_url.starts_with('#') =>
                {
                    links.insert(dest_url);
                }
                Event::Start(Tag::List(_) | Tag::Table(_)) => {
                    facts.end_paragraph(&mut prose);
                    facts.lists += 1;
                }
                Event::Text(text) if in_code => {
                    let lines = text.lines().filter(|line| !line.trim().is_empty());
                    facts.code_lines += lines.count();
                }
                Event::Text(text) | Event::Code(text) => {
                    if in_heading {
                        facts.words += text.split_whitespace().count();
                    } else {
                        prose.push_str(&text);
                    }
                }
                Event::SoftBreak | Event::HardBreak => prose.push(' '),
                Event::End(TagEnd::TableCell) => {
                    // Cells are words, but no sentences.
                    facts.words += prose.split_whitespace().count();
                    prose.clear();
                }
                Event::End(TagEnd::Paragraph | TagEnd::Item) => facts.end_paragraph(&mut prose),
                _ => {}
            }
        }
        facts.links = links.len();
        facts
    }

    fn end_paragraph(&mut self, prose: &mut String) {
        let words: Vec<&str> = prose.split_whitespace().collect();
        if let Some(last) = words.last() {
            let ends = words.iter().filter(|word| ends_sentence(word)).count();
            self.sentences += ends + usize::from(!ends_sentence(last));
            self.paragraphs += 1;
            self.paragraph_words += words.len();
            self.words += words.len();
        }
        prose.clear();
    }
}

/// Whether a sentence ends with this word. One with a stop inside as well (`e.g.`) is short for
/// something.
fn ends_sentence(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»']);
    let bare = word.trim_end_matches(['.', '!', '?', '…']);
    bare.len() < word.len() && !bare.contains('.')
}
