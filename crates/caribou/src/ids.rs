//! Ids of traces and spans.
//!
//! The stock generator of the OpenTelemetry SDK gives parent and child the same ids after a fork, and knows nothing of
//! ids that a user supplies. Span ids here grow with time, so that ClickHouse keeps the spans of a trace in the order
//! they were logged.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::trace::{SpanId, TraceId};
use opentelemetry_sdk::trace::IdGenerator;

const RANDOM_BITS: u32 = 22;
const GOLDEN_RATIO: u64 = 0x9e37_79b9_7f4a_7c15;

thread_local! {
    /// The ids that the next span of this thread takes. The SDK's id generator has no parameters to pass them by.
    static NEXT: Cell<(Option<TraceId>, Option<SpanId>)> = const { Cell::new((None, None)) };
}

/// Makes ids.
#[derive(Debug)]
pub(crate) struct Ids {
    random: AtomicU64,
    last_micros: AtomicU64,
}

impl Ids {
    /// A source seeded by the operating system.
    pub(crate) fn new() -> Self {
        Self {
            random: AtomicU64::new(fresh_seed()),
            last_micros: AtomicU64::new(0),
        }
    }

    /// Starts another sequence: a forked child must not repeat its parent's.
    pub(crate) fn reseed(&self) {
        self.random.store(fresh_seed(), Ordering::Relaxed);
    }

    /// 64 random bits.
    pub(crate) fn random(&self) -> u64 {
        let mut bits = self.random.fetch_add(GOLDEN_RATIO, Ordering::Relaxed);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A span id: microseconds that strictly increase within the process, then random bits.
    pub(crate) fn span_id(&self, unix_nanos: i64) -> SpanId {
        let now = unix_nanos.unsigned_abs() / 1_000;
        let mut last = self.last_micros.load(Ordering::Relaxed);
        let micros = loop {
            let next = now.max(last + 1);
            match self.last_micros.compare_exchange_weak(
                last,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => break next,
                Err(newer) => last = newer,
            }
        };
        let random = self.random() >> (64 - RANDOM_BITS);
        SpanId::from(((micros << RANDOM_BITS) | random).max(1))
    }

    /// A trace id: milliseconds since 1970, then random bits, marked as a UUID of version 7.
    pub(crate) fn trace_id(&self, unix_nanos: i64) -> TraceId {
        let millis = u128::from(unix_nanos.unsigned_abs() / 1_000_000) & 0xffff_ffff_ffff;
        let high = u128::from(self.random() >> 52);
        let low = u128::from(self.random() >> 2);
        TraceId::from((millis << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low)
    }
}

fn fresh_seed() -> u64 {
    // Without the operating system's randomness, pid and time still tell processes apart.
    getrandom::u64().unwrap_or_else(|_| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos());
        (u64::from(std::process::id()) << 32) | u64::from(now)
    })
}

/// Has the next span that this thread starts take these ids.
pub(crate) fn supply(trace_id: Option<TraceId>, span_id: SpanId) {
    NEXT.set((trace_id, Some(span_id)));
}

/// The generator of the recorder's provider: hands on what was supplied.
#[derive(Debug)]
pub(crate) struct SuppliedIds(pub(crate) std::sync::Arc<Ids>);

impl IdGenerator for SuppliedIds {
    fn new_trace_id(&self) -> TraceId {
        let (trace_id, span_id) = NEXT.get();
        NEXT.set((None, span_id));
        trace_id.unwrap_or_else(|| self.0.trace_id(0))
    }

    fn new_span_id(&self) -> SpanId {
        let (trace_id, span_id) = NEXT.get();
        NEXT.set((trace_id, None));
        span_id.unwrap_or_else(|| self.0.span_id(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_ids_grow_even_within_one_microsecond() {
        let ids = Ids::new();
        let made: Vec<u64> = (0..1000)
            .map(|_| u64::from_be_bytes(ids.span_id(1_700_000_000_000_000_000).to_bytes()))
            .collect();
        assert!(made.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn trace_ids_sort_by_time_and_look_like_uuid_7() {
        let ids = Ids::new();
        let earlier = ids.trace_id(1_700_000_000_000_000_000).to_string();
        let later = ids.trace_id(1_700_000_000_001_000_000).to_string();
        assert!(earlier < later);
        assert_eq!(&earlier[12..13], "7");
        assert!(matches!(&earlier[16..17], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn a_new_seed_gives_other_ids() {
        let ids = Ids::new();
        let state = ids.random.load(Ordering::Relaxed);
        let first = ids.random();
        ids.reseed();
        assert_ne!(first, ids.random());
        ids.random.store(state, Ordering::Relaxed);
        assert_eq!(first, ids.random());
    }
}
