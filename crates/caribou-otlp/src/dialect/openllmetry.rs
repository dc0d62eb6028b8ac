//! OpenLLMetry and the Traceloop SDK: the flattened messages of its older versions, and its entities.

use std::borrow::Cow;

use caribou_model::ItemType;

use crate::dialect::Dialect;
use crate::dialect::attributes::items;
use crate::dialect::chat::{self, ChatMessage};
use crate::dialect::draft::Draft;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| {
        draft.attributes.has_prefix("traceloop.")
            || draft.attributes.has_prefix("llm.")
            || draft.attributes.has_prefix("gen_ai.prompt.")
            || draft.attributes.has_prefix("gen_ai.completion.")
    },
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    if let Some(item_type) = item_type(draft) {
        draft.set_item_type(item_type);
    }
    fill_usage(draft);
    if !draft.has_input() {
        draft.input = messages(draft.attributes.take_list("gen_ai.prompt."), "user");
    }
    if !draft.has_output() {
        draft.output = messages(
            draft.attributes.take_list("gen_ai.completion."),
            "assistant",
        );
    }
    draft.fill_finish_reason(&["llm.response.finish_reason", "llm.response.stop_reason"]);
    let names = match draft.item_type {
        Some(ItemType::Tool) => ["gen_ai.tool.name", "traceloop.entity.name"],
        Some(ItemType::Agent) => ["gen_ai.agent.name", "traceloop.entity.name"],
        _ => [""; 2],
    };
    draft.fill_text(|record| &mut record.name, &names);
    fill_association(draft);
}

fn item_type(draft: &Draft<'_, '_>) -> Option<ItemType> {
    match draft.attributes.get_str("traceloop.span.kind") {
        Some("workflow" | "task" | "agent") => return Some(ItemType::Agent),
        Some("tool") => return Some(ItemType::Tool),
        _ => {}
    }
    match draft.attributes.get_str("llm.request.type") {
        Some("chat" | "completion" | "embedding") => Some(ItemType::ModelCall),
        Some("rerank") => Some(ItemType::Otel),
        _ => None,
    }
}

fn fill_usage(draft: &mut Draft<'_, '_>) {
    draft.fill_count(
        |record| &mut record.input_tokens,
        &["llm.usage.prompt_tokens"],
    );
    draft.fill_count(
        |record| &mut record.output_tokens,
        &["llm.usage.completion_tokens"],
    );
    draft.fill_count(
        |record| &mut record.reasoning_tokens,
        &["llm.usage.reasoning_tokens"],
    );
    let total = draft
        .attributes
        .get("llm.usage.total_tokens")
        .and_then(Value::as_u64);
    draft.total_tokens = draft.total_tokens.or(total);
}

/// `N.{role, content, tool_call_id, finish_reason}` and `N.tool_calls.M.{id, name, arguments}`.
fn messages<'a>(list: Vec<Value<'a>>, default_role: &'static str) -> Vec<ChatMessage<'a>> {
    let mut messages = Vec::new();
    for mut item in list {
        // Legacy text completions of Anthropic say the prompt as `0.user`.
        if let Some(text @ Value::Text(_)) = item.take("user") {
            item = Value::Map(vec![
                ("role".into(), Value::text("user")),
                ("content".into(), text),
            ]);
        }
        let calls = items(item.take("tool_calls").unwrap_or_default());
        let content = item.take("content").map(chat::structure);
        let Value::Map(mut entries) = item else {
            continue;
        };
        if let Some(content) = content {
            entries.push((Cow::Borrowed("content"), content));
        }
        if !calls.is_empty() {
            entries.push((Cow::Borrowed("tool_calls"), Value::List(calls)));
        }
        chat::push_message(Value::Map(entries), default_role, &mut messages);
    }
    messages
}

fn fill_association(draft: &mut Draft<'_, '_>) {
    draft.fill_text(
        |record| &mut record.session_id,
        &[
            "traceloop.association.properties.session_id",
            "traceloop.association.properties.chat_id",
            "traceloop.association.properties.thread_id",
            "traceloop.association.properties.conversation_id",
        ],
    );
    draft.fill_text(
        |record| &mut record.user_id,
        &[
            "traceloop.association.properties.user_id",
            "llm.user",
            "gen_ai.user",
        ],
    );
    draft.add_tags(&["traceloop.association.properties.tags"]);
    draft.add_metadata_prefix("traceloop.association.properties.");
}
