//! What is written is what is read.

use std::borrow::Cow;

use caribou_clickhouse::{SpanBlock, SpanWindow, TraceKey};
use caribou_model::{Cost, ItemType, Payload, SpanRecord, SpanStatus, UsageScope};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::database::{insert, new_store, record};
use crate::fixture::{SECOND, START, grade, rollout, root, span, trace_id};

/// Everything that quoting, length prefixes and UTF-8 could trip over.
const ODD: &str = "a'b\"c\\d`e\0f\ng\tт航班🦌?{x}?fields";

#[tokio::test]
async fn every_field_of_a_span_comes_back() {
    let store = new_store().await;
    let at = START;
    let full = SpanRecord {
        duration_ns: Some(2_500_000),
        status: SpanStatus::Error,
        error_message: "broke".into(),
        error_type: "ValueError".into(),
        traceback: "line 1\nline 2".into(),
        marks: vec!["score_out_of_range", "ends_before_start"],
        role: "assistant".into(),
        content: Payload::Json(r#"[{"type":"text","text":"hi"}]"#.into()),
        reasoning: "hm".into(),
        tool_calls: r#"[{"id":"c1"}]"#.into(),
        call_id: "c1".into(),
        name: "f".into(),
        model: "m".into(),
        provider: "p".into(),
        input_tokens: Some(u64::MAX),
        output_tokens: Some(0),
        cached_input_tokens: Some(1),
        reasoning_tokens: Some(2),
        cost: Some(Cost::from_pico_usd(1_500_000_000_000)),
        usage_scope: UsageScope::Grader,
        finish_reason: "stop".into(),
        grader_name: "g".into(),
        prompt: "judge".into(),
        requestor: "user".into(),
        score: Some(0.25),
        passed: Some(false),
        weight: Some(0.1),
        criteria: "[1]".into(),
        passed_count: Some(1),
        total_count: Some(2),
        artifacts: r#"{"a":1}"#.into(),
        grader_version: "v2".into(),
        details: r#"{"d":null}"#.into(),
        attributes: r#"{"k":[1]}"#.into(),
        scope_version: "1.0".into(),
        span_events: "[]".into(),
        links: "[]".into(),
        ..span(1, 1, ItemType::Message)
    };
    record(&store, &[root(1, 0, "COMPLETED"), full]).await;
    let key = TraceKey::new("airline", trace_id(1));
    let page = store
        .list_spans(&key, &SpanWindow::Start, 10)
        .await
        .unwrap()
        .unwrap();
    let value = serde_json::to_value(&page.items[1]).unwrap();
    assert_eq!(
        value,
        json!({
            "span_id": "0000000000000002", "parent_span_id": "0000000000000001", "item_type": "message",
            "span_kind": "message", "span_name": "message", "turn_index": 0, "intra_index": 0, "sequence": 1,
            "logged_at": "2026-11-21T00:00:01.000000000Z", "started_at": "2026-11-21T00:00:01.000000000Z",
            "ended_at": "2026-11-21T00:00:01.000000000Z", "duration_ms": 2.5, "status": "error",
            "error_message": "broke", "error_type": "ValueError", "traceback": "line 1\nline 2",
            "marks": ["score_out_of_range", "ends_before_start"], "role": "assistant",
            "content": [{"type": "text", "text": "hi"}], "reasoning": "hm", "tool_calls": [{"id": "c1"}],
            "tool_call_id": "c1", "name": "f", "model": "m", "provider": "p", "input_tokens": u64::MAX,
            "output_tokens": 0, "cached_input_tokens": 1, "reasoning_tokens": 2, "cost_usd": 1.5,
            "finish_reason": "stop", "grader_name": "g", "prompt": "judge", "requestor": "user", "score": 0.25,
            "passed": false, "weight": 0.1, "criteria": [1], "passed_count": 1, "total_count": 2,
            "artifacts": {"a": 1}, "grader_version": "v2", "details": {"d": null}, "attributes": {"k": [1]},
            "scope_name": "caribou", "span_events": [], "links": []
        })
    );
    assert_eq!(
        page.items[0].fields.rollout_status.as_deref(),
        Some("COMPLETED")
    );
    assert_eq!(at, START);
}

#[tokio::test]
async fn odd_text_in_ids_names_and_content_is_kept() {
    let store = new_store().await;
    let mut spans = rollout(1);
    for span in &mut spans {
        span.project = ODD.into();
        span.name = ODD.into();
    }
    spans[0].run_id = ODD.into();
    spans[0].trace_id_text = ODD.into();
    spans[0].tags = vec![ODD.into(), "plain".into()];
    spans[0].metadata = json!({ODD: ODD}).to_string().into();
    spans[2].content = Payload::Text(ODD.into());
    record(&store, &spans).await;
    let key = TraceKey::new(ODD, trace_id(1));
    let trace = store.find_trace(&key).await.unwrap().unwrap();
    assert_eq!(trace.summary.project, ODD);
    assert_eq!(trace.summary.run_id.as_deref(), Some(ODD));
    assert_eq!(trace.summary.trace_id_text.as_deref(), Some(ODD));
    assert_eq!(trace.summary.first_message.as_deref(), Some(ODD));
    assert_eq!(trace.summary.tags, [ODD, "plain"]);
    assert_eq!(trace.metadata[ODD], ODD);
    let page = store
        .list_spans(&key, &SpanWindow::Start, 10)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.items[2].fields.content, Some(ODD.into()));
    let matches = store.search_spans(&key, ODD, 10).await.unwrap();
    assert_eq!(matches.items.len(), 1);
}

#[tokio::test]
async fn blocks_of_several_requests_share_one_insert() {
    let store = new_store().await;
    let blocks: Vec<SpanBlock> = (0..5)
        .map(|trace| SpanBlock::encode(&rollout(trace)))
        .collect();
    store.insert_blocks(&blocks).await.unwrap();
    store.insert_blocks(&[]).await.unwrap();
    store
        .insert_blocks(&[SpanBlock::encode(&[])])
        .await
        .unwrap();
    for trace in 0..5 {
        let key = TraceKey::new("airline", trace_id(trace));
        let page = store
            .list_spans(&key, &SpanWindow::Start, 10)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(page.total, 7);
    }
}

#[tokio::test]
async fn an_item_of_48_mib_is_stored_whole() {
    let store = new_store().await;
    let text = "x".repeat(48 << 20);
    let mut spans = rollout(1);
    spans[2].content = Payload::Text(Cow::Borrowed(&text));
    record(&store, &spans).await;
    let key = TraceKey::new("airline", trace_id(1));
    let page = store
        .list_spans(&key, &SpanWindow::Offset(2), 10)
        .await
        .unwrap()
        .unwrap();
    let content = page.items[0]
        .fields
        .content
        .as_ref()
        .and_then(|content| content.as_str());
    assert_eq!(content.map(str::len), Some(text.len()));
}

#[tokio::test]
async fn blocks_with_few_and_with_many_distinct_values_are_read_the_same() {
    let store = new_store().await;
    // More than 256 and more than 65,536 values widen the indexes of a dictionary.
    for (trace, count) in [(1_u64, 3_u64), (2, 300), (3, 70_000)] {
        let spans: Vec<SpanRecord<'_>> = (0..count)
            .map(|number| SpanRecord {
                span_name: format!("name {number}").into(),
                parent_span_id: None,
                ..span(trace, number, ItemType::Otel)
            })
            .collect();
        insert(&store, &spans).await;
        let key = TraceKey::new("airline", trace_id(trace));
        let window = SpanWindow::Offset(count - 1);
        let page = store.list_spans(&key, &window, 10).await.unwrap().unwrap();
        assert_eq!(page.total, count);
        assert_eq!(page.items[0].span_name, format!("name {}", count - 1));
    }
}

#[tokio::test]
async fn scores_that_are_no_numbers_are_null() {
    let store = new_store().await;
    record(
        &store,
        &[root(1, 0, "COMPLETED"), grade(1, 1, "g", f64::INFINITY)],
    )
    .await;
    let key = TraceKey::new("airline", trace_id(1));
    let trace = store.find_trace(&key).await.unwrap().unwrap();
    assert_eq!(trace.summary.score, None);
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        any::<String>(),
        "[a-z]{0,300}",
        Just(ODD.to_owned())
    ]
}

#[tokio::test]
async fn any_text_and_number_survives_the_trip() {
    let store = new_store().await;
    let mut runner = TestRunner::deterministic();
    let strategy = prop::collection::vec(
        (
            any_text(),
            any_text(),
            any::<Option<u64>>(),
            any::<i32>(),
            any::<bool>(),
        ),
        1..60,
    );
    for trace in 0..20 {
        let values = strategy.new_tree(&mut runner).unwrap().current();
        let spans: Vec<SpanRecord<'_>> = values
            .iter()
            .zip(0..)
            .map(|((text, name, tokens, turn, ok), number)| SpanRecord {
                content: Payload::Text(text.into()),
                name: name.into(),
                model: text.into(),
                input_tokens: *tokens,
                turn_index: *turn,
                passed: ok.then_some(true),
                logged_at: START + number * SECOND,
                ..span(trace, u64::try_from(number).unwrap(), ItemType::Message)
            })
            .collect();
        insert(&store, &spans).await;
        let key = TraceKey::new("airline", trace_id(trace));
        let page = store
            .list_spans(&key, &SpanWindow::Start, 100)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(page.items.len(), values.len());
        for (item, (text, name, tokens, turn, ok)) in page.items.iter().zip(&values) {
            assert_eq!(item.fields.content, Some(text.clone().into()));
            assert_eq!(item.fields.name.clone().unwrap_or_default(), *name);
            assert_eq!(item.fields.model.clone().unwrap_or_default(), *text);
            assert_eq!(item.fields.input_tokens, *tokens);
            assert_eq!(item.turn_index, *turn);
            assert_eq!(item.fields.passed, ok.then_some(true));
        }
    }
}
