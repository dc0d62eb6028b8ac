//! What waits for one destination.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Chunk;

/// Encoded spans for one destination, bounded in bytes, and what became of those before them.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) name: &'static str,
    state: Mutex<OutboxState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct OutboxState {
    chunks: VecDeque<Arc<Chunk>>,
    bytes: usize,
    counts: Counts,
    /// Counts calls of `flush`, each of which ends a wait for the next attempt.
    hurries: u64,
    /// No more chunks will come.
    complete: bool,
    /// The destination's thread has ended.
    ended: bool,
    /// When to give up on what waits.
    closing: Option<Instant>,
}

/// What became of the spans of one destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Handed to the destination's outbox.
    pub(crate) offered: u64,
    /// Taken by the destination.
    pub(crate) acknowledged: u64,
    /// Refused by the destination for good.
    pub(crate) refused: u64,
    /// Lost because there was no more room, or no more time.
    pub(crate) dropped: u64,
}

impl Counts {
    /// Spans of which it is known what became of them.
    pub(crate) fn settled(&self) -> u64 {
        self.acknowledged + self.refused + self.dropped
    }
}

/// Why a wait for the next attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited {
    /// The time was over, or somebody is in a hurry.
    TryAgain,
    /// No more attempt may be made.
    GiveUp,
}

impl Outbox {
    const MAX_BYTES: usize = 256 << 20;

    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Takes a chunk in; false where there is no room and it was dropped.
    pub(super) fn offer(&self, chunk: &Arc<Chunk>) -> bool {
        let mut state = self.lock();
        let spans = chunk.len() as u64;
        state.counts.offered += spans;
        let fits = state.bytes + chunk.bytes.len() <= Self::MAX_BYTES || state.chunks.is_empty();
        if fits {
            state.bytes += chunk.bytes.len();
            state.chunks.push_back(Arc::clone(chunk));
        } else {
            state.counts.dropped += spans;
        }
        drop(state);
        self.changed.notify_all();
        fits
    }

    /// Counts spans that were refused before they came to be encoded.
    pub(super) fn refuse_unsent(&self, spans: u64) {
        let mut state = self.lock();
        state.counts.offered += spans;
        state.counts.refused += spans;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for chunks and takes as many as fit one request; `None` once closed and empty.
    pub(super) fn take(&self) -> Option<Vec<Arc<Chunk>>> {
        let mut state = self.lock();
        while state.chunks.is_empty() {
            if state.complete || state.closing.is_some() {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let mut taken: Vec<Arc<Chunk>> = Vec::new();
        let (mut spans, mut bytes) = (0, 0);
        while let Some(chunk) = state.chunks.front() {
            spans += chunk.len();
            bytes += chunk.bytes.len();
            let full = spans > Chunk::MAX_SPANS || bytes > Chunk::MAX_BYTES;
            if full && !taken.is_empty() {
                break;
            }
            taken.extend(state.chunks.pop_front());
        }
        state.bytes -= taken.iter().map(|chunk| chunk.bytes.len()).sum::<usize>();
        Some(taken)
    }

    /// Notes what became of spans that were taken.
    pub(super) fn settle(&self, acknowledged: u64, refused: u64, dropped: u64) {
        let mut state = self.lock();
        state.counts.acknowledged += acknowledged;
        state.counts.refused += refused;
        state.counts.dropped += dropped;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits before the next attempt. A hurry ends the wait unless the destination itself asked for it.
    pub(super) fn wait_to_retry(&self, delay: Duration, asked_for: bool) -> Waited {
        let deadline = Instant::now() + delay;
        let mut state = self.lock();
        let hurries = state.hurries;
        loop {
            let now = Instant::now();
            let end = state
                .closing
                .map_or(deadline, |closing| closing.min(deadline));
            if state.closing.is_some_and(|closing| closing <= now) {
                return Waited::GiveUp;
            }
            if now >= end || (state.hurries != hurries && !asked_for) {
                return Waited::TryAgain;
            }
            state = self
                .changed
                .wait_timeout(state, end - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Ends a wait for the next attempt.
    pub(super) fn hurry(&self) {
        self.lock().hurries += 1;
        self.changed.notify_all();
    }

    /// Lets the destination's thread end once nothing waits any more.
    pub(super) fn complete(&self) {
        self.lock().complete = true;
        self.changed.notify_all();
    }

    /// Waits until this many spans are settled; false where that did not happen in time.
    pub(super) fn wait_settled(&self, offered: u64, deadline: Instant) -> bool {
        let mut state = self.lock();
        while state.counts.settled() < offered {
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, deadline - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// Lets the destination's thread end: at once when nothing waits, else at the deadline.
    pub(super) fn close(&self, deadline: Instant) {
        let mut state = self.lock();
        state.closing = Some(deadline);
        drop(state);
        self.changed.notify_all();
    }

    /// Notes that the destination's thread has done its last.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Waits until the destination's thread has done its last.
    pub(super) fn wait_ended(&self, deadline: Instant) {
        let mut state = self.lock();
        while !state.ended {
            let now = Instant::now();
            if now >= deadline {
                return;
            }
            state = self
                .changed
                .wait_timeout(state, deadline - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing.is_some()
    }

    /// Gives up on everything that still waits; says how much that was.
    pub(super) fn abandon(&self) -> u64 {
        let mut state = self.lock();
        let spans = state.chunks.iter().map(|chunk| chunk.len() as u64).sum();
        state.chunks.clear();
        state.bytes = 0;
        state.counts.dropped += spans;
        drop(state);
        self.changed.notify_all();
        spans
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    fn lock(&self) -> MutexGuard<'_, OutboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
