//! The documents of a file that are still to be handed over: a run that goes on passes over those
//! that are in, without working out what they say.

use std::ops::ControlFlow;

use super::{Each, Parsed, Problem};

/// Takes documents, but for the first ones.
pub(super) struct Rest<'rest, 'each> {
    passed_over: u64,
    each: &'rest mut Each<'each>,
}

impl<'rest, 'each> Rest<'rest, 'each> {
    /// Passes over so many documents and hands the others to `each`.
    pub(super) fn new(passed_over: u64, each: &'rest mut Each<'each>) -> Self {
        Self { passed_over, each }
    }

    /// Whether the next document is passed over, which counts as handed over then.
    pub(super) fn passes_over(&mut self) -> bool {
        let passes = self.passed_over > 0;
        self.passed_over -= u64::from(passes);
        passes
    }

    /// Hands over the next document, which is read only when it is not passed over.
    pub(super) fn give(
        &mut self,
        read: impl FnOnce() -> Result<Parsed, Problem>,
    ) -> ControlFlow<()> {
        match self.passes_over() {
            true => ControlFlow::Continue(()),
            false => (self.each)(read()),
        }
    }

    /// Hands over a document that is known not to be passed over.
    pub(super) fn give_wanted(&mut self, document: Result<Parsed, Problem>) -> ControlFlow<()> {
        (self.each)(document)
    }
}
