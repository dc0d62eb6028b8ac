//! Which segment a span belongs to, and which segments may leave.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use caribou_model::{ItemType, SpanId, SpanRecord, TraceId};

use super::gathered::{Gathered, Key, Root};

/// The segments that are open, by root. Their spans lie elsewhere.
#[derive(Debug, Default)]
pub(super) struct Gathering {
    open: HashMap<Key, Gathered>,
    /// The root above each group, of segments that are open or have left lately.
    above: HashMap<(TraceId, SpanId), SpanId>,
    /// Open segments whose root is not known, or has left: they leave when nothing comes any more.
    rootless: BTreeSet<Key>,
    /// Segments that have left: what still comes in for them follows alone.
    departed: HashMap<Key, Departed>,
    departed_order: VecDeque<Key>,
    departed_bytes: usize,
}

#[derive(Debug)]
struct Departed {
    root: Arc<[u8]>,
    groups: BTreeMap<SpanId, bool>,
}

impl Gathering {
    const MAX_DEPARTED: usize = 1024;
    const MAX_DEPARTED_BYTES: usize = 16 << 20;
    /// A rollout of which nothing is heard for so long is taken for lost everywhere.
    const LONGEST_SILENCE: Duration = Duration::from_secs(120);

    /// The segment of a span; none where the span has left before, and what comes now is only a later revision.
    pub(super) fn key_of(&self, record: &SpanRecord<'_>) -> Option<Key> {
        let trace_id = record.trace_id;
        let key = |root| Key { trace_id, root };
        if record.item_type == ItemType::Rollout {
            let key = key(record.span_id);
            return (!self.departed.contains_key(&key)).then_some(key);
        }
        let parent = record.parent_span_id.unwrap_or(record.span_id);
        let above = self.above.get(&(trace_id, parent));
        let key = key(above.copied().unwrap_or(parent));
        let has_left = holds_others(record)
            && self
                .departed
                .get(&key)
                .is_some_and(|departed| departed.groups.contains_key(&record.span_id));
        (!has_left).then_some(key)
    }

    /// Notes what a span says about its segment, and gives the segment.
    pub(super) fn note(&mut self, key: Key, record: &SpanRecord<'_>) -> &mut Gathered {
        let is_ended = record.ended_at.is_some();
        let merged = holds_others(record)
            .then(|| self.put_below(key, record.span_id))
            .flatten();
        let gathered = self.open.entry(key).or_insert_with(|| {
            let mut gathered = Gathered::new(key);
            gathered.root_before = self
                .departed
                .get(&key)
                .map(|departed| Arc::clone(&departed.root));
            gathered
        });
        gathered.touched = Instant::now();
        match record.item_type {
            ItemType::Rollout if is_ended => gathered.root = Root::Ended,
            ItemType::Rollout if gathered.root == Root::Unseen => gathered.root = Root::Open,
            _ if holds_others(record) => {
                *gathered.groups.entry(record.span_id).or_default() |= is_ended;
            }
            _ => {}
        }
        if let Some(merged) = merged {
            gathered.parts.extend(merged.parts);
            gathered.groups.extend(merged.groups);
            gathered.own += merged.own;
            gathered.of_others += merged.of_others;
            gathered.is_abandoned |= merged.is_abandoned;
        }
        if gathered.root == Root::Unseen {
            self.rootless.insert(key);
        } else {
            self.rootless.remove(&key);
        }
        gathered
    }

    /// Notes that a group stands below a root; gives what was gathered as if the group were one itself.
    fn put_below(&mut self, key: Key, group: SpanId) -> Option<Gathered> {
        self.above.insert((key.trace_id, group), key.root);
        let former = Key {
            trace_id: key.trace_id,
            root: group,
        };
        // What stands in no other, or in itself, is its own segment already.
        if former == key {
            return None;
        }
        let merged = self.open.remove(&former)?;
        self.rootless.remove(&former);
        for inner in merged.groups.keys() {
            self.above.insert((key.trace_id, *inner), key.root);
        }
        Some(merged)
    }

    /// The segment that what was put to another one stands in now.
    pub(super) fn home_of(&self, key: Key) -> Key {
        let above = self.above.get(&(key.trace_id, key.root));
        Key {
            root: above.copied().unwrap_or(key.root),
            ..key
        }
    }

    /// An open segment.
    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Gathered> {
        self.open.get_mut(&key)
    }

    /// Takes a segment out if nothing more is to come for it.
    pub(super) fn take_complete(&mut self, key: Key) -> Option<Gathered> {
        self.open
            .get(&key)
            .filter(|gathered| gathered.is_complete())?;
        self.take(key)
    }

    /// Takes out what nobody is left to end.
    pub(super) fn take_abandoned(&mut self) -> Vec<Gathered> {
        let abandoned = self
            .open
            .values()
            .filter(|gathered| gathered.is_left_alone());
        let mut keys: Vec<Key> = abandoned.map(|gathered| gathered.key).collect();
        keys.sort_unstable();
        keys.into_iter().filter_map(|key| self.take(key)).collect()
    }

    /// Whether there is anything that nobody is left to end.
    pub(super) fn has_abandoned(&self) -> bool {
        self.open.values().any(Gathered::is_left_alone)
    }

    /// Takes out what has been without a root for too long; all of it where no more is to come.
    pub(super) fn take_rootless(&mut self, now: Instant, all: bool) -> Vec<Gathered> {
        let is_due = |key: &&Key| {
            let gathered = self.open.get(key);
            all || gathered.is_some_and(|gathered| gathered.touched + Self::LONGEST_SILENCE <= now)
        };
        let due: Vec<Key> = self.rootless.iter().filter(is_due).copied().collect();
        due.into_iter().filter_map(|key| self.take(key)).collect()
    }

    /// When the next segment will have been without a root for too long.
    pub(super) fn next_rootless(&self) -> Option<Instant> {
        let open = self.rootless.iter().filter_map(|key| self.open.get(key));
        open.map(|gathered| gathered.touched + Self::LONGEST_SILENCE)
            .min()
    }

    /// Remembers a segment that has left with its root, for what still comes in.
    pub(super) fn remember(&mut self, gathered: &Gathered, root: Option<Arc<[u8]>>) {
        let Some(root) = root else {
            for group in gathered.groups.keys() {
                self.above.remove(&(gathered.key.trace_id, *group));
            }
            return;
        };
        if let Some(departed) = self.departed.get_mut(&gathered.key) {
            departed.groups.extend(&gathered.groups);
        } else {
            self.departed_bytes += root.len();
            self.departed_order.push_back(gathered.key);
            let groups = gathered.groups.clone();
            self.departed
                .insert(gathered.key, Departed { root, groups });
        }
        while self.departed_order.len() > Self::MAX_DEPARTED
            || self.departed_bytes > Self::MAX_DEPARTED_BYTES
        {
            let Some(key) = self.departed_order.pop_front() else {
                break;
            };
            if let Some(departed) = self.departed.remove(&key) {
                self.departed_bytes -= departed.root.len();
                for group in departed.groups.keys() {
                    self.above.remove(&(key.trace_id, *group));
                }
            }
        }
    }

    /// Takes a segment out.
    pub(super) fn take(&mut self, key: Key) -> Option<Gathered> {
        self.rootless.remove(&key);
        self.open.remove(&key)
    }
}

/// Whether other spans may stand below it: those of a group, or the criteria of a grade.
fn holds_others(record: &SpanRecord<'_>) -> bool {
    matches!(record.item_type, ItemType::Group | ItemType::Grade)
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
            ended_at: Some(9),
            ..SpanRecord::default()
        }
    }

    fn open(record: SpanRecord<'static>) -> SpanRecord<'static> {
        SpanRecord {
            ended_at: None,
            ..record
        }
    }

    /// Notes a span and gives the root of the segment that it completes.
    fn take_in(gathering: &mut Gathering, record: &SpanRecord<'_>) -> Option<u8> {
        let key = gathering.key_of(record)?;
        gathering.note(key, record).own += 1;
        let complete = gathering.take_complete(key)?;
        gathering.remember(&complete, Some(Arc::from(&[0_u8][..])));
        Some(complete.key.root.0[0])
    }

    #[test]
    fn a_segment_is_complete_with_its_root_and_has_only_its_own() {
        let mut gathering = Gathering::default();
        assert_eq!(
            take_in(&mut gathering, &open(span(ItemType::Rollout, 1, None))),
            None
        );
        assert_eq!(
            take_in(&mut gathering, &open(span(ItemType::Rollout, 2, None))),
            None
        );
        assert_eq!(
            take_in(&mut gathering, &open(span(ItemType::Group, 3, Some(1)))),
            None
        );
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Message, 4, Some(3))),
            None
        );
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Message, 5, Some(2))),
            None
        );
        let key = gathering.key_of(&span(ItemType::Rollout, 1, None)).unwrap();
        assert_eq!(gathering.get_mut(key).unwrap().own, 3);
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Rollout, 1, None)),
            Some(1)
        );
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Rollout, 2, None)),
            Some(2)
        );
        assert!(gathering.open.is_empty());
    }

    #[test]
    fn what_comes_late_follows_its_root_alone_and_a_later_revision_does_not() {
        let mut gathering = Gathering::default();
        take_in(&mut gathering, &open(span(ItemType::Group, 3, Some(1))));
        take_in(&mut gathering, &span(ItemType::Rollout, 1, None));
        assert_eq!(gathering.key_of(&span(ItemType::Rollout, 1, None)), None);
        assert_eq!(gathering.key_of(&span(ItemType::Group, 3, Some(1))), None);
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Grade, 2, Some(1))),
            Some(1)
        );
        let late_group = span(ItemType::Group, 6, Some(3));
        assert_eq!(take_in(&mut gathering, &open(late_group.clone())), None);
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Event, 7, Some(6))),
            None
        );
        assert_eq!(take_in(&mut gathering, &late_group), Some(1));
        assert_eq!(gathering.key_of(&late_group), None);
    }

    #[test]
    fn what_has_no_root_here_leaves_after_a_silence_or_at_the_end() {
        let mut gathering = Gathering::default();
        take_in(&mut gathering, &span(ItemType::Event, 2, Some(1)));
        take_in(&mut gathering, &open(span(ItemType::Rollout, 5, None)));
        let now = Instant::now();
        assert!(gathering.take_rootless(now, false).is_empty());
        let due = gathering.next_rootless().unwrap();
        assert_eq!(gathering.take_rootless(due, false).len(), 1);
        take_in(&mut gathering, &span(ItemType::Event, 3, Some(1)));
        assert_eq!(
            gathering.take_rootless(now, true).len(),
            1,
            "open ones stay"
        );
        assert_eq!(gathering.open.len(), 1);
    }

    #[test]
    fn a_group_without_a_parent_or_below_itself_keeps_what_was_gathered() {
        let mut gathering = Gathering::default();
        take_in(&mut gathering, &open(span(ItemType::Group, 3, None)));
        take_in(&mut gathering, &span(ItemType::Group, 3, None));
        take_in(&mut gathering, &span(ItemType::Group, 8, Some(9)));
        take_in(&mut gathering, &span(ItemType::Group, 9, Some(8)));
        let mut gathered: Vec<u64> = gathering.open.values().map(|kept| kept.own).collect();
        gathered.sort_unstable();
        assert_eq!(gathered, [2, 2]);
    }

    #[test]
    fn a_root_or_group_that_comes_after_what_is_below_it_takes_it_along() {
        let mut gathering = Gathering::default();
        take_in(&mut gathering, &span(ItemType::Event, 4, Some(3)));
        take_in(&mut gathering, &open(span(ItemType::Group, 3, Some(1))));
        take_in(&mut gathering, &span(ItemType::Event, 5, Some(1)));
        let key = gathering.key_of(&span(ItemType::Rollout, 1, None)).unwrap();
        assert_eq!(gathering.get_mut(key).unwrap().own, 3);
        assert_eq!(
            take_in(&mut gathering, &span(ItemType::Rollout, 1, None)),
            Some(1)
        );
        assert!(gathering.open.is_empty());
    }
}
