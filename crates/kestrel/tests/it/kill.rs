//! kill -9 of the server, of its engine, of both, under load: everything acknowledged is there afterwards, once.
//!
//! Three rounds by default, one of each kind; `KESTREL_KILL_ROUNDS` asks for that many of each kind.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use test_support::otlp::{TestSpan, protobuf_request};
use test_support::{KestrelOptions, KestrelProcess};

use crate::support::{BINARY, PROTOBUF, stored_spans};

const SENDERS: u64 = 3;
const SPANS_PER_TRACE: u64 = 40;
const INPUT_TOKENS: u64 = 7;

/// What is killed.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Server,
    Engine,
    Both,
}

/// Pseudo-random numbers: the same seed is the same round.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A server and what its senders share.
struct Load {
    server: Mutex<KestrelProcess>,
    stop: AtomicBool,
    acknowledged: AtomicUsize,
}

/// Spans by their (trace, span) numbers, and whether they were acknowledged.
type Sent = BTreeMap<(u64, u64), bool>;

fn span(trace: u64, number: u64) -> TestSpan {
    TestSpan::message(
        trace,
        number,
        "user",
        &format!("span {number} of trace {trace}"),
    )
    .with("caribou.input_tokens", INPUT_TOKENS.cast_signed())
}

/// Sends new spans, and old ones again in other groupings, until told to stop.
fn send_until(load: &Load, sender: u64, seed: u64) -> Sent {
    let mut dice = Dice(seed);
    let mut sent = Sent::new();
    let mut next = 0;
    while !load.stop.load(Ordering::Relaxed) {
        let mut batch: Vec<(u64, u64)> = Vec::new();
        for _ in 0..=dice.roll(60) {
            let trace = sender * 1_000_000 + next / SPANS_PER_TRACE;
            batch.push((trace, next % SPANS_PER_TRACE));
            next += 1;
        }
        // What was not acknowledged is sent again, and so is some of what was: a lost answer looks the same.
        let older = sent
            .iter()
            .filter(|(_, acknowledged)| !**acknowledged || dice.roll(20) == 0);
        batch.extend(older.map(|(key, _)| *key).take(100));
        let spans: Vec<_> = batch
            .iter()
            .map(|(trace, number)| span(*trace, *number))
            .collect();
        for key in &batch {
            sent.entry(*key).or_insert(false);
        }
        // The address changes with every start of the server.
        let url = load.server.lock().unwrap().url().to_owned();
        let body = protobuf_request("kill", &spans);
        let answer = test_support::request(
            "POST",
            &format!("{url}/v1/traces"),
            &[PROTOBUF],
            Some(&body),
        );
        match answer {
            Ok(answer) if answer.status == 200 => {
                for key in &batch {
                    sent.insert(*key, true);
                }
                load.acknowledged.fetch_add(batch.len(), Ordering::Relaxed);
            }
            Ok(answer) => {
                assert_eq!(answer.status, 503, "{}", answer.text());
                thread::sleep(Duration::from_millis(20));
            }
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
    sent
}

fn kill(server: &Mutex<KestrelProcess>, victim: Victim) {
    let mut server = server.lock().unwrap();
    if matches!(victim, Victim::Engine | Victim::Both) {
        server.kill_engine();
    }
    if matches!(victim, Victim::Server | Victim::Both) {
        server.kill();
        server.restart();
    }
}

/// Sends the spans that were never acknowledged, so that it is known what the store must hold.
fn finish(server: &KestrelProcess, sent: &Sent) {
    let open: Vec<_> = sent
        .iter()
        .filter(|(_, acknowledged)| !**acknowledged)
        .collect();
    for part in open.chunks(500) {
        let spans: Vec<_> = part
            .iter()
            .map(|((trace, number), _)| span(*trace, *number))
            .collect();
        let body = protobuf_request("kill", &spans);
        while server.post("/v1/traces", &[PROTOBUF], &body).status != 200 {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn check_acknowledged(server: &KestrelProcess, sent: &Sent) {
    let mut traces: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for ((trace, number), _) in sent.iter().filter(|(_, acknowledged)| **acknowledged) {
        traces.entry(*trace).or_default().push(*number);
    }
    for (trace, numbers) in traces {
        let stored = stored_spans(server, &TestSpan::new(trace, 0).trace_hex());
        for number in numbers {
            let id = TestSpan::new(trace, number).span_hex();
            let copies = stored
                .iter()
                .filter(|stored| stored["span_id"] == id)
                .count();
            assert_eq!(copies, 1, "acknowledged span {number} of trace {trace}");
        }
    }
}

fn check_sums(server: &KestrelProcess, sent: &Sent) {
    let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
    for (trace, _) in sent.keys() {
        *counts.entry(*trace).or_default() += 1;
    }
    for (trace, count) in counts {
        let path = format!("/api/v1/traces/{}", TestSpan::new(trace, 0).trace_hex());
        server.wait_for_json(&path, |summary: &Value| {
            summary["span_count"] == count && summary["input_tokens"] == count * INPUT_TOKENS
        });
    }
}

/// Acknowledged spans without which a round would say nothing.
const ENOUGH: usize = 300;

fn round(victim: Victim, seed: u64) {
    let load = Load {
        server: Mutex::new(KestrelProcess::start(KestrelOptions::with_binary(BINARY))),
        stop: AtomicBool::new(false),
        acknowledged: AtomicUsize::new(0),
    };
    let mut dice = Dice(seed);
    let sent: Sent = thread::scope(|scope| {
        let load = &load;
        let senders: Vec<_> = (1..=SENDERS)
            .map(|sender| scope.spawn(move || send_until(load, sender, seed + sender)))
            .collect();
        for _ in 0..2 {
            thread::sleep(Duration::from_millis(150 + dice.roll(700)));
            kill(&load.server, victim);
        }
        while load.acknowledged.load(Ordering::Relaxed) < ENOUGH {
            thread::sleep(Duration::from_millis(100 + dice.roll(400)));
        }
        load.stop.store(true, Ordering::Relaxed);
        senders
            .into_iter()
            .flat_map(|sender| sender.join().unwrap())
            .collect()
    });
    // The last kill falls on a server that nobody sends to any more: what it acknowledged must be enough.
    kill(&load.server, victim);
    let server = load.server.into_inner().unwrap();
    server.wait_for_json("/readyz", |ready| ready["ready"] == true);
    check_acknowledged(&server, &sent);
    finish(&server, &sent);
    check_sums(&server, &sent);
}

fn rounds(victim: Victim) {
    let asked = std::env::var("KESTREL_KILL_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok());
    for number in 0..asked.unwrap_or(1) {
        println!("{victim:?}, round {number}");
        round(victim, 1_000 * number + 17);
    }
}

#[test]
fn what_was_acknowledged_survives_kills_of_the_server_and_counts_once() {
    rounds(Victim::Server);
}

#[test]
fn what_was_acknowledged_survives_kills_of_the_engine_and_counts_once() {
    rounds(Victim::Engine);
}

#[test]
fn what_was_acknowledged_survives_kills_of_both_and_counts_once() {
    rounds(Victim::Both);
}
