//! Where encoded spans go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Chunk;
use super::kept::KeptReport;
use super::shelf::Shelf;

/// Something that takes encoded spans. Called on the destination's own thread, so it may block.
pub(super) trait Destination: Send {
    /// How people call it, with its address.
    fn address(&self) -> &str;

    /// Makes one attempt. It may be called again with the same spans, grouped in the same way or another.
    fn deliver(&mut self, chunks: &[Arc<Chunk>]) -> Outcome;

    /// Takes over what processes that are gone have left in folders of its own, before what they have left in the spool
    /// is claimed, and once more after that. False where another process does so.
    fn take_over(&mut self, _shelf: &Shelf) -> bool {
        true
    }

    /// Hears that nothing of what processes that are gone have left is in the spool any more.
    fn taken_over(&mut self) {}

    /// Makes one attempt at what it answered [`Outcome::Kept`] to; none where nothing of it can leave now. Nothing more
    /// will come where `last`.
    fn work(&mut self, _last: bool) -> Option<Outcome> {
        None
    }

    /// What became of what it keeps, since the last call.
    fn report(&mut self) -> KeptReport {
        KeptReport::default()
    }

    /// When there will be work although nothing comes in.
    fn wake_at(&self) -> Option<Instant> {
        None
    }

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
    /// It keeps them itself, and [`Destination::work`] sends them once they can leave.
    Kept,
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
