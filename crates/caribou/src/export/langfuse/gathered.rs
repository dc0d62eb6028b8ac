//! The spans of one segment, wherever they lie.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use caribou_model::{SpanId, TraceId};
use caribou_spool::{DestinationSpool, Journal, Record};

use crate::export::Resource;
use crate::export::shelf::{SPAN, context, resource_from_context};

/// Which segment: the root's span within its trace. Where the root is not known, the span that stands above all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) trace_id: TraceId,
    pub(super) root: SpanId,
}

/// What is known of the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Root {
    /// Another process has it, or it comes later.
    #[default]
    Unseen,
    Open,
    Ended,
}

/// A segment that is being gathered, or waits to leave.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) key: Key,
    pub(super) parts: Vec<Part>,
    pub(super) root: Root,
    /// The root, where it has left before and the rest follows.
    pub(super) root_before: Option<Arc<[u8]>>,
    /// Groups, and whether each has ended.
    pub(super) groups: BTreeMap<SpanId, bool>,
    /// Spans of this process, revisions of one counted each.
    pub(super) own: u64,
    /// Spans that processes that are gone had left.
    pub(super) of_others: u64,
    /// Spans that processes that are gone had left are among it.
    pub(super) is_abandoned: bool,
    /// This process has the root, and will end it.
    pub(super) has_own_root: bool,
    pub(super) touched: Instant,
}

/// Spans, in no order.
#[derive(Debug)]
pub(super) enum Part {
    /// On disk.
    Journal(Journal),
    /// In memory, because there is no spool or no room in it.
    Memory(Memory),
}

/// Spans that are in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) spans: Vec<Vec<u8>>,
    /// How many of them are this process's own.
    pub(super) own: u64,
    pub(super) bytes: usize,
    pub(super) resource: Option<Resource>,
}

/// Where the spans of segments are put.
#[derive(Debug, Default)]
pub(super) struct Room {
    pub(super) journals: Option<DestinationSpool>,
    /// This process's own resource.
    pub(super) resource: Vec<(String, String)>,
    memory_bytes: usize,
    memory_spans: u64,
}

impl Gathered {
    pub(super) fn new(key: Key) -> Self {
        Self {
            key,
            parts: Vec::new(),
            root: Root::Unseen,
            root_before: None,
            groups: BTreeMap::new(),
            own: 0,
            of_others: 0,
            is_abandoned: false,
            has_own_root: false,
            touched: Instant::now(),
        }
    }

    /// Whether nothing more is to come that is worth waiting for.
    pub(super) fn is_complete(&self) -> bool {
        match self.root_before {
            Some(_) => self.groups.values().all(|ended| *ended),
            None => self.root == Root::Ended,
        }
    }

    /// Whether nobody is left who could end it. What a forked child left of its parent's rollout is not.
    pub(super) fn is_left_alone(&self) -> bool {
        self.is_abandoned && !self.has_own_root
    }

    /// The resource that its spans belong to, where it is not this process's own.
    pub(super) fn resource(&self, own: &[(String, String)]) -> Option<Resource> {
        match self.parts.first()? {
            Part::Journal(journal) => resource_from_context(Some(journal.context()), own),
            Part::Memory(memory) => memory.resource.clone(),
        }
    }
}

impl Room {
    /// What waits in memory where it cannot be on disk.
    const MAX_MEMORY_BYTES: usize = 256 << 20;

    pub(super) fn new(resource: &[(String, String)]) -> Self {
        Self {
            resource: resource.to_vec(),
            ..Self::default()
        }
    }

    /// How many spans of this process are in memory alone.
    pub(super) fn spans_in_memory(&self) -> u64 {
        self.memory_spans
    }

    /// Puts spans to those of a segment; gives the reason where they are in memory, and false where they are lost.
    pub(super) fn put(
        &mut self,
        gathered: &mut Gathered,
        spans: &[&[u8]],
        resource: Option<&Resource>,
        of_others: bool,
    ) -> (bool, Option<String>) {
        let count = spans.len() as u64;
        let reason = match self.put_on_disk(gathered, spans, resource) {
            Ok(()) => None,
            Err(reason) => {
                let bytes: usize = spans.iter().map(|span| span.len()).sum();
                if self.memory_bytes + bytes > Self::MAX_MEMORY_BYTES {
                    return (false, reason);
                }
                let own = if of_others { 0 } else { count };
                self.memory_bytes += bytes;
                self.memory_spans += own;
                gathered.remember(spans, bytes, own, resource);
                reason
            }
        };
        if of_others {
            gathered.of_others += count;
        } else {
            gathered.own += count;
        }
        (true, reason)
    }

    /// Notes that memory is free again.
    pub(super) fn forget(&mut self, memory: &Memory) {
        self.memory_bytes = self.memory_bytes.saturating_sub(memory.bytes);
        self.memory_spans = self.memory_spans.saturating_sub(memory.own);
    }

    /// The error says why, unless there is no spool.
    fn put_on_disk(
        &mut self,
        gathered: &mut Gathered,
        spans: &[&[u8]],
        resource: Option<&Resource>,
    ) -> Result<(), Option<String>> {
        let journals = self.journals.as_mut().ok_or(None)?;
        // However often the disk is full and is not: a segment has one file, as each is open while the segment leaves.
        let found = gathered.parts.iter().position(is_appendable);
        let place = found.unwrap_or(gathered.parts.len());
        if found.is_none() {
            let context = context(resource.map_or(&self.resource, |resource| resource));
            let journal = journals.begin_journal(context);
            let journal = journal.map_err(|error| Some(error.to_string()))?;
            gathered.parts.push(Part::Journal(journal));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let time_unix_nano = now.map_or(0, |now| now.as_nanos().try_into().unwrap_or(u64::MAX));
        let records: Vec<Record<'_>> = spans
            .iter()
            .map(|payload| Record {
                kind: SPAN,
                time_unix_nano,
                payload,
            })
            .collect();
        let Some(Part::Journal(journal)) = gathered.parts.get_mut(place) else {
            return Err(None);
        };
        let appended = journal.append(&records);
        let is_empty = journal.records() == 0;
        appended.map_err(|error| {
            if is_empty && let Part::Journal(journal) = gathered.parts.remove(place) {
                // One that stays holds nothing.
                journal.remove().ok();
            }
            Some(error.to_string())
        })
    }
}

/// Whether further spans can be put to it; somebody may have removed the file.
fn is_appendable(part: &Part) -> bool {
    matches!(part, Part::Journal(journal) if journal.is_own() && journal.path().exists())
}

impl Gathered {
    fn remember(&mut self, spans: &[&[u8]], bytes: usize, own: u64, resource: Option<&Resource>) {
        let is_memory = |part: &Part| matches!(part, Part::Memory(_));
        if !self.parts.iter().any(is_memory) {
            self.parts.push(Part::Memory(Memory {
                resource: resource.cloned(),
                ..Memory::default()
            }));
        }
        let memory = self.parts.iter_mut().find(|part| is_memory(part));
        if let Some(Part::Memory(memory)) = memory {
            memory.spans.extend(spans.iter().map(|span| span.to_vec()));
            memory.bytes += bytes;
            memory.own += own;
        }
    }
}
