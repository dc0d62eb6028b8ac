//! Text in lists and within a trace.

use caribou_clickhouse::{Connection, Paging, Store, TraceFilter, TraceKey};
use caribou_model::Payload;

use crate::database::{execute, new_connection, record};
use crate::fixture::{message, rollout, root, tool, trace_id};

async fn found(store: &Store, q: &str) -> usize {
    let filter = TraceFilter {
        q: Some(q.to_owned()),
        ..TraceFilter::default()
    };
    let paging = Paging {
        limit: 10,
        ..Paging::default()
    };
    store
        .list_traces(&filter, &paging)
        .await
        .unwrap()
        .items
        .len()
}

async fn finds_the_same(connection: Connection, indexed: bool) {
    let store = Store::connect(&connection).unwrap();
    store.migrate().await.unwrap();
    let mut spans = vec![
        root(1, 0, "COMPLETED"),
        message(
            1,
            1,
            "user",
            "Please cancel booking user_id=mia_li_3668, 100% refund",
        ),
        message(1, 2, "assistant", "您的航班已取消。東京への便"),
        tool(1, 3, "connection reset"),
    ];
    spans[3].output = Payload::Json(r#"{"reservation":"S61CZX"}"#.into());
    record(&store, &spans).await;
    record(&store, &rollout(2)).await;
    let cases = [
        ("cancel booking", 1),
        ("BOOKING", 1),
        ("booking denver", 0),
        ("canc", 0),
        ("\"canc\"", 2),
        ("\"cancel book\"", 0),
        ("\"cancel booking\"", 1),
        ("\"booking cancel\"", 0),
        ("mia_li_3668", 1),
        ("s61czx", 1),
        ("航班", 2),
        ("東京", 1),
        ("京", 1),
        ("大阪", 0),
        ("100%", 1),
        ("\"100% refund\"", 1),
        ("_", 1),
        ("\"reset\"", 1),
        ("rollout", 2),
    ];
    for (q, expected) in cases {
        assert_eq!(found(&store, q).await, expected, "{q} indexed: {indexed}");
    }
}

#[tokio::test]
async fn text_is_found_before_merges_have_indexed_it_and_after() {
    let (connection, client) = new_connection();
    finds_the_same(connection.clone(), false).await;
    execute(&client, "OPTIMIZE TABLE spans FINAL").await;
    execute(
        &client,
        "ALTER TABLE spans MATERIALIZE INDEX search_text SETTINGS mutations_sync = 1",
    )
    .await;
    finds_the_same(connection, true).await;
}

#[tokio::test]
async fn without_the_index_the_same_is_found() {
    let (connection, _) = new_connection();
    finds_the_same(connection.with_full_text_index(false), false).await;
}

#[tokio::test]
async fn the_index_is_used_by_search() {
    let (connection, client) = new_connection();
    let store = Store::connect(&connection).unwrap();
    store.migrate().await.unwrap();
    let expression: String = client
        .query("SELECT expr FROM system.data_skipping_indices WHERE name = 'search_text' AND database = currentDatabase()")
        .fetch_one()
        .await
        .unwrap();
    let searched = "lower(concat(content, '\\n', reasoning, '\\n', tool_calls, '\\n', input, '\\n', output, '\\n', \
                    error_message, '\\n', details))";
    assert_eq!(expression, searched);
}

#[tokio::test]
async fn a_trace_is_searched_inside_words_and_in_either_case() {
    let (connection, _) = new_connection();
    let store = Store::connect(&connection).unwrap();
    store.migrate().await.unwrap();
    record(&store, &rollout(1)).await;
    let key = TraceKey::new("airline", trace_id(1));
    let matches = store.search_spans(&key, "FLIGHT", 10).await.unwrap();
    let places: Vec<(u64, u64)> = matches
        .items
        .iter()
        .map(|found| (found.index, found.count))
        .collect();
    assert_eq!(places, [(1, 1), (2, 1), (4, 1)]);
    assert!(!matches.truncated);
    let matches = store.search_spans(&key, "flight", 2).await.unwrap();
    assert_eq!((matches.items.len(), matches.truncated), (2, true));
    assert_eq!(
        store.search_spans(&key, "取消", 10).await.unwrap().items[0].index,
        5
    );
    assert_eq!(store.search_spans(&key, "", 10).await.unwrap().items, []);
}
