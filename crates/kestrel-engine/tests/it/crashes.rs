//! Sudden ends: of the child under load, and of the parent.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use clickhouse::Row;
use kestrel_engine::EngineState;
use serde::Serialize;

use crate::fixture::{TestEngine, client, start_on};

fn kill(pid: u32) {
    let status = Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Waits for the child that takes the place of a killed one, whose end is noticed a moment later.
fn wait_for_successor(engine: &TestEngine, killed: u32) {
    while engine.engine.pid().is_none_or(|pid| pid == killed)
        || engine.engine.state() != EngineState::Ready
    {
        thread::sleep(Duration::from_millis(5));
    }
}

#[derive(Row, Serialize)]
struct Numbered {
    id: u64,
    text: String,
}

#[test]
fn every_acknowledged_insert_survives_kills_of_the_child() {
    let engine = TestEngine::start();
    engine.sql("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id");
    let stop = AtomicBool::new(false);
    let acknowledged = AtomicU64::new(0);
    let last_killed = thread::scope(|scope| {
        for worker in 0..2_u64 {
            let (engine, stop, acknowledged) = (&engine, &stop, &acknowledged);
            scope.spawn(move || write_until(engine, worker, stop, acknowledged));
        }
        let mut child = 0;
        for _ in 0..5 {
            let before = acknowledged.load(Ordering::SeqCst);
            while acknowledged.load(Ordering::SeqCst) < before + 20 {
                thread::sleep(Duration::from_millis(5));
            }
            child = engine.engine.pid().unwrap();
            kill(child);
        }
        stop.store(true, Ordering::SeqCst);
        child
    });
    wait_for_successor(&engine, last_killed);
    // Each writer goes on with the next batch only after the last was acknowledged, so that none may be missing.
    let missing = "SELECT countIf(found != last + 1) FROM (SELECT max(intDiv(id, 2)) AS last, uniqExact(id) AS found FROM t \
                   GROUP BY id % 2)";
    assert_eq!(engine.sql(missing), "0\n");
    let written = engine
        .sql("SELECT uniqExact(id) FROM t")
        .trim()
        .parse::<u64>()
        .unwrap();
    assert!(written >= acknowledged.load(Ordering::SeqCst) * 100);
}

/// Writes the numbers of one worker in batches, each until it is acknowledged.
fn write_until(engine: &TestEngine, worker: u64, stop: &AtomicBool, acknowledged: &AtomicU64) {
    const BATCH: u64 = 100;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut next = 0;
    while !stop.load(Ordering::SeqCst) {
        let written: clickhouse::error::Result<()> = runtime.block_on(async {
            let mut insert = client(&engine.engine).insert::<Numbered>("t").await?;
            for number in next..next + BATCH {
                insert
                    .write(&Numbered {
                        id: number * 2 + worker,
                        text: "x".repeat(100),
                    })
                    .await?;
            }
            insert.end().await
        });
        if written.is_ok() {
            next += BATCH;
            acknowledged.fetch_add(1, Ordering::SeqCst);
        } else {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_killed_child_is_replaced_under_the_same_address() {
    let engine = TestEngine::start();
    engine.sql("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id");
    let (url, first) = (engine.engine.url(), engine.engine.pid().unwrap());
    kill(first);
    wait_for_successor(&engine, first);
    assert_eq!(engine.engine.url(), url);
    assert_eq!(engine.sql("SELECT count() FROM t"), "0\n");
}

#[test]
fn the_child_ends_with_a_killed_parent_and_the_folder_is_free_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..3 {
        let mut parent = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crashes::parent_to_be_killed",
                "--ignored",
                "--nocapture",
            ])
            .env("ENGINE_TEST_FOLDER", folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(parent.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let child = lines
            .find_map(|line| {
                line.split_once("child is ")
                    .map(|(_, pid)| pid.trim().to_owned())
            })
            .unwrap();
        kill(parent.id());
        parent.wait().unwrap();
        let engine = start_on(folder.path()).unwrap();
        assert!(!is_running(&child));
        drop(engine);
    }
}

#[test]
#[ignore = "the parent that another test kills"]
fn parent_to_be_killed() {
    let Some(folder) = std::env::var_os("ENGINE_TEST_FOLDER") else {
        return;
    };
    let engine = start_on(folder.as_ref()).unwrap();
    println!("child is {}", engine.pid().unwrap());
    loop {
        thread::park();
    }
}

fn is_running(pid: &str) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}
