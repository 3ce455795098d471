//! Templates: text with slots, parsed once and filled many times.

/// Text with slots, written `the ‹component› is late`.
pub(super) struct Template(pub(super) Vec<Piece>);

/// A piece of a template.
pub(super) enum Piece {
    /// Text that stays as it is.
    Text(&'static str),
    /// A place for a word, with a capital letter when the slot is written with one.
    Slot { slot: Slot, capital: bool },
}

/// What goes into a slot.
pub(super) enum Slot {
    /// The stack the post is about.
    Stack,
    /// The problem the post is about.
    Problem,
    /// Where the problem appears, with a space before it; may be empty.
    Scope,
    /// One of the post's tools.
    Tool,
    /// What the imagined application is about, e.g. `invoice`.
    Thing,
    /// More than one of them.
    Things,
    /// A name from its code, between backticks.
    Identifier,
    /// A verb of its code; the same within one template.
    Verb,
    /// A noun of its code; the same within one template.
    Part,
    /// A small number; the same within one template.
    Number,
    /// A larger, round number; the same within one template.
    Hundred,
    /// A share.
    Percent,
    /// An entry of a list of the vocabulary.
    List(usize),
}

impl Template {
    /// Reads a template. `lists` are the names of the vocabulary's lists; a slot of an unknown name
    /// stays as text.
    pub(super) fn parse(text: &'static str, lists: &[&str]) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, opened)) = rest.split_once('‹') {
            let Some((name, after)) = opened.split_once('›') else {
                break;
            };
            pieces.push(Piece::Text(before));
            pieces.push(Piece::named(name, lists));
            rest = after;
        }
        pieces.push(Piece::Text(rest));
        Self(pieces)
    }
}

impl Piece {
    fn named(name: &'static str, lists: &[&str]) -> Self {
        let capital = name.starts_with(|first: char| first.is_ascii_uppercase());
        let slot = match name.to_ascii_lowercase().as_str() {
            "stack" => Slot::Stack,
            "problem" => Slot::Problem,
            "scope" => Slot::Scope,
            "tool" => Slot::Tool,
            "thing" => Slot::Thing,
            "things" => Slot::Things,
            "identifier" => Slot::Identifier,
            "verb" => Slot::Verb,
            "part" => Slot::Part,
            "number" => Slot::Number,
            "hundred" => Slot::Hundred,
            "percent" => Slot::Percent,
            other => match lists.iter().position(|list| *list == other) {
                Some(list) => Slot::List(list),
                None => return Self::Text(name),
            },
        };
        Self::Slot { slot, capital }
    }
}
