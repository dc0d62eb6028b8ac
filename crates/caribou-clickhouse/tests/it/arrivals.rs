//! What has arrived.

use caribou_clickhouse::{ArrivalCursor, TraceKey};

use crate::database::{execute, insert, new_database};
use crate::fixture::{rollout, trace_id};

#[tokio::test]
async fn every_arrival_is_told_once() {
    let (store, client) = new_database().await;
    let mut cursor = ArrivalCursor::default();
    insert(&store, &rollout(1)).await;
    assert_eq!(store.poll_arrivals(&mut cursor).await.unwrap(), []);
    insert(&store, &rollout(1)[..2]).await;
    insert(&store, &rollout(2)).await;
    let arrivals = store.poll_arrivals(&mut cursor).await.unwrap();
    let told: Vec<(TraceKey, u64)> = arrivals
        .into_iter()
        .map(|it| (it.trace, it.span_count))
        .collect();
    let key = |trace| TraceKey::new("airline", trace_id(trace));
    assert_eq!(told, [(key(1), 2), (key(2), 7)]);
    execute(&client, "OPTIMIZE TABLE spans FINAL").await;
    assert_eq!(store.poll_arrivals(&mut cursor).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_there_long_before_is_never_news() {
    let (store, client) = new_database().await;
    execute(
        &client,
        "INSERT INTO spans (project, trace_id, span_id, revision, inserted_at) \
         SELECT 'old', leftPad(toString(number), 32, '0'), 's', 1, now64(6) - INTERVAL 1 HOUR FROM numbers(10)",
    )
    .await;
    let mut cursor = ArrivalCursor::default();
    for _ in 0..10 {
        assert_eq!(store.poll_arrivals(&mut cursor).await.unwrap(), []);
    }
    insert(&store, &rollout(1)).await;
    let arrivals = store.poll_arrivals(&mut cursor).await.unwrap();
    assert_eq!(arrivals.len(), 1, "{arrivals:?}");
}

#[tokio::test]
async fn an_insert_that_began_earlier_and_committed_later_is_not_missed() {
    let (store, client) = new_database().await;
    let mut cursor = ArrivalCursor::default();
    store.poll_arrivals(&mut cursor).await.unwrap();
    insert(&store, &rollout(1)).await;
    assert_eq!(store.poll_arrivals(&mut cursor).await.unwrap().len(), 1);
    let mut late = rollout(2);
    late.truncate(1);
    insert(&store, &late).await;
    execute(
        &client,
        "INSERT INTO spans SELECT * REPLACE (inserted_at - INTERVAL 5 SECOND AS inserted_at, 'late' AS project) \
         FROM spans WHERE trace_id = (SELECT max(trace_id) FROM spans)",
    )
    .await;
    // A look that goes back far enough comes before long.
    let mut arrivals = Vec::new();
    for _ in 0..8 {
        arrivals.extend(store.poll_arrivals(&mut cursor).await.unwrap());
    }
    let late = arrivals
        .iter()
        .filter(|arrival| arrival.trace.project == "late");
    assert_eq!(late.count(), 1, "{arrivals:?}");
}
