//! Straight into ClickHouse: a real engine, with user and password.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use caribou::{ClickHouseConfig, Config, Grade, Message, Meta, Phase, Recorder};
use test_support::{TestEngine, shared_engine};

use crate::support::PATIENCE;

fn recorder(engine: &TestEngine, database: &str, password: &str) -> Recorder {
    recorder_in(BTreeMap::new(), engine, database, password)
}

fn recorder_in(
    environment: BTreeMap<String, String>,
    engine: &TestEngine,
    database: &str,
    password: &str,
) -> Recorder {
    let recorder = Recorder::new(Box::new(environment), std::sync::Arc::new(|_: &str| {}));
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
    try_query(engine, sql).unwrap()
}

fn try_query(engine: &TestEngine, sql: &str) -> Result<String, ureq::Error> {
    let answer = ureq::post(engine.url())
        .header("X-ClickHouse-User", engine.user())
        .header("X-ClickHouse-Key", engine.password())
        .send(sql)?
        .body_mut()
        .read_to_string()?;
    Ok(answer.trim().to_owned())
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
fn on_a_cluster_tables_are_made_on_every_node_or_not_at_all() {
    let engine = shared_engine();
    let database = engine.new_database_name();
    let environment = BTreeMap::from([("CLICKHOUSE_CLUSTER".to_owned(), "elsewhere".to_owned())]);
    let writer = recorder_in(environment, engine, &database, engine.password());
    record_one(&writer);
    assert!(!writer.flush(Duration::from_millis(300)));
    let databases = format!("SELECT count() FROM system.databases WHERE name = '{database}'");
    assert_eq!(
        query(engine, &databases),
        "0",
        "this server has no such cluster"
    );
    let other = recorder(engine, &database, engine.password());
    record_one(&other);
    assert!(other.shutdown(PATIENCE));
    assert!(
        writer.flush(PATIENCE),
        "with a quorum where there are tables"
    );
    assert!(writer.shutdown(PATIENCE));
    let count = format!("SELECT count(), sum(span_count) FROM {database}.traces FINAL");
    assert_eq!(query(engine, &count), "2\t24");
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
    let count = format!("SELECT count() FROM {database}.spans FINAL");
    let deadline = Instant::now() + PATIENCE;
    // What the wrong password keeps waiting holds up nothing.
    while try_query(engine, &count).ok().as_deref() != Some("12") {
        assert!(Instant::now() < deadline, "{:?}", recorder.stats());
        std::thread::sleep(Duration::from_millis(20));
    }
    recorder.shutdown(Duration::from_millis(100));
    assert_eq!(query(engine, &count), "12");
}

/// A server that does not say how many rows it wrote, as ClickHouse does where it gathers inserts.
#[derive(Default)]
struct Reticent {
    inserts: AtomicUsize,
    asked: AtomicUsize,
}

impl Reticent {
    /// So many times it is asked for rows and does not have them.
    const FORGETS: usize = 2;

    fn start() -> (Arc<Self>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Arc::<Self>::default();
        let serving = Arc::clone(&server);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let serving = Arc::clone(&serving);
                std::thread::spawn(move || while serving.answer(&connection).is_some() {});
            }
        });
        (server, url)
    }

    fn answer(&self, mut connection: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(connection);
        let (mut head, mut bytes) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") {
            let begins = head.len();
            (reader.read_line(&mut head).ok()? > 0).then_some(())?;
            let field = head[begins..].to_ascii_lowercase();
            if let Some(length) = field.strip_prefix("content-length:") {
                bytes = length.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; bytes];
        reader.read_exact(&mut body).ok()?;
        let statement = format!("{head}{}", String::from_utf8_lossy(&body));
        let text = if statement.contains("max(version)") {
            caribou_clickhouse::OLDEST_WRITABLE_SCHEMA.to_string()
        } else if statement.contains("count()") && statement.contains("span_id = '") {
            let before = self.asked.fetch_add(1, Ordering::SeqCst);
            usize::from(before >= Self::FORGETS).to_string()
        } else {
            let is_insert = statement.contains("INSERT%20INTO%20spans");
            self.inserts
                .fetch_add(usize::from(is_insert), Ordering::SeqCst);
            String::new()
        };
        let head = "HTTP/1.1 200 OK\r\nX-ClickHouse-Summary: {\"written_rows\":\"0\"}";
        let answer = format!("{head}\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        connection.write_all(answer.as_bytes()).ok()
    }
}

#[test]
fn a_server_that_counts_no_rows_is_believed_once_it_was_seen_to_have_them() {
    let (server, url) = Reticent::start();
    let recorder = Recorder::new(
        Box::new(BTreeMap::<String, String>::new()),
        Arc::new(|_: &str| {}),
    );
    let clickhouse = ClickHouseConfig {
        url: Some(url),
        ..ClickHouseConfig::default()
    };
    let config = Config::new().with_clickhouse(clickhouse);
    recorder.configure(config).unwrap();
    record_one(&recorder);
    assert!(recorder.flush(PATIENCE));
    let inserts = server.inserts.load(Ordering::SeqCst);
    assert!(
        inserts > Reticent::FORGETS,
        "sent again until it is there: {inserts}"
    );
    assert_eq!(server.asked.load(Ordering::SeqCst), Reticent::FORGETS + 1);
    record_one(&recorder);
    assert!(recorder.flush(PATIENCE));
    assert_eq!(server.asked.load(Ordering::SeqCst), Reticent::FORGETS + 1);
}
