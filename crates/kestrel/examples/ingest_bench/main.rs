//! Ingest, measured: durable spans per second and per CPU-second against bare inserts into the same engine.
//!
//! Prints one JSON object a figure. Text comes from `CARIBOU_REAL_DATA/tau-airline.json` where that is set.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for people, on machines of 64 bits"
)]

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use caribou_clickhouse::{SpanBlock, insert_spans_sql};
use caribou_otlp::{Defaults, decode_protobuf};
use serde_json::{Value, json};
use test_support::otlp::{TestSpan, protobuf_request};
use test_support::{KestrelOptions, KestrelProcess, request};

mod http;
mod process;

use http::Connection;
use process::Cpu;

const CONNECTIONS: usize = 4;
const SPANS_PER_BATCH: usize = 500;
const SPANS_PER_TRACE: u64 = 100;
const BYTES_PER_SPAN: usize = 1_100;
const PASSWORD: &str = "password-of-the-benchmark";

/// Rows of one insert of the peer: a size at which ClickHouse is at ease.
const PEER_BATCHES_PER_INSERT: usize = 8;

fn main() {
    let spans = std::env::args()
        .nth(1)
        .and_then(|count| count.parse().ok())
        .unwrap_or(200_000);
    let text = real_text();
    let batches: Vec<Vec<u8>> = (0..spans / SPANS_PER_BATCH)
        .map(|batch| encode_batch(batch, &text))
        .collect();
    let started = Instant::now();
    let server = KestrelProcess::start(options());
    figure(
        "start to ready, new folder",
        started.elapsed().as_secs_f64(),
        "s",
        Some(("1.5", started.elapsed().as_secs_f64() <= 1.5)),
    );
    let engine = Engine::of(&server);
    thread::sleep(Duration::from_secs(2));
    let resident = process::resident_mib(server.pid()) + process::resident_mib(engine.pid);
    figure(
        "idle memory of server and engine",
        resident,
        "MiB",
        Some(("400", resident <= 400.0)),
    );

    let ingest = run(&server, &engine, &batches);
    let peer = engine.bare_inserts(&batches);
    report(&ingest, &peer);
    engine.report_sizes();
}

fn options() -> KestrelOptions {
    let mut options = KestrelOptions::default().with_env("KESTREL_ENGINE_PASSWORD", PASSWORD);
    options.binary = Some(binary());
    options
}

/// The binary of the same profile as this program.
fn binary() -> PathBuf {
    let own = std::env::current_exe().expect("a process knows its executable");
    let named = std::env::var_os("KESTREL_TEST_BINARY").map(PathBuf::from);
    named.unwrap_or_else(|| {
        own.parent()
            .and_then(|folder| folder.parent())
            .expect("target/release/examples")
            .join("kestrel")
    })
}

/// Messages of real rollouts one after another, or words where there are none.
fn real_text() -> String {
    let folder = std::env::var_os("CARIBOU_REAL_DATA").map(PathBuf::from);
    let file = folder
        .map(|folder| folder.join("tau-airline.json"))
        .and_then(|path| fs::read(path).ok());
    let Some(file) = file else {
        return made_up_text();
    };
    let rollouts: Value = serde_json::from_slice(&file).expect("the real data is JSON");
    let messages = rollouts
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|rollout| rollout["traj"].as_array().into_iter().flatten());
    let texts: Vec<&str> = messages
        .filter_map(|message| message["content"].as_str())
        .collect();
    texts.join("\n")
}

fn made_up_text() -> String {
    const WORDS: [&str; 16] = [
        "reservation",
        "the",
        "flight",
        "to",
        "customer",
        "passenger",
        "cancel",
        "please",
        "gold",
        "of",
        "economy",
        "user_id",
        "payment",
        "is",
        "baggage",
        "and",
    ];
    let mut state = 1_u64;
    let mut text = String::new();
    while text.len() < 1 << 20 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(state >> 60) as usize]);
        text.push_str(if (state >> 32).is_multiple_of(16) {
            ". "
        } else {
            " "
        });
        if (state >> 40).is_multiple_of(32) {
            text.push_str(&(state >> 44).to_string());
        }
    }
    text
}

fn encode_batch(batch: usize, text: &str) -> Vec<u8> {
    let first = (batch * SPANS_PER_BATCH) as u64;
    let spans: Vec<TestSpan> = (first..first + SPANS_PER_BATCH as u64)
        .map(|number| {
            let mut start = number as usize * 997 % (text.len() - 2 * BYTES_PER_SPAN);
            while !text.is_char_boundary(start) {
                start += 1;
            }
            let mut end = start + BYTES_PER_SPAN - 350;
            while !text.is_char_boundary(end) {
                end += 1;
            }
            let role = if number % 2 == 0 { "user" } else { "assistant" };
            TestSpan::message(
                number / SPANS_PER_TRACE,
                number % SPANS_PER_TRACE,
                role,
                &text[start..end],
            )
            .with("caribou.model", "gpt-4o")
            .with("caribou.input_tokens", 812)
            .with("caribou.output_tokens", 96)
        })
        .collect();
    protobuf_request("bench", &spans)
}

/// What one way of storing spans took.
struct Measured {
    spans: f64,
    seconds: f64,
    /// CPU of server and engine until the last acknowledgement, merges aside.
    cpu: f64,
    /// The engine's part of it.
    engine_cpu: f64,
    /// CPU of merges until the last acknowledgement.
    merges_cpu: f64,
    /// CPU of the engine until all merges were done.
    later_cpu: f64,
    /// Inserts that the spans took.
    inserts: f64,
}

fn run(server: &KestrelProcess, engine: &Engine, batches: &[Vec<u8>]) -> Measured {
    let address = server.url().trim_start_matches("http://").to_owned();
    // Connections, threads and caches warm up on the first batches, which count for nothing.
    let (warm_up, measured) = batches.split_at(batches.len() / 20);
    send_all(&address, warm_up);
    let inserts_before = inserts(server);
    let before = (Cpu::of(server.pid()), Cpu::of(engine.pid));
    let started = Instant::now();
    send_all(&address, measured);
    let seconds = started.elapsed().as_secs_f64();
    let kestrel = Cpu::of(server.pid()).since(before.0);
    let engine_cpu = Cpu::of(engine.pid).since(before.1);
    let inserts = inserts(server) - inserts_before;
    Measured {
        spans: (measured.len() * SPANS_PER_BATCH) as f64,
        seconds,
        cpu: kestrel.work + engine_cpu.work,
        engine_cpu: engine_cpu.work,
        merges_cpu: engine_cpu.merges,
        later_cpu: engine.finish_merges("caribou"),
        inserts,
    }
}

fn inserts(server: &KestrelProcess) -> f64 {
    let page = server.get("/metrics").text();
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix("kestrel_insert_duration_seconds_count "));
    line.and_then(|count| count.parse().ok())
        .expect("the server counts inserts")
}

fn send_all(address: &str, batches: &[Vec<u8>]) {
    thread::scope(|scope| {
        for lane in 0..CONNECTIONS {
            scope.spawn(move || {
                let mut connection = Connection::open(address);
                for batch in batches.iter().skip(lane).step_by(CONNECTIONS) {
                    let status = connection.post(
                        "/v1/traces",
                        &[("content-type", "application/x-protobuf")],
                        batch,
                    );
                    assert_eq!(status, 200);
                }
            });
        }
    });
}

struct Engine {
    pid: u32,
    url: String,
}

impl Engine {
    fn of(server: &KestrelProcess) -> Self {
        let port = fs::read_to_string(server.data_dir().join("engine/port"))
            .expect("the engine has written its port");
        Self {
            pid: server.engine_pid().expect("the engine runs"),
            url: format!("http://127.0.0.1:{}", port.trim()),
        }
    }

    fn query(&self, sql: &str) -> String {
        let headers = [
            ("x-clickhouse-user", "kestrel"),
            ("x-clickhouse-key", PASSWORD),
        ];
        let answer =
            request("POST", &self.url, &headers, Some(sql.as_bytes())).expect("the engine answers");
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text()
    }

    /// The same rows into a copy of the table, as blocks that are ready to be sent.
    fn bare_inserts(&self, batches: &[Vec<u8>]) -> Measured {
        self.query("CREATE DATABASE peer");
        self.query("CREATE TABLE peer.spans AS caribou.spans");
        let inserts: Vec<Vec<u8>> = batches
            .chunks(PEER_BATCHES_PER_INSERT)
            .map(native_blocks)
            .collect();
        let path = format!(
            "/?database=peer&query={}&exclude_materialize_skip_indexes_on_insert=search_text",
            insert_spans_sql().replace(' ', "%20")
        );
        let address = self.url.trim_start_matches("http://");
        let before = Cpu::of(self.pid);
        let started = Instant::now();
        thread::scope(|scope| {
            for lane in 0..2 {
                let (inserts, path) = (&inserts, &path);
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    for insert in inserts.iter().skip(lane).step_by(2) {
                        let headers = [
                            ("x-clickhouse-user", "kestrel"),
                            ("x-clickhouse-key", PASSWORD),
                        ];
                        assert_eq!(connection.post(path, &headers, insert), 200);
                    }
                });
            }
        });
        let seconds = started.elapsed().as_secs_f64();
        let cpu = Cpu::of(self.pid).since(before);
        Measured {
            spans: (batches.len() * SPANS_PER_BATCH) as f64,
            seconds,
            cpu: cpu.work,
            engine_cpu: cpu.work,
            merges_cpu: cpu.merges,
            later_cpu: self.finish_merges("peer"),
            inserts: inserts.len() as f64,
        }
    }

    /// Waits until nothing is merged any more; returns the CPU that this took.
    fn finish_merges(&self, database: &str) -> f64 {
        let before = Cpu::of(self.pid);
        let running = format!("SELECT count() FROM system.merges WHERE database = '{database}'");
        let mut idle = 0;
        while idle < 5 {
            idle = if self.query(&running).trim() == "0" {
                idle + 1
            } else {
                0
            };
            thread::sleep(Duration::from_millis(200));
        }
        Cpu::of(self.pid).since(before).merges
    }

    fn report_sizes(&self) {
        let bytes_per_row = || -> f64 {
            let sql = "SELECT sum(bytes_on_disk) / sum(rows) FROM system.parts \
                       WHERE active AND database = 'caribou' AND table = 'spans'";
            self.query(sql).trim().parse().expect("a number")
        };
        self.query("ALTER TABLE caribou.spans DROP INDEX IF EXISTS search_text SETTINGS mutations_sync = 2");
        self.query("OPTIMIZE TABLE caribou.spans FINAL");
        let without = bytes_per_row();
        figure(
            "bytes on disk per span, without text index",
            without,
            "B",
            Some(("350", without <= 350.0)),
        );
        self.query(
            "ALTER TABLE caribou.spans ADD INDEX search_text lower(concat(content, '\\n', reasoning, '\\n', tool_calls, \
             '\\n', input, '\\n', output, '\\n', error_message, '\\n', details)) TYPE text(tokenizer = 'splitByNonAlpha')",
        );
        self.query(
            "ALTER TABLE caribou.spans MATERIALIZE INDEX search_text SETTINGS mutations_sync = 2",
        );
        let with = bytes_per_row();
        figure(
            "bytes on disk per span, with text index",
            with,
            "B",
            Some(("470", with <= 470.0)),
        );
    }
}

fn native_blocks(batches: &[Vec<u8>]) -> Vec<u8> {
    let mut blocks = Vec::new();
    for batch in batches {
        let decoded =
            decode_protobuf(batch, &Defaults::default()).expect("our own requests can be read");
        blocks.extend_from_slice(SpanBlock::encode(&decoded.spans).bytes());
    }
    blocks
}

fn report(ingest: &Measured, peer: &Measured) {
    let per_cpu = ingest.spans / ingest.cpu;
    let peer_per_cpu = peer.spans / peer.cpu;
    print(&json!({
        "name": "durable spans per second", "value": ingest.spans / ingest.seconds, "unit": "spans/s",
        "peer": "bare insert", "peer_value": peer.spans / peer.seconds,
        "ratio": (ingest.spans / ingest.seconds) / (peer.spans / peer.seconds),
    }));
    print(&json!({
        "name": "durable spans per CPU-second, merges aside", "value": per_cpu, "unit": "spans",
        "peer": "bare insert", "peer_value": peer_per_cpu, "ratio": per_cpu / peer_per_cpu,
        "budget": "47100 and half the peer", "met": per_cpu >= 47_100.0 && per_cpu >= peer_per_cpu / 2.0,
    }));
    let beside = |name: &str, value: fn(&Measured) -> f64, unit: &str| {
        print(&json!({
            "name": name, "value": value(ingest), "unit": unit, "peer": "bare insert", "peer_value": value(peer),
        }));
    };
    beside(
        "  CPU of the engine, merges aside",
        |it| it.engine_cpu / it.spans * 1e6,
        "us a span",
    );
    beside(
        "  CPU of the server",
        |it| (it.cpu - it.engine_cpu) / it.spans * 1e6,
        "us a span",
    );
    beside(
        "  CPU of merges during the load",
        |it| it.merges_cpu / it.spans * 1e6,
        "us a span",
    );
    beside(
        "  CPU of merges after the load",
        |it| it.later_cpu / it.spans * 1e6,
        "us a span",
    );
    beside("  spans of one insert", |it| it.spans / it.inserts, "spans");
}

fn figure(name: &str, value: f64, unit: &str, budget: Option<(&str, bool)>) {
    let mut figure = json!({"name": name, "value": value, "unit": unit});
    if let Some((budget, met)) = budget {
        figure["budget"] = Value::from(budget);
        figure["met"] = Value::from(met);
    }
    print(&figure);
}

fn print(figure: &Value) {
    writeln!(io::stdout(), "{figure}").expect("standard output is open");
}
