//! The queue between the threads that log and the thread that encodes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;

/// Ended spans, bounded in number and bytes.
#[derive(Debug, Default)]
pub(crate) struct SpanQueue {
    state: Mutex<QueueState>,
    wake: Condvar,
    /// Spans that did not fit.
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct QueueState {
    spans: Vec<SpanData>,
    bytes: usize,
    /// When the first of them came.
    oldest: Option<Instant>,
    /// How many spans were ever taken in.
    accepted: u64,
    /// The encoder waits for a call; else it looks by itself within moments.
    encoder_sleeps: bool,
    /// Somebody waits for what is queued.
    hurry: bool,
    closed: bool,
}

/// What the encoder finds when it looks.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// There may be spans, or it is time to look.
    Look,
    /// No more spans will come.
    Closed,
}

impl SpanQueue {
    const MAX_SPANS: usize = 200_000;
    const MAX_BYTES: usize = 256 << 20;
    /// About what a span takes beside its texts.
    const SPAN_BYTES: usize = 2_000;

    /// Takes a span in without waiting; false where it was dropped because the queue is full.
    pub(super) fn push(&self, span: SpanData) -> bool {
        let bytes = weight(&span);
        let mut state = self.lock();
        if state.spans.len() >= Self::MAX_SPANS || state.bytes + bytes > Self::MAX_BYTES {
            drop(state);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        if state.spans.is_empty() {
            state.oldest = Some(Instant::now());
        }
        state.spans.push(span);
        state.bytes += bytes;
        state.accepted += 1;
        // Waking a thread costs more than all of the above, so only a sleeping one is woken.
        let wake = std::mem::take(&mut state.encoder_sleeps);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        true
    }

    /// Swaps the queued spans against an empty vector, whose capacity is used again. Says when the first of them came.
    pub(super) fn drain_into(&self, spans: &mut Vec<SpanData>) -> Option<Instant> {
        debug_assert!(spans.is_empty(), "what was drained before is encoded");
        let mut state = self.lock();
        std::mem::swap(&mut state.spans, spans);
        state.bytes = 0;
        state.hurry = false;
        state.oldest.take()
    }

    /// Waits for a moment; leaves early where somebody is in a hurry.
    pub(super) fn linger(&self, moment: Duration) -> Woken {
        let state = self.lock();
        let (state, _) = self
            .wake
            .wait_timeout_while(state, moment, |state| !state.hurry && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        woken(&state)
    }

    /// Waits until something is queued, at most for a while.
    pub(super) fn sleep(&self, while_idle: Duration) -> Woken {
        let mut state = self.lock();
        if state.spans.is_empty() && !state.closed && !state.hurry {
            state.encoder_sleeps = true;
            (state, _) = self
                .wake
                .wait_timeout_while(state, while_idle, |state| {
                    state.encoder_sleeps && !state.closed && !state.hurry
                })
                .unwrap_or_else(PoisonError::into_inner);
            state.encoder_sleeps = false;
        }
        woken(&state)
    }

    /// Has the encoder look now; says how many spans were taken in so far.
    pub(super) fn hurry(&self) -> u64 {
        let mut state = self.lock();
        state.hurry = true;
        let accepted = state.accepted;
        drop(state);
        self.wake.notify_one();
        accepted
    }

    /// Lets the encoder end once it has encoded what is queued.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// How many spans were taken in so far.
    pub(super) fn accepted(&self) -> u64 {
        self.lock().accepted
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn woken(state: &QueueState) -> Woken {
    if state.closed && state.spans.is_empty() {
        Woken::Closed
    } else {
        Woken::Look
    }
}

fn weight(span: &SpanData) -> usize {
    let texts: usize = span
        .attributes
        .iter()
        .map(|attribute| match &attribute.value {
            Value::String(text) => text.as_str().len(),
            _ => 0,
        })
        .sum();
    texts + SpanQueue::SPAN_BYTES
}
