//! Messages, tool executions, grades and events as attributes.

use std::borrow::Cow;

use caribou_model::{Criterion, Event, Grade, Item, ItemType, Message, ToolExecution, attribute};
use caribou_otlp::encode::SpanWriter;

use super::{Draft, nanos_from_millis};
use crate::content::ContentPolicy;

/// The span of a logged item, with names and kinds as documented.
pub(crate) fn item_draft(item: Item, policy: &ContentPolicy, writer: SpanWriter) -> Draft {
    match item {
        Item::Message(message) => message_draft(message, policy, writer),
        Item::ToolExecution(tool) => tool_draft(tool, policy, writer),
        Item::Grade(grade) => grade_draft(grade, policy, writer),
        Item::Event(event) => event_draft(event, policy, writer),
    }
}

fn message_draft(message: Message, policy: &ContentPolicy, writer: SpanWriter) -> Draft {
    let mut draft = match &message.grader_name {
        Some(grader) => {
            let name = format!("grader.{grader}");
            Draft::new(writer, ItemType::Message, name.clone(), name)
        }
        None => Draft::new(
            writer,
            ItemType::Message,
            "message",
            message_name(&message.role),
        ),
    };
    draft.writer.text(attribute::ROLE, &message.role);
    draft.content(
        attribute::CONTENT,
        attribute::CONTENT_JSON,
        message.content.and_then(|content| policy.content(content)),
    );
    draft.text(
        attribute::TOOL_CALLS,
        message.tool_calls.and_then(|json| policy.tool_calls(json)),
    );
    draft.text(attribute::CALL_ID, message.tool_call_id);
    draft.text(attribute::NAME, message.name);
    draft.text(attribute::MODEL, message.model);
    draft.text(attribute::PROVIDER, message.provider);
    draft.count(attribute::INPUT_TOKENS, message.input_tokens);
    draft.count(attribute::OUTPUT_TOKENS, message.output_tokens);
    draft.count(attribute::CACHED_INPUT_TOKENS, message.cached_input_tokens);
    draft.count(attribute::REASONING_TOKENS, message.reasoning_tokens);
    if let Some(cost) = message.cost {
        draft
            .writer
            .integer(attribute::COST_PICO_USD, cost.pico_usd());
    }
    draft.text(attribute::GRADER_NAME, message.grader_name);
    draft.text(
        attribute::PROMPT,
        message.prompt.and_then(|text| policy.text(text)),
    );
    draft.text(
        attribute::REASONING,
        message.reasoning.and_then(|text| policy.text(text)),
    );
    draft.text(attribute::FINISH_REASON, message.finish_reason);
    draft.duration_ns = message.duration_ms.and_then(nanos_from_millis);
    draft.timestamp = message.timestamp_unix_nanos;
    draft
}

fn message_name(role: &str) -> Cow<'static, str> {
    match role {
        "user" => "message.user".into(),
        "assistant" => "message.assistant".into(),
        "system" => "message.system".into(),
        "tool" => "message.tool".into(),
        "developer" => "message.developer".into(),
        other => format!("message.{other}").into(),
    }
}

fn tool_draft(tool: ToolExecution, policy: &ContentPolicy, writer: SpanWriter) -> Draft {
    let mut draft = Draft::new(
        writer,
        ItemType::Tool,
        "tool",
        format!("tool.{}", tool.name),
    );
    draft.writer.text(attribute::NAME, &tool.name);
    draft.text(attribute::CALL_ID, tool.call_id);
    draft.content(
        attribute::ARGUMENTS,
        attribute::ARGUMENTS_JSON,
        tool.arguments.and_then(|content| policy.content(content)),
    );
    draft.content(
        attribute::RESULT,
        attribute::RESULT_JSON,
        tool.result.and_then(|content| policy.content(content)),
    );
    draft.text(attribute::REQUESTOR, tool.requestor);
    if let Some(error) = tool.error {
        // That it failed is structure; what it said is content.
        let error = policy.text(error).unwrap_or_default();
        draft.writer.text(attribute::ERROR_MESSAGE, &error);
        draft.error = Some(error);
    }
    draft.duration_ns = tool.duration_ms.and_then(nanos_from_millis);
    draft.timestamp = tool.timestamp_unix_nanos;
    draft
}

fn grade_draft(grade: Grade, policy: &ContentPolicy, writer: SpanWriter) -> Draft {
    let name: Cow<'static, str> = match &grade.grader_type {
        Some(grader_type) => format!("grader.{grader_type}").into(),
        None => "grader".into(),
    };
    let mut draft = Draft::new(writer, ItemType::Grade, "grader", name);
    draft.writer.number(attribute::SCORE, grade.score);
    draft.text(attribute::GRADER_NAME, grade.grader_type);
    draft.text(
        attribute::REASONING,
        grade.reasoning.and_then(|text| policy.text(text)),
    );
    draft.count(attribute::PASSED_COUNT, grade.passed_count);
    draft.count(attribute::TOTAL_COUNT, grade.total_count);
    draft.text(
        attribute::ARTIFACTS,
        grade.artifacts.and_then(|json| policy.json(json)),
    );
    draft.text(attribute::GRADER_VERSION, grade.grader_version);
    draft.timestamp = grade.timestamp_unix_nanos;
    if let Some(criteria) = grade.criteria {
        draft.criteria = criteria
            .into_iter()
            .map(|criterion| policy.criterion(criterion))
            .collect();
        let all: Vec<&str> = draft
            .criteria
            .iter()
            .map(|criterion| criterion.json.as_str())
            .filter(|json| !json.is_empty())
            .collect();
        let all = format!("[{}]", all.join(","));
        draft.writer.own_text(attribute::CRITERIA, all);
    }
    draft
}

/// The child span of one criterion.
pub(crate) fn criterion_draft(
    criterion: Criterion,
    timestamp: Option<i64>,
    writer: SpanWriter,
) -> Draft {
    let mut draft = Draft::new(
        writer,
        ItemType::Criterion,
        "grader.criterion",
        "grader.criterion",
    );
    draft.text(attribute::NAME, criterion.criterion_type);
    if let Some(passed) = criterion.passed {
        draft.writer.flag(attribute::PASSED, passed);
    }
    draft.number(attribute::SCORE, criterion.score);
    draft.number(attribute::WEIGHT, criterion.weight);
    draft.text(attribute::REASONING, criterion.reasoning);
    draft.text(
        attribute::DETAILS,
        Some(criterion.json).filter(|json| !json.is_empty()),
    );
    draft.timestamp = timestamp;
    draft
}

fn event_draft(event: Event, policy: &ContentPolicy, writer: SpanWriter) -> Draft {
    let mut draft = Draft::new(
        writer,
        ItemType::Event,
        "event",
        format!("event.{}", event.name),
    );
    draft.writer.text(attribute::NAME, &event.name);
    draft.text(
        attribute::DETAILS,
        event.details.and_then(|json| policy.json(json)),
    );
    draft.timestamp = event.timestamp_unix_nanos;
    draft
}
