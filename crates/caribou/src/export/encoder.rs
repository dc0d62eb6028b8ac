//! The thread that encodes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use opentelemetry_sdk::trace::SpanData;

use super::Chunk;
use super::outbox::Outbox;
use super::queue::{SpanQueue, Woken};
use crate::fork;
use crate::notice::Notices;

/// Something to do every 30 seconds: what is open says that it lives.
pub(crate) type Beat = Arc<dyn Fn() + Send + Sync>;

/// Encodes what is queued and hands it to every outbox.
pub(super) struct Encoder {
    pub(super) queue: Arc<SpanQueue>,
    pub(super) outboxes: Vec<Arc<Outbox>>,
    pub(super) notices: Arc<Notices>,
    pub(super) beat: Beat,
}

impl Encoder {
    /// What is logged within this time shares a request.
    const LINGER: Duration = Duration::from_millis(4);
    /// After this many looks without a span the encoder sleeps until it is called.
    const EMPTY_LOOKS: u32 = 25;
    const BEAT: Duration = Duration::from_secs(30);
    /// Nothing is held back longer, so that what is encoded can be kept on disk while the rest of a burst is encoded.
    const LONGEST_ENCODING: Duration = Duration::from_millis(10);
    /// Looking at the clock costs little, but not nothing.
    const SPANS_PER_LOOK: usize = 16;
    /// The largest item that is kept.
    const MAX_SPAN_BYTES: usize = 48 << 20;

    pub(super) fn run(self) {
        let mut spans = Vec::new();
        let mut empty_looks = 0;
        let mut next_beat = Instant::now() + Self::BEAT;
        loop {
            let woken = if empty_looks < Self::EMPTY_LOOKS {
                self.queue.linger(Self::LINGER)
            } else {
                let until_beat = next_beat.saturating_duration_since(Instant::now());
                self.queue.sleep(until_beat)
            };
            let since = {
                let _still = fork::hold_off();
                self.queue.drain_into(&mut spans)
            };
            empty_looks = if spans.is_empty() { empty_looks + 1 } else { 0 };
            self.encode(&mut spans, since);
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

    fn encode(&self, spans: &mut Vec<SpanData>, since: Option<Instant>) {
        let empty = || Chunk {
            since,
            ..Chunk::default()
        };
        let mut chunk = empty();
        let mut encoded = Vec::new();
        let mut began = Instant::now();
        for span in spans.drain(..) {
            encoded.clear();
            caribou_otlp::encode::encode_span(&span, &mut encoded);
            if encoded.len() > Self::MAX_SPAN_BYTES {
                self.refuse(&span, encoded.len());
                continue;
            }
            if !chunk.fits(1, encoded.len()) {
                self.hand_over(std::mem::replace(&mut chunk, empty()));
            }
            chunk.push(&encoded);
            let is_time_to_look = chunk.len().is_multiple_of(Self::SPANS_PER_LOOK);
            if is_time_to_look && began.elapsed() > Self::LONGEST_ENCODING {
                self.hand_over(std::mem::replace(&mut chunk, empty()));
                began = Instant::now();
            }
        }
        if !chunk.is_empty() {
            self.hand_over(chunk);
        }
    }

    fn hand_over(&self, chunk: Chunk) {
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

    fn refuse(&self, span: &SpanData, bytes: usize) {
        let _still = fork::hold_off();
        self.notices.tell_once("too_large", || {
            format!(
                "an item of {bytes} bytes ({:?}) is larger than {} bytes and was not recorded: log large data in parts",
                span.name,
                Self::MAX_SPAN_BYTES
            )
        });
        for outbox in &self.outboxes {
            outbox.refuse_unsent(1);
        }
    }
}
