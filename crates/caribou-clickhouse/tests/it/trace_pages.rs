//! Windows and outline of one trace.

use caribou_clickhouse::{SpanWindow, Store, StoreError, TraceFilter, TraceKey};
use caribou_model::api::SpanPage;
use caribou_model::{ItemType, Payload, SpanRecord, TraceId};

use crate::database::{insert, new_store, record};
use crate::fixture::{message, rollout, root, span, span_id, tool, trace_id};

const SPANS: u64 = 57;

/// A trace whose spans arrived in reverse, each twice.
async fn long_trace() -> (Store, TraceKey) {
    let store = new_store().await;
    let spans: Vec<SpanRecord<'_>> = (0..SPANS)
        .rev()
        .map(|number| span(1, number, ItemType::Event))
        .collect();
    insert(&store, &spans).await;
    insert(&store, &spans[10..40]).await;
    (store, TraceKey::new("airline", trace_id(1)))
}

async fn window(store: &Store, key: &TraceKey, window: SpanWindow, limit: u32) -> SpanPage {
    store
        .list_spans(key, &window, limit)
        .await
        .unwrap()
        .unwrap()
}

fn sequences(page: &SpanPage) -> Vec<u64> {
    page.items.iter().map(|span| span.sequence).collect()
}

#[tokio::test]
async fn windows_follow_each_other_in_both_directions() {
    let (store, key) = long_trace().await;
    let mut forward = Vec::new();
    let mut next = SpanWindow::Start;
    let last = loop {
        let page = window(&store, &key, next, 10).await;
        assert_eq!(page.total, SPANS);
        assert_eq!(page.offset, forward.len() as u64);
        forward.extend(sequences(&page));
        match page.next_cursor.clone() {
            Some(cursor) => next = SpanWindow::Cursor(cursor),
            None => break page,
        }
    };
    assert_eq!(forward, (0..SPANS).collect::<Vec<_>>());
    let mut backward = sequences(&last);
    let mut previous = last.previous_cursor;
    while let Some(cursor) = previous {
        let page = window(&store, &key, SpanWindow::Cursor(cursor), 10).await;
        backward = [sequences(&page), backward].concat();
        previous = page.previous_cursor;
    }
    assert_eq!(backward, forward);
}

#[tokio::test]
async fn windows_can_begin_anywhere() {
    let (store, key) = long_trace().await;
    let around = |number: u64| SpanWindow::Around(span_id(number + 1));
    assert_eq!(
        sequences(&window(&store, &key, around(30), 5).await),
        [28, 29, 30, 31, 32]
    );
    assert_eq!(
        sequences(&window(&store, &key, around(0), 3).await),
        [0, 1, 2]
    );
    assert_eq!(
        sequences(&window(&store, &key, around(56), 3).await),
        [54, 55, 56]
    );
    assert_eq!(
        sequences(&window(&store, &key, SpanWindow::End, 2).await),
        [55, 56]
    );
    assert_eq!(
        sequences(&window(&store, &key, SpanWindow::Offset(50), 3).await),
        [50, 51, 52]
    );
    let beyond = window(&store, &key, SpanWindow::Offset(100), 3).await;
    assert_eq!((beyond.items.len(), beyond.total), (0, SPANS));
    let unknown = SpanWindow::Around(span_id(999));
    assert_eq!(store.list_spans(&key, &unknown, 3).await.unwrap(), None);
    let elsewhere = TraceKey::new("airline", trace_id(2));
    assert_eq!(
        store
            .list_spans(&elsewhere, &SpanWindow::Start, 3)
            .await
            .unwrap(),
        None
    );
    let wrong = SpanWindow::Cursor("x".into());
    assert!(matches!(
        store.list_spans(&key, &wrong, 3).await,
        Err(StoreError::InvalidQuery(_))
    ));
}

#[tokio::test]
async fn the_newest_revision_is_shown_whatever_arrives_first() {
    let store = new_store().await;
    let old = root(1, 0, "PENDING");
    let mut new = root(1, 0, "COMPLETED");
    new.revision += 5;
    new.span_name = "renamed".into();
    insert(&store, &[new]).await;
    insert(&store, &[old]).await;
    let key = TraceKey::new("airline", trace_id(1));
    let page = window(&store, &key, SpanWindow::Start, 10).await;
    assert_eq!(page.total, 1);
    assert_eq!(page.items[0].span_name, "renamed");
}

#[tokio::test]
async fn an_outline_has_every_span_without_its_content() {
    let store = new_store().await;
    record(&store, &rollout(1)).await;
    insert(&store, &[tool(1, 9, "time out")]).await;
    let key = TraceKey::new("airline", trace_id(1));
    let outline = store.list_outline(&key, 2, 3).await.unwrap();
    assert_eq!(
        (outline.offset, outline.total, outline.span_id.len()),
        (2, 8, 3)
    );
    let kind = &outline.kinds[outline.kind[0] as usize];
    assert_eq!(kind.role.as_deref(), Some("user"));
    assert_eq!(kind.span_name, "message.user");
    let parent = outline.parent[0].unwrap() as usize;
    assert_eq!(outline.parents[parent], span_id(1).to_string());
    assert!((outline.start_offset_ms[0] - 2000.0).abs() < 1e-9);
    assert_eq!(outline.content_bytes[0], 35);
    let outline = store.list_outline(&key, 0, 100).await.unwrap();
    assert_eq!(outline.parent[0], None);
    assert_eq!(outline.errors, [7]);
    assert_eq!(outline.duration_ms[7], Some(1.5));
    assert_eq!(outline.call_id[7].as_deref(), Some("call_1"));
    assert_eq!(outline.scores.len(), 1);
    assert_eq!((outline.scores[0].at, outline.scores[0].score), (6, 0.5));
    // The tools are of one kind, the assistant's messages of another.
    assert_eq!(outline.kind[4], outline.kind[7]);
    assert_eq!(outline.kind[3], outline.kind[5]);
    assert_eq!(outline.kinds.len(), 6);
}

#[tokio::test]
async fn an_outline_tells_criteria_apart_by_their_names() {
    let store = new_store().await;
    let criteria = ["polite", "correct"].into_iter().zip(8..);
    let criteria = criteria.map(|(name, number)| SpanRecord {
        name: name.into(),
        ..span(1, number, ItemType::Criterion)
    });
    record(&store, &rollout(1)).await;
    insert(&store, &criteria.collect::<Vec<_>>()).await;
    let key = TraceKey::new("airline", trace_id(1));
    let outline = store.list_outline(&key, 0, 100).await.unwrap();
    let named = outline.kind.iter().filter_map(|&kind| {
        let kind = &outline.kinds[kind as usize];
        kind.name.as_deref()
    });
    assert_eq!(named.collect::<Vec<_>>(), ["polite", "correct"]);
}

#[tokio::test]
async fn an_outline_says_no_duration_where_the_span_says_none() {
    let store = new_store().await;
    let mut spans = rollout(1);
    spans[0].ended_at = None;
    let mut lasting = span(1, 8, ItemType::Group);
    lasting.ended_at = Some(lasting.started_at + 2_500_000);
    spans.push(lasting);
    record(&store, &spans).await;
    let key = TraceKey::new("airline", trace_id(1));
    let outline = store.list_outline(&key, 0, 100).await.unwrap();
    let page = window(&store, &key, SpanWindow::Start, 100).await;
    assert_eq!(outline.duration_ms[0], None);
    assert_eq!(outline.duration_ms[1], None);
    assert_eq!(outline.duration_ms[4], Some(1.5));
    assert_eq!(outline.duration_ms[7], Some(2.5));
    for (at, span) in page.items.iter().enumerate().take(7) {
        assert_eq!(outline.duration_ms[at], span.duration_ms, "{at}");
    }
}

#[tokio::test]
async fn a_trace_is_found_by_its_id_alone_and_before_it_was_summed_up() {
    let store = new_store().await;
    insert(&store, &rollout(1)).await;
    let mut other = vec![root(1, 0, "ERROR"), message(1, 1, "user", "hi")];
    for span in &mut other {
        span.project = "other".into();
    }
    record(&store, &other).await;
    let id = trace_id(1);
    let key = store.find_trace_key(None, id).await.unwrap().unwrap();
    assert_eq!(key.project, "other");
    let key = store
        .find_trace_key(Some("airline"), id)
        .await
        .unwrap()
        .unwrap();
    let trace = store.find_trace(&key).await.unwrap().unwrap();
    assert_eq!(
        (trace.summary.span_count, &*trace.summary.status),
        (7, "COMPLETED")
    );
    assert_eq!(
        store.find_trace_key(Some("nobody"), id).await.unwrap(),
        None
    );
    assert_eq!(
        store
            .find_trace_key(None, TraceId::from_text("nothing"))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        store
            .find_trace(&TraceKey::new("x", trace_id(9)))
            .await
            .unwrap(),
        None
    );
}

/// Thirty spans, of which the tenth to the nineteenth hold 6 MB each: two of them are one answer.
async fn heavy_trace() -> (Store, TraceKey) {
    let store = new_store().await;
    let text = "x".repeat(6_000_000);
    for number in 0..30 {
        let mut heavy = message(1, number, "user", "short");
        if (10..20).contains(&number) {
            heavy.content = Payload::Text(text.clone().into());
        }
        insert(&store, &[heavy]).await;
    }
    (store, TraceKey::new("airline", trace_id(1)))
}

#[tokio::test]
async fn a_window_of_large_spans_holds_fewer_and_leads_on() {
    let (store, key) = heavy_trace().await;
    let mut seen = Vec::new();
    let mut next = SpanWindow::Start;
    loop {
        let page = window(&store, &key, next, 100).await;
        assert_eq!(page.offset, seen.len() as u64);
        seen.extend(sequences(&page));
        let Some(cursor) = page.next_cursor else {
            break;
        };
        next = SpanWindow::Cursor(cursor);
    }
    assert_eq!(seen, (0..30).collect::<Vec<_>>());

    let mut seen = Vec::new();
    let mut next = SpanWindow::End;
    loop {
        let page = window(&store, &key, next, 100).await;
        seen.splice(0..0, sequences(&page));
        let Some(cursor) = page.previous_cursor else {
            break;
        };
        next = SpanWindow::Cursor(cursor);
    }
    assert_eq!(seen, (0..30).collect::<Vec<_>>());

    let around = window(&store, &key, SpanWindow::Around(span_id(15)), 21).await;
    assert_eq!(sequences(&around), [14, 15]);
    let from = window(&store, &key, SpanWindow::Offset(18), 100).await;
    assert_eq!(sequences(&from), (18..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_span_larger_than_an_answer_is_one_of_its_own() {
    let store = new_store().await;
    let mut spans = vec![message(1, 0, "user", "a"), message(1, 1, "user", "b")];
    spans[0].content = Payload::Text("y".repeat(20 << 20).into());
    insert(&store, &spans).await;
    let key = TraceKey::new("airline", trace_id(1));
    let first = window(&store, &key, SpanWindow::Start, 100).await;
    assert_eq!((sequences(&first), first.total), (vec![0], 2));
    let next = SpanWindow::Cursor(first.next_cursor.unwrap());
    assert_eq!(sequences(&window(&store, &key, next, 100).await), [1]);
}

#[tokio::test]
async fn a_deleted_trace_is_gone_and_may_come_again() {
    let store = new_store().await;
    record(&store, &rollout(1)).await;
    record(&store, &rollout(2)).await;
    let key = TraceKey::new("airline", trace_id(1));
    assert!(store.delete_trace(&key).await.unwrap());
    assert!(!store.delete_trace(&key).await.unwrap());
    assert_eq!(store.find_trace(&key).await.unwrap(), None);
    assert!(
        store
            .find_trace(&TraceKey::new("airline", trace_id(2)))
            .await
            .unwrap()
            .is_some()
    );
    record(&store, &rollout(1)[..2]).await;
    assert_eq!(
        store
            .find_trace(&key)
            .await
            .unwrap()
            .unwrap()
            .summary
            .span_count,
        2
    );
}

#[tokio::test]
async fn a_summary_under_computation_does_not_outlive_the_deletion_of_its_trace() {
    let store = new_store().await;
    let key = TraceKey::new("airline", trace_id(1));
    for _ in 0..8 {
        insert(&store, &rollout(1)).await;
        // Computed from the spans while they are still there, and written when they are gone.
        let (recomputed, again, deleted) = tokio::join!(
            store.recompute_traces(std::slice::from_ref(&key)),
            store.recompute_traces(std::slice::from_ref(&key)),
            store.delete_trace(&key)
        );
        recomputed.unwrap();
        again.unwrap();
        assert!(deleted.unwrap());
        let left = store.count_traces(&TraceFilter::default()).await.unwrap();
        assert_eq!(left, 0);
    }
}

#[tokio::test]
async fn errors_show_type_and_traceback() {
    let store = new_store().await;
    let mut segment = root(1, 0, "ERROR");
    segment.error_message = "boom".into();
    segment.error_type = "ValueError".into();
    segment.traceback = "Traceback …".into();
    segment.resource = r#"{"host.name":"h"}"#.into();
    record(&store, &[segment]).await;
    let key = TraceKey::new("airline", trace_id(1));
    let trace = store.find_trace(&key).await.unwrap().unwrap();
    assert_eq!(trace.summary.error_message.as_deref(), Some("boom"));
    assert_eq!(trace.error_type.as_deref(), Some("ValueError"));
    assert_eq!(trace.traceback.as_deref(), Some("Traceback …"));
    assert_eq!(trace.resource["host.name"], "h");
}
