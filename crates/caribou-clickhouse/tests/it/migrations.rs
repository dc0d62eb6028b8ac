//! The schema.

use caribou_clickhouse::{
    Cluster, Connection, Store, StoreError, insert_spans_sql, schema_statements,
};

use crate::database::{execute, new_connection};

#[tokio::test]
async fn migrating_twice_and_by_two_at_once_is_the_same_as_once() {
    let (connection, client) = new_connection();
    let store = Store::connect(&connection).unwrap();
    let both = tokio::join!(store.migrate(), store.migrate());
    both.0.unwrap();
    both.1.unwrap();
    store.migrate().await.unwrap();
    let applied: Vec<u32> = client
        .query("SELECT version FROM schema_migrations FINAL ORDER BY version")
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(applied, [1, 2, 3, 4, 5, 6, 7]);
    store.ping().await.unwrap();
}

#[tokio::test]
async fn tables_of_a_newer_version_are_left_alone() {
    let (connection, client) = new_connection();
    let store = Store::connect(&connection).unwrap();
    store.migrate().await.unwrap();
    execute(
        &client,
        "INSERT INTO schema_migrations (version, name) VALUES (999, 'later')",
    )
    .await;
    let refused = store.migrate().await;
    assert!(
        matches!(
            refused,
            Err(StoreError::NewerSchema {
                found: 999,
                known: 7
            })
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_writer_fills_every_column_that_has_no_default() {
    let (connection, client) = new_connection();
    Store::connect(&connection)
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let columns: Vec<String> = client
        .query(
            "SELECT name FROM system.columns WHERE database = currentDatabase() AND table = 'spans' \
             AND default_kind = '' ORDER BY position",
        )
        .fetch_all()
        .await
        .unwrap();
    assert_eq!(
        insert_spans_sql(),
        format!("INSERT INTO spans ({}) FORMAT Native", columns.join(", "))
    );
}

#[tokio::test]
async fn what_cannot_be_reached_or_is_not_allowed_is_told_apart() {
    let away = Store::connect(&Connection::new("http://127.0.0.1:9")).unwrap();
    let error = away.ping().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let block = caribou_clickhouse::SpanBlock::encode(&crate::fixture::rollout(1));
    let error = away
        .insert_blocks(std::slice::from_ref(&block))
        .await
        .unwrap_err();
    assert!(error.is_retryable(), "{error:?}");

    let (connection, _) = new_connection();
    let store = Store::connect(&connection).unwrap();
    let error = store
        .insert_blocks(std::slice::from_ref(&block))
        .await
        .unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    assert!(Store::connect(&Connection::new("clickhouse")).is_err());
}

#[test]
fn a_cluster_gets_replicated_tables_on_every_node() {
    let cluster = Cluster {
        name: "main".to_owned(),
    };
    let connection = Connection::new("http://x")
        .with_database("od`d")
        .with_cluster(cluster);
    let statements = schema_statements(&connection);
    for statement in &statements {
        assert!(statement.contains(" ON CLUSTER `main`"), "{statement}");
        assert!(!statement.contains('{'), "{statement}");
        assert!(
            !statement.starts_with("CREATE TABLE")
                || statement.contains("ReplicatedReplacingMergeTree("),
            "{statement}"
        );
    }
    insta::assert_snapshot!(statements.join(";\n\n"));
}

#[tokio::test]
async fn the_engine_parses_what_a_cluster_is_told() {
    let (connection, client) = new_connection();
    Store::connect(&connection)
        .unwrap()
        .migrate()
        .await
        .unwrap();
    let connection = connection.with_cluster(Cluster {
        name: "main".to_owned(),
    });
    for statement in schema_statements(&connection) {
        let explained: Vec<String> = client
            .query_raw(&format!("EXPLAIN AST {statement}"))
            .fetch_all()
            .await
            .unwrap();
        assert!(!explained.is_empty());
    }
}
