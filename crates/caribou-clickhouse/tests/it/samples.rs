//! Large amounts, made up by the server.

use caribou_clickhouse::{
    MetadataCondition, Paging, Sample, SpanWindow, Store, TraceFilter, TraceKey,
};
use caribou_model::TraceId;

use crate::database::new_store;

fn sample(traces: u64, spans_per_trace: u64) -> Sample {
    Sample {
        project: "it's a sample".to_owned(),
        traces,
        spans_per_trace,
        sentences_per_span: 2,
        first_start_ms: 1_795_000_000_000,
        interval_ms: 1000,
    }
}

/// The first pages of a list, by their ids.
async fn first_ids(store: &Store, filter: &TraceFilter, pages: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut paging = Paging {
        limit: 40,
        ..Paging::default()
    };
    for _ in 0..pages {
        let page = store.list_traces(filter, &paging).await.unwrap();
        ids.extend(page.items.into_iter().map(|trace| trace.trace_id));
        paging.cursor = page.next_cursor;
        if paging.cursor.is_none() {
            break;
        }
    }
    ids
}

#[tokio::test]
async fn a_sample_made_twice_is_there_once() {
    let store = new_store().await;
    let sample = sample(50, 20);
    let mut told = Vec::new();
    store
        .insert_sample(&sample, |made| told.push(made))
        .await
        .unwrap();
    store.insert_sample(&sample, |_| ()).await.unwrap();
    assert_eq!(told, [1000]);
    let filter = TraceFilter::default();
    assert_eq!(store.count_traces(&filter).await.unwrap(), 50);
    let page = store
        .list_traces(
            &filter,
            &Paging {
                limit: 100,
                ..Paging::default()
            },
        )
        .await
        .unwrap();
    assert!(
        page.items
            .iter()
            .all(|trace| trace.span_count == 20 && trace.score.is_some())
    );
    assert!(
        page.items
            .iter()
            .all(|trace| trace.first_message.is_some() && trace.input_tokens > 0)
    );
    let id = TraceId::from_text(&page.items[7].trace_id);
    let key = TraceKey::new("it's a sample", id);
    let spans = store
        .list_spans(&key, &SpanWindow::Start, 30)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((spans.total, spans.items.len()), (20, 20));
    assert_eq!(spans.items[0].item_type, "rollout");
    assert_eq!(spans.items[19].item_type, "grade");
    assert_eq!(store.repair_traces().await.unwrap(), 0);
}

#[tokio::test]
async fn lookups_that_let_many_through_page_like_those_that_let_few_through() {
    let store = new_store().await;
    store
        .insert_sample(&sample(26_000, 3), |_| ())
        .await
        .unwrap();
    let with = |metadata: &str| TraceFilter {
        metadata: vec![metadata.parse::<MetadataCondition>().unwrap()],
        ..TraceFilter::default()
    };
    // 6 of 7 are `train`: more than are collected. Everything but every seventh, newest first.
    let train = first_ids(&store, &with("split=train"), 3).await;
    let test = first_ids(&store, &with("split=test"), 1).await;
    let all = first_ids(&store, &TraceFilter::default(), 4).await;
    let expected: Vec<String> = all
        .iter()
        .filter(|id| !test.contains(id))
        .cloned()
        .collect();
    assert_eq!(train.len(), 120);
    assert_eq!(train, expected[..120]);
    assert_eq!(
        store.count_traces(&with("split=train")).await.unwrap(),
        22_285
    );

    let text = TraceFilter {
        q: Some("the".to_owned()),
        ..TraceFilter::default()
    };
    let found = first_ids(&store, &text, 2).await;
    assert_eq!(found.len(), 80);
    assert!(store.count_traces(&text).await.unwrap() > 20_000);
    // Many hold the text, none of them in this run: the batches end with the list.
    let nowhere = TraceFilter {
        run_id: vec!["sample-run-9".to_owned()],
        ..text
    };
    assert_eq!(first_ids(&store, &nowhere, 1).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_trace_of_100_000_spans_is_read_in_windows() {
    let store = new_store().await;
    store
        .insert_sample(&sample(1, 100_000), |_| ())
        .await
        .unwrap();
    let page = store
        .list_traces(
            &TraceFilter::default(),
            &Paging {
                limit: 1,
                ..Paging::default()
            },
        )
        .await
        .unwrap();
    assert_eq!(page.items[0].span_count, 100_000);
    let key = TraceKey::new("it's a sample", TraceId::from_text(&page.items[0].trace_id));
    let window = store
        .list_spans(&key, &SpanWindow::Offset(50_000), 100)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(window.items[0].sequence, 50_000);
    assert_eq!((window.items.len(), window.total), (100, 100_000));
    let outline = store.list_outline(&key, 0, 300_000).await.unwrap();
    assert_eq!(outline.span_id.len(), 100_000);
    // What repeats is said once: a root, two messages, a tool, a grade.
    assert_eq!((outline.kinds.len(), outline.parents.len()), (5, 1));
    let matches = store.search_spans(&key, "gold member", 1000).await.unwrap();
    assert!(matches.truncated);
}
