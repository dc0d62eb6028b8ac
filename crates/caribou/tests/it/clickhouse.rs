//! Straight into ClickHouse: a real engine, with user and password.

use std::collections::BTreeMap;
use std::time::Duration;

use caribou::{ClickHouseConfig, Config, Grade, Message, Meta, Phase, Recorder};
use test_support::{TestEngine, shared_engine};

use crate::support::PATIENCE;

fn recorder(engine: &TestEngine, database: &str, password: &str) -> Recorder {
    let recorder = Recorder::new(
        Box::new(BTreeMap::<String, String>::new()),
        std::sync::Arc::new(|_: &str| {}),
    );
    let clickhouse = ClickHouseConfig {
        url: Some(engine.url()),
        database: Some(database.to_owned()),
        user: Some(engine.user().to_owned()),
        password: Some(password.into()),
    };
    let config = Config::new()
        .with_clickhouse(clickhouse)
        .with_project("direct");
    recorder.configure(config).unwrap();
    recorder
}

fn query(engine: &TestEngine, sql: &str) -> String {
    ureq::post(engine.url())
        .header("X-ClickHouse-User", engine.user())
        .header("X-ClickHouse-Key", engine.password())
        .send(sql)
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap()
        .trim()
        .to_owned()
}

fn record_one(recorder: &Recorder) {
    let scope = recorder
        .open(Meta::new("d", Phase::Eval), None, None)
        .unwrap();
    for number in 0..10 {
        let message = Message::new("user", format!("message {number}")).with_input_tokens(3_u64);
        scope.log(message).unwrap();
    }
    scope.log(Grade::new(0.5)).unwrap();
    drop(scope);
}

#[test]
fn spans_and_summaries_are_written_to_tables_it_makes_itself() {
    let engine = shared_engine();
    let database = engine.new_database_name();
    let recorder = recorder(engine, &database, engine.password());
    record_one(&recorder);
    assert!(recorder.flush(PATIENCE));
    let spans = query(
        engine,
        &format!("SELECT item_type, count() FROM {database}.spans FINAL GROUP BY 1 ORDER BY 1"),
    );
    assert_eq!(spans, "message\t10\ngrade\t1\nrollout\t1");
    assert!(recorder.shutdown(PATIENCE));
    let traces = query(
        engine,
        &format!(
            "SELECT project, datapoint_id, span_count, input_tokens, score FROM {database}.traces FINAL"
        ),
    );
    assert_eq!(traces, "direct\td\t12\t30\t0.5");
    let counts = &recorder.stats().destinations["clickhouse"];
    assert!(
        counts.acknowledged >= 12 && counts.queued == 0,
        "{counts:?}"
    );
}

#[test]
fn two_writers_share_tables_and_neither_changes_them() {
    let engine = shared_engine();
    let database = engine.new_database_name();
    let writers = [0, 1].map(|_| recorder(engine, &database, engine.password()));
    std::thread::scope(|scope| {
        for writer in &writers {
            scope.spawn(|| {
                record_one(writer);
                assert!(writer.shutdown(PATIENCE));
            });
        }
    });
    let count = query(
        engine,
        &format!("SELECT count(), sum(span_count) FROM {database}.traces FINAL"),
    );
    assert_eq!(count, "2\t24");
}

#[test]
fn what_cannot_be_written_to_is_kept_until_it_can_be() {
    let engine = shared_engine();
    let database = engine.new_database_name();
    query(engine, &format!("CREATE DATABASE {database}"));
    query(
        engine,
        &format!("CREATE TABLE {database}.others (x UInt8) ENGINE = MergeTree ORDER BY x"),
    );
    let recorder = recorder(engine, &database, engine.password());
    record_one(&recorder);
    assert!(!recorder.flush(Duration::from_millis(300)));
    assert!(recorder.stats().destinations["clickhouse"].queued >= 12);
    let tables = query(engine, &format!("SHOW TABLES FROM {database}"));
    assert_eq!(
        tables, "others",
        "a database of somebody else is left alone"
    );
    query(engine, &format!("DROP TABLE {database}.others"));
    assert!(recorder.flush(PATIENCE));
    assert!(recorder.shutdown(PATIENCE));
}

#[test]
fn a_wrong_password_loses_nothing() {
    let engine = shared_engine();
    let database = engine.new_database_name();
    let recorder = recorder(engine, &database, "wrong");
    record_one(&recorder);
    assert!(!recorder.flush(Duration::from_millis(300)));
    assert_eq!(recorder.stats().total().refused, 0);
    let right = ClickHouseConfig {
        password: Some(engine.password().into()),
        ..ClickHouseConfig::default()
    };
    recorder
        .configure(Config::new().with_clickhouse(right))
        .unwrap();
    record_one(&recorder);
    recorder.shutdown(Duration::from_secs(5));
    let count = query(
        engine,
        &format!("SELECT count() FROM {database}.spans FINAL"),
    );
    assert_eq!(count, "12");
}
