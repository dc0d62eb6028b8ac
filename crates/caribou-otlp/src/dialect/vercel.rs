//! The AI SDK (`ai.*`): outer spans such as `ai.generateText` sum up the inner ones such as `ai.generateText.doGenerate`.

use caribou_model::ItemType;

use crate::dialect::Dialect;
use crate::dialect::chat::{self, ChatMessage};
use crate::dialect::draft::Draft;
use crate::dialect::part;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| draft.attributes.has_prefix("ai."),
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    let operation = draft
        .attributes
        .get_str("ai.operationId")
        .map(str::to_owned)
        .unwrap_or_default();
    if let Some(item_type) = item_type(&operation) {
        draft.set_item_type(item_type);
    }
    draft.fill_provider(&["ai.model.provider"]);
    draft.fill_text(
        |record| &mut record.model,
        &["ai.response.model", "ai.model.id"],
    );
    fill_usage(draft);
    fill_input(draft);
    fill_output(draft);
    fill_tool(draft);
    draft.fill_finish_reason(&["ai.response.finishReason", "ai.finishReason"]);
    if draft.item_type == Some(ItemType::Agent) {
        draft.fill_text(|record| &mut record.name, &["ai.telemetry.functionId"]);
    }
    draft.fill_text(
        |record| &mut record.user_id,
        &["ai.telemetry.metadata.userId"],
    );
    draft.fill_text(
        |record| &mut record.session_id,
        &["ai.telemetry.metadata.sessionId"],
    );
    draft.add_tags(&["ai.telemetry.metadata.tags"]);
    draft.add_metadata_prefix("ai.telemetry.metadata.");
}

fn item_type(operation: &str) -> Option<ItemType> {
    match operation {
        "" => None,
        "ai.toolCall" => Some(ItemType::Tool),
        inner if inner.contains(".do") => Some(ItemType::ModelCall),
        _ => Some(ItemType::Agent),
    }
}

fn fill_usage(draft: &mut Draft<'_, '_>) {
    draft.fill_count(
        |record| &mut record.input_tokens,
        &[
            "ai.usage.inputTokens",
            "ai.usage.promptTokens",
            "ai.usage.tokens",
        ],
    );
    draft.fill_count(
        |record| &mut record.output_tokens,
        &["ai.usage.outputTokens", "ai.usage.completionTokens"],
    );
    draft.fill_count(
        |record| &mut record.cached_input_tokens,
        &[
            "ai.usage.cachedInputTokens",
            "ai.usage.inputTokenDetails.cacheReadTokens",
        ],
    );
    draft.fill_count(
        |record| &mut record.reasoning_tokens,
        &[
            "ai.usage.reasoningTokens",
            "ai.usage.outputTokenDetails.reasoningTokens",
        ],
    );
    let count = |key| draft.attributes.get(key).and_then(Value::as_u64);
    let written = count("ai.usage.inputTokenDetails.cacheWriteTokens");
    let total = count("ai.usage.totalTokens");
    draft.cache_write_tokens = written;
    draft.total_tokens = total;
}

/// `ai.prompt.messages` of inner spans; `ai.prompt` (`{system, prompt, messages}`) of outer ones; values to embed.
fn fill_input(draft: &mut Draft<'_, '_>) {
    draft.fill_input_messages("ai.prompt.messages");
    if !draft.has_input()
        && let Some(prompt) = draft.attributes.take("ai.prompt")
    {
        let mut prompt = chat::structure(prompt);
        for (key, role) in [("system", "system"), ("prompt", "user")] {
            if let Some(text @ Value::Text(_)) = prompt.take(key) {
                let mut message = ChatMessage::of_role(role);
                message.push_text(text.into_text());
                draft.input.push(message);
            }
        }
        match chat::messages(prompt, "user") {
            Ok(messages) => draft.input.extend(messages.list),
            Err(Value::Map(entries)) => {
                let rest: Vec<_> = entries
                    .into_iter()
                    .filter(|(_, value)| *value != Value::Null)
                    .collect();
                if !rest.is_empty() {
                    draft.attributes.put_back("ai.prompt", Value::Map(rest));
                }
            }
            Err(other) => draft.attributes.put_back("ai.prompt", other),
        }
    }
    parse_items(draft, "ai.values");
    draft.fill_input(&["ai.values", "ai.value"]);
}

fn fill_output(draft: &mut Draft<'_, '_>) {
    if draft.has_output() {
        return;
    }
    let mut message = ChatMessage::of_role("assistant");
    for key in [
        "ai.response.text",
        "ai.result.text",
        "ai.response.object",
        "ai.result.object",
    ] {
        if message.parts.is_empty()
            && let Some(value) = draft.attributes.take(key)
        {
            message.push_text(value.into_text());
        }
    }
    if let Some(reasoning) = draft.attributes.take("ai.response.reasoning") {
        message.reasoning.push(reasoning.into_text());
    }
    for key in ["ai.response.toolCalls", "ai.result.toolCalls"] {
        match draft.attributes.take(key).map(chat::structure) {
            Some(Value::List(calls)) => {
                message.tool_calls = calls.into_iter().map(part::tool_call).collect();
            }
            Some(other) => draft.attributes.put_back(key, other),
            None => {}
        }
    }
    if !message.has_nothing_but_role() {
        draft.output.push(message);
    }
    parse_items(draft, "ai.embeddings");
    draft.fill_output(&["ai.embeddings", "ai.embedding"]);
}

/// Replaces the JSON texts in a list by what they hold.
fn parse_items(draft: &mut Draft<'_, '_>, key: &str) {
    if let Some(Value::List(items)) = draft.attributes.take(key) {
        let items = items.into_iter().map(chat::parsed).collect();
        draft.attributes.put_back(key, Value::List(items));
    }
}

fn fill_tool(draft: &mut Draft<'_, '_>) {
    if draft.item_type == Some(ItemType::Tool) {
        draft.fill_text(|record| &mut record.name, &["ai.toolCall.name"]);
        draft.fill_text(|record| &mut record.call_id, &["ai.toolCall.id"]);
        draft.fill_input(&["ai.toolCall.args", "ai.toolCall.input"]);
        draft.fill_output(&["ai.toolCall.result", "ai.toolCall.output"]);
    }
}
