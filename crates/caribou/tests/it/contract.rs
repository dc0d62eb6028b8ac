//! What is logged arrives as the server's records, field by field.

use caribou::{Content, Cost, Event, Grade, Left, Message, Meta, Phase, ToolExecution};
use caribou_model::{ItemType, Payload, SpanStatus, UsageScope};
use serde_json::json;

use crate::support::Recording;

#[test]
fn a_message_arrives_with_every_field() {
    let recording = Recording::start();
    let scope = recording.open_one();
    let message = Message::new("assistant", "Hi there!")
        .with_tool_calls(&json!([{"id": "call_1"}]))
        .with_tool_call_id("call_0")
        .with_name("lookup")
        .with_model("gpt-4o")
        .with_provider("openai")
        .with_input_tokens(100_u64)
        .with_output_tokens(50_u64)
        .with_cached_input_tokens(80_u64)
        .with_reasoning_tokens(20_u64)
        .with_cost_usd(0.002)
        .with_duration_ms(1500.0)
        .with_prompt("be kind")
        .with_reasoning("hm")
        .with_finish_reason("stop");
    scope.log(message).unwrap();
    scope.leave(&Left::Normally);
    assert!(recording.flush());

    let spans = recording.sink.spans_of(ItemType::Message);
    let [span] = &spans[..] else {
        panic!("one message, not {}", spans.len())
    };
    assert_eq!(span.project, "test-project");
    assert_eq!(span.span_name, "message.assistant");
    assert_eq!(span.span_kind, "message");
    assert_eq!(span.role, "assistant");
    assert_eq!(span.content, Payload::Text("Hi there!".into()));
    assert_eq!(span.tool_calls, r#"[{"id":"call_1"}]"#);
    assert_eq!(span.call_id, "call_0");
    assert_eq!(span.name, "lookup");
    assert_eq!(span.model, "gpt-4o");
    assert_eq!(span.provider, "openai");
    assert_eq!(span.input_tokens, Some(100));
    assert_eq!(span.output_tokens, Some(50));
    assert_eq!(span.cached_input_tokens, Some(80));
    assert_eq!(span.reasoning_tokens, Some(20));
    assert_eq!(span.cost, Some(Cost::from_pico_usd(2_000_000_000)));
    assert_eq!(span.usage_scope, UsageScope::Agent);
    assert_eq!(span.duration_ns, Some(1_500_000_000));
    assert_eq!(span.ended_at, Some(span.logged_at));
    assert_eq!(span.started_at, span.logged_at - 1_500_000_000);
    assert_eq!(span.prompt, "be kind");
    assert_eq!(span.reasoning, "hm");
    assert_eq!(span.finish_reason, "stop");
    assert_eq!((span.turn_index, span.intra_index), (0, 0));
    assert!(span.marks.is_empty());
    assert_eq!(span.attributes, "", "no attribute is foreign to the server");
}

#[test]
fn tools_grades_and_events_arrive() {
    let recording = Recording::start();
    let scope = recording.open_one();
    scope
        .log(
            ToolExecution::new("read_file")
                .with_call_id("call_1")
                .with_arguments(json!({"path": "/etc/hosts"}))
                .with_result("127.0.0.1")
                .with_error("denied")
                .with_requestor("agent"),
        )
        .unwrap();
    let criteria =
        [json!({"type": "test_pass", "passed": true, "score": 1.0, "weight": 2, "reason": "ok"})];
    scope
        .log(
            Grade::new(0.85)
                .with_grader_type("MyGrader")
                .with_criteria(&criteria)
                .with_passed_count(1_u64)
                .with_total_count(1_u64)
                .with_artifacts(&json!({"log": "x"}))
                .with_grader_version("3"),
        )
        .unwrap();
    scope
        .log(Event::new("done").with_details(&json!({"ms": 5})))
        .unwrap();
    assert!(recording.flush());

    let tool = &recording.sink.spans_of(ItemType::Tool)[0];
    assert_eq!(tool.span_name, "tool.read_file");
    assert_eq!(tool.input, Payload::Json(r#"{"path":"/etc/hosts"}"#.into()));
    assert_eq!(tool.output, Payload::Text("127.0.0.1".into()));
    assert_eq!(
        (tool.status, &*tool.error_message),
        (SpanStatus::Error, "denied")
    );
    assert_eq!(tool.requestor, "agent");
    let grade = &recording.sink.spans_of(ItemType::Grade)[0];
    assert_eq!(
        (&*grade.span_name, &*grade.span_kind),
        ("grader.MyGrader", "grader")
    );
    assert_eq!((grade.score, &*grade.grader_name), (Some(0.85), "MyGrader"));
    assert_eq!(grade.artifacts, r#"{"log":"x"}"#);
    let criterion = &recording.sink.spans_of(ItemType::Criterion)[0];
    assert_eq!(criterion.parent_span_id, Some(grade.span_id));
    assert_eq!(criterion.span_name, "grader.criterion");
    assert_eq!(
        (criterion.passed, criterion.score, criterion.weight),
        (Some(true), Some(1.0), Some(2.0))
    );
    assert_eq!(
        (&*criterion.name, &*criterion.reasoning),
        ("test_pass", "ok")
    );
    let event = &recording.sink.spans_of(ItemType::Event)[0];
    assert_eq!(
        (&*event.span_name, &*event.details),
        ("event.done", r#"{"ms":5}"#)
    );
}

#[test]
fn the_root_says_what_the_rollout_is_about_and_how_it_ended() {
    let recording = Recording::start();
    let scope = recording.open(
        Meta::new("d1", Phase::Train)
            .with_run_id("run_1")
            .with_step_number(7)
            .with_trace_id("trc_1")
            .with_sample_index(2)
            .with_env_name("env")
            .with_model_name("gpt")
            .with_grader_name("G")
            .with_policy_version("p")
            .with_user_id("u")
            .with_session_id("s"),
    );
    scope.add_metadata([("k".to_owned(), "[1,2]".to_owned())]);
    scope.add_tags(["a".to_owned(), "b".to_owned()]);
    scope
        .set_status("TRUNCATED", Some("too long".to_owned()))
        .unwrap();
    scope.leave(&Left::Normally);
    assert!(recording.flush());

    let roots = recording.sink.spans_of(ItemType::Rollout);
    let [root] = &roots[..] else {
        panic!("one root, not {}", roots.len())
    };
    assert_eq!(root.trace_id_text, "trc_1");
    assert_eq!(
        (&*root.phase, &*root.run_id, root.step_number),
        ("train", "run_1", Some(7))
    );
    assert_eq!((&*root.datapoint_id, root.sample_index), ("d1", Some(2)));
    assert_eq!(
        (&*root.env_name, &*root.model_name, &*root.grader_name),
        ("env", "gpt", "G")
    );
    assert_eq!(
        (&*root.policy_version, &*root.user_id, &*root.session_id),
        ("p", "u", "s")
    );
    assert_eq!(
        (&*root.rollout_status, root.rollout_status_explicit),
        ("TRUNCATED", true)
    );
    assert_eq!(root.error_message, "too long");
    assert_eq!(root.metadata, r#"{"k":[1,2]}"#);
    assert_eq!(root.tags, ["a", "b"]);
    assert!(root.ended_at.is_some());
    let first = recording
        .sink
        .received()
        .into_iter()
        .find(|span| span.span_id == root.span_id);
    assert_eq!(
        first.unwrap().ended_at,
        None,
        "it was known from its opening"
    );
}

#[test]
fn content_given_as_json_stays_json() {
    let recording = Recording::start();
    let scope = recording.open_one();
    let parts = json!([{"type": "text", "text": "x"}]);
    scope
        .log(Message::new("user", Content::from(parts)))
        .unwrap();
    assert!(recording.flush());
    let span = &recording.sink.spans_of(ItemType::Message)[0];
    assert_eq!(
        span.content,
        Payload::Json(r#"[{"type":"text","text":"x"}]"#.into())
    );
}

#[test]
fn long_texts_arrive_whole_and_where_they_belong() {
    let recording = Recording::start();
    let scope = recording.open_one();
    let content = "grüß ".repeat(20_000);
    let reasoning = "hm ".repeat(200_000);
    let message = Message::new("assistant", content.clone())
        .with_model("gpt-4o")
        .with_reasoning(reasoning.clone())
        .with_finish_reason("stop");
    for item in [
        Message::new("user", "before"),
        message,
        Message::new("user", "after"),
    ] {
        scope.log(item).unwrap();
    }
    assert!(recording.flush());
    let mut spans = recording.sink.spans_of(ItemType::Message);
    spans.sort_by_key(|span| span.sequence);
    let [before, long, after] = &spans[..] else {
        panic!("three messages, not {}", spans.len())
    };
    assert_eq!(before.content, Payload::Text("before".into()));
    assert_eq!(after.content, Payload::Text("after".into()));
    assert!(long.content == Payload::Text(content.into()));
    assert!(long.reasoning == reasoning);
    assert_eq!((&*long.model, &*long.finish_reason), ("gpt-4o", "stop"));
    assert_eq!(long.span_name, "message.assistant");
}
