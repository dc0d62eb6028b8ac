//! The spans of one segment as Langfuse's observations and scores, one after another.
//!
//! The mapping follows Langfuse's OTLP interface, version 4 of its ingestion.

use caribou_model::{ItemType, SpanId, SpanRecord};

use super::conversation::Conversation;
use super::observation::{Observation, observation_from_record};
use super::score::{Score, scores_from_grade};
use super::trace_wide::TraceWide;

/// Converts the spans of a segment in the order they were logged, its root last.
#[derive(Debug, Default)]
pub(super) struct Converter {
    root: SpanId,
    trace_wide: TraceWide,
    conversation: Conversation,
    last_milli: Option<i64>,
}

const NANOS_PER_MILLI: i64 = 1_000_000;

impl Converter {
    pub(super) fn new(root: &SpanRecord<'_>) -> Self {
        Self {
            root: root.span_id,
            trace_wide: TraceWide::of(root),
            ..Self::default()
        }
    }

    /// For spans whose root is not known; `top` is what stands above them.
    pub(super) fn without_root(any: &SpanRecord<'_>, top: SpanId) -> Self {
        Self {
            root: top,
            trace_wide: TraceWide::of_part(any),
            ..Self::default()
        }
    }

    /// The observation of a span, and the scores of a grade. `is_lost` where nobody ended the span.
    pub(super) fn convert(
        &mut self,
        record: &SpanRecord<'_>,
        is_lost: bool,
    ) -> (Observation, Vec<Score>) {
        let mut observation = observation_from_record(record, &self.conversation, &self.trace_wide);
        if record.item_type == ItemType::Message && record.grader_name.is_empty() {
            self.conversation.push(record);
        }
        if record.item_type == ItemType::Rollout {
            observation.set_conversation_ends(&self.conversation);
            if is_lost {
                let last = self.last_milli.unwrap_or_default();
                observation.set_lost(last.saturating_mul(NANOS_PER_MILLI));
            }
        } else if record.item_type != ItemType::Group {
            // Langfuse cuts times to milliseconds and shows what begins within the same one in any order.
            let next = self.last_milli.map_or(i64::MIN, |last| last + 1);
            let milli = (record.started_at / NANOS_PER_MILLI).max(next);
            self.last_milli = Some(milli);
            observation.start_no_earlier_than(milli * NANOS_PER_MILLI);
        }
        let scores = if record.item_type == ItemType::Grade {
            scores_from_grade(record, self.root, &self.trace_wide)
        } else {
            Vec::new()
        };
        (observation, scores)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use caribou_model::{Cost, Payload, SpanId, TraceId, UsageScope};
    use serde_json::{Value, json};

    use super::*;

    /// The root first, as it is logged, but converted last.
    #[derive(Default)]
    struct Segment {
        observations: Vec<Observation>,
        scores: Vec<Score>,
    }

    fn segment_from_records(records: &[SpanRecord<'_>]) -> Segment {
        let mut converter = Converter::new(&records[0]);
        let mut segment = Segment::default();
        for record in records[1..].iter().chain(&records[..1]) {
            let (observation, scores) = converter.convert(record, false);
            segment.observations.push(observation);
            segment.scores.extend(scores);
        }
        segment.observations.rotate_right(1);
        segment
    }

    fn record(item_type: ItemType, sequence: u8) -> SpanRecord<'static> {
        let at = 1_795_000_000_000_000_000 + i64::from(sequence);
        SpanRecord {
            trace_id: TraceId([7; 16]),
            span_id: SpanId([0, 0, 0, 0, 0, 0, 0, sequence]),
            item_type,
            sequence: sequence.into(),
            logged_at: at,
            started_at: at,
            ended_at: Some(at + 5_000_000_000),
            ..SpanRecord::default()
        }
    }

    fn rollout() -> Vec<SpanRecord<'static>> {
        let root = SpanRecord {
            project: "shop".into(),
            phase: "eval".into(),
            run_id: "run-1".into(),
            datapoint_id: "d-1".into(),
            user_id: "u-9".into(),
            session_id: "s-1".into(),
            tags: vec![Cow::from("v2")],
            metadata: r#"{"customer_id":"c-1","latency_ms":450}"#.into(),
            rollout_status: "COMPLETED".into(),
            ..record(ItemType::Rollout, 1)
        };
        let user = SpanRecord {
            role: "user".into(),
            content: Payload::Text("weather in Oslo?".into()),
            span_name: "message.user".into(),
            ..record(ItemType::Message, 2)
        };
        let call = r#"[{"id":"c1","type":"function","function":{"name":"weather","arguments":"{\"city\":\"Oslo\"}"}}]"#;
        let assistant = SpanRecord {
            role: "assistant".into(),
            tool_calls: call.into(),
            model: "gpt-x".into(),
            provider: "openai".into(),
            input_tokens: Some(100),
            cached_input_tokens: Some(20),
            output_tokens: Some(42),
            reasoning_tokens: Some(30),
            cost: Cost::from_usd(0.0005),
            usage_scope: UsageScope::Agent,
            span_name: "message.assistant".into(),
            ..record(ItemType::Message, 3)
        };
        let tool = SpanRecord {
            name: "weather".into(),
            call_id: "c1".into(),
            input: Payload::Text(r#"{"city":"Oslo"}"#.into()),
            output: Payload::Text("rain".into()),
            requestor: "agent".into(),
            span_name: "tool.weather".into(),
            ..record(ItemType::Tool, 4)
        };
        let grade = SpanRecord {
            score: Some(0.5),
            grader_name: "Judge".into(),
            reasoning: "half right".into(),
            criteria: r#"[{"type":"tone","passed":true,"score":1.0,"reason":"kind"}]"#.into(),
            span_name: "grader.Judge".into(),
            ..record(ItemType::Grade, 5)
        };
        vec![root, user, assistant, tool, grade]
    }

    fn json_of(observation: &Observation, key: &str) -> Value {
        serde_json::from_str(observation.text(key).unwrap_or_else(|| panic!("no {key}"))).unwrap()
    }

    #[test]
    fn every_observation_carries_what_belongs_to_the_trace() {
        for observation in segment_from_records(&rollout()).observations {
            assert_eq!(observation.text("langfuse.user.id"), Some("u-9"));
            assert_eq!(observation.text("langfuse.session.id"), Some("s-1"));
            assert_eq!(observation.text("langfuse.environment"), Some("eval"));
            assert_eq!(
                observation.text("langfuse.trace.metadata.run_id"),
                Some("run-1")
            );
            assert_eq!(
                observation.text("langfuse.trace.metadata.customer_id"),
                Some("c-1")
            );
            assert_eq!(
                observation.text("langfuse.trace.metadata.latency_ms"),
                Some("450")
            );
        }
    }

    #[test]
    fn a_model_call_is_a_generation_with_disjoint_usage() {
        let segment = segment_from_records(&rollout());
        let generation = &segment.observations[2];
        assert_eq!(
            generation.text("langfuse.observation.type"),
            Some("generation")
        );
        assert_eq!(generation.text("gen_ai.system"), Some("openai"));
        assert_eq!(generation.text("gen_ai.request.model"), Some("gpt-x"));
        assert_eq!(
            json_of(generation, "langfuse.observation.usage_details"),
            json!({"input": 80, "input_cached_tokens": 20, "output": 12, "output_reasoning_tokens": 30, "total": 142})
        );
        assert_eq!(
            json_of(generation, "langfuse.observation.cost_details"),
            json!({"total": 0.0005})
        );
        assert_eq!(
            json_of(generation, "langfuse.observation.input"),
            json!([{"role": "user", "content": "weather in Oslo?"}])
        );
        assert_eq!(
            json_of(generation, "langfuse.observation.output")["tool_calls"][0]["function"]["name"],
            "weather"
        );
    }

    #[test]
    fn the_root_shows_how_the_conversation_began_and_ended() {
        let mut records = rollout();
        records.push(SpanRecord {
            role: "assistant".into(),
            content: Payload::Text("It rains.".into()),
            ..record(ItemType::Message, 6)
        });
        let segment = segment_from_records(&records);
        let root = &segment.observations[0];
        assert_eq!(root.text("langfuse.observation.type"), Some("agent"));
        assert_eq!(root.text("langfuse.observation.model.name"), None);
        assert_eq!(
            root.text("langfuse.observation.input"),
            Some("weather in Oslo?")
        );
        assert_eq!(root.text("langfuse.observation.output"), Some("It rains."));
    }

    #[test]
    fn grades_and_criteria_become_scores_of_the_root() {
        let scores = segment_from_records(&rollout()).scores;
        let bodies: Vec<Value> = scores.iter().map(|score| score.body.clone()).collect();
        assert_eq!(bodies.len(), 2);
        assert_eq!(
            (&bodies[0]["name"], &bodies[0]["value"]),
            (&json!("Judge"), &json!(0.5))
        );
        assert_eq!(bodies[0]["comment"], "half right");
        assert_eq!(bodies[0]["observationId"], "0000000000000001");
        assert_eq!(
            (&bodies[1]["name"], &bodies[1]["value"]),
            (&json!("Judge/tone"), &json!(1.0))
        );
        assert_ne!(bodies[0]["id"], bodies[1]["id"]);
    }

    #[test]
    fn what_was_logged_within_one_millisecond_keeps_its_order() {
        let segment = segment_from_records(&rollout());
        let starts: Vec<i64> = segment.observations[1..]
            .iter()
            .map(Observation::started_milli)
            .collect();
        assert!(
            starts.windows(2).all(|pair| pair[0] < pair[1]),
            "{starts:?}"
        );
    }
}
