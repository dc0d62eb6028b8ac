//! Where encoded spans go.

use std::time::Duration;

use super::Chunk;

/// Something that takes encoded spans. Called on the destination's own thread, so it may block.
pub(super) trait Destination: Send {
    /// How people call it, with its address.
    fn address(&self) -> &str;

    /// Makes one attempt. It may be called again with the same spans, grouped in the same way or another.
    fn deliver(&mut self, chunks: &[std::sync::Arc<Chunk>]) -> Outcome;

    /// Does what is left to do once nothing more will come.
    fn finish(&mut self) {}
}

/// What became of one attempt.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It has them, all but `rejected`.
    Delivered {
        /// How many spans it will never take.
        rejected: u64,
        /// Why.
        message: String,
    },
    /// It may take them later.
    Later {
        /// When it asked to be tried again.
        after: Option<Duration>,
        /// Nothing listens at its address.
        unreachable: bool,
        /// What happened.
        reason: String,
    },
    /// It does not take them together, but may take parts of them.
    RefusedTogether {
        /// Why.
        reason: String,
    },
    /// It will never take them.
    Refused {
        /// Why.
        reason: String,
    },
}
