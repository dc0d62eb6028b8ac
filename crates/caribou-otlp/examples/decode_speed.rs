//! Measures encoding and decoding: `cargo run --release -p caribou-otlp --example decode_speed`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a measurement that prints, on input it made itself"
)]

use std::borrow::Cow;
use std::hint::black_box;
use std::time::{Duration, Instant, UNIX_EPOCH};

use caribou_model::attribute;
use caribou_otlp::encode::{Envelope, encode_span};
use caribou_otlp::{Defaults, decode_json, decode_protobuf};
use opentelemetry::KeyValue;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

const SPANS: u64 = 500;
const ROUNDS: u32 = 400;

fn main() {
    let spans: Vec<SpanData> = (1..=SPANS).map(span).collect();
    let mut encoded = Vec::new();
    let encoding = measure(|| {
        encoded.clear();
        for span in &spans {
            let mut bytes = Vec::with_capacity(1_500);
            encode_span(span, &mut bytes);
            encoded.push(bytes);
        }
    });
    let envelope = Envelope::from_text(&[("service.name", "demo")], "caribou", "0.1.0");
    let body = envelope.request(&encoded);
    let enveloping = measure(|| drop(black_box(envelope.request(&encoded))));
    let defaults = Defaults::default();
    let decoding = measure(|| drop(black_box(decode_protobuf(&body, &defaults).unwrap())));
    let foreign_body = envelope.request(&spans.iter().map(foreign).collect::<Vec<_>>());
    let foreign = measure(|| {
        drop(black_box(
            decode_protobuf(&foreign_body, &defaults).unwrap(),
        ));
    });
    let json = json_body();
    let from_json = measure(|| drop(black_box(decode_json(&json, &defaults).unwrap())));
    println!("bytes per span          {:>8}", body.len() as u64 / SPANS);
    println!("encode, µs per span     {encoding:>8.2}");
    println!("join, µs per span       {enveloping:>8.2}");
    println!("decode sdk, µs per span {decoding:>8.2}");
    println!(
        "bytes per foreign span  {:>8}",
        foreign_body.len() as u64 / SPANS
    );
    println!("decode foreign, µs      {foreign:>8.2}");
    println!("bytes per json span     {:>8}", json.len() as u64 / SPANS);
    println!("decode json, µs         {from_json:>8.2}");
}

/// Time of the fastest round, in microseconds per span: what else runs on the machine only adds to it.
fn measure(mut round: impl FnMut()) -> f64 {
    let fastest = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed()
        })
        .min();
    fastest.unwrap_or_default().as_secs_f64() * 1e6 / SPANS as f64
}

fn data(number: u64, attributes: Vec<KeyValue>) -> SpanData {
    let time = UNIX_EPOCH + Duration::from_nanos(1_795_000_000_000_000_000 + number);
    SpanData {
        span_context: SpanContext::new(
            TraceId::from(77_u128),
            SpanId::from(number),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::from(7_u64),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: Cow::Borrowed("message.assistant"),
        start_time: time,
        end_time: time,
        attributes,
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: opentelemetry::InstrumentationScope::default(),
    }
}

const SENTENCE: &str = "I have found a flight from San Francisco to New York on May 20 for $150. ";

fn span(number: u64) -> SpanData {
    data(
        number,
        vec![
            KeyValue::new(attribute::PROJECT, "airline"),
            KeyValue::new(attribute::ITEM_TYPE, "message"),
            KeyValue::new(attribute::SPAN_KIND, "message"),
            KeyValue::new(attribute::REVISION, 1_795_000_000_000_000_000_i64),
            KeyValue::new(attribute::SEQUENCE, 17),
            KeyValue::new(attribute::LOGGED_AT, 1_795_000_000_000_000_000_i64),
            KeyValue::new(attribute::TURN_INDEX, 3),
            KeyValue::new(attribute::INTRA_INDEX, 1),
            KeyValue::new(attribute::ROLE, "assistant"),
            KeyValue::new(attribute::CONTENT, SENTENCE.repeat(9)),
            KeyValue::new(attribute::MODEL, "gpt-4o-2024-08-06"),
            KeyValue::new(attribute::PROVIDER, "openai"),
            KeyValue::new(attribute::INPUT_TOKENS, 2_048),
            KeyValue::new(attribute::OUTPUT_TOKENS, 117),
            KeyValue::new(attribute::COST_PICO_USD, 2_000_000_000_i64),
            KeyValue::new(attribute::FINISH_REASON, "stop"),
        ],
    )
}

fn foreign(span: &SpanData) -> Vec<u8> {
    let messages = format!(
        r#"[{{"role":"user","parts":[{{"type":"text","content":"{}"}}]}}]"#,
        SENTENCE.repeat(9)
    );
    let answer = r#"[{"role":"assistant","parts":[{"type":"text","content":"Done."}],"finish_reason":"stop"}]"#;
    let attributes = vec![
        KeyValue::new("gen_ai.operation.name", "chat"),
        KeyValue::new("gen_ai.provider.name", "openai"),
        KeyValue::new("gen_ai.request.model", "gpt-4o"),
        KeyValue::new("gen_ai.response.model", "gpt-4o-2024-08-06"),
        KeyValue::new("gen_ai.usage.input_tokens", 2_048),
        KeyValue::new("gen_ai.usage.output_tokens", 117),
        KeyValue::new("gen_ai.input.messages", messages),
        KeyValue::new("gen_ai.output.messages", answer),
    ];
    let mut bytes = Vec::new();
    let number = u64::from_be_bytes(span.span_context.span_id().to_bytes());
    encode_span(&data(number, attributes), &mut bytes);
    bytes
}

fn json_body() -> Vec<u8> {
    let spans: Vec<String> = (1..=SPANS)
        .map(|number| {
            format!(
                r#"{{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"{number:016x}","name":"message.user",
                "startTimeUnixNano":"1795000000000000000","endTimeUnixNano":"1795000001000000000","attributes":[
                {{"key":"caribou.item_type","value":{{"stringValue":"message"}}}},
                {{"key":"caribou.role","value":{{"stringValue":"user"}}}},
                {{"key":"caribou.content","value":{{"stringValue":"{}"}}}}]}}"#,
                SENTENCE.repeat(9)
            )
        })
        .collect();
    let spans = spans.join(",");
    format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{spans}]}}]}}]}}"#).into_bytes()
}
