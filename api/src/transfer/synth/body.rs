//! The Markdown of an article, block by block.

use super::vocabulary::{Section, VOCABULARY};
use super::voice::Voice;

/// Sections that every article has: the situation, the change, the final notes.
const ALWAYS: [usize; 3] = [0, 4, 12];

/// The blocks of an article, in order.
#[derive(Clone)]
pub(super) struct Body {
    /// Headings, paragraphs, code and the rest, each with what it is.
    pub(super) blocks: Vec<Block>,
    /// How many of the blocks are images.
    pub(super) images: usize,
}

/// A block of an article.
#[derive(Clone)]
pub(super) struct Block {
    /// Whether it is a paragraph of plain sentences.
    pub(super) paragraph: bool,
    /// Its Markdown.
    pub(super) text: String,
}

impl Block {
    fn paragraph(text: String) -> Self {
        Self {
            paragraph: true,
            text,
        }
    }

    fn other(text: String) -> Self {
        Self {
            paragraph: false,
            text,
        }
    }
}

impl Body {
    /// The article as one text.
    pub(super) fn markdown(&self) -> String {
        let length = self.blocks.iter().map(|block| block.text.len() + 2).sum();
        let mut markdown = String::with_capacity(length);
        for (position, block) in self.blocks.iter().enumerate() {
            if position > 0 {
                markdown.push_str("\n\n");
            }
            markdown.push_str(&block.text);
        }
        markdown.push('\n');
        markdown
    }

    /// How many paragraphs it has.
    pub(super) fn paragraphs(&self) -> usize {
        self.blocks.iter().filter(|block| block.paragraph).count()
    }

    /// Writes an article in that voice; `steps` is its checklist.
    pub(super) fn write(voice: &mut Voice, language: &'static str, steps: &[String]) -> Self {
        let mut body = Self {
            blocks: vec![Block::paragraph(voice.one_of("summary"))],
            images: 0,
        };
        for (_, blocks) in write_sections(voice, language) {
            body.blocks.extend(blocks);
        }
        if voice.random.chance(20) {
            body.blocks
                .push(Block::other("## Implementation checklist".to_owned()));
            let steps: Vec<String> = steps.iter().map(|step| format!("- [ ] {step}")).collect();
            body.blocks.push(Block::other(steps.join("\n")));
        }
        if voice.random.chance(8) {
            body.add_images(voice);
        }
        if voice.random.chance(25) {
            body.add_footnotes(voice);
        }
        body
    }

    fn add_images(&mut self, voice: &mut Voice) {
        self.images = if voice.random.chance(15) { 6 } else { 1 };
        for number in 1..=self.images {
            let place = voice.random.between(1, self.blocks.len() as u64) as usize;
            let alternative = voice.one_of("alternative");
            let image = format!("![{alternative}](https://images.example.com/figure-{number}.svg)");
            self.blocks.insert(place, Block::other(image));
        }
    }

    fn add_footnotes(&mut self, voice: &mut Voice) {
        let count = voice.random.between(1, 3) as usize;
        let paragraphs = self.blocks.iter_mut().filter(|block| block.paragraph);
        let mut footnotes = Vec::new();
        for (block, number) in paragraphs.skip(1).step_by(2).zip(1..=count) {
            block.text.push_str(&format!("[^{number}]"));
            footnotes.push(format!("[^{number}]: {}", voice.one_of("remark")));
        }
        self.blocks.extend(footnotes.into_iter().map(Block::other));
    }
}

/// Sections until the article is long enough, in the order of the story.
fn write_sections(voice: &mut Voice, language: &'static str) -> Vec<(usize, Vec<Block>)> {
    // Mostly about 6,000 bytes, seldom less than 3,000 or more than 11,000.
    let spread = voice.random.hump().min(voice.random.hump());
    let target = 2_600 + (spread * spread * 16_500.0) as usize;

    let mut order: Vec<usize> = (0..VOCABULARY.sections.len()).collect();
    for position in (1..order.len()).rev() {
        order.swap(position, voice.random.below(position as u64 + 1) as usize);
    }
    order.sort_by_key(|section| !ALWAYS.contains(section));

    let mut length = 0;
    let mut sections: Vec<(usize, Vec<Block>)> = Vec::new();
    for position in order {
        if length >= target && !ALWAYS.contains(&position) {
            break;
        }
        let blocks = write_section(voice, position, language);
        length += blocks
            .iter()
            .map(|block| block.text.len() + 2)
            .sum::<usize>();
        sections.push((position, blocks));
    }
    sections.sort_by_key(|(position, _)| *position);
    sections
}

fn write_section(voice: &mut Voice, position: usize, language: &'static str) -> Vec<Block> {
    let section: &'static Section = &VOCABULARY.sections[position];
    let heading = voice.random.pick(&section.headings);
    let mut text = "## ".to_owned();
    voice.sentence(heading, &mut text);
    let mut blocks = vec![Block::other(text)];

    let paragraphs = voice.random.between(1, 3) as usize;
    let sentences = voice.random.several(&section.sentences, paragraphs * 4);
    for (number, sentences) in sentences.chunks(4).enumerate() {
        if number == 1 && voice.random.chance(20) {
            blocks.push(Block::other(format!("### {}", voice.one_of("subheading"))));
        }
        let count = voice.random.between(2, 4) as usize;
        let mut text = String::with_capacity(512);
        for sentence in sentences.iter().take(count) {
            if !text.is_empty() {
                text.push(' ');
            }
            voice.sentence(sentence, &mut text);
        }
        blocks.push(Block::paragraph(text));
    }

    if position == ALWAYS[1] || voice.random.chance(30) {
        blocks.extend(code(voice, language).map(Block::other));
    }
    if !section.items.is_empty() && voice.random.chance(60) {
        blocks.push(Block::other(list(voice, section)));
    }
    if voice.random.chance(10) {
        blocks.push(Block::other(table(voice)));
    }
    if voice.random.chance(6) {
        blocks.push(Block::other(format!("> {}", voice.one_of("quote"))));
    }
    blocks
}

/// A fenced block, mostly in the language of the post.
fn code(voice: &mut Voice, language: &'static str) -> Option<String> {
    let language = match voice.random.below(10) {
        0 => "bash",
        1 => "sql",
        _ => language,
    };
    let snippets = VOCABULARY.snippets(language);
    if snippets.is_empty() {
        return None;
    }
    let snippet = voice.random.pick(snippets);
    let mut text = format!("```{language}\n");
    voice.phrase(snippet, &mut text);
    text.push_str("\n```");
    Some(text)
}

fn list(voice: &mut Voice, section: &'static Section) -> String {
    let numbered = voice.random.chance(25);
    let count = voice.random.between(3, 6) as usize;
    let mut text = String::with_capacity(256);
    for (number, item) in voice
        .random
        .several(&section.items, count)
        .into_iter()
        .enumerate()
    {
        if number > 0 {
            text.push('\n');
        }
        match numbered {
            true => text.push_str(&format!("{}. ", number + 1)),
            false => text.push_str("- "),
        }
        voice.phrase(item, &mut text);
    }
    text
}

fn table(voice: &mut Voice) -> String {
    let (head, lists) = match voice.random.below(3) {
        0 => (
            "| situation | what happens | why |",
            ["situation", "decision", "reason"],
        ),
        1 => (
            "| signal | symptom | owner |",
            ["metric", "symptom", "owner"],
        ),
        _ => (
            "| setting | value | reason |",
            ["setting", "duration", "reason"],
        ),
    };
    let mut text = format!("{head}\n| --- | --- | --- |");
    let mut subjects = Vec::new();
    for _ in 0..voice.random.between(3, 6) {
        let cells = lists.map(|list| voice.phrase_of(list));
        if !subjects.contains(&cells[0]) {
            text.push_str(&format!("\n| {} |", cells.join(" | ")));
            subjects.extend(cells.into_iter().next());
        }
    }
    text
}
