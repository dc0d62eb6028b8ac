//! Spans of a small airline rollout.

use caribou_model::{Cost, ItemType, Payload, SpanId, SpanRecord, SpanStatus, TraceId, UsageScope};

pub(crate) const SECOND: i64 = 1_000_000_000;
/// 2026-11-21T00:00:00Z
pub(crate) const START: i64 = 1_795_219_200 * SECOND;

pub(crate) fn trace_id(number: u64) -> TraceId {
    let mut bytes = [0xab; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    TraceId(bytes)
}

pub(crate) fn span_id(number: u64) -> SpanId {
    SpanId(number.to_be_bytes())
}

/// A span that was logged `number` seconds after the start.
pub(crate) fn span(trace: u64, number: u64, item_type: ItemType) -> SpanRecord<'static> {
    let at = START + i64::try_from(number).unwrap() * SECOND;
    SpanRecord {
        project: "airline".into(),
        trace_id: trace_id(trace),
        span_id: span_id(number + 1),
        revision: u64::try_from(at).unwrap(),
        parent_span_id: (number > 0).then(|| span_id(1)),
        item_type,
        span_kind: item_type.as_str().into(),
        span_name: item_type.as_str().into(),
        sequence: number,
        logged_at: at,
        started_at: at,
        ended_at: Some(at),
        scope_name: "caribou".into(),
        ..SpanRecord::default()
    }
}

/// The root of a segment that started at second `number` and ended 60 seconds later.
pub(crate) fn root(trace: u64, number: u64, status: &'static str) -> SpanRecord<'static> {
    let span = span(trace, number, ItemType::Rollout);
    SpanRecord {
        parent_span_id: None,
        ended_at: Some(span.started_at + 60 * SECOND),
        revision: span.revision + 60_000_000_000,
        rollout_status: status.into(),
        rollout_status_explicit: true,
        phase: "train".into(),
        run_id: "run-1".into(),
        step_number: Some(3),
        datapoint_id: "task-7".into(),
        env_name: "airline-env".into(),
        ..span
    }
}

pub(crate) fn message(
    trace: u64,
    number: u64,
    role: &'static str,
    text: &'static str,
) -> SpanRecord<'static> {
    let assistant = role == "assistant";
    SpanRecord {
        span_name: format!("message.{role}").into(),
        role: role.into(),
        content: Payload::Text(text.into()),
        turn_index: i32::try_from(number / 3).unwrap(),
        model: if assistant { "gpt-4o" } else { "" }.into(),
        input_tokens: assistant.then_some(100),
        output_tokens: assistant.then_some(10),
        cost: assistant.then(|| Cost::from_pico_usd(1_000_000_000)),
        usage_scope: UsageScope::Agent,
        ..span(trace, number, ItemType::Message)
    }
}

pub(crate) fn tool(trace: u64, number: u64, error: &'static str) -> SpanRecord<'static> {
    SpanRecord {
        name: "search_flights".into(),
        call_id: "call_1".into(),
        input: Payload::Json(r#"{"from":"JFK"}"#.into()),
        output: Payload::Text("no flights".into()),
        status: if error.is_empty() {
            SpanStatus::Ok
        } else {
            SpanStatus::Error
        },
        error_message: error.into(),
        duration_ns: Some(1_500_000),
        ..span(trace, number, ItemType::Tool)
    }
}

pub(crate) fn grade(
    trace: u64,
    number: u64,
    grader: &'static str,
    score: f64,
) -> SpanRecord<'static> {
    SpanRecord {
        grader_name: grader.into(),
        score: Some(score).filter(|score| !score.is_nan()),
        ..span(trace, number, ItemType::Grade)
    }
}

/// System, user, assistant, tool, assistant, grade under one root.
pub(crate) fn rollout(trace: u64) -> Vec<SpanRecord<'static>> {
    vec![
        root(trace, 0, "COMPLETED"),
        message(trace, 1, "system", "You help with flights."),
        message(trace, 2, "user", "Cancel my flight to Denver, please."),
        message(trace, 3, "assistant", "Let me look."),
        tool(trace, 4, ""),
        message(trace, 6, "assistant", "It is cancelled. 已取消航班"),
        grade(trace, 7, "exact", 0.5),
    ]
}
