//! The official Rust client, with its validation and compression as it comes.

use clickhouse::{Compression, Row};
use serde::{Deserialize, Serialize};

use crate::fixture::TestEngine;

#[derive(Debug, Clone, PartialEq, Row, Serialize, Deserialize)]
struct Item {
    id: u64,
    text: String,
    score: Option<f64>,
    tags: Vec<String>,
}

fn item(id: u64) -> Item {
    let tags = (0..id % 3).map(|tag| format!("tag {tag}")).collect();
    let score = (!id.is_multiple_of(5)).then(|| f64::from(u32::try_from(id).unwrap()) / 7.0);
    Item {
        id,
        text: format!("text {id} ünïcödé"),
        score,
        tags,
    }
}

const TABLE: &str = "CREATE TABLE items (id UInt64, text String, score Nullable(Float64), tags Array(String)) \
                     ENGINE = MergeTree ORDER BY id";

async fn insert(
    client: &clickhouse::Client,
    ids: std::ops::Range<u64>,
) -> clickhouse::error::Result<()> {
    let mut insert = client.insert::<Item>("items").await?;
    for id in ids {
        insert.write(&item(id)).await?;
    }
    insert.end().await
}

#[tokio::test]
async fn rows_come_back_as_they_were_inserted_with_and_without_compression() {
    let engine = TestEngine::start();
    engine.sql(TABLE);
    for (at, compression) in [Compression::None, Compression::Lz4]
        .into_iter()
        .enumerate()
    {
        let client = engine.client().with_compression(compression);
        let first = at as u64 * 1000;
        insert(&client, first..first + 1000).await.unwrap();
        let query = client
            .query("SELECT ?fields FROM items WHERE id >= ? ORDER BY id")
            .bind(first);
        let rows = query.fetch_all::<Item>().await.unwrap();
        assert!(rows == (first..first + 1000).map(item).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn two_hundred_thousand_rows_in_one_insert_are_all_there() {
    let engine = TestEngine::start();
    engine.sql(TABLE);
    let client = engine.client();
    insert(&client, 0..200_000).await.unwrap();
    assert_eq!(
        engine.sql("SELECT count(), sum(id), uniqExact(text) FROM items"),
        "200000\t19999900000\t200000\n"
    );

    let mut rows = client
        .query("SELECT ?fields FROM items ORDER BY id")
        .fetch::<Item>()
        .unwrap();
    let mut expected = 0;
    while let Some(row) = rows.next().await.unwrap() {
        assert_eq!(row, item(expected));
        expected += 1;
    }
    assert_eq!(expected, 200_000);
}

#[tokio::test]
async fn values_are_bound_on_both_sides() {
    let engine = TestEngine::start();
    let client = engine.client();
    let text = "it's \\ \" ` {x} ünïcödé \n";
    let bound = client
        .query("SELECT ?, ?")
        .bind(text)
        .bind(7_u8)
        .fetch_one::<(String, u8)>()
        .await
        .unwrap();
    assert_eq!(bound, (text.to_owned(), 7));
    let query = client
        .query("SELECT {text:String}, arraySum({ids:Array(UInt64)})")
        .param("text", text)
        .param("ids", vec![1_u64, 2]);
    let bound = query.fetch_one::<(String, u64)>().await.unwrap();
    assert_eq!(bound, (text.to_owned(), 3));
}

#[tokio::test]
async fn settings_and_database_hold_for_the_client_that_has_them() {
    let engine = TestEngine::start();
    engine.sql("CREATE DATABASE other");
    let plain = engine.client();
    let set = plain
        .clone()
        .with_database("other")
        .with_setting("max_block_size", "1234");
    for (client, expected) in [
        (&set, ("other", 1234)),
        (&plain, ("default", 65_409)),
        (&set, ("other", 1234)),
    ] {
        let query =
            client.query("SELECT currentDatabase(), toUInt64(getSetting('max_block_size'))");
        let (database, size) = query.fetch_one::<(String, u64)>().await.unwrap();
        assert_eq!((database.as_str(), size), expected);
    }
}

#[tokio::test]
async fn errors_have_the_numbers_and_names_of_clickhouse() {
    let engine = TestEngine::start();
    let client = engine.client();
    for (sql, expected) in [
        ("SELECT * FROM nowhere", "UNKNOWN_TABLE"),
        ("SELEC 1", "SYNTAX_ERROR"),
        ("SELECT nonsense(1)", "UNKNOWN_FUNCTION"),
        (
            "SELECT throwIf(number = 100000) FROM numbers(200000)",
            "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO",
        ),
    ] {
        let error = client
            .query(sql)
            .fetch_all::<u8>()
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("Code: ") && error.contains(expected),
            "{sql}: {error}"
        );
    }
    let wrong = client.clone().with_password("wrong");
    let error = wrong
        .query("SELECT 1")
        .fetch_one::<u8>()
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("AUTHENTICATION_FAILED"), "{error}");
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_result_is_an_error_and_no_end() {
    let engine = TestEngine::start();
    // One thread, so that rows come before the error on however many cores.
    let sql = "SELECT number, throwIf(number = 4000000, 'in the middle') AS thrown FROM numbers(8000000) \
               SETTINGS max_threads = 1";
    for compression in [Compression::None, Compression::Lz4] {
        let client = engine.client().with_compression(compression);
        let mut rows = client.query(sql).fetch::<(u64, u8)>().unwrap();
        let mut seen = 0;
        let error = loop {
            match rows.next().await {
                Ok(Some(_)) => seen += 1,
                Ok(None) => panic!("the result ended after {seen} rows"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(seen > 0);
        assert!(error.contains("in the middle"), "{error}");
    }
}

#[derive(Debug, Row, Serialize)]
struct WrongItem {
    id: String,
    text: String,
}

#[tokio::test]
async fn the_client_notices_a_row_that_does_not_fit_the_table() {
    let engine = TestEngine::start();
    engine.sql(TABLE);
    let client = engine.client();
    let result = async {
        let mut insert = client.insert::<WrongItem>("items").await?;
        insert
            .write(&WrongItem {
                id: "1".into(),
                text: "x".into(),
            })
            .await?;
        insert.end().await
    };
    assert!(result.await.is_err());
    assert_eq!(engine.sql("SELECT count() FROM items"), "0\n");
}

#[tokio::test]
async fn a_session_keeps_its_temporary_table() {
    let engine = TestEngine::start();
    let client = engine.client().with_setting("session_id", "mine");
    client
        .query("CREATE TEMPORARY TABLE kept (id UInt8)")
        .execute()
        .await
        .unwrap();
    client
        .query("INSERT INTO kept VALUES (1), (2)")
        .execute()
        .await
        .unwrap();
    assert_eq!(
        client
            .query("SELECT sum(id) FROM kept")
            .fetch_one::<u64>()
            .await
            .unwrap(),
        3
    );
    assert!(
        engine
            .client()
            .query("SELECT sum(id) FROM kept")
            .fetch_one::<u64>()
            .await
            .is_err()
    );
}
