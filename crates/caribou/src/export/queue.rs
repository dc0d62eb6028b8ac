//! The queue between the threads that log and the thread that gathers what they logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use caribou_otlp::encode::WrittenSpan;

use super::{Chunk, scratch};

/// Encoded spans, bounded in number and bytes.
#[derive(Debug, Default)]
pub(crate) struct SpanQueue {
    state: Mutex<QueueState>,
    wake: Condvar,
    /// Spans that did not fit.
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct QueueState {
    queued: Vec<Queued>,
    spans: usize,
    bytes: usize,
    /// Buffers of chunks that were handed over. Memory that is new costs the thread that logs a page fault every few
    /// spans.
    spare: Vec<Vec<u8>>,
    /// How many spans were ever taken in.
    accepted: u64,
    /// The gatherer waits for a call; else it looks by itself within moments.
    gatherer_sleeps: bool,
    /// Somebody waits for what is queued.
    hurry: bool,
    closed: bool,
}

/// What comes out of the queue.
#[derive(Debug)]
pub(super) enum Queued {
    /// Spans; while it is the last in the queue, it takes what comes next.
    Chunk(Chunk),
    /// A span that is too long to be copied by the thread that logs, and when it was logged.
    Long(WrittenSpan, Instant),
}

/// What the gatherer finds when it looks.
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
    const LONGEST_COPIED: usize = 256 << 10;
    /// About what a burst fills before the gatherer looks.
    const MAX_SPARE_BYTES: usize = 8 << 20;

    /// Takes a span in without waiting; false where it was dropped because the queue is full.
    pub(super) fn push(&self, span: WrittenSpan) -> bool {
        let bytes = span.length();
        let mut state = self.lock();
        if state.spans >= Self::MAX_SPANS || state.bytes + bytes > Self::MAX_BYTES {
            drop(state);
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        state.spans += 1;
        state.bytes += bytes;
        state.accepted += 1;
        let buffer = state.append(span);
        // Waking a thread costs more than all of the above, so only a sleeping one is woken.
        let wake = std::mem::take(&mut state.gatherer_sleeps);
        drop(state);
        if wake {
            self.wake.notify_one();
        }
        if let Some(buffer) = buffer {
            scratch::give_back(buffer);
        }
        true
    }

    /// Takes out what is queued, in order.
    pub(super) fn drain(&self) -> Vec<Queued> {
        let mut state = self.lock();
        state.hurry = false;
        state.spans = 0;
        state.bytes = 0;
        std::mem::take(&mut state.queued)
    }

    /// Takes back the buffer of a chunk.
    pub(super) fn reuse(&self, mut buffer: Vec<u8>) {
        let mut state = self.lock();
        let spare: usize = state.spare.iter().map(Vec::capacity).sum();
        if spare + buffer.capacity() <= Self::MAX_SPARE_BYTES {
            buffer.clear();
            state.spare.push(buffer);
        }
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
        if state.queued.is_empty() && !state.closed && !state.hurry {
            state.gatherer_sleeps = true;
            state.spare = Vec::new();
            (state, _) = self
                .wake
                .wait_timeout_while(state, while_idle, |state| {
                    state.gatherer_sleeps && !state.closed && !state.hurry
                })
                .unwrap_or_else(PoisonError::into_inner);
            state.gatherer_sleeps = false;
        }
        woken(&state)
    }

    /// Has the gatherer look now; says how many spans were taken in so far.
    pub(super) fn hurry(&self) -> u64 {
        let mut state = self.lock();
        state.hurry = true;
        let accepted = state.accepted;
        drop(state);
        self.wake.notify_one();
        accepted
    }

    /// Lets the gatherer end once it has handed over what is queued.
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

impl QueueState {
    /// Appends a span; gives its buffer back where it was copied.
    fn append(&mut self, span: WrittenSpan) -> Option<Vec<u8>> {
        let bytes = match span.whole() {
            Some(bytes) if bytes.len() <= SpanQueue::LONGEST_COPIED => bytes,
            _ => {
                self.queued.push(Queued::Long(span, Instant::now()));
                return None;
            }
        };
        match self.queued.last_mut() {
            Some(Queued::Chunk(chunk)) if chunk.fits(1, bytes.len()) => chunk.push(bytes),
            _ => {
                let mut chunk = Chunk {
                    bytes: self.spare.pop().unwrap_or_default(),
                    since: Some(Instant::now()),
                    ..Chunk::default()
                };
                chunk.push(bytes);
                self.queued.push(Queued::Chunk(chunk));
            }
        }
        Some(span.into_bytes())
    }
}

fn woken(state: &QueueState) -> Woken {
    if state.closed && state.queued.is_empty() {
        Woken::Closed
    } else {
        Woken::Look
    }
}

#[cfg(test)]
mod tests {
    use caribou_otlp::encode::{SpanFrame, SpanWriter};
    use opentelemetry::trace::{SpanContext, Status};

    use super::*;

    fn short(byte: u8) -> WrittenSpan {
        WrittenSpan::from(vec![byte; 1_000])
    }

    #[test]
    fn spans_come_out_in_the_order_in_which_they_came_in_long_ones_too() {
        let queue = SpanQueue::default();
        let context = SpanContext::NONE;
        let mut writer = SpanWriter::default();
        writer.own_text("key", "long".repeat(100_000));
        let long = writer.finish(&SpanFrame {
            context: &context,
            parent: &context,
            name: "long",
            started_at: 0,
            ended_at: 0,
            status: &Status::Unset,
        });
        let length = long.length();
        for span in [short(1), short(2), long, short(3)] {
            assert!(queue.push(span));
        }
        let all = queue.drain();
        let [
            Queued::Chunk(before),
            Queued::Long(long, _),
            Queued::Chunk(after),
        ] = &all[..]
        else {
            panic!("{all:?}");
        };
        let firsts: Vec<u8> = before.spans().map(|span| span[0]).collect();
        assert_eq!(firsts, [1, 2]);
        assert_eq!(long.length(), length);
        assert_eq!(after.spans().next().unwrap()[0], 3);
        assert_eq!(queue.accepted(), 4);
        assert!(queue.drain().is_empty());
    }

    #[test]
    fn buffers_are_used_again_and_not_hoarded() {
        let queue = SpanQueue::default();
        queue.push(short(1));
        for _ in 0..100 {
            queue.reuse(Vec::with_capacity(1 << 20));
        }
        let spare: usize = queue.lock().spare.iter().map(Vec::capacity).sum();
        assert!(spare <= SpanQueue::MAX_SPARE_BYTES);
        queue.drain();
        queue.push(short(2));
        let all = queue.drain();
        let Some(Queued::Chunk(chunk)) = all.first() else {
            panic!("{all:?}");
        };
        assert_eq!(chunk.bytes.capacity(), 1 << 20);
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let queue = SpanQueue::default();
        let large = || WrittenSpan::from(vec![0; SpanQueue::MAX_BYTES / 2]);
        assert!(queue.push(large()) && queue.push(large()));
        assert!(!queue.push(short(1)));
        assert_eq!((queue.accepted(), queue.dropped()), (2, 1));
        queue.drain();
        assert!(queue.push(short(1)));
    }
}
