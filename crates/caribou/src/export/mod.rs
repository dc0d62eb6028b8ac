//! From ended spans to destinations.
//!
//! `log()` encodes a span into the [`SpanQueue`] and returns. One thread gathers what is queued and hands it, in
//! [`Chunk`]s, to the [`Outbox`] of every destination; each destination has a thread of its own, so that one that is away
//! holds up no other. What a destination has not acknowledged within 100 ms is appended to its [`Shelf`] of the spool by a
//! further thread, and sent from there.

mod backoff;
mod by_hand;
mod clickhouse;
mod console;
mod deliver;
mod destination;
mod drain;
mod gatherer;
mod http;
mod images;
mod keeper;
mod kept;
mod kestrel;
mod langfuse;
mod outbox;
mod pipeline;
mod processor;
mod queue;
mod records;
pub(crate) mod scratch;
mod search;
mod shelf;
mod target;

pub use by_hand::{DrainError, Drained, SpoolDrain};
pub(crate) use gatherer::Beat;
pub(crate) use http::agent;
pub use pipeline::DeliveryCounts;
pub(crate) use pipeline::{Pipeline, PipelineSlot};
pub(crate) use processor::QueueProcessor;
pub(crate) use target::Target;

/// Encoded spans on their way, in the order they were logged.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    bytes: Vec<u8>,
    /// Where each span ends in `bytes`.
    ends: Vec<usize>,
    /// When the first of them was logged, while they have not been on disk.
    since: Option<std::time::Instant>,
    /// The resource that they belong to, where it is not the process's own.
    resource: Option<Resource>,
    /// Another process had left them.
    is_of_others: bool,
}

/// Attributes of a resource.
pub(crate) type Resource = std::sync::Arc<Vec<(String, String)>>;

impl Chunk {
    /// Requests stay below the size that servers commonly take.
    const MAX_BYTES: usize = 4 << 20;
    const MAX_SPANS: usize = 512;
    /// The largest item that is kept.
    const MAX_SPAN_BYTES: usize = 48 << 20;

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether both fit one request.
    fn fits(&self, spans: usize, bytes: usize) -> bool {
        self.is_empty()
            || (self.len() + spans <= Self::MAX_SPANS
                && self.bytes.len() + bytes <= Self::MAX_BYTES)
    }

    /// Some of its spans as a chunk of their own.
    fn part(&self, spans: std::ops::Range<usize>) -> Self {
        let mut part = Self {
            since: self.since,
            resource: self.resource.clone(),
            is_of_others: self.is_of_others,
            ..Self::default()
        };
        for span in self.spans().skip(spans.start).take(spans.len()) {
            part.push(span);
        }
        part
    }

    fn push(&mut self, span: &[u8]) {
        self.bytes.extend_from_slice(span);
        self.ends.push(self.bytes.len());
    }

    fn spans(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end])
    }
}
