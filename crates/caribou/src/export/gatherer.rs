//! The thread that gathers what was logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Chunk;
use super::outbox::Outbox;
use super::queue::{Queued, SpanQueue, Woken};
use crate::fork;
use crate::notice::Notices;

/// Something to do every 30 seconds: what is open says that it lives.
pub(crate) type Beat = Arc<dyn Fn() + Send + Sync>;

/// Hands what is queued to every outbox, some milliseconds' worth at a time.
pub(super) struct Gatherer {
    pub(super) queue: Arc<SpanQueue>,
    pub(super) outboxes: Vec<Arc<Outbox>>,
    pub(super) notices: Arc<Notices>,
    pub(super) beat: Beat,
}

impl Gatherer {
    /// What is logged within this time shares a request.
    const LINGER: Duration = Duration::from_millis(4);
    /// After this many looks without a span the gatherer sleeps until it is called.
    const EMPTY_LOOKS: u32 = 25;
    const BEAT: Duration = Duration::from_secs(30);

    pub(super) fn run(self) {
        let mut empty_looks = 0;
        let mut next_beat = Instant::now() + Self::BEAT;
        loop {
            let woken = if empty_looks < Self::EMPTY_LOOKS {
                self.queue.linger(Self::LINGER)
            } else {
                let until_beat = next_beat.saturating_duration_since(Instant::now());
                self.queue.sleep(until_beat)
            };
            let all = {
                let _still = fork::hold_off();
                self.queue.drain()
            };
            empty_looks = if all.is_empty() { empty_looks + 1 } else { 0 };
            for queued in all {
                self.hand_over(self.chunk(queued));
            }
            if woken == Woken::Closed {
                for outbox in &self.outboxes {
                    outbox.complete();
                }
                return;
            }
            if Instant::now() >= next_beat {
                next_beat += Self::BEAT;
                let _still = fork::hold_off();
                (self.beat)();
            }
        }
    }

    /// What was queued, in memory that is no longer than it.
    fn chunk(&self, queued: Queued) -> Chunk {
        match queued {
            Queued::Chunk(mut chunk) => {
                let exact = chunk.bytes.as_slice().to_vec();
                let buffer = std::mem::replace(&mut chunk.bytes, exact);
                let _still = fork::hold_off();
                self.queue.reuse(buffer);
                chunk
            }
            Queued::Long(span, since) => {
                let bytes = span.into_bytes();
                Chunk {
                    ends: vec![bytes.len()],
                    bytes,
                    since: Some(since),
                    ..Chunk::default()
                }
            }
        }
    }

    fn hand_over(&self, chunk: Chunk) {
        if chunk.bytes.len() > Chunk::MAX_SPAN_BYTES {
            // Counted here and not where it was told, so that spans are settled in the order in which they were logged.
            for outbox in &self.outboxes {
                outbox.refuse_unsent(chunk.len() as u64);
            }
            return;
        }
        let chunk = Arc::new(chunk);
        for outbox in &self.outboxes {
            if !outbox.offer(&chunk) {
                let _still = fork::hold_off();
                self.notices.tell_once("outbox_full", || {
                    format!(
                        "{} has been away for so long that memory for its spans is used up: further spans are dropped \
                         and counted in stats()",
                        outbox.name
                    )
                });
            }
        }
    }
}
