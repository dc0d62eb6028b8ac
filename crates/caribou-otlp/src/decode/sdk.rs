//! Spans of the SDK: every attribute is a field of the record, by its key.

use std::borrow::Cow;

use caribou_model::{Cost, ItemType, Payload, SpanRecord, SpanStatus, UsageScope};

use crate::derived::{check_score, fallback_revision, measured_duration};
use crate::json;
use crate::span::WireSpan;
use crate::span_json::events_json;
use crate::value::{Value, write_json_string};

/// Keys as bytes: patterns of bytes compile to a decision tree, those of strings to one comparison after the other.
mod key {
    use caribou_model::attribute;

    macro_rules! bytes {
        ($($name:ident)*) => {
            $(pub(super) const $name: &[u8] = attribute::$name.as_bytes();)*
        };
    }

    bytes! {
        PROJECT ITEM_TYPE SPAN_KIND REVISION SEQUENCE LOGGED_AT TURN_INDEX INTRA_INDEX DURATION_NS ERROR_TYPE
        ERROR_MESSAGE TRACEBACK ROLE CONTENT CONTENT_JSON REASONING TOOL_CALLS CALL_ID NAME MODEL PROVIDER
        INPUT_TOKENS OUTPUT_TOKENS CACHED_INPUT_TOKENS REASONING_TOKENS COST_PICO_USD FINISH_REASON GRADER_NAME
        PROMPT ARGUMENTS ARGUMENTS_JSON RESULT RESULT_JSON REQUESTOR SCORE PASSED WEIGHT CRITERIA PASSED_COUNT
        TOTAL_COUNT ARTIFACTS GRADER_VERSION DETAILS TRACE_ID_TEXT ROLLOUT_STATUS ROLLOUT_STATUS_EXPLICIT PHASE
        RUN_ID STEP_NUMBER DATAPOINT_ID SAMPLE_INDEX ENV_NAME MODEL_NAME POLICY_VERSION USER_ID SESSION_ID
        PARENT_TRACE_ID TAGS METADATA ATTRIBUTES
    }
}

/// Fills a record from the attributes of an SDK span.
pub(crate) fn map<'a>(span: &mut WireSpan<'a>, record: &mut SpanRecord<'a>) {
    let mut others = String::new();
    for (key, value) in span.attributes.drain(..) {
        if let Some(value) = set_field(record, key.as_bytes(), value) {
            others.push(if others.is_empty() { '{' } else { ',' });
            write_json_string(&key, &mut others);
            others.push(':');
            value.write_json(&mut others);
        }
    }
    if !others.is_empty() {
        add_attributes(record, others);
    }
    record.span_events = Cow::Owned(events_json(&span.events));
    complete(record);
}

/// Sets the field of a key; gives back the value of a key that is none of the model's.
#[inline]
pub(crate) fn set_field<'a>(
    record: &mut SpanRecord<'a>,
    key: &[u8],
    value: Value<'a>,
) -> Option<Value<'a>> {
    set_identity(record, key, value)
        .and_then(|value| set_content(record, key, value))
        .and_then(|value| set_outcome(record, key, value))
        .and_then(|value| set_rollout(record, key, value))
}

/// Sets a field that every span has; gives back the value of another key.
fn set_identity<'a>(
    record: &mut SpanRecord<'a>,
    key: &[u8],
    value: Value<'a>,
) -> Option<Value<'a>> {
    match key {
        key::PROJECT => record.project = value.into_text(),
        key::ITEM_TYPE => set_item_type(record, &value),
        key::SPAN_KIND => record.span_kind = value.into_text(),
        key::REVISION => record.revision = value.as_u64().unwrap_or_default(),
        key::SEQUENCE => record.sequence = value.as_u64().unwrap_or_default(),
        key::LOGGED_AT => record.logged_at = value.as_i64().unwrap_or(record.logged_at),
        key::TURN_INDEX => record.turn_index = index(&value),
        key::INTRA_INDEX => record.intra_index = index(&value),
        key::DURATION_NS => record.duration_ns = value.as_u64(),
        key::ERROR_TYPE => record.error_type = value.into_text(),
        key::ERROR_MESSAGE => record.error_message = value.into_text(),
        key::TRACEBACK => record.traceback = value.into_text(),
        key::NAME => record.name = value.into_text(),
        key::ATTRIBUTES => record.attributes = json_text(value, &mut record.marks),
        _ => return Some(value),
    }
    None
}

/// Sets a field of a message or tool execution; gives back the value of another key.
fn set_content<'a>(record: &mut SpanRecord<'a>, key: &[u8], value: Value<'a>) -> Option<Value<'a>> {
    match key {
        key::ROLE => record.role = value.into_text(),
        key::CONTENT => record.content = Payload::Text(value.into_text()),
        key::CONTENT_JSON => record.content = json_payload(value, &mut record.marks),
        key::REASONING => record.reasoning = value.into_text(),
        key::TOOL_CALLS => record.tool_calls = json_text(value, &mut record.marks),
        key::CALL_ID => record.call_id = value.into_text(),
        key::MODEL => record.model = value.into_text(),
        key::PROVIDER => record.provider = value.into_text(),
        key::INPUT_TOKENS => record.input_tokens = value.as_u64(),
        key::OUTPUT_TOKENS => record.output_tokens = value.as_u64(),
        key::CACHED_INPUT_TOKENS => record.cached_input_tokens = value.as_u64(),
        key::REASONING_TOKENS => record.reasoning_tokens = value.as_u64(),
        key::COST_PICO_USD => record.cost = value.as_i64().map(cost),
        key::FINISH_REASON => record.finish_reason = value.into_text(),
        key::GRADER_NAME => record.grader_name = value.into_text(),
        key::PROMPT => record.prompt = value.into_text(),
        key::ARGUMENTS => record.input = Payload::Text(value.into_text()),
        key::ARGUMENTS_JSON => record.input = json_payload(value, &mut record.marks),
        key::RESULT => record.output = Payload::Text(value.into_text()),
        key::RESULT_JSON => record.output = json_payload(value, &mut record.marks),
        key::REQUESTOR => record.requestor = value.into_text(),
        _ => return Some(value),
    }
    None
}

/// Sets a field of a grade, criterion or event; gives back the value of another key.
fn set_outcome<'a>(record: &mut SpanRecord<'a>, key: &[u8], value: Value<'a>) -> Option<Value<'a>> {
    match key {
        key::SCORE => record.score = value.as_f64(),
        key::PASSED => record.passed = value.as_bool(),
        key::WEIGHT => record.weight = value.as_f64().filter(|weight| weight.is_finite()),
        key::CRITERIA => record.criteria = json_text(value, &mut record.marks),
        key::PASSED_COUNT => record.passed_count = value.as_u64(),
        key::TOTAL_COUNT => record.total_count = value.as_u64(),
        key::ARTIFACTS => record.artifacts = json_text(value, &mut record.marks),
        key::GRADER_VERSION => record.grader_version = value.into_text(),
        key::DETAILS => record.details = json_text(value, &mut record.marks),
        _ => return Some(value),
    }
    None
}

/// Sets a field of a rollout; gives back the value of another key.
fn set_rollout<'a>(record: &mut SpanRecord<'a>, key: &[u8], value: Value<'a>) -> Option<Value<'a>> {
    match key {
        key::TRACE_ID_TEXT => record.trace_id_text = value.into_text(),
        key::ROLLOUT_STATUS => record.rollout_status = value.into_text(),
        key::ROLLOUT_STATUS_EXPLICIT => {
            record.rollout_status_explicit = value.as_bool().unwrap_or_default();
        }
        key::PHASE => record.phase = value.into_text(),
        key::RUN_ID => record.run_id = value.into_text(),
        key::STEP_NUMBER => record.step_number = value.as_i64(),
        key::DATAPOINT_ID => record.datapoint_id = value.into_text(),
        key::SAMPLE_INDEX => record.sample_index = value.as_i64(),
        key::ENV_NAME => record.env_name = value.into_text(),
        key::MODEL_NAME => record.model_name = value.into_text(),
        key::POLICY_VERSION => record.policy_version = value.into_text(),
        key::USER_ID => record.user_id = value.into_text(),
        key::SESSION_ID => record.session_id = value.into_text(),
        key::PARENT_TRACE_ID => record.parent_trace_id = value.into_text(),
        key::TAGS => record.tags = texts(value),
        key::METADATA => record.metadata = json_text(value, &mut record.marks),
        _ => return Some(value),
    }
    None
}

/// Sets what follows from the attributes together.
fn complete(record: &mut SpanRecord<'_>) {
    match record.item_type {
        ItemType::Rollout | ItemType::Group if record.duration_ns.is_none() => {
            record.duration_ns = measured_duration(record);
        }
        ItemType::Message => {
            record.usage_scope = if record.grader_name.is_empty() {
                UsageScope::Agent
            } else {
                UsageScope::Grader
            };
        }
        ItemType::Grade | ItemType::Criterion => check_score(record),
        _ => {}
    }
    if record.status == SpanStatus::Unset && !record.error_message.is_empty() {
        record.status = SpanStatus::Error;
    }
    if record.span_kind.is_empty() {
        record.span_kind = Cow::Borrowed(record.item_type.as_str());
    }
    if record.revision == 0 {
        record.revision = fallback_revision(record);
    }
}

fn set_item_type(record: &mut SpanRecord<'_>, value: &Value<'_>) {
    match value.as_str().and_then(ItemType::from_name) {
        Some(item_type) => record.item_type = item_type,
        None => record.marks.push("unknown_item_type"),
    }
}

/// Joins attributes, given as a JSON object without its end, with those that a group carries as JSON.
fn add_attributes(record: &mut SpanRecord<'_>, mut others: String) {
    let own = record.attributes.trim();
    match own.strip_prefix('{') {
        Some(rest) if rest.trim_start() != "}" => {
            others.push(',');
            others.push_str(rest);
        }
        _ => others.push('}'),
    }
    record.attributes = Cow::Owned(others);
}

const INVALID_JSON: &str = "invalid_json";

/// A structured payload; text where it is no JSON after all, so that nobody who reads it fails.
fn json_payload<'a>(value: Value<'a>, marks: &mut Vec<&'static str>) -> Payload<'a> {
    match json::checked(value.into_text()) {
        Ok(json) => Payload::Json(json),
        Err(text) => {
            marks.push(INVALID_JSON);
            Payload::Text(text)
        }
    }
}

/// A JSON document; a JSON string of the text where it is none.
fn json_text<'a>(value: Value<'a>, marks: &mut Vec<&'static str>) -> Cow<'a, str> {
    match json::checked(value.into_text()) {
        Ok(json) => json,
        Err(text) if text.is_empty() => text,
        Err(text) => {
            marks.push(INVALID_JSON);
            let mut json = String::new();
            write_json_string(&text, &mut json);
            Cow::Owned(json)
        }
    }
}

/// The texts of a list, or one text.
pub(crate) fn texts(value: Value<'_>) -> Vec<Cow<'_, str>> {
    match value {
        Value::List(items) => items.into_iter().map(Value::into_text).collect(),
        Value::Null => Vec::new(),
        other => vec![other.into_text()],
    }
}

fn index(value: &Value<'_>) -> i32 {
    let index = value.as_i64().unwrap_or_default();
    i32::try_from(index).unwrap_or(if index < 0 { i32::MIN } else { i32::MAX })
}

fn cost(pico_usd: i64) -> Cost {
    let limit = Cost::MAX.pico_usd();
    Cost::from_pico_usd(pico_usd.clamp(-limit, limit))
}

#[cfg(test)]
mod tests {
    use caribou_model::attribute;

    use super::*;

    #[test]
    fn every_key_of_the_model_sets_a_field() {
        for key in attribute::ALL {
            let mut record = SpanRecord::default();
            let rest = set_field(&mut record, key.as_bytes(), Value::Int(1));
            assert_eq!(rest, None, "{key}");
        }
    }
}
