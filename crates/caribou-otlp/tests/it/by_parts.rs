//! A span that is written by parts is the one that the SDK would have had encoded.

use caribou_otlp::encode::{SpanFrame, SpanWriter, WrittenSpan, encode_span};
use opentelemetry::trace::{SpanContext, Status};
use opentelemetry::{Key, KeyValue, Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_sdk::trace::SpanData;
use proptest::prelude::*;
use prost::Message as _;

use crate::support::{span_data, time};

fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let value = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<i8>().prop_map(|number| Value::I64(number.into())),
        any::<f64>().prop_map(Value::F64),
        // Around the lengths from which a length takes another byte, of the text itself and of what is around it.
        "a{80,140}".prop_map(|text| Value::String(text.into())),
        "a{16360,16400}".prop_map(|text| Value::String(text.into())),
        // Long enough to be set aside.
        Just(Value::String("long".repeat(20_000).into())),
        ".{0,9}".prop_map(|text| Value::String(text.into())),
    ];
    let key = prop_oneof![".{0,20}", "k{100,140}"];
    let pair = (key, value).prop_map(|(key, value)| KeyValue::new(Key::from(key), value));
    proptest::collection::vec(pair, 0..8)
}

fn written_by_parts(span: &SpanData, own_texts: bool) -> WrittenSpan {
    let mut writer = SpanWriter::within(b"of the span before".to_vec());
    for attribute in &span.attributes {
        let key = attribute.key.as_str();
        match &attribute.value {
            Value::Bool(flag) => writer.flag(key, *flag),
            Value::I64(number) => writer.integer(key, *number),
            Value::F64(number) => writer.number(key, *number),
            other if own_texts => writer.own_text(key, other.as_str().into_owned()),
            other => writer.text(key, &other.as_str()),
        }
    }
    let own = &span.span_context;
    let parent = SpanContext::new(
        own.trace_id(),
        span.parent_span_id,
        own.trace_flags(),
        span.parent_span_is_remote,
        own.trace_state().clone(),
    );
    writer.finish(&SpanFrame {
        context: own,
        parent: &parent,
        name: &span.name,
        started_at: nanos(span.start_time),
        ended_at: nanos(span.end_time),
        status: &span.status,
    })
}

fn nanos(time: std::time::SystemTime) -> i64 {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_nanos().try_into().unwrap()
}

proptest! {
    #[test]
    fn parts_make_the_span_that_is_encoded_whole(
        attributes in attributes(),
        failed in any::<bool>(),
        remote in any::<bool>(),
        own_texts in any::<bool>(),
        name in ".{0,20}",
    ) {
        let span = SpanData {
            status: if failed { Status::error("bad") } else { Status::Unset },
            parent_span_is_remote: remote,
            name: name.into(),
            start_time: time(1_700_000_000),
            end_time: time(1_700_000_001),
            ..span_data(attributes)
        };
        let mut whole = Vec::new();
        encode_span(&span, &mut whole);
        let written = written_by_parts(&span, own_texts);
        let length = written.length();
        let by_parts = written.into_bytes();
        prop_assert_eq!(by_parts.len(), length);
        let by_parts = Span::decode(by_parts.as_slice()).unwrap();
        let whole = Span::decode(whole.as_slice()).unwrap();
        prop_assert_eq!(by_parts.encode_to_vec(), whole.encode_to_vec());
    }
}

#[test]
fn moments_before_1970_are_the_first_there_is() {
    let span = span_data(Vec::new());
    let bytes = SpanWriter::default().finish(&SpanFrame {
        context: &span.span_context,
        parent: &span.span_context,
        name: "n",
        started_at: -5,
        ended_at: 5,
        status: &Status::Unset,
    });
    let read = Span::decode(bytes.into_bytes().as_slice()).unwrap();
    assert_eq!((read.start_time_unix_nano, read.end_time_unix_nano), (0, 5));
}
