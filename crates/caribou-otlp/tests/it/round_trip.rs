//! What the SDK encodes is what the server decodes, and what the official crates read.

use caribou_model::attribute;
use caribou_model::{Cost, ItemType, Payload, SpanId, SpanRecord, SpanStatus, TraceId, UsageScope};
use caribou_otlp::encode::{Envelope, encode_span};
use caribou_otlp::{Defaults, decode_protobuf};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::Resource;

use crate::support::span_data;

fn request(attributes: Vec<KeyValue>) -> Vec<u8> {
    let mut span = Vec::new();
    encode_span(&span_data(attributes), &mut span);
    let resource = Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "demo"))
        .build();
    let scope = InstrumentationScope::builder("caribou")
        .with_version("0.1.0")
        .build();
    Envelope::new(&resource, &scope).request(&[span])
}

#[test]
fn a_message_of_the_sdk_becomes_the_fields_it_was_logged_with() {
    let tags = Value::Array(Array::String(vec![StringValue::from("a"), "b".into()]));
    let body = request(vec![
        KeyValue::new(attribute::PROJECT, "p"),
        KeyValue::new(attribute::ITEM_TYPE, "message"),
        KeyValue::new(attribute::SPAN_KIND, "message"),
        KeyValue::new(attribute::REVISION, 42),
        KeyValue::new(attribute::ROLE, "assistant"),
        KeyValue::new(attribute::CONTENT, "grüß dich"),
        KeyValue::new(attribute::INPUT_TOKENS, 12),
        KeyValue::new(attribute::COST_PICO_USD, 2_000_000),
        KeyValue::new(attribute::TAGS, tags),
    ]);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    let span = &decoded.spans[0];
    assert_eq!(span.project, "p");
    assert_eq!(span.item_type, ItemType::Message);
    assert_eq!(span.revision, 42);
    assert_eq!(span.role, "assistant");
    assert_eq!(span.content, Payload::Text("grüß dich".into()));
    assert_eq!(span.input_tokens, Some(12));
    assert_eq!(span.cost, Some(Cost::from_pico_usd(2_000_000)));
    assert_eq!(span.usage_scope, UsageScope::Agent);
    assert_eq!(span.tags, ["a", "b"]);
    assert_eq!(span.resource, r#"{"service.name":"demo"}"#);
    assert_eq!(span.scope_name, "caribou");
    assert_eq!(span.duration_ns, None);
    assert_eq!(span.attributes, "");
}

/// Every key of the model with a value, but for those that exclude each other.
fn every_attribute() -> Vec<KeyValue> {
    let texts = [
        (attribute::PROJECT, "p"),
        (attribute::ITEM_TYPE, "message"),
        (attribute::SPAN_KIND, "grader.judge"),
        (attribute::ERROR_TYPE, "ValueError"),
        (attribute::ERROR_MESSAGE, "bad"),
        (attribute::TRACEBACK, "Traceback"),
        (attribute::ROLE, "assistant"),
        (attribute::CONTENT_JSON, "[1]"),
        (attribute::REASONING, "hm"),
        (attribute::TOOL_CALLS, "[2]"),
        (attribute::CALL_ID, "c1"),
        (attribute::NAME, "n"),
        (attribute::MODEL, "m"),
        (attribute::PROVIDER, "openai"),
        (attribute::FINISH_REASON, "stop"),
        (attribute::GRADER_NAME, "judge"),
        (attribute::PROMPT, "is it good?"),
        (attribute::ARGUMENTS, "a"),
        (attribute::RESULT_JSON, "{}"),
        (attribute::REQUESTOR, "agent"),
        (attribute::CRITERIA, "[3]"),
        (attribute::ARTIFACTS, "[4]"),
        (attribute::GRADER_VERSION, "v1"),
        (attribute::DETAILS, "[5]"),
        (attribute::TRACE_ID_TEXT, "trc_1"),
        (attribute::ROLLOUT_STATUS, "COMPLETED"),
        (attribute::PHASE, "train"),
        (attribute::RUN_ID, "r"),
        (attribute::DATAPOINT_ID, "d"),
        (attribute::ENV_NAME, "e"),
        (attribute::MODEL_NAME, "mn"),
        (attribute::POLICY_VERSION, "pv"),
        (attribute::USER_ID, "u"),
        (attribute::SESSION_ID, "s"),
        (attribute::PARENT_TRACE_ID, "aa"),
        (attribute::METADATA, "{\"k\":1}"),
        (attribute::ATTRIBUTES, "{\"g\":1}"),
    ];
    let numbers = [
        (attribute::REVISION, 1),
        (attribute::SEQUENCE, 2),
        (attribute::LOGGED_AT, 3),
        (attribute::TURN_INDEX, 4),
        (attribute::INTRA_INDEX, 5),
        (attribute::DURATION_NS, 6),
        (attribute::INPUT_TOKENS, 7),
        (attribute::OUTPUT_TOKENS, 8),
        (attribute::CACHED_INPUT_TOKENS, 9),
        (attribute::REASONING_TOKENS, 10),
        (attribute::COST_PICO_USD, 11),
        (attribute::PASSED_COUNT, 12),
        (attribute::TOTAL_COUNT, 13),
        (attribute::STEP_NUMBER, 14),
        (attribute::SAMPLE_INDEX, 15),
    ];
    let others = [
        KeyValue::new(attribute::SCORE, 0.5),
        KeyValue::new(attribute::PASSED, true),
        KeyValue::new(attribute::WEIGHT, 2.0),
        KeyValue::new(attribute::ROLLOUT_STATUS_EXPLICIT, true),
        KeyValue::new(attribute::TAGS, "t"),
    ];
    let texts = texts.map(|(key, text)| KeyValue::new(key, text));
    let numbers = numbers.map(|(key, number): (_, i64)| KeyValue::new(key, number));
    texts.into_iter().chain(numbers).chain(others).collect()
}

fn every_field() -> SpanRecord<'static> {
    SpanRecord {
        project: "p".into(),
        trace_id: TraceId::from_text("0af7651916cd43dd8448eb211c80319c"),
        span_id: SpanId::from_hex("b7ad6b7169203331").unwrap(),
        revision: 1,
        parent_span_id: SpanId::from_hex("0000000000000007").ok(),
        item_type: ItemType::Message,
        span_kind: "grader.judge".into(),
        span_name: "message.user".into(),
        turn_index: 4,
        intra_index: 5,
        sequence: 2,
        logged_at: 3,
        started_at: 1_795_000_000_000_000_000,
        ended_at: Some(1_795_000_000_000_001_000),
        duration_ns: Some(6),
        status: SpanStatus::Error,
        error_message: "bad".into(),
        error_type: "ValueError".into(),
        traceback: "Traceback".into(),
        role: "assistant".into(),
        content: Payload::Json("[1]".into()),
        reasoning: "hm".into(),
        tool_calls: "[2]".into(),
        call_id: "c1".into(),
        name: "n".into(),
        model: "m".into(),
        provider: "openai".into(),
        input_tokens: Some(7),
        output_tokens: Some(8),
        cached_input_tokens: Some(9),
        reasoning_tokens: Some(10),
        cost: Some(Cost::from_pico_usd(11)),
        usage_scope: UsageScope::Grader,
        finish_reason: "stop".into(),
        grader_name: "judge".into(),
        prompt: "is it good?".into(),
        input: Payload::Text("a".into()),
        output: Payload::Json("{}".into()),
        requestor: "agent".into(),
        score: Some(0.5),
        passed: Some(true),
        weight: Some(2.0),
        criteria: "[3]".into(),
        passed_count: Some(12),
        total_count: Some(13),
        artifacts: "[4]".into(),
        grader_version: "v1".into(),
        details: "[5]".into(),
        ..rollout_fields()
    }
}

fn rollout_fields() -> SpanRecord<'static> {
    SpanRecord {
        trace_id_text: "trc_1".into(),
        rollout_status: "COMPLETED".into(),
        rollout_status_explicit: true,
        phase: "train".into(),
        run_id: "r".into(),
        step_number: Some(14),
        datapoint_id: "d".into(),
        sample_index: Some(15),
        env_name: "e".into(),
        model_name: "mn".into(),
        policy_version: "pv".into(),
        user_id: "u".into(),
        session_id: "s".into(),
        parent_trace_id: "aa".into(),
        tags: vec!["t".into()],
        metadata: "{\"k\":1}".into(),
        attributes: "{\"g\":1}".into(),
        resource: "{\"service.name\":\"demo\"}".into(),
        scope_name: "caribou".into(),
        scope_version: "0.1.0".into(),
        ..SpanRecord::default()
    }
}

#[test]
fn every_key_of_the_model_arrives_in_its_field() {
    let attributes = every_attribute();
    let exclusive = [
        attribute::CONTENT,
        attribute::ARGUMENTS_JSON,
        attribute::RESULT,
    ];
    assert_eq!(attributes.len() + exclusive.len(), attribute::ALL.len());
    let body = request(attributes);
    let decoded = decode_protobuf(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans[0], every_field());
}
