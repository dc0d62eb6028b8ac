//! OpenTelemetry's GenAI conventions, 1.37 and later; what is older is in [`super::message_events`].

use caribou_model::ItemType;

use crate::dialect::Dialect;
use crate::dialect::chat::{self, ChatMessage};
use crate::dialect::draft::Draft;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| draft.attributes.has_prefix("gen_ai."),
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    if !draft.attributes.contains("gen_ai.input.messages")
        && !draft.attributes.contains("gen_ai.output.messages")
        && let Some(event) = draft.take_event("gen_ai.client.inference.operation.details")
    {
        draft.attributes.add_absent(event.attributes);
    }
    if let Some(item_type) = item_type(draft) {
        draft.set_item_type(item_type);
    }
    draft.fill_provider(&["gen_ai.provider.name", "gen_ai.system"]);
    draft.fill_text(
        |record| &mut record.model,
        &["gen_ai.response.model", "gen_ai.request.model"],
    );
    draft.fill_text(|record| &mut record.session_id, &["gen_ai.conversation.id"]);
    draft.fill_finish_reason(&["gen_ai.response.finish_reasons"]);
    fill_usage(draft);
    fill_messages(draft);
    match draft.item_type {
        Some(ItemType::Tool) => fill_tool(draft),
        Some(ItemType::Agent) => draft.fill_text(
            |record| &mut record.name,
            &["gen_ai.agent.name", "gen_ai.workflow.name"],
        ),
        _ => {
            draft.fill_input(&["gen_ai.retrieval.query.text"]);
            draft.fill_output(&["gen_ai.retrieval.documents"]);
        }
    }
}

fn item_type(draft: &Draft<'_, '_>) -> Option<ItemType> {
    match draft.attributes.get_str("gen_ai.operation.name") {
        Some(
            "chat" | "text_completion" | "generate_content" | "completion" | "generate"
            | "embeddings",
        ) => Some(ItemType::ModelCall),
        Some("execute_tool") => Some(ItemType::Tool),
        Some("invoke_agent" | "create_agent" | "invoke_workflow" | "plan" | "agent_step") => {
            Some(ItemType::Agent)
        }
        Some("retrieval") => Some(ItemType::Otel),
        Some(memory) if memory.contains("_memory") => Some(ItemType::Otel),
        // Operations of one's own are allowed: what the span is shows in what else it says.
        _ => {
            let said_elsewhere = draft.attributes.contains("openinference.span.kind")
                || draft.attributes.contains("traceloop.span.kind");
            let is_tool = draft.attributes.contains("gen_ai.tool.name")
                || draft.attributes.contains("gen_ai.tool.call.id");
            (is_tool && !said_elsewhere).then_some(ItemType::Tool)
        }
    }
}

fn fill_usage(draft: &mut Draft<'_, '_>) {
    draft.fill_count(
        |record| &mut record.input_tokens,
        &["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"],
    );
    draft.fill_count(
        |record| &mut record.output_tokens,
        &[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
        ],
    );
    draft.fill_count(
        |record| &mut record.cached_input_tokens,
        &[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "gen_ai.usage.cache_read_tokens",
        ],
    );
    draft.fill_count(
        |record| &mut record.reasoning_tokens,
        &[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
        ],
    );
    draft.fill_cost(&["gen_ai.usage.cost"]);
    // These stay attributes: no field holds them.
    let written = [
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_tokens",
    ];
    draft.cache_write_tokens = written
        .iter()
        .find_map(|key| draft.attributes.get(key).and_then(Value::as_u64));
    draft.total_tokens = draft
        .attributes
        .get("gen_ai.usage.total_tokens")
        .and_then(Value::as_u64);
}

fn fill_messages(draft: &mut Draft<'_, '_>) {
    draft.fill_input_messages("gen_ai.input.messages");
    draft.fill_output_messages("gen_ai.output.messages");
    draft.fill_input(&["gen_ai.input.messages"]);
    draft.fill_output(&["gen_ai.output.messages"]);
    if let Some(instructions) = draft.attributes.take("gen_ai.system_instructions") {
        let mut system = ChatMessage::of_role("system");
        let mut results = Vec::new();
        let instructions = match chat::structure(instructions) {
            // Written with roles, as if they were messages.
            mut map @ Value::Map(_) => map
                .take("parts")
                .or_else(|| map.take("content"))
                .unwrap_or(map),
            other => other,
        };
        chat::push_content(&mut system, &mut results, instructions);
        draft.system.push(system);
        draft.system.extend(results);
    }
}

fn fill_tool(draft: &mut Draft<'_, '_>) {
    draft.fill_text(|record| &mut record.name, &["gen_ai.tool.name"]);
    draft.fill_text(|record| &mut record.call_id, &["gen_ai.tool.call.id"]);
    draft.fill_input(&["gen_ai.tool.call.arguments"]);
    draft.fill_output(&["gen_ai.tool.call.result"]);
}
