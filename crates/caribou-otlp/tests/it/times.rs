//! Times, durations and revisions.

use caribou_model::{SpanRecord, attribute as key};
use caribou_otlp::{Defaults, decode_protobuf};
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;

use crate::support::{attribute, request_of, text_attribute, wire_span};

fn decode(
    item_type: Option<&str>,
    start: u64,
    end: u64,
    duration: Option<i64>,
) -> SpanRecord<'static> {
    let mut span = wire_span(1);
    span.start_time_unix_nano = start;
    span.end_time_unix_nano = end;
    span.attributes
        .extend(item_type.map(|item_type| text_attribute(key::ITEM_TYPE, item_type)));
    span.attributes
        .extend(duration.map(|nanos| attribute(key::DURATION_NS, Any::IntValue(nanos))));
    let defaults = Defaults {
        received_at: 77,
        ..Defaults::default()
    };
    let body = Box::leak(request_of(vec![span]).into_boxed_slice());
    decode_protobuf(body, &defaults).unwrap().spans.remove(0)
}

#[test]
fn an_open_span_has_no_end() {
    let span = decode(Some("rollout"), 10, 0, None);
    assert_eq!(
        (span.started_at, span.ended_at, span.duration_ns),
        (10, None, None)
    );
    assert_eq!(span.revision, 10);
}

#[test]
fn what_a_message_took_is_what_the_user_said() {
    assert_eq!(decode(Some("message"), 10, 30, None).duration_ns, None);
    assert_eq!(
        decode(Some("message"), 10, 30, Some(7)).duration_ns,
        Some(7)
    );
}

#[test]
fn what_a_rollout_group_or_foreign_span_took_is_measured() {
    for item_type in [Some("rollout"), Some("group"), None] {
        assert_eq!(decode(item_type, 10, 30, None).duration_ns, Some(20));
    }
}

#[test]
fn a_foreign_span_is_logged_at_its_start_and_revised_at_its_end() {
    let span = decode(None, 10, 30, None);
    assert_eq!((span.logged_at, span.revision, span.sequence), (10, 30, 0));
}

#[test]
fn an_end_before_the_start_is_moved_there_and_marked() {
    let span = decode(None, 30, 10, None);
    assert_eq!((span.ended_at, span.duration_ns), (Some(30), Some(0)));
    assert_eq!(span.marks, ["ends_before_start"]);
}

#[test]
fn a_span_without_times_gets_that_of_its_arrival() {
    let span = decode(None, 0, 0, None);
    assert_eq!((span.started_at, span.ended_at), (77, None));
    assert_eq!(span.marks, ["no_time"]);
}

#[test]
fn a_time_beyond_all_calendars_is_kept_as_far_as_it_goes() {
    let span = decode(None, 1, u64::MAX, None);
    assert_eq!(span.ended_at, Some(i64::MAX));
}
