//! The rules of a summary.

use caribou_clickhouse::{Store, TraceFilter, TraceKey};
use caribou_model::api::TraceSummary;
use caribou_model::{Cost, ItemType, Payload, SpanRecord, SpanStatus, UsageScope};

use crate::database::{execute, insert, new_database, new_store, record};
use crate::fixture::{SECOND, grade, message, rollout, root, span, span_id, tool, trace_id};

async fn summary(store: &Store, trace: u64) -> TraceSummary {
    let key = TraceKey::new("airline", trace_id(trace));
    store.find_trace(&key).await.unwrap().unwrap().summary
}

async fn recorded(spans: &[SpanRecord<'_>]) -> TraceSummary {
    let store = new_store().await;
    record(&store, spans).await;
    summary(&store, 1).await
}

#[tokio::test]
async fn a_rollout_is_summed_up() {
    let summary = recorded(&rollout(1)).await;
    assert_eq!(summary.status, "COMPLETED");
    assert_eq!(summary.state, "ended");
    assert_eq!(summary.name.as_deref(), Some("rollout"));
    assert_eq!(
        summary.first_message.as_deref(),
        Some("Cancel my flight to Denver, please.")
    );
    assert_eq!(summary.phase.as_deref(), Some("train"));
    assert_eq!(summary.run_id.as_deref(), Some("run-1"));
    assert_eq!(summary.step_number, Some(3));
    assert_eq!(summary.datapoint_id.as_deref(), Some("task-7"));
    assert_eq!(summary.env_name.as_deref(), Some("airline-env"));
    assert_eq!(summary.model_name.as_deref(), Some("gpt-4o"));
    assert_eq!(summary.models, ["gpt-4o"]);
    assert_eq!(summary.score, Some(0.5));
    assert_eq!(summary.turn_count, 3);
    assert_eq!(summary.span_count, 7);
    assert_eq!(summary.error_count, 0);
    assert_eq!((summary.input_tokens, summary.output_tokens), (200, 20));
    assert_eq!(summary.cost_usd, Some(0.002));
    assert_eq!(summary.grader_cost_usd, None);
    assert_eq!(summary.started_at, "2026-11-21T00:00:00.000000000Z");
    assert_eq!(
        summary.ended_at.as_deref(),
        Some("2026-11-21T00:01:00.000000000Z")
    );
    assert!((summary.duration_ms - 60_000.0).abs() < 1e-6);
}

#[tokio::test]
async fn graders_are_summed_apart() {
    let mut judge = message(1, 8, "assistant", "fair");
    judge.usage_scope = UsageScope::Grader;
    judge.grader_name = "exact".into();
    judge.model = "judge-model".into();
    let mut spans = rollout(1);
    spans.push(judge);
    let summary = recorded(&spans).await;
    assert_eq!(
        (summary.input_tokens, summary.grader_input_tokens),
        (200, 100)
    );
    assert_eq!(summary.grader_output_tokens, 10);
    assert_eq!(summary.grader_cost_usd, Some(0.001));
    assert_eq!(summary.model_name.as_deref(), Some("gpt-4o"));
    assert_eq!(summary.models, ["gpt-4o", "judge-model"]);
}

#[tokio::test]
async fn segments_are_merged() {
    let mut first = root(1, 0, "COMPLETED");
    first.tags = vec!["a".into(), "b".into()];
    first.metadata = r#"{"tries":1,"who":"x"}"#.into();
    first.env_name = "first-env".into();
    first.user_id = "ada".into();
    let mut second = root(1, 100, "");
    second.rollout_status = "COMPLETED".into();
    second.rollout_status_explicit = false;
    second.tags = vec!["c".into(), "b".into()];
    second.metadata = r#"{"tries":2}"#.into();
    second.env_name = "second-env".into();
    second.step_number = None;
    let store = new_store().await;
    record(
        &store,
        &[second, message(1, 101, "assistant", "again"), first],
    )
    .await;
    let key = TraceKey::new("airline", trace_id(1));
    let trace = store.find_trace(&key).await.unwrap().unwrap();
    let summary = &trace.summary;
    assert_eq!(summary.started_at, "2026-11-21T00:00:00.000000000Z");
    assert_eq!(
        summary.ended_at.as_deref(),
        Some("2026-11-21T00:02:40.000000000Z")
    );
    assert!((summary.duration_ms - 120_000.0).abs() < 1e-6);
    assert_eq!(summary.env_name.as_deref(), Some("second-env"));
    assert_eq!(summary.step_number, Some(3));
    assert_eq!(summary.user_id.as_deref(), Some("ada"));
    assert_eq!(summary.tags, ["a", "b", "c"]);
    assert_eq!(
        serde_json::to_string(&trace.metadata).unwrap(),
        r#"{"tries":2,"who":"x"}"#
    );
    assert_eq!(trace.segments.len(), 2);
    assert_eq!(trace.segments[0].span_id, span_id(1).to_string());
    assert_eq!(trace.segments[1].status.as_deref(), Some("COMPLETED"));
}

/// What a segment whose root started at second `number` said: role (or `tool`) and turn, one after another.
fn segment(number: u64, said: &[(&'static str, i32)]) -> Vec<SpanRecord<'static>> {
    let mut spans = vec![root(1, number, "COMPLETED")];
    for (&(role, turn), at) in said.iter().zip(number + 1..) {
        let mut item = match role {
            "tool" => tool(1, at, ""),
            role => message(1, at, role, "text"),
        };
        item.parent_span_id = Some(span_id(number + 1));
        item.turn_index = turn;
        spans.push(item);
    }
    spans
}

#[tokio::test]
async fn turns_of_a_process_that_starts_again_are_counted_on() {
    let talk = [
        ("user", 0),
        ("assistant", 0),
        ("tool", 0),
        ("user", 1),
        ("assistant", 1),
    ];
    let mut again = segment(0, &talk);
    again.extend(segment(100, &talk));
    again.extend(segment(200, &[("user", 0), ("assistant", 0)]));
    assert_eq!(recorded(&again).await.turn_count, 5);
}

#[tokio::test]
async fn turns_within_groups_belong_to_the_segment_of_the_group() {
    let talk = [("user", 0), ("assistant", 0), ("user", 1)];
    let mut spans = segment(0, &talk);
    let mut second = segment(100, &talk);
    for (number, parent) in [(90, 100), (91, 90)] {
        let mut group = span(1, number, ItemType::Group);
        group.parent_span_id = Some(span_id(parent + 1));
        second.push(group);
    }
    for item in &mut second[1..=3] {
        item.parent_span_id = Some(span_id(92));
    }
    spans.extend(second);
    assert_eq!(recorded(&spans).await.turn_count, 4);
}

#[tokio::test]
async fn many_segments_are_counted_without_much_memory() {
    let talk: Vec<(&'static str, i32)> = (0..15)
        .flat_map(|turn| [("user", turn), ("assistant", turn)])
        .collect();
    let spans: Vec<SpanRecord<'_>> = (0..150)
        .flat_map(|number| segment(number * 100, &talk))
        .collect();
    assert_eq!(recorded(&spans).await.turn_count, 150 * 15);
}

#[tokio::test]
async fn turns_of_one_process_go_on_from_segment_to_segment() {
    let mut spans = segment(0, &[("user", 0), ("assistant", 0)]);
    spans.extend(segment(100, &[("user", 1), ("assistant", 1), ("user", 2)]));
    // Not answered yet: the turn goes on in the next segment.
    spans.extend(segment(
        200,
        &[("assistant", 2), ("tool", 2), ("assistant", 3)],
    ));
    assert_eq!(recorded(&spans).await.turn_count, 4);
}

#[tokio::test]
async fn segments_that_take_turns_are_counted_as_the_page_numbers_them() {
    let mut spans = segment(0, &[("user", 0), ("assistant", 0)]);
    spans.extend(segment(100, &[("user", 0), ("assistant", 0)]));
    // The first goes on where it was, in a turn of its own.
    let mut later = segment(200, &[("user", 1), ("assistant", 1)]);
    later.remove(0);
    for item in &mut later {
        item.parent_span_id = Some(span_id(1));
    }
    spans.extend(later);
    let mut judge = message(1, 300, "assistant", "fair");
    judge.grader_name = "exact".into();
    judge.turn_index = 9;
    spans.push(judge);
    assert_eq!(recorded(&spans).await.turn_count, 3);
}

/// The status of a rollout whose segments left these, in order: status and whether somebody set it.
async fn status_of(
    store: &Store,
    trace: u64,
    segments: &[(&'static str, bool)],
) -> (String, Option<String>) {
    let spans: Vec<SpanRecord<'_>> = segments
        .iter()
        .zip(0..)
        .map(|(&(status, explicit), number)| {
            let mut segment = root(trace, number * 100, status);
            segment.rollout_status_explicit = explicit;
            segment
        })
        .collect();
    record(store, &spans).await;
    let summary = summary(store, trace).await;
    (summary.status, summary.status_text)
}

#[tokio::test]
async fn statuses_of_segments_become_one() {
    let store = new_store().await;
    let cases: [(&[(&'static str, bool)], &str); 9] = [
        // What somebody set wins over a normal end; the latest set wins.
        (&[("TRUNCATED", true), ("COMPLETED", false)], "TRUNCATED"),
        (&[("COMPLETED", false), ("TRUNCATED", true)], "TRUNCATED"),
        (&[("TOOL_ERROR", true), ("COMPLETED", true)], "COMPLETED"),
        // A failure that nobody set wins over a normal end, whichever came first.
        (&[("ERROR", false), ("COMPLETED", false)], "ERROR"),
        (&[("COMPLETED", false), ("ABORTED", false)], "ABORTED"),
        // A later failure wins over a set COMPLETED, an earlier one does not.
        (&[("COMPLETED", true), ("ERROR", false)], "ERROR"),
        (&[("ERROR", false), ("COMPLETED", true)], "COMPLETED"),
        (&[("STEP_ERROR", true), ("ABORTED", false)], "STEP_ERROR"),
        (&[("", false)], "PENDING"),
    ];
    for (trace, (segments, expected)) in (1..).zip(cases) {
        let (status, _) = status_of(&store, trace, segments).await;
        assert_eq!(status, expected, "{segments:?}");
    }
    let (status, text) = status_of(&store, 50, &[("done", true)]).await;
    assert_eq!((&*status, text.as_deref()), ("PENDING", Some("done")));
}

#[tokio::test]
async fn the_score_is_the_latest_grade_of_the_rollouts_grader() {
    let store = new_store().await;
    let scores = |trace, grader: &'static str| {
        let mut segment = root(trace, 0, "COMPLETED");
        segment.grader_name = grader.into();
        vec![
            segment,
            grade(trace, 1, "exact", 0.1),
            grade(trace, 2, "exact", 0.2),
            grade(trace, 3, "other", 0.3),
        ]
    };
    record(&store, &scores(1, "exact")).await;
    record(&store, &scores(2, "")).await;
    record(&store, &scores(3, "missing")).await;
    let mut unknown = scores(4, "");
    unknown.push(grade(4, 4, "other", f64::NAN));
    record(&store, &unknown).await;
    let mut found = Vec::new();
    for trace in 1..=4 {
        found.push(summary(&store, trace).await.score);
    }
    assert_eq!(found, [Some(0.2), Some(0.3), Some(0.3), None]);
}

#[tokio::test]
async fn a_running_rollout_has_no_end_and_is_heard_of() {
    let mut open = root(1, 0, "");
    open.ended_at = None;
    open.revision -= 30 * 1_000_000_000;
    let store = new_store().await;
    record(&store, &[open, message(1, 5, "user", "hi")]).await;
    let running = summary(&store, 1).await;
    assert_eq!((&*running.status, &*running.state), ("PENDING", "running"));
    assert_eq!(running.ended_at, None);
    assert!(
        (running.duration_ms - 30_000.0).abs() < 1e-6,
        "{}",
        running.duration_ms
    );
    record(&store, &[root(1, 0, "COMPLETED")]).await;
    let ended = summary(&store, 1).await;
    assert_eq!((&*ended.status, &*ended.state), ("COMPLETED", "ended"));
    assert_eq!(ended.span_count, 2);
}

fn foreign(trace: u64, number: u64, item_type: ItemType) -> SpanRecord<'static> {
    SpanRecord {
        span_name: format!("span {number}").into(),
        ..span(trace, number, item_type)
    }
}

#[tokio::test]
async fn foreign_traces_are_told_from_their_parentless_span() {
    let store = new_store().await;
    let mut agent = foreign(1, 0, ItemType::Agent);
    agent.span_name = "invoke_agent".into();
    agent.ended_at = Some(agent.started_at + 9 * SECOND);
    agent.input_tokens = Some(999);
    agent.session_id = "s-1".into();
    let mut call = foreign(1, 1, ItemType::ModelCall);
    call.model = "claude".into();
    call.usage_scope = UsageScope::Agent;
    call.input_tokens = Some(7);
    call.input = Payload::Json(r#"[{"role":"user","content":"Where is my bag?"}]"#.into());
    record(&store, &[call.clone()]).await;
    let early = summary(&store, 1).await;
    assert_eq!((&*early.status, &*early.state), ("PENDING", "running"));
    record(&store, &[agent, call]).await;
    let ended = summary(&store, 1).await;
    assert_eq!((&*ended.status, &*ended.state), ("COMPLETED", "ended"));
    assert_eq!(ended.name.as_deref(), Some("invoke_agent"));
    assert_eq!(ended.first_message.as_deref(), Some("Where is my bag?"));
    assert_eq!(ended.turn_count, 1);
    assert_eq!(ended.input_tokens, 7);
    assert_eq!(ended.session_id.as_deref(), Some("s-1"));
    assert_eq!(ended.model_name.as_deref(), Some("claude"));
    assert!((ended.duration_ms - 9_000.0).abs() < 1e-6);

    let mut failed = foreign(2, 0, ItemType::Otel);
    failed.status = SpanStatus::Error;
    failed.error_message = "no route".into();
    record(&store, &[failed]).await;
    let failed = summary(&store, 2).await;
    assert_eq!(
        (&*failed.status, failed.error_message.as_deref()),
        ("ERROR", Some("no route"))
    );
}

#[tokio::test]
async fn errors_of_spans_are_counted_and_do_not_fail_the_rollout() {
    let mut spans = rollout(1);
    spans.push(tool(1, 9, "time out"));
    let summary = recorded(&spans).await;
    assert_eq!((&*summary.status, summary.error_count), ("COMPLETED", 1));
    assert_eq!(summary.error_message, None);
}

#[tokio::test]
async fn anything_sent_again_in_another_grouping_counts_once() {
    let store = new_store().await;
    let spans = rollout(1);
    record(&store, &spans).await;
    record(&store, &spans[2..5]).await;
    let mut regrouped = spans.clone();
    regrouped.reverse();
    regrouped.extend(spans.clone());
    record(&store, &regrouped).await;
    // An older revision that comes late changes nothing.
    let mut old = spans[3].clone();
    old.revision -= 1;
    old.input_tokens = Some(5_000);
    record(&store, &[old]).await;
    let summary = summary(&store, 1).await;
    assert_eq!((summary.span_count, summary.input_tokens), (7, 200));
    assert_eq!(
        summary.cost_usd,
        Cost::from_pico_usd(2_000_000_000).usd().into()
    );
}

#[tokio::test]
async fn a_summary_that_knew_less_loses_whenever_it_is_written() {
    let (store, client) = new_database().await;
    let spans = rollout(1);
    insert(&store, &spans[..3]).await;
    let key = TraceKey::new("airline", trace_id(1));
    store
        .recompute_traces(std::slice::from_ref(&key))
        .await
        .unwrap();
    execute(
        &client,
        "CREATE TABLE early ENGINE = Memory AS SELECT * FROM traces",
    )
    .await;
    insert(&store, &spans[3..]).await;
    store
        .recompute_traces(std::slice::from_ref(&key))
        .await
        .unwrap();
    // A Kestrel that read early and was slow to write.
    execute(&client, "INSERT INTO traces SELECT * FROM early").await;
    assert_eq!(summary(&store, 1).await.span_count, 7);
    execute(&client, "OPTIMIZE TABLE traces FINAL").await;
    assert_eq!(summary(&store, 1).await.span_count, 7);
    assert_eq!(
        store.count_traces(&TraceFilter::default()).await.unwrap(),
        1
    );
}

#[tokio::test]
async fn repair_finds_exactly_what_a_crash_left_behind() {
    let store = new_store().await;
    record(&store, &rollout(1)).await;
    insert(&store, &rollout(2)).await;
    record(&store, &rollout(3)[..4]).await;
    insert(&store, &rollout(3)[4..]).await;
    assert_eq!(store.repair_traces().await.unwrap(), 2);
    assert_eq!(summary(&store, 2).await.span_count, 7);
    assert_eq!(summary(&store, 3).await.span_count, 7);
    assert_eq!(store.repair_traces().await.unwrap(), 0);
    // A revision of a known span is a gap as well.
    let mut revised = rollout(1)[6].clone();
    revised.revision += 1;
    revised.score = Some(0.9);
    insert(&store, &[revised]).await;
    assert_eq!(store.repair_traces().await.unwrap(), 1);
    assert_eq!(summary(&store, 1).await.score, Some(0.9));
}

#[tokio::test]
async fn a_repair_while_the_clock_was_ahead_hides_no_later_gap() {
    let (store, client) = new_database().await;
    execute(
        &client,
        "INSERT INTO repairs VALUES ('summaries', now64(6) + INTERVAL 1 DAY)",
    )
    .await;
    insert(&store, &rollout(1)).await;
    assert_eq!(store.repair_traces().await.unwrap(), 1);
    insert(&store, &rollout(2)).await;
    assert_eq!(store.repair_traces().await.unwrap(), 1);
    let future = "SELECT count() FROM repairs FINAL WHERE complete_until > now64(6)";
    let future: u64 = client.query(future).fetch_one().await.unwrap();
    assert_eq!(future, 0, "not everything is compared every time");
}

#[tokio::test]
async fn a_rollout_that_fell_silent_is_lost_and_a_foreign_trace_has_ended() {
    let (store, client) = new_database().await;
    let mut open = root(1, 0, "");
    open.ended_at = None;
    let call = foreign(2, 1, ItemType::ModelCall);
    insert(&store, &[open, call]).await;
    execute(
        &client,
        "INSERT INTO spans SELECT * REPLACE (inserted_at - INTERVAL 10 MINUTE AS inserted_at, 'late' AS project) FROM spans",
    )
    .await;
    assert_eq!(store.repair_traces().await.unwrap(), 4);
    let mut states = Vec::new();
    for (project, trace) in [("airline", 1), ("late", 1), ("late", 2)] {
        let key = TraceKey::new(project, trace_id(trace));
        let trace = store.find_trace(&key).await.unwrap().unwrap();
        states.push(trace.summary.state);
    }
    assert_eq!(states, ["running", "lost", "ended"]);
}

#[tokio::test]
async fn times_at_the_ends_of_time_are_summed_up() {
    let store = new_store().await;
    let mut segment = root(1, 0, "COMPLETED");
    segment.started_at = i64::MIN;
    segment.ended_at = Some(i64::MAX);
    segment.logged_at = i64::MAX;
    segment.revision = u64::MAX;
    let mut ancient = foreign(2, 0, ItemType::Otel);
    ancient.started_at = 0;
    ancient.ended_at = Some(-1);
    ancient.revision = 0;
    record(&store, &[segment, ancient]).await;
    assert_eq!(summary(&store, 1).await.span_count, 1);
    let ancient = summary(&store, 2).await;
    assert!(ancient.duration_ms.abs() < 1e-9);
    assert_eq!(ancient.started_at, "1970-01-01T00:00:00.000000000Z");
    assert_eq!(store.repair_traces().await.unwrap(), 0);
}
