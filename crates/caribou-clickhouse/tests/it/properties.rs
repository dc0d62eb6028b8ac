//! Any order, grouping and repetition of the same spans gives the same summary.

use caribou_clickhouse::TraceKey;
use caribou_model::SpanRecord;
use caribou_model::api::TraceSummary;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::database::{insert, new_store};
use crate::fixture::{grade, message, rollout, root, tool, trace_id};

/// Two segments with a grade each, and older revisions of some of their spans.
fn revisions(trace: u64) -> Vec<SpanRecord<'static>> {
    let mut spans = rollout(trace);
    spans.push(root(trace, 200, "TRUNCATED"));
    spans.push(message(trace, 201, "assistant", "more"));
    spans.push(tool(trace, 202, "gone"));
    spans.push(grade(trace, 203, "exact", 0.75));
    let mut older = Vec::new();
    for (span, age) in spans.iter().zip([1_u64, 3, 2, 0, 1, 0, 2, 3]) {
        for revision in 0..age {
            let mut old = span.clone();
            old.revision -= 1 + revision;
            old.ended_at = None;
            old.score = None;
            old.input_tokens = Some(1000 + revision);
            old.rollout_status = "".into();
            older.push(old);
        }
    }
    spans.extend(older);
    spans
}

fn comparable(mut summary: TraceSummary) -> TraceSummary {
    summary.trace_id = String::new();
    summary.last_seen_at = String::new();
    summary
}

#[tokio::test]
async fn any_order_grouping_and_repetition_gives_the_same_summary() {
    let store = new_store().await;
    let mut runner = TestRunner::deterministic();
    let deliveries = prop::collection::vec(prop::collection::vec(any::<Index>(), 1..12), 1..6);
    let mut summaries = Vec::new();
    for trace in 0..12 {
        let all = revisions(trace);
        let key = TraceKey::new("airline", trace_id(trace));
        let shuffled = Just(all.clone())
            .prop_shuffle()
            .new_tree(&mut runner)
            .unwrap()
            .current();
        for delivery in deliveries.new_tree(&mut runner).unwrap().current() {
            let spans: Vec<SpanRecord<'_>> = delivery
                .iter()
                .map(|index| index.get(&all).clone())
                .collect();
            insert(&store, &spans).await;
            if spans.len().is_multiple_of(2) {
                store
                    .recompute_traces(std::slice::from_ref(&key))
                    .await
                    .unwrap();
            }
        }
        for chunk in shuffled.chunks(1 + usize::try_from(trace).unwrap() * 2) {
            insert(&store, chunk).await;
        }
        let key = std::slice::from_ref(&key);
        let both = tokio::join!(store.recompute_traces(key), store.recompute_traces(key));
        both.0.unwrap();
        both.1.unwrap();
        summaries.push(comparable(
            store.find_trace(&key[0]).await.unwrap().unwrap().summary,
        ));
    }
    for summary in &summaries {
        assert_eq!(summary, &summaries[0]);
    }
    assert_eq!(summaries[0].span_count, 11);
    assert_eq!(summaries[0].score, Some(0.75));
    assert_eq!(summaries[0].status, "TRUNCATED");
}
