//! A database of its own for each test.

use std::env;

use caribou_clickhouse::{Connection, SpanBlock, Store, TraceKey};
use caribou_model::SpanRecord;
use clickhouse::Client;
use test_support::shared_engine;

/// Where to make a database: a server given by the environment, or the embedded engine.
struct Server {
    url: String,
    user: String,
    password: String,
    database: String,
}

fn new_server() -> Server {
    if let Ok(url) = env::var("CARIBOU_TEST_CLICKHOUSE_URL") {
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        return Server {
            url,
            user: env::var("CARIBOU_TEST_CLICKHOUSE_USER").unwrap_or_else(|_| "default".into()),
            password: env::var("CARIBOU_TEST_CLICKHOUSE_PASSWORD").unwrap_or_default(),
            database: format!("caribou_test_{}_{nanos}", std::process::id()),
        };
    }
    let engine = shared_engine();
    Server {
        url: engine.url(),
        user: engine.user().to_owned(),
        password: engine.password().to_owned(),
        database: engine.new_database_name(),
    }
}

/// A database that does not exist yet, and a client for looking into it.
pub(crate) fn new_connection() -> (Connection, Client) {
    let server = new_server();
    let client = Client::default()
        .with_url(&server.url)
        .with_user(&server.user)
        .with_password(&server.password)
        .with_database(&server.database);
    let connection = Connection::new(server.url)
        .with_credentials(server.user, server.password)
        .with_database(server.database);
    (connection, client)
}

/// A database with all tables, and a client for looking into it.
pub(crate) async fn new_database() -> (Store, Client) {
    let (connection, client) = new_connection();
    let store = Store::connect(&connection).unwrap();
    store.migrate().await.unwrap();
    (store, client)
}

/// A database with all tables.
pub(crate) async fn new_store() -> Store {
    new_database().await.0
}

/// Inserts spans as one block and brings the summaries of their traces up to date.
pub(crate) async fn record(store: &Store, spans: &[SpanRecord<'_>]) {
    insert(store, spans).await;
    store.recompute_traces(&keys(spans)).await.unwrap();
}

/// Inserts spans as one block and leaves the summaries as they are.
pub(crate) async fn insert(store: &Store, spans: &[SpanRecord<'_>]) {
    store
        .insert_blocks(&[SpanBlock::encode(spans)])
        .await
        .unwrap();
}

pub(crate) async fn execute(client: &Client, sql: &str) {
    client.query(sql).execute().await.unwrap();
}

fn keys(spans: &[SpanRecord<'_>]) -> Vec<TraceKey> {
    let mut keys: Vec<TraceKey> = spans
        .iter()
        .map(|span| TraceKey::new(&*span.project, span.trace_id))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}
