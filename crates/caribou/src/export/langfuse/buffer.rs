//! Spans that wait for the root of their segment to end.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use caribou_model::{ItemType, SpanId, SpanRecord, TraceId};

use super::spill::{Extent, Spill};

/// Encoded spans by trace, bounded in memory: what is beyond the bound lies in a file.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    traces: HashMap<TraceId, Vec<Held>>,
    /// Roots whose segments have left: what still comes in for them follows alone.
    departed: VecDeque<Departed>,
    taken: Recent,
    spill: Spill,
    bytes: usize,
}

/// One span that waits.
#[derive(Debug)]
pub(super) struct Held {
    span_id: SpanId,
    parent: Option<SpanId>,
    /// Its place in the transcript.
    logged: (i64, u64),
    place: Place,
}

#[derive(Debug)]
enum Place {
    Memory(Vec<u8>),
    File(Extent),
}

#[derive(Debug)]
struct Departed {
    trace_id: TraceId,
    span_id: SpanId,
    root: Arc<[u8]>,
}

/// Spans that may leave.
#[derive(Debug)]
pub(super) struct Complete {
    /// The encoded root.
    pub(super) root: Arc<[u8]>,
    /// Whether the root has left before.
    pub(super) root_sent: bool,
    /// The others, in the order of the transcript.
    pub(super) spans: VecDeque<Held>,
}

impl Buffer {
    const MAX_BYTES_IN_MEMORY: usize = 32 << 20;
    const MAX_DEPARTED: usize = 1024;

    /// Takes a span in unless it is open or was taken before; gives the segment that it completes.
    pub(super) fn take_in(&mut self, record: &SpanRecord<'_>, encoded: &[u8]) -> Option<Complete> {
        if record.ended_at.is_none() || !self.taken.insert(record.trace_id, record.span_id) {
            return None;
        }
        if record.item_type == ItemType::Rollout {
            return Some(self.complete(record, encoded.into()));
        }
        let place = self.place(encoded);
        let held = Held {
            span_id: record.span_id,
            parent: record.parent_span_id,
            logged: (record.logged_at, record.sequence),
            place,
        };
        self.traces.entry(record.trace_id).or_default().push(held);
        self.late(record.trace_id)
    }

    /// How many spans wait.
    pub(super) fn waiting(&self) -> usize {
        self.traces.values().map(Vec::len).sum()
    }

    /// The bytes of a span that left the buffer.
    pub(super) fn bytes_of(&mut self, held: Held) -> std::io::Result<Vec<u8>> {
        match held.place {
            Place::Memory(bytes) => {
                self.bytes -= bytes.len();
                Ok(bytes)
            }
            Place::File(extent) => self.spill.take(extent),
        }
    }

    fn place(&mut self, encoded: &[u8]) -> Place {
        if self.bytes + encoded.len() > Self::MAX_BYTES_IN_MEMORY {
            match self.spill.put(encoded) {
                Ok(extent) => return Place::File(extent),
                // Losing it would be worse than the memory it takes.
                Err(error) => tracing::warn!(
                    target: "caribou",
                    "what waits for Langfuse stays in memory, for no temporary file can be written: {error}"
                ),
            }
        }
        self.bytes += encoded.len();
        Place::Memory(encoded.to_vec())
    }

    fn complete(&mut self, root: &SpanRecord<'_>, encoded: Arc<[u8]>) -> Complete {
        let spans = self.take_below(root.trace_id, root.span_id);
        if self.departed.len() == Self::MAX_DEPARTED {
            self.departed.pop_front();
        }
        self.departed.push_back(Departed {
            trace_id: root.trace_id,
            span_id: root.span_id,
            root: Arc::clone(&encoded),
        });
        Complete {
            root: encoded,
            root_sent: false,
            spans,
        }
    }

    /// What came in after its root had left.
    fn late(&mut self, trace_id: TraceId) -> Option<Complete> {
        let departed: Vec<(SpanId, Arc<[u8]>)> = self
            .departed
            .iter()
            .filter(|departed| departed.trace_id == trace_id)
            .map(|departed| (departed.span_id, Arc::clone(&departed.root)))
            .collect();
        departed.into_iter().find_map(|(span_id, root)| {
            let spans = self.take_below(trace_id, span_id);
            (!spans.is_empty()).then_some(Complete {
                root,
                root_sent: true,
                spans,
            })
        })
    }

    /// Takes out what stands below a span, itself not included.
    fn take_below(&mut self, trace_id: TraceId, top: SpanId) -> VecDeque<Held> {
        let Some(held) = self.traces.remove(&trace_id) else {
            return VecDeque::new();
        };
        let parents: HashMap<SpanId, Option<SpanId>> = held
            .iter()
            .map(|held| (held.span_id, held.parent))
            .collect();
        let is_below = |held: &Held| {
            let mut parent = held.parent;
            // A chain longer than this is a ring.
            for _ in 0..=parents.len() {
                match parent {
                    Some(id) if id == top => return true,
                    Some(id) => parent = parents.get(&id).copied().flatten(),
                    None => return false,
                }
            }
            false
        };
        let (mut below, others): (Vec<Held>, Vec<Held>) = held.into_iter().partition(is_below);
        if !others.is_empty() {
            self.traces.insert(trace_id, others);
        }
        below.sort_by_key(|held| held.logged);
        below.into()
    }
}

/// The spans taken lately: an attempt that failed half way is made again with the same ones.
#[derive(Debug, Default)]
struct Recent {
    known: HashSet<(TraceId, SpanId)>,
    order: VecDeque<(TraceId, SpanId)>,
}

impl Recent {
    const MAX: usize = 100_000;

    fn insert(&mut self, trace_id: TraceId, span_id: SpanId) -> bool {
        if !self.known.insert((trace_id, span_id)) {
            return false;
        }
        self.order.push_back((trace_id, span_id));
        if self.order.len() > Self::MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(item_type: ItemType, id: u8, parent: Option<u8>) -> SpanRecord<'static> {
        SpanRecord {
            trace_id: TraceId([1; 16]),
            span_id: SpanId([id; 8]),
            parent_span_id: parent.map(|parent| SpanId([parent; 8])),
            item_type,
            logged_at: i64::from(id),
            ended_at: Some(9),
            ..SpanRecord::default()
        }
    }

    fn take_in(buffer: &mut Buffer, record: &SpanRecord<'_>) -> Option<(bool, Vec<Vec<u8>>)> {
        let complete = buffer.take_in(record, &record.span_id.0)?;
        let spans = complete.spans.into_iter();
        let spans = spans.map(|held| buffer.bytes_of(held).unwrap()).collect();
        Some((complete.root_sent, spans))
    }

    #[test]
    fn a_segment_leaves_with_its_root_and_takes_only_its_own() {
        let mut buffer = Buffer::default();
        // Two segments of one trace, and in the first a message within a group.
        assert_eq!(
            take_in(&mut buffer, &span(ItemType::Message, 4, Some(3))),
            None
        );
        assert_eq!(
            take_in(&mut buffer, &span(ItemType::Message, 5, Some(2))),
            None
        );
        assert_eq!(
            take_in(&mut buffer, &span(ItemType::Group, 3, Some(1))),
            None
        );
        let first = take_in(&mut buffer, &span(ItemType::Rollout, 1, None));
        assert_eq!(first, Some((false, vec![vec![3; 8], vec![4; 8]])));
        let second = take_in(&mut buffer, &span(ItemType::Rollout, 2, None));
        assert_eq!(second, Some((false, vec![vec![5; 8]])));
        assert_eq!((buffer.waiting(), buffer.bytes), (0, 0));
    }

    #[test]
    fn what_comes_late_follows_its_root_alone() {
        let mut buffer = Buffer::default();
        take_in(&mut buffer, &span(ItemType::Rollout, 1, None));
        let late = take_in(&mut buffer, &span(ItemType::Grade, 2, Some(1)));
        assert_eq!(late, Some((true, vec![vec![2; 8]])));
    }

    #[test]
    fn open_and_repeated_spans_are_not_taken() {
        let mut buffer = Buffer::default();
        let open = SpanRecord {
            ended_at: None,
            ..span(ItemType::Rollout, 1, None)
        };
        assert_eq!(take_in(&mut buffer, &open), None);
        let ended = span(ItemType::Rollout, 1, None);
        assert!(take_in(&mut buffer, &ended).is_some());
        assert_eq!(take_in(&mut buffer, &ended), None);
    }

    #[test]
    fn beyond_the_bound_spans_wait_in_a_file() {
        let mut buffer = Buffer {
            bytes: Buffer::MAX_BYTES_IN_MEMORY,
            ..Buffer::default()
        };
        take_in(&mut buffer, &span(ItemType::Event, 2, Some(1)));
        let held = &buffer.traces[&TraceId([1; 16])][0];
        assert!(matches!(held.place, Place::File(_)));
        let complete = take_in(&mut buffer, &span(ItemType::Rollout, 1, None));
        assert_eq!(complete, Some((false, vec![vec![2; 8]])));
    }
}
