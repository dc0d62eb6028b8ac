//! Messages, tool executions, grades and events as attributes.

use std::borrow::Cow;

use caribou_model::{Criterion, Event, Grade, Item, ItemType, Message, ToolExecution, attribute};

use super::{Draft, nanos_from_millis};
use crate::content::ContentPolicy;

/// The span of a logged item, with names and kinds as documented.
pub(crate) fn item_draft(item: Item, policy: &ContentPolicy) -> Draft {
    match item {
        Item::Message(message) => message_draft(message, policy),
        Item::ToolExecution(tool) => tool_draft(tool, policy),
        Item::Grade(grade) => grade_draft(grade, policy),
        Item::Event(event) => event_draft(event, policy),
    }
}

fn message_draft(message: Message, policy: &ContentPolicy) -> Draft {
    let mut draft = match &message.grader_name {
        Some(grader) => {
            let name = format!("grader.{grader}");
            Draft::new(ItemType::Message, name.clone(), name)
        }
        None => Draft::new(ItemType::Message, "message", message_name(&message.role)),
    };
    let attributes = &mut draft.attributes;
    attributes.push(attribute::ROLE, message.role);
    attributes.content(
        attribute::CONTENT,
        attribute::CONTENT_JSON,
        message.content.and_then(|content| policy.content(content)),
    );
    attributes.text(
        attribute::TOOL_CALLS,
        message.tool_calls.and_then(|json| policy.tool_calls(json)),
    );
    attributes.text(attribute::CALL_ID, message.tool_call_id);
    attributes.text(attribute::NAME, message.name);
    attributes.text(attribute::MODEL, message.model);
    attributes.text(attribute::PROVIDER, message.provider);
    attributes.number(attribute::INPUT_TOKENS, message.input_tokens);
    attributes.number(attribute::OUTPUT_TOKENS, message.output_tokens);
    attributes.number(attribute::CACHED_INPUT_TOKENS, message.cached_input_tokens);
    attributes.number(attribute::REASONING_TOKENS, message.reasoning_tokens);
    if let Some(cost) = message.cost {
        attributes.push(attribute::COST_PICO_USD, cost.pico_usd());
    }
    attributes.text(attribute::GRADER_NAME, message.grader_name);
    attributes.text(
        attribute::PROMPT,
        message.prompt.and_then(|text| policy.text(text)),
    );
    attributes.text(
        attribute::REASONING,
        message.reasoning.and_then(|text| policy.text(text)),
    );
    attributes.text(attribute::FINISH_REASON, message.finish_reason);
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

fn tool_draft(tool: ToolExecution, policy: &ContentPolicy) -> Draft {
    let mut draft = Draft::new(ItemType::Tool, "tool", format!("tool.{}", tool.name));
    let attributes = &mut draft.attributes;
    attributes.push(attribute::NAME, tool.name);
    attributes.text(attribute::CALL_ID, tool.call_id);
    attributes.content(
        attribute::ARGUMENTS,
        attribute::ARGUMENTS_JSON,
        tool.arguments.and_then(|content| policy.content(content)),
    );
    attributes.content(
        attribute::RESULT,
        attribute::RESULT_JSON,
        tool.result.and_then(|content| policy.content(content)),
    );
    attributes.text(attribute::REQUESTOR, tool.requestor);
    if let Some(error) = tool.error {
        // That it failed is structure; what it said is content.
        let error = policy.text(error).unwrap_or_default();
        attributes.push(attribute::ERROR_MESSAGE, error.clone());
        draft.error = Some(error);
    }
    draft.duration_ns = tool.duration_ms.and_then(nanos_from_millis);
    draft.timestamp = tool.timestamp_unix_nanos;
    draft
}

fn grade_draft(grade: Grade, policy: &ContentPolicy) -> Draft {
    let name: Cow<'static, str> = match &grade.grader_type {
        Some(grader_type) => format!("grader.{grader_type}").into(),
        None => "grader".into(),
    };
    let mut draft = Draft::new(ItemType::Grade, "grader", name);
    let attributes = &mut draft.attributes;
    attributes.push(attribute::SCORE, grade.score);
    attributes.text(attribute::GRADER_NAME, grade.grader_type);
    attributes.text(
        attribute::REASONING,
        grade.reasoning.and_then(|text| policy.text(text)),
    );
    attributes.number(attribute::PASSED_COUNT, grade.passed_count);
    attributes.number(attribute::TOTAL_COUNT, grade.total_count);
    attributes.text(
        attribute::ARTIFACTS,
        grade.artifacts.and_then(|json| policy.json(json)),
    );
    attributes.text(attribute::GRADER_VERSION, grade.grader_version);
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
        draft
            .attributes
            .push(attribute::CRITERIA, format!("[{}]", all.join(",")));
    }
    draft
}

/// The child span of one criterion.
pub(crate) fn criterion_draft(criterion: Criterion, timestamp: Option<i64>) -> Draft {
    let mut draft = Draft::new(ItemType::Criterion, "grader.criterion", "grader.criterion");
    let attributes = &mut draft.attributes;
    attributes.text(attribute::NAME, criterion.criterion_type);
    if let Some(passed) = criterion.passed {
        attributes.push(attribute::PASSED, passed);
    }
    if let Some(score) = criterion.score {
        attributes.push(attribute::SCORE, score);
    }
    if let Some(weight) = criterion.weight {
        attributes.push(attribute::WEIGHT, weight);
    }
    attributes.text(attribute::REASONING, criterion.reasoning);
    attributes.text(
        attribute::DETAILS,
        Some(criterion.json).filter(|json| !json.is_empty()),
    );
    draft.timestamp = timestamp;
    draft
}

fn event_draft(event: Event, policy: &ContentPolicy) -> Draft {
    let mut draft = Draft::new(ItemType::Event, "event", format!("event.{}", event.name));
    let attributes = &mut draft.attributes;
    attributes.push(attribute::NAME, event.name);
    attributes.text(
        attribute::DETAILS,
        event.details.and_then(|json| policy.json(json)),
    );
    draft.timestamp = event.timestamp_unix_nanos;
    draft
}
