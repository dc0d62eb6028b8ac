//! Anything can be sent any number of times, in any order and grouping, and counts once.

use serde_json::Value;
use test_support::otlp::TestSpan;

use crate::support::{new_trace, send, server, stored_spans, summed_up};

fn rollout(trace: u64) -> Vec<TestSpan> {
    (0..60)
        .map(|span| {
            let role = if span % 2 == 0 { "user" } else { "assistant" };
            TestSpan::message(trace, span, role, &format!("message {span}"))
                .with("caribou.input_tokens", 10)
                .with("caribou.output_tokens", 3)
        })
        .collect()
}

fn sums(trace: &Value) -> [&Value; 3] {
    [
        &trace["span_count"],
        &trace["input_tokens"],
        &trace["output_tokens"],
    ]
}

#[test]
fn spans_sent_twice_regrouped_and_out_of_order_count_once() {
    let server = server();
    let spans = rollout(new_trace());
    let id = spans[0].trace_hex();
    send(server, "identity", &spans);
    let first = summed_up(server, &id, 60);
    for group in spans.chunks(7).rev() {
        send(server, "identity", group);
    }
    let backwards: Vec<_> = spans.iter().rev().cloned().collect();
    send(server, "identity", &backwards);
    let mut doubled = spans.clone();
    doubled.extend(spans.iter().cloned());
    send(server, "identity", &doubled);
    // A further span shows that the summary has been computed after all of that.
    send(
        server,
        "identity",
        &[TestSpan::message(0, 60, "user", "last")],
    );
    let mut marker = TestSpan::message(0, 60, "user", "last");
    marker.trace_id.clone_from(&spans[0].trace_id);
    send(server, "identity", &[marker]);
    let last = summed_up(server, &id, 61);
    assert_eq!(sums(&first), [60, 600, 180]);
    assert_eq!(sums(&last), [61, 600, 180]);
    let stored = stored_spans(server, &id);
    let contents: Vec<_> = stored
        .iter()
        .map(|span| span["content"].as_str().unwrap())
        .collect();
    let expected: Vec<_> = (0..60)
        .map(|span| format!("message {span}"))
        .chain(["last".to_owned()])
        .collect();
    assert_eq!(contents, expected);
}

#[test]
fn the_higher_revision_wins_whichever_arrives_first() {
    let server = server();
    for newer_first in [true, false] {
        let trace = new_trace();
        let revision = |content: &str, revision: i64| {
            let mut span = TestSpan::message(trace, 0, "assistant", content);
            span.attributes.retain(|(key, _)| key != "caribou.revision");
            span.with("caribou.revision", revision)
                .with("caribou.output_tokens", revision)
        };
        let (older, newer) = (revision("partial", 1), revision("whole", 2));
        let order = if newer_first {
            [&newer, &older]
        } else {
            [&older, &newer]
        };
        for span in order {
            send(server, "revisions", std::slice::from_ref(span));
        }
        let id = older.trace_hex();
        let stored = stored_spans(server, &id);
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0]["content"], "whole", "newer first: {newer_first}");
        server.wait_for_json(&format!("/api/v1/traces/{id}"), |trace| {
            trace["output_tokens"] == 2 && trace["span_count"] == 1
        });
    }
}

#[test]
fn a_child_may_arrive_before_its_parent() {
    let server = server();
    let trace = new_trace();
    let parent = TestSpan::new(trace, 0).named("parent");
    let mut child = TestSpan::new(trace, 1).named("child");
    child.parent_span_id.clone_from(&parent.span_id);
    send(server, "orphans", std::slice::from_ref(&child));
    assert_eq!(stored_spans(server, &child.trace_hex()).len(), 1);
    send(server, "orphans", std::slice::from_ref(&parent));
    let stored = stored_spans(server, &child.trace_hex());
    let names: Vec<_> = stored.iter().map(|span| &span["span_name"]).collect();
    assert_eq!(names, ["parent", "child"]);
    assert_eq!(stored[1]["parent_span_id"], parent.span_hex());
}
