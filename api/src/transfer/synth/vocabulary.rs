//! What articles are made of, read from the text files in `words/`.

use std::sync::LazyLock;

use super::random::mix;
use super::template::Template;
use crate::domain::post::EntityName;

/// The vocabulary, read at its first use.
pub(super) static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(Vocabulary::read);

/// What articles are made of.
pub(super) struct Vocabulary {
    /// Stacks, the most written about first.
    pub(super) stacks: Vec<Stack>,
    /// Ways to look at a problem.
    pub(super) angles: Vec<Angle>,
    /// Where problems appear.
    pub(super) scopes: Vec<&'static str>,
    /// Tools, the most used first.
    pub(super) tools: Vec<&'static str>,
    /// Sections in the order of the story.
    pub(super) sections: Vec<Section>,
    /// Steps a reader ticks off.
    pub(super) checklist: Vec<Template>,
    /// What the imagined applications are about.
    pub(super) things: Vec<&'static str>,
    /// Verbs in code.
    pub(super) verbs: Vec<&'static str>,
    /// Nouns in code.
    pub(super) parts: Vec<&'static str>,
    /// Patterns, symptoms and practices.
    pub(super) entities: Vec<EntityName>,
    /// The lists that slots name.
    pub(super) lists: Vec<Vec<Template>>,
    list_names: Vec<&'static str>,
    snippets: Vec<(&'static str, Vec<Template>)>,
}

/// A technology that posts are about.
pub(super) struct Stack {
    /// Its name as people write it.
    pub(super) name: &'static str,
    /// Its name in a path.
    pub(super) slug: &'static str,
    /// The area it belongs to.
    pub(super) area: &'static str,
    /// The language of its code.
    pub(super) language: &'static str,
    /// Tools that are used with it more than with others.
    pub(super) tools: Vec<&'static str>,
    /// Stacks it is met with.
    pub(super) companions: Vec<&'static str>,
    /// Problems it can have.
    pub(super) problems: Vec<&'static str>,
}

/// A way to look at a problem.
pub(super) struct Angle {
    /// Its name in a path.
    pub(super) slug: &'static str,
    /// The title of a post.
    pub(super) title: Template,
}

/// A section of an article.
pub(super) struct Section {
    /// What it is called.
    pub(super) headings: Vec<Template>,
    /// What its paragraphs say.
    pub(super) sentences: Vec<Template>,
    /// What its list holds; may be empty.
    pub(super) items: Vec<Template>,
}

impl Vocabulary {
    /// The list of that name; empty when there is none.
    pub(super) fn list(&self, name: &str) -> &[Template] {
        let position = self.list_names.iter().position(|list| *list == name);
        position.map_or(&[], |position| &self.lists[position])
    }

    /// Code in that language; empty when there is none.
    pub(super) fn snippets(&self, language: &str) -> &[Template] {
        let found = self.snippets.iter().find(|(name, _)| *name == language);
        found.map_or(&[], |(_, snippets)| snippets)
    }

    fn read() -> Self {
        let slots = groups(include_str!("words/slots.txt"));
        let list_names: Vec<&'static str> = slots.iter().map(|(name, _)| *name).collect();
        let template = |line: &'static str| Template::parse(line, &list_names);
        let named = |name: &str| {
            let found = slots.iter().find(|(list, _)| *list == name);
            found.map_or_else(Vec::new, |(_, lines)| lines.clone())
        };
        Self {
            stacks: read_stacks(),
            angles: lines(include_str!("words/angles.txt"))
                .filter_map(|line| line.split_once(" | "))
                .map(|(slug, title)| Angle {
                    slug,
                    title: template(title),
                })
                .collect(),
            // The empty scope is a line of its own, which `lines` leaves out.
            scopes: std::iter::once("")
                .chain(lines(include_str!("words/scopes.txt")))
                .collect(),
            tools: lines(include_str!("words/tools.txt")).collect(),
            sections: groups(include_str!("words/sections.txt"))
                .into_iter()
                .map(|(_, lines)| read_section(&lines, &list_names))
                .collect(),
            checklist: lines(include_str!("words/checklist.txt"))
                .map(template)
                .collect(),
            things: lines(include_str!("words/things.txt")).collect(),
            verbs: named("verb"),
            parts: named("part"),
            entities: compose_entities(),
            lists: slots
                .iter()
                .map(|(_, lines)| lines.iter().map(|line| template(line)).collect())
                .collect(),
            snippets: read_snippets(&list_names),
            list_names,
        }
    }
}

/// The lines of a word file without comments and empty lines.
fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The lines of a word file below their `[name]`.
fn groups(text: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let mut groups: Vec<(&'static str, Vec<&'static str>)> = Vec::new();
    for line in lines(text) {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            groups.push((name, Vec::new()));
        } else if let Some((_, lines)) = groups.last_mut() {
            lines.push(line);
        }
    }
    groups
}

fn read_stacks() -> Vec<Stack> {
    let problems = groups(include_str!("words/problems.txt"));
    let list = |text: &'static str| text.split(", ").collect::<Vec<_>>();
    lines(include_str!("words/stacks.txt"))
        .filter_map(|line| {
            let columns: Vec<&'static str> = line.split(" | ").collect();
            let [name, slug, area, kind, language, tools, companions] = columns[..] else {
                return None;
            };
            let fitting = problems
                .iter()
                .filter(|(group, _)| [kind, "every"].contains(group));
            Some(Stack {
                name,
                slug,
                area,
                language,
                tools: list(tools),
                companions: list(companions),
                problems: fitting.flat_map(|(_, problems)| problems.clone()).collect(),
            })
        })
        .collect()
}

fn read_section(lines: &[&'static str], list_names: &[&str]) -> Section {
    let mut section = Section {
        headings: Vec::new(),
        sentences: Vec::new(),
        items: Vec::new(),
    };
    for line in lines {
        let (group, text) = if let Some(heading) = line.strip_prefix("> ") {
            (&mut section.headings, heading)
        } else if let Some(item) = line.strip_prefix("- ") {
            (&mut section.items, item)
        } else {
            (&mut section.sentences, *line)
        };
        group.push(Template::parse(text, list_names));
    }
    section
}

/// The fenced blocks of `code.md`, by language.
fn read_snippets(list_names: &[&str]) -> Vec<(&'static str, Vec<Template>)> {
    let mut snippets: Vec<(&'static str, Vec<Template>)> = Vec::new();
    // Between two fences stands a block, then the text between blocks, and so on.
    for block in include_str!("words/code.md")
        .split("```")
        .skip(1)
        .step_by(2)
    {
        let Some((language, code)) = block.split_once('\n') else {
            continue;
        };
        let code = Template::parse(code.trim_end(), list_names);
        match snippets.iter_mut().find(|(name, _)| *name == language) {
            Some((_, known)) => known.push(code),
            None => snippets.push((language, vec![code])),
        }
    }
    snippets
}

/// Every first word with every second word of the same type, mixed, so that the frequent ones do
/// not all begin alike.
fn compose_entities() -> Vec<EntityName> {
    let mut entities = Vec::new();
    let words = groups(include_str!("words/entities.txt"));
    for pair in words.chunks_exact(2) {
        let [(kind, firsts), (_, seconds)] = pair else {
            continue;
        };
        let kind = kind.split(' ').next().unwrap_or(kind);
        for first in firsts {
            entities.extend(seconds.iter().map(|second| EntityName {
                name: format!("{first} {second}"),
                kind: kind.to_owned(),
            }));
        }
    }
    let mut mixed: Vec<(u64, EntityName)> = (0..).map(mix).zip(entities).collect();
    mixed.sort_by_key(|(place, _)| *place);
    mixed.into_iter().map(|(_, entity)| entity).collect()
}
