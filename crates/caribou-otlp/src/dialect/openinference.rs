//! OpenInference, as Arize and Phoenix write it.

use std::borrow::Cow;

use caribou_model::{Cost, ItemType};

use crate::dialect::Dialect;
use crate::dialect::attributes::items;
use crate::dialect::chat::{self, ChatMessage};
use crate::dialect::draft::{Draft, payload};
use crate::dialect::part;
use crate::json;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| {
        draft.attributes.contains("openinference.span.kind")
            || draft.attributes.has_prefix("llm.")
            || draft.attributes.has_prefix("embedding.")
            || draft.attributes.has_prefix("retrieval.")
    },
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    let kind = draft
        .attributes
        .get_str("openinference.span.kind")
        .map(str::to_uppercase);
    if let Some(item_type) = kind.as_deref().and_then(item_type) {
        draft.set_item_type(item_type);
    }
    draft.fill_provider(&["llm.provider", "llm.system"]);
    fill_model(draft);
    fill_usage(draft);
    fill_messages(draft);
    draft.fill_finish_reason(&["llm.finish_reason"]);
    match kind.as_deref() {
        Some("TOOL") => fill_tool(draft),
        Some("AGENT") => {
            draft.fill_text(
                |record| &mut record.name,
                &["agent.name", "graph.node.name"],
            );
        }
        Some("RERANKER") => fill_reranker(draft),
        _ => {}
    }
    fill_retrieval(draft);
    fill_embedding(draft);
    draft.add_metadata_object("metadata");
}

fn item_type(kind: &str) -> Option<ItemType> {
    match kind {
        "LLM" | "EMBEDDING" => Some(ItemType::ModelCall),
        "TOOL" => Some(ItemType::Tool),
        "AGENT" | "CHAIN" => Some(ItemType::Agent),
        "RETRIEVER" | "RERANKER" | "GUARDRAIL" | "EVALUATOR" | "PROMPT" | "DECISION" => {
            Some(ItemType::Otel)
        }
        _ => None,
    }
}

fn fill_model(draft: &mut Draft<'_, '_>) {
    draft.fill_text(
        |record| &mut record.model,
        &[
            "llm.response.model_name",
            "llm.model_name",
            "llm.request.model_name",
            "embedding.model_name",
            "reranker.model_name",
        ],
    );
    if draft.record.model.is_empty()
        && let Some(parameters) = draft.attributes.get_str("llm.invocation_parameters")
        && let Some(document) = json::parse_structure(parameters)
        && let Some(model) = document.get_str("model")
    {
        draft.record.model = Cow::Owned(model.to_owned());
    }
}

fn fill_usage(draft: &mut Draft<'_, '_>) {
    draft.fill_count(
        |record| &mut record.input_tokens,
        &["llm.token_count.prompt"],
    );
    draft.fill_count(
        |record| &mut record.output_tokens,
        &["llm.token_count.completion"],
    );
    draft.fill_count(
        |record| &mut record.cached_input_tokens,
        &[
            "llm.token_count.prompt_details.cache_read",
            "llm.token_count.prompt_details.cache_input",
        ],
    );
    draft.fill_count(
        |record| &mut record.reasoning_tokens,
        &["llm.token_count.completion_details.reasoning"],
    );
    draft.fill_cost(&["llm.cost.total"]);
    if draft.record.cost.is_none() {
        // The parts stay attributes: no field holds them.
        let part = |key| draft.attributes.get(key).and_then(Value::as_f64);
        let parts = [part("llm.cost.prompt"), part("llm.cost.completion")];
        if parts.iter().any(Option::is_some) {
            draft.record.cost = Cost::from_usd(parts.into_iter().flatten().sum());
        }
    }
    let count = |key| draft.attributes.get(key).and_then(Value::as_u64);
    let written = count("llm.token_count.prompt_details.cache_write");
    let total = count("llm.token_count.total");
    draft.cache_write_tokens = draft.cache_write_tokens.or(written);
    draft.total_tokens = draft.total_tokens.or(total);
}

fn fill_messages(draft: &mut Draft<'_, '_>) {
    if !draft.has_input() {
        let mut messages = Vec::new();
        for item in draft.attributes.take_list("llm.input_messages.") {
            push_message(item, "user", &mut messages);
        }
        for prompt in draft.attributes.take_list("llm.prompts.") {
            messages.push(text_message("user", prompt, "prompt"));
        }
        draft.input = messages;
    }
    if !draft.has_output() {
        let mut messages = Vec::new();
        for item in draft.attributes.take_list("llm.output_messages.") {
            push_message(item, "assistant", &mut messages);
        }
        for choice in draft.attributes.take_list("llm.choices.") {
            messages.push(text_message("assistant", choice, "completion"));
        }
        draft.output = messages;
    }
}

/// `{prompt: {text}}` or `{completion: {text}}`.
fn text_message<'a>(role: &'static str, mut item: Value<'a>, name: &str) -> ChatMessage<'a> {
    let mut message = ChatMessage::of_role(role);
    let mut inner = item.take(name).unwrap_or(item);
    let text = inner.take("text").unwrap_or(inner);
    message.push_text(text.into_text());
    message
}

/// `{message: {role, content, contents: {0: {message_content: {…}}}, tool_calls: {0: {tool_call: {…}}}}}`.
fn push_message<'a>(
    mut item: Value<'a>,
    default_role: &'static str,
    messages: &mut Vec<ChatMessage<'a>>,
) {
    let mut message = item.take("message").unwrap_or(item);
    let mut entries = Vec::new();
    if let Some(parts) = message.take("contents") {
        let parts = items(parts).into_iter().map(content_part).collect();
        entries.push((Cow::Borrowed("contents"), Value::List(parts)));
    }
    let calls = items(message.take("tool_calls").unwrap_or_default());
    let mut calls: Vec<Value<'a>> = calls.into_iter().map(part::tool_call).collect();
    if let Some(name) = message.take("function_call_name") {
        let arguments = message.take("function_call_arguments_json");
        let call = vec![
            (Cow::Borrowed("name"), name),
            (Cow::Borrowed("arguments"), arguments.unwrap_or_default()),
        ];
        calls.push(part::tool_call(Value::Map(call)));
    }
    if !calls.is_empty() {
        entries.push((Cow::Borrowed("tool_calls"), Value::List(calls)));
    }
    if let Value::Map(rest) = message {
        entries.extend(rest);
    }
    chat::push_message(Value::Map(entries), default_role, messages);
}

/// `{message_content: {type, text, image: {image: {url}}, audio: {audio: {url, mime_type, transcript}}}}`.
fn content_part(mut item: Value<'_>) -> Value<'_> {
    item.take("message_content").unwrap_or(item)
}

fn fill_tool(draft: &mut Draft<'_, '_>) {
    draft.fill_text(|record| &mut record.name, &["tool.name"]);
    draft.fill_text(|record| &mut record.call_id, &["tool.id"]);
    // `tool.parameters` is the arguments at some writers, the schema at others: only without `input.value` the former.
    draft.fill_input(&["input.value", "tool.parameters"]);
}

fn fill_retrieval(draft: &mut Draft<'_, '_>) {
    if !draft.has_output() {
        let documents = draft.attributes.take_list("retrieval.documents.");
        set_documents(documents, |value| draft.record.output = payload(value));
    }
}

fn fill_reranker(draft: &mut Draft<'_, '_>) {
    if !draft.has_input() {
        let mut entries = Vec::new();
        if let Some(query) = draft.attributes.take("reranker.query") {
            entries.push((Cow::Borrowed("query"), query));
        }
        let documents = draft.attributes.take_list("reranker.input_documents.");
        set_documents(documents, |value| {
            entries.push((Cow::Borrowed("documents"), value));
        });
        if !entries.is_empty() {
            draft.record.input = payload(Value::Map(entries));
        }
    }
    if !draft.has_output() {
        let documents = draft.attributes.take_list("reranker.output_documents.");
        set_documents(documents, |value| draft.record.output = payload(value));
    }
}

/// Unwraps `{document: {…}}`.
fn set_documents<'a>(documents: Vec<Value<'a>>, set: impl FnOnce(Value<'a>)) {
    if !documents.is_empty() {
        let documents = documents
            .into_iter()
            .map(|mut item| item.take("document").unwrap_or(item))
            .collect();
        set(Value::List(documents));
    }
}

/// `embedding.embeddings.N.embedding.{text,vector}`: texts in, vectors out.
fn fill_embedding(draft: &mut Draft<'_, '_>) {
    let (mut texts, mut vectors) = (Vec::new(), Vec::new());
    for mut item in draft.attributes.take_list("embedding.embeddings.") {
        let mut embedding = item.take("embedding").unwrap_or(item);
        texts.extend(embedding.take("text"));
        vectors.extend(embedding.take("vector"));
    }
    if !texts.is_empty() && !draft.has_input() {
        draft.record.input = payload(Value::List(texts));
    }
    if !vectors.is_empty() && !draft.has_output() {
        draft.record.output = payload(Value::List(vectors));
    }
}
