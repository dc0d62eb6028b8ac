//! One span as one of Langfuse's observations.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use caribou_model::{ItemType, RolloutStatus, SpanRecord, SpanStatus, UsageScope};
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value as AttributeValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use serde_json::{Map, Value, json};

use super::conversation::{Conversation, chat_message};
use super::trace_wide::TraceWide;

/// A span on its way to Langfuse.
#[derive(Debug)]
pub(super) struct Observation {
    pub(super) span: SpanData,
}

const INPUT: &str = "langfuse.observation.input";
const OUTPUT: &str = "langfuse.observation.output";

/// Converts one span of a segment, given the messages before it.
pub(super) fn observation_from_record(
    record: &SpanRecord<'_>,
    conversation: &Conversation,
    trace_wide: &TraceWide,
) -> Observation {
    let mut observation = Observation::new(record, trace_wide);
    match record.item_type {
        ItemType::Rollout => observation.describe_root(record),
        ItemType::Message => observation.describe_message(record, conversation),
        ItemType::Tool => observation.describe_tool(record),
        ItemType::Grade => observation.describe_grade(record),
        ItemType::Criterion => observation.describe_criterion(record),
        ItemType::Event => observation.describe_event(record),
        ItemType::Group | ItemType::ModelCall | ItemType::Agent | ItemType::Otel => {
            observation.put("langfuse.observation.type", "span");
            observation.put("langfuse.observation.metadata", &record.attributes);
        }
    }
    observation
}

impl Observation {
    fn new(record: &SpanRecord<'_>, trace_wide: &TraceWide) -> Self {
        let failed = record.status == SpanStatus::Error;
        let span = SpanData {
            span_context: SpanContext::new(
                TraceId::from_bytes(record.trace_id.0),
                SpanId::from_bytes(record.span_id.0),
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: record
                .parent_span_id
                .map_or_else(|| SpanId::INVALID, |id| SpanId::from_bytes(id.0)),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: record.span_name.to_string().into(),
            start_time: system_time(record.started_at),
            end_time: system_time(record.ended_at.unwrap_or(record.started_at)),
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: if failed {
                Status::error(record.error_message.to_string())
            } else {
                Status::Unset
            },
            instrumentation_scope: InstrumentationScope::builder("caribou").build(),
        };
        let mut observation = Self { span };
        for (key, value) in &trace_wide.texts {
            observation.put(key, value);
        }
        if !trace_wide.tags.is_empty() {
            let tags = trace_wide
                .tags
                .iter()
                .cloned()
                .map(StringValue::from)
                .collect();
            let tags = AttributeValue::Array(Array::String(tags));
            observation
                .span
                .attributes
                .push(KeyValue::new("langfuse.trace.tags", tags));
        }
        observation
    }

    fn describe_root(&mut self, record: &SpanRecord<'_>) {
        self.put("langfuse.observation.type", "agent");
        if let Ok(status) = record.rollout_status.parse::<RolloutStatus>() {
            let level = match status {
                RolloutStatus::Pending | RolloutStatus::Completed => "DEFAULT",
                RolloutStatus::Truncated | RolloutStatus::Aborted => "WARNING",
                _ => "ERROR",
            };
            self.put("langfuse.observation.level", level);
            self.put("langfuse.observation.status_message", &record.error_message);
        }
    }

    /// Shows on the root what the first user message and the last assistant message said.
    pub(super) fn set_conversation_ends(&mut self, conversation: &Conversation) {
        self.put(INPUT, conversation.beginning().unwrap_or_default());
        self.put(OUTPUT, conversation.end().unwrap_or_default());
    }

    /// Says on the root that nobody ended it, and has it end no earlier than what is below it begins.
    pub(super) fn set_lost(&mut self, last_unix_nanos: i64) {
        const MESSAGE: &str = "the program ended before this rollout did";
        self.span.attributes.retain(|attribute| {
            ![
                "langfuse.observation.level",
                "langfuse.observation.status_message",
            ]
            .contains(&attribute.key.as_str())
        });
        self.put("langfuse.observation.level", "ERROR");
        self.put("langfuse.observation.status_message", MESSAGE);
        self.put_metadata("state", "lost");
        self.span.status = Status::error(MESSAGE);
        self.span.end_time = self.span.end_time.max(system_time(last_unix_nanos));
    }

    fn describe_message(&mut self, record: &SpanRecord<'_>, conversation: &Conversation) {
        let message = Value::Object(chat_message(record)).to_string();
        let is_model_call = record.role == "assistant" && !record.model.is_empty();
        if !is_model_call {
            self.put("langfuse.observation.type", "event");
            self.put(INPUT, &message);
            self.put_usage(record);
            return;
        }
        self.put("langfuse.observation.type", "generation");
        self.put("langfuse.observation.model.name", &record.model);
        self.put(OUTPUT, &message);
        if record.grader_name.is_empty() {
            let (input, omitted) = conversation.input();
            self.put(INPUT, &input);
            if omitted > 0 {
                self.put_metadata("input_messages_omitted", &omitted.to_string());
            }
        } else {
            self.put(INPUT, &record.prompt);
            self.put_metadata("grader_name", &record.grader_name);
        }
        self.put_metadata("finish_reason", &record.finish_reason);
        self.put_usage(record);
    }

    fn put_usage(&mut self, record: &SpanRecord<'_>) {
        if !record.model.is_empty() || !record.provider.is_empty() {
            self.put("gen_ai.system", system(&record.provider, &record.model));
        }
        self.put("gen_ai.request.model", &record.model);
        for (key, tokens) in [
            ("gen_ai.usage.input_tokens", record.input_tokens),
            ("gen_ai.usage.output_tokens", record.output_tokens),
        ] {
            if let Some(tokens) = tokens {
                let tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
                self.span.attributes.push(KeyValue::new(key, tokens));
            }
        }
        if record.usage_scope == UsageScope::None || record.model.is_empty() {
            return;
        }
        if let Some(usage) = usage_details(record) {
            self.put("langfuse.observation.usage_details", &usage.to_string());
        }
        if let Some(cost) = record.cost {
            self.put(
                "langfuse.observation.cost_details",
                &json!({"total": cost.usd()}).to_string(),
            );
        }
    }

    fn describe_tool(&mut self, record: &SpanRecord<'_>) {
        self.put("langfuse.observation.type", "tool");
        self.put("gen_ai.tool.name", &record.name);
        self.put(INPUT, record.input.as_str());
        self.put(OUTPUT, record.output.as_str());
        self.put("langfuse.observation.status_message", &record.error_message);
        self.put_metadata("call_id", &record.call_id);
        self.put_metadata("requestor", &record.requestor);
    }

    fn describe_grade(&mut self, record: &SpanRecord<'_>) {
        self.put("langfuse.observation.type", "evaluator");
        self.put(INPUT, &record.criteria);
        let reasoning = (!record.reasoning.is_empty()).then_some(&record.reasoning);
        self.put(
            OUTPUT,
            &json!({"score": record.score, "reasoning": reasoning}).to_string(),
        );
        self.put_metadata("artifacts", &record.artifacts);
        self.put_metadata("grader_version", &record.grader_version);
    }

    fn describe_criterion(&mut self, record: &SpanRecord<'_>) {
        self.put("langfuse.observation.type", "evaluator");
        self.put(INPUT, &record.details);
        self.put(
            OUTPUT,
            &json!({"score": record.score, "passed": record.passed}).to_string(),
        );
    }

    fn describe_event(&mut self, record: &SpanRecord<'_>) {
        self.put("langfuse.observation.type", "event");
        self.put(INPUT, &record.details);
        self.put("langfuse.observation.metadata", &record.details);
    }

    fn put_metadata(&mut self, key: &str, value: &str) {
        self.put(&format!("langfuse.observation.metadata.{key}"), value);
    }

    fn put(&mut self, key: &str, value: &str) {
        if !value.is_empty() {
            self.span
                .attributes
                .push(KeyValue::new(key.to_owned(), value.to_owned()));
        }
    }

    /// Moves the start to a time if it lies before it, and the end with it where it would come to lie before the start.
    pub(super) fn start_no_earlier_than(&mut self, unix_nanos: i64) {
        self.span.start_time = self.span.start_time.max(system_time(unix_nanos));
        self.span.end_time = self.span.end_time.max(self.span.start_time);
    }

    #[cfg(test)]
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.span
            .attributes
            .iter()
            .find(|attribute| attribute.key.as_str() == key)
            .map(|attribute| match &attribute.value {
                AttributeValue::String(text) => text.as_str(),
                other => panic!("{key} is not text: {other:?}"),
            })
    }

    #[cfg(test)]
    pub(super) fn started_milli(&self) -> i64 {
        let since = self.span.start_time.duration_since(UNIX_EPOCH).unwrap();
        i64::try_from(since.as_millis()).unwrap()
    }
}

/// Who serves a model, in the words of OpenTelemetry; read from the model's name where nobody said.
fn system<'a>(provider: &'a str, model: &'a str) -> &'a str {
    const BY_PREFIX: [(&str, &str); 12] = [
        ("gpt", "openai"),
        ("chatgpt", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("text-embedding", "openai"),
        ("claude", "anthropic"),
        ("gemini", "gcp.gemini"),
        ("mistral", "mistral_ai"),
        ("deepseek", "deepseek"),
        ("grok", "x_ai"),
        ("command", "cohere"),
    ];
    if !provider.is_empty() {
        return provider;
    }
    if let Some((before, _)) = model.split_once('/') {
        return before;
    }
    BY_PREFIX
        .iter()
        .find(|(prefix, _)| model.starts_with(prefix))
        .map_or("_OTHER", |(_, system)| system)
}

/// Langfuse's buckets are disjoint: what was cached is not in `input`, what was reasoning not in `output`.
fn usage_details(record: &SpanRecord<'_>) -> Option<Value> {
    let (input, output) = (record.input_tokens, record.output_tokens);
    if input.is_none() && output.is_none() {
        return None;
    }
    let mut usage = Map::new();
    let mut put_split = |whole: Option<u64>, part: Option<u64>, whole_key: &str, part_key: &str| {
        if let Some(whole) = whole {
            let part = part.unwrap_or(0).min(whole);
            usage.insert(whole_key.to_owned(), json!(whole - part));
            if part > 0 {
                usage.insert(part_key.to_owned(), json!(part));
            }
        }
    };
    put_split(
        input,
        record.cached_input_tokens,
        "input",
        "input_cached_tokens",
    );
    put_split(
        output,
        record.reasoning_tokens,
        "output",
        "output_reasoning_tokens",
    );
    usage.insert(
        "total".to_owned(),
        json!(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
    );
    Some(Value::Object(usage))
}

fn system_time(unix_nanos: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(unix_nanos.try_into().unwrap_or(0))
}
