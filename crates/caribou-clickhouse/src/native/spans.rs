//! The columns of the table `spans`, in the order they are written.

use caribou_model::{Cost, ItemType, Payload, SpanRecord, SpanStatus, UsageScope};

use super::buffer::Buffer;
use super::column::{Column, Values};
use super::fields::{visit_extra, visit_rollout};
use super::preview::preview;

const ITEM_TYPE: &str = "Enum8('otel' = 0, 'message' = 1, 'tool' = 2, 'grade' = 3, 'criterion' = 4, 'event' = 5, \
                         'rollout' = 6, 'group' = 7, 'model_call' = 8, 'agent' = 9)";
const FORM: &str = "Enum8('none' = 0, 'text' = 1, 'json' = 2)";
const STATUS: &str = "Enum8('unset' = 0, 'ok' = 1, 'error' = 2)";
const USAGE_SCOPE: &str = "Enum8('none' = 0, 'agent' = 1, 'grader' = 2)";
const NULLABLE_TIME: &str = "Nullable(DateTime64(9, 'UTC'))";
const NULLABLE_COUNT: &str = "Nullable(UInt64)";
const NULLABLE_COST: &str = "Nullable(Decimal(18, 12))";
const NULLABLE_FLOAT: &str = "Nullable(Float64)";

macro_rules! columns {
    ($($name:ident: $values:expr;)*) => {
        &[$(Column::new(stringify!($name), $values)),*]
    };
}

/// What an insert of spans writes; the other columns of the table are its defaults and aliases.
pub(super) const COLUMNS: &[Column] = columns! {
    project: Values::Dictionary(|span| &span.project);
    trace_id: Values::Composed(|span, out| out.text(&span.trace_id.hex()));
    span_id: Values::Composed(|span, out| out.text(&span.span_id.hex()));
    revision: Values::UInt64(|span| span.revision);
    parent_span_id: Values::Composed(write_parent);
    item_type: Values::Enum(ITEM_TYPE, |span| item_type_code(span.item_type));
    span_kind: Values::Dictionary(|span| &span.span_kind);
    span_name: Values::Dictionary(|span| &span.span_name);
    turn_index: Values::Int32(|span| span.turn_index);
    intra_index: Values::Int32(|span| span.intra_index);
    sequence: Values::UInt64(|span| span.sequence);
    logged_at: Values::Time(|span| span.logged_at);
    started_at: Values::Time(|span| span.started_at);
    ended_at: Values::Nullable64(NULLABLE_TIME, |span| span.ended_at.map(i64::to_le_bytes));
    duration_ns: Values::Nullable64(NULLABLE_COUNT, |span| span.duration_ns.map(u64::to_le_bytes));
    status: Values::Enum(STATUS, |span| status_code(span.status));
    error_message: Values::Text(|span| &span.error_message);
    role: Values::Dictionary(|span| &span.role);
    content: Values::Text(|span| span.content.as_str());
    content_form: Values::Enum(FORM, |span| form_code(&span.content));
    preview: Values::Composed(|span, out| out.text(preview(span).as_bytes()));
    reasoning: Values::Text(|span| &span.reasoning);
    tool_calls: Values::Text(|span| &span.tool_calls);
    call_id: Values::Text(|span| &span.call_id);
    name: Values::Dictionary(|span| &span.name);
    model: Values::Dictionary(|span| &span.model);
    provider: Values::Dictionary(|span| &span.provider);
    input_tokens: Values::Nullable64(NULLABLE_COUNT, |span| span.input_tokens.map(u64::to_le_bytes));
    output_tokens: Values::Nullable64(NULLABLE_COUNT, |span| span.output_tokens.map(u64::to_le_bytes));
    cached_input_tokens: Values::Nullable64(NULLABLE_COUNT, |span| span.cached_input_tokens.map(u64::to_le_bytes));
    reasoning_tokens: Values::Nullable64(NULLABLE_COUNT, |span| span.reasoning_tokens.map(u64::to_le_bytes));
    cost_usd: Values::Nullable64(NULLABLE_COST, |span| span.cost.map(Cost::pico_usd).map(i64::to_le_bytes));
    usage_scope: Values::Enum(USAGE_SCOPE, |span| usage_scope_code(span.usage_scope));
    finish_reason: Values::Dictionary(|span| &span.finish_reason);
    grader_name: Values::Dictionary(|span| &span.grader_name);
    input: Values::Text(|span| span.input.as_str());
    input_form: Values::Enum(FORM, |span| form_code(&span.input));
    output: Values::Text(|span| span.output.as_str());
    output_form: Values::Enum(FORM, |span| form_code(&span.output));
    score: Values::Nullable64(NULLABLE_FLOAT, |span| span.score.map(f64::to_le_bytes));
    passed: Values::NullableBool(|span| span.passed);
    criteria: Values::Text(|span| &span.criteria);
    details: Values::Text(|span| &span.details);
    rollout: Values::Map(visit_rollout);
    tags: Values::Texts(write_tags);
    metadata: Values::Text(|span| &span.metadata);
    attributes: Values::Text(|span| &span.attributes);
    resource: Values::Dictionary(|span| &span.resource);
    scope_name: Values::Dictionary(|span| &span.scope_name);
    span_events: Values::Text(|span| &span.span_events);
    links: Values::Text(|span| &span.links);
    extra: Values::Map(visit_extra);
};

/// Bytes of a span on the wire beyond its long texts.
const LIGHT_BYTES: usize = 320;

/// A good guess of the size of a block, so that it is allocated once.
pub(super) fn estimated_bytes(spans: &[SpanRecord<'_>]) -> usize {
    let long_texts: usize = spans
        .iter()
        .map(|span| {
            span.content.as_str().len()
                + span.input.as_str().len()
                + span.output.as_str().len()
                + span.attributes.len()
                + span.tool_calls.len()
                + span.reasoning.len()
        })
        .sum();
    4096 + long_texts + spans.len() * LIGHT_BYTES
}

fn write_parent(span: &SpanRecord<'_>, out: &mut Buffer) {
    match span.parent_span_id {
        Some(parent) => out.text(&parent.hex()),
        None => out.text(b""),
    }
}

fn write_tags(span: &SpanRecord<'_>, out: &mut Buffer) -> u64 {
    for tag in &span.tags {
        out.text(tag.as_bytes());
    }
    span.tags.len() as u64
}

const fn item_type_code(item_type: ItemType) -> u8 {
    match item_type {
        ItemType::Otel => 0,
        ItemType::Message => 1,
        ItemType::Tool => 2,
        ItemType::Grade => 3,
        ItemType::Criterion => 4,
        ItemType::Event => 5,
        ItemType::Rollout => 6,
        ItemType::Group => 7,
        ItemType::ModelCall => 8,
        ItemType::Agent => 9,
    }
}

const fn status_code(status: SpanStatus) -> u8 {
    match status {
        SpanStatus::Unset => 0,
        SpanStatus::Ok => 1,
        SpanStatus::Error => 2,
    }
}

const fn form_code(payload: &Payload<'_>) -> u8 {
    match payload {
        Payload::None => 0,
        Payload::Text(_) => 1,
        Payload::Json(_) => 2,
    }
}

const fn usage_scope_code(scope: UsageScope) -> u8 {
    match scope {
        UsageScope::None => 0,
        UsageScope::Agent => 1,
        UsageScope::Grader => 2,
    }
}
