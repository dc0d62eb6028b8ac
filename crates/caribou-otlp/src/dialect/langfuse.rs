//! The Langfuse SDK (`langfuse.*`).

use caribou_model::{Cost, ItemType, Phase, SpanStatus};

use crate::dialect::Dialect;
use crate::dialect::chat;
use crate::dialect::draft::Draft;
use crate::value::Value;

pub(super) const DIALECT: Dialect = Dialect {
    recognises: |draft| draft.attributes.has_prefix("langfuse."),
    apply,
};

fn apply(draft: &mut Draft<'_, '_>) {
    if let Some(item_type) = item_type(draft) {
        draft.set_item_type(item_type);
    }
    draft.fill_text(
        |record| &mut record.model,
        &["langfuse.observation.model.name"],
    );
    if draft.item_type == Some(ItemType::ModelCall) {
        draft.fill_input_messages("langfuse.observation.input");
        draft.fill_output_messages("langfuse.observation.output");
    }
    draft.fill_input(&["langfuse.observation.input", "langfuse.trace.input"]);
    draft.fill_output(&["langfuse.observation.output", "langfuse.trace.output"]);
    fill_usage(draft);
    fill_cost(draft);
    fill_status(draft);
    fill_trace(draft);
    match draft.item_type {
        Some(ItemType::Tool | ItemType::Agent) => {
            draft.record.name.clone_from(&draft.record.span_name);
        }
        _ if draft.record.parent_span_id.is_none() => {
            draft.fill_text(|record| &mut record.name, &["langfuse.trace.name"]);
        }
        _ => {}
    }
}

fn item_type(draft: &Draft<'_, '_>) -> Option<ItemType> {
    match draft.attributes.get_str("langfuse.observation.type")? {
        "generation" | "embedding" => Some(ItemType::ModelCall),
        "tool" => Some(ItemType::Tool),
        "agent" | "chain" => Some(ItemType::Agent),
        "retriever" | "guardrail" | "evaluator" | "event" => Some(ItemType::Otel),
        _ => None,
    }
}

/// Usage: Langfuse's buckets are disjoint, those of a provider's own usage object are not.
fn fill_usage(draft: &mut Draft<'_, '_>) {
    const KEY: &str = "langfuse.observation.usage_details";
    let Some(usage) = draft.attributes.take(KEY) else {
        return;
    };
    let usage = chat::structure(usage);
    let count = |keys: &[&str]| {
        keys.iter()
            .find_map(|key| usage.get(key).and_then(Value::as_u64))
    };
    let inclusive_input = count(&["prompt_tokens", "input_tokens"]);
    let inclusive_output = count(&["completion_tokens", "output_tokens"]);
    let record = &mut *draft.record;
    record.input_tokens = inclusive_input.or_else(|| sum_of_buckets(&usage, "input"));
    record.output_tokens = inclusive_output.or_else(|| sum_of_buckets(&usage, "output"));
    let nested = |owner: &str, key: &str| usage.get(owner)?.get(key)?.as_u64();
    record.cached_input_tokens = count(&CACHED)
        .or_else(|| nested("prompt_tokens_details", "cached_tokens"))
        .or_else(|| nested("input_tokens_details", "cached_tokens"));
    record.reasoning_tokens = count(&REASONING)
        .or_else(|| nested("completion_tokens_details", "reasoning_tokens"))
        .or_else(|| nested("output_tokens_details", "reasoning_tokens"));
    let held = |key: &str| {
        matches!(key, "input" | "output" | "total")
            || CACHED.contains(&key)
            || REASONING.contains(&key)
    };
    match usage {
        Value::Map(entries) if entries.iter().all(|(key, _)| held(key)) => {}
        usage => draft.attributes.put_back(KEY, usage),
    }
}

const CACHED: [&str; 3] = [
    "input_cached_tokens",
    "input_cache_read",
    "cache_read_input_tokens",
];

const REASONING: [&str; 2] = ["output_reasoning_tokens", "output_reasoning"];

/// The sum of disjoint buckets: `input`, `input_cached_tokens`, `cache_creation_input_tokens` and so on.
fn sum_of_buckets(usage: &Value<'_>, direction: &str) -> Option<u64> {
    let Value::Map(entries) = usage else {
        return None;
    };
    entries
        .iter()
        .filter(|(key, _)| key.starts_with(direction) || is_cache_bucket(key, direction))
        .filter_map(|(_, value)| value.as_u64())
        .reduce(u64::saturating_add)
}

fn is_cache_bucket(key: &str, direction: &str) -> bool {
    direction == "input" && key.starts_with("cache_") && key.ends_with("_input_tokens")
}

fn fill_cost(draft: &mut Draft<'_, '_>) {
    const KEY: &str = "langfuse.observation.cost_details";
    let Some(details) = draft.attributes.take(KEY) else {
        return;
    };
    let details = chat::structure(details);
    let Value::Map(entries) = &details else {
        return draft.attributes.put_back(KEY, details);
    };
    let total = details.get("total").and_then(Value::as_f64);
    let sum = || {
        entries
            .iter()
            .filter_map(|(_, value)| value.as_f64())
            .reduce(|left, right| left + right)
    };
    draft.record.cost = total.or_else(sum).and_then(Cost::from_usd);
    if entries.len() > 1 || total.is_none() {
        draft.attributes.put_back(KEY, details);
    }
}

fn fill_status(draft: &mut Draft<'_, '_>) {
    let is_error = draft
        .attributes
        .get_str("langfuse.observation.level")
        .is_some_and(|level| {
            ["error", "fatal", "critical"]
                .iter()
                .any(|name| level.eq_ignore_ascii_case(name))
        });
    if is_error || draft.record.status == SpanStatus::Error {
        draft.record.status = SpanStatus::Error;
        draft.fill_text(
            |record| &mut record.error_message,
            &["langfuse.observation.status_message"],
        );
    }
}

/// What Langfuse says on every span of a trace.
fn fill_trace(draft: &mut Draft<'_, '_>) {
    draft.fill_text(
        |record| &mut record.user_id,
        &[
            "langfuse.user.id",
            "langfuse.trace.metadata.langfuse_user_id",
        ],
    );
    draft.fill_text(
        |record| &mut record.session_id,
        &[
            "langfuse.session.id",
            "langfuse.trace.metadata.langfuse_session_id",
        ],
    );
    draft.add_tags(&[
        "langfuse.trace.tags",
        "langfuse.tags",
        "langfuse.trace.metadata.langfuse_tags",
    ]);
    draft.add_metadata_object("langfuse.trace.metadata");
    draft.add_metadata_prefix("langfuse.trace.metadata.");
    draft.fill_text(
        |record| &mut record.datapoint_id,
        &["langfuse.experiment.item.id"],
    );
    draft.fill_text(|record| &mut record.run_id, &["langfuse.experiment.id"]);
    let environment = draft.attributes.get_str("langfuse.environment");
    if environment.is_some_and(|name| name.parse::<Phase>().is_ok()) {
        draft.fill_text(|record| &mut record.phase, &["langfuse.environment"]);
    }
}
