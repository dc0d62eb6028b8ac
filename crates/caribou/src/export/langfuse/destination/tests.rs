use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use caribou_model::attribute;
use caribou_spool::{DestinationIdentity, Record, Spool, SpoolOptions};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use super::*;
use crate::Secret;
use crate::export::shelf::{SPAN, context};

fn destination() -> LangfuseDestination {
    let target = LangfuseTarget {
        host: "http://localhost:9".to_owned(),
        public_key: "pk".to_owned(),
        secret_key: Secret::from("sk"),
        timeout: Duration::from_secs(1),
        certificates: None,
    };
    let notices = Arc::new(Notices::new(Arc::new(|_: &str| {})));
    LangfuseDestination::new(&target, &[], &notices)
}

/// An encoded span that was logged at a moment; open where it has no end.
fn span(item_type: ItemType, id: u64, parent: u64, logged: u64, is_ended: bool) -> Vec<u8> {
    let at = UNIX_EPOCH + Duration::from_secs(1_795_000_000) + Duration::from_nanos(logged);
    let nanos = i64::try_from(at.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let data = SpanData {
        span_context: SpanContext::new(
            TraceId::from(1_u128),
            SpanId::from(id),
            TraceFlags::SAMPLED,
            false,
            TraceState::NONE,
        ),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: item_type.as_str().into(),
        start_time: at,
        end_time: if is_ended { at } else { UNIX_EPOCH },
        attributes: vec![
            KeyValue::new(attribute::PROJECT, "p"),
            KeyValue::new(attribute::ITEM_TYPE, item_type.as_str()),
            KeyValue::new(attribute::LOGGED_AT, nanos),
            KeyValue::new(attribute::REVISION, nanos),
        ],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::builder("caribou").build(),
    };
    let mut encoded = Vec::new();
    caribou_otlp::encode::encode_span(&data, &mut encoded);
    encoded
}

fn event(id: u64, parent: u64) -> Vec<u8> {
    span(ItemType::Event, id, parent, id, true)
}

fn chunk(spans: &[Vec<u8>], is_of_others: bool) -> Chunk {
    let mut chunk = Chunk {
        is_of_others,
        ..Chunk::default()
    };
    for span in spans {
        chunk.push(span);
    }
    chunk
}

fn spool(directory: &Path) -> DestinationSpool {
    spool_of(SpoolOptions::new(directory.to_owned()))
}

fn spool_of(options: SpoolOptions) -> DestinationSpool {
    let spool = Spool::open(options).unwrap();
    let identity = DestinationIdentity::new(ROLLOUTS, "http://localhost:9", "pk");
    spool.destination(&identity).unwrap()
}

fn journal(spool: &mut DestinationSpool, spans: &[Vec<u8>]) -> Journal {
    let mut journal = spool.begin_journal(context(&[])).unwrap();
    let records: Vec<Record<'_>> = spans
        .iter()
        .map(|payload| Record {
            kind: SPAN,
            time_unix_nano: 1,
            payload,
        })
        .collect();
    journal.append(&records).unwrap();
    journal
}

#[test]
fn what_a_dead_child_left_of_a_rollout_that_is_open_here_waits_for_its_end() {
    let mut destination = destination();
    let root = |is_ended| span(ItemType::Rollout, 1, 0, 1, is_ended);
    destination.take_in(&chunk(&[root(false), event(2, 1)], false));
    destination.take_in(&chunk(&[event(3, 1)], true));
    assert!(destination.gathering.take_abandoned().is_empty());
    assert!(!destination.gathering.has_abandoned());
    let last = [span(ItemType::Rollout, 1, 0, 9, true)];
    destination.take_in(&chunk(&last, false));
    let gathered = destination.complete.pop_front().unwrap();
    assert_eq!((gathered.own, gathered.of_others), (3, 1));
}

#[test]
fn a_segment_leaves_with_everything_that_came_in_with_its_end() {
    let mut destination = destination();
    let group = span(ItemType::Group, 3, 1, 3, true);
    let root = span(ItemType::Rollout, 1, 0, 9, true);
    destination.take_in(&chunk(&[event(4, 3), group, root], false));
    let gathered = destination.complete.pop_front().unwrap();
    assert_eq!(gathered.own, 3);
    let spans = |part: &Part| match part {
        Part::Memory(memory) => memory.spans.len(),
        Part::Journal(_) => 0,
    };
    assert_eq!(gathered.parts.iter().map(spans).sum::<usize>(), 3);
    assert_eq!(destination.report().dropped, 0);
}

#[test]
fn a_file_that_is_sent_in_part_is_not_mixed_with_another() {
    let folder = tempfile::tempdir().unwrap();
    {
        let mut dead = spool(folder.path());
        journal(&mut dead, &[event(2, 1), event(4, 1)]);
        let under_way = journal(&mut dead, &[event(3, 1), event(5, 1)]);
        under_way.settle(1).unwrap();
    }
    let mut destination = destination();
    let mut journals = spool(folder.path());
    let adopted = journals.adopt_journals().unwrap();
    assert_eq!(adopted.len(), 2);
    for journal in adopted {
        destination.adopt(journal);
    }
    let alone = destination.complete.pop_front().unwrap();
    assert_eq!((alone.of_others, alone.parts.len()), (2, 1));
    let rest = destination.gathering.take_abandoned().pop().unwrap();
    assert_eq!((rest.of_others, rest.parts.len()), (2, 1));
}

#[test]
fn a_file_notes_no_more_than_what_was_sent_of_itself() {
    let folder = tempfile::tempdir().unwrap();
    let mut journals = spool(folder.path());
    let ids = || 2..2 + Chunk::MAX_SPANS as u64;
    let of = |odd: u64| -> Vec<_> {
        let mine = ids().filter(|id| id % 2 == odd);
        mine.map(|id| event(id, 1)).collect()
    };
    let parts = vec![
        Part::Journal(journal(&mut journals, &of(0))),
        Part::Memory(crate::export::langfuse::gathered::Memory {
            spans: of(1).into_iter().chain([event(9_999, 1)]).collect(),
            ..Default::default()
        }),
    ];
    let key = Key {
        trace_id: caribou_model::TraceId(1_u128.to_be_bytes()),
        root: caribou_model::SpanId(1_u64.to_be_bytes()),
    };
    let gathered = Gathered {
        parts,
        own: ids().count() as u64 + 1,
        ..Gathered::new(key)
    };
    let files = Departure::open(&gathered).unwrap();
    let mut departure = Departure::prepare(gathered, files, &[]);
    departure.fill();
    assert!(!departure.is_whole());
    departure.taken();
    let Some(Part::Journal(noted)) = departure.gathered.parts.first() else {
        panic!("the first part is the file");
    };
    assert_eq!(noted.settled(), of(0).len() as u64);
}

#[test]
fn a_full_disk_gives_a_segment_no_further_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut destination = destination();
    let options = SpoolOptions::new(folder.path().to_owned()).with_max_bytes(2_000);
    destination.room.journals = Some(spool_of(options));
    let root = span(ItemType::Rollout, 1, 0, 1, false);
    destination.take_in(&chunk(&[root], false));
    for id in 2..50 {
        destination.take_in(&chunk(&[event(id, 1)], false));
    }
    let second = [span(ItemType::Rollout, 50, 0, 50, false)];
    for _ in 0..10 {
        destination.take_in(&chunk(&second, false));
    }
    for (root, own) in [(1_u64, 49), (50, 10)] {
        let gathered = destination.gathering.take(Key {
            trace_id: caribou_model::TraceId(1_u128.to_be_bytes()),
            root: caribou_model::SpanId(root.to_be_bytes()),
        });
        let gathered = gathered.unwrap();
        assert_eq!(gathered.own, own);
        assert!(gathered.parts.len() <= 2, "{} parts", gathered.parts.len());
    }
    assert_eq!(destination.report().dropped, 0);
}

#[test]
fn a_file_that_cannot_be_read_is_kept_as_damaged_and_not_removed() {
    let folder = tempfile::tempdir().unwrap();
    let mut journals = spool(folder.path());
    let mut destination = destination();
    let part = journal(&mut journals, &[event(2, 1), event(3, 1)]);
    let path = part.path();
    // A link is not followed, as anything may be behind it.
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    symlink(folder.path().join("elsewhere"), &path).unwrap();
    let key = Key {
        trace_id: caribou_model::TraceId(1_u128.to_be_bytes()),
        root: caribou_model::SpanId(1_u64.to_be_bytes()),
    };
    let gathered = Gathered {
        parts: vec![Part::Journal(part)],
        own: 2,
        ..Gathered::new(key)
    };
    destination.complete.push_back(gathered);
    let departure = destination.prepare_next().unwrap().unwrap();
    destination.departed(departure);
    assert_eq!(destination.report().dropped, 2);
    let kept = journals.stats().unwrap();
    assert_eq!((kept.files, kept.damaged), (0, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn segments_that_leave_together_hold_no_file_open() {
    let folder = tempfile::tempdir().unwrap();
    let mut journals = spool(folder.path());
    let mut destination = destination();
    for root in 1..=9_u64 {
        let key = Key {
            trace_id: caribou_model::TraceId(u128::from(root).to_be_bytes()),
            root: caribou_model::SpanId(root.to_be_bytes()),
        };
        destination.complete.push_back(Gathered {
            parts: vec![Part::Journal(journal(&mut journals, &[event(10, root)]))],
            own: 1,
            ..Gathered::new(key)
        });
    }
    destination.gather_leaving().unwrap();
    assert_eq!(destination.leaving.len(), 9);
    let open = fs::read_dir("/proc/self/fd").unwrap();
    let links = open.filter_map(|file| fs::read_link(file.unwrap().path()).ok());
    assert_eq!(
        links.filter(|link| link.starts_with(folder.path())).count(),
        1,
        "the lock of the process"
    );
}
