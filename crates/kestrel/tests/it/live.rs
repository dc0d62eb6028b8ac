//! Live events: what arrives is told to those who watch, once, in order, and without waiting for slow ones.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use test_support::KestrelProcess;
use test_support::otlp::TestSpan;

use crate::support::{connect, error_code, new_trace, send, server};

struct Watcher {
    stream: BufReader<TcpStream>,
}

struct Told {
    id: String,
    event: String,
    data: Value,
}

impl Watcher {
    fn open(server: &KestrelProcess, query: &str, last_id: Option<&str>) -> Self {
        let mut stream = connect(server);
        let last_id = last_id
            .map(|id| format!("last-event-id: {id}\r\n"))
            .unwrap_or_default();
        write!(
            stream,
            "GET /api/v1/live{query} HTTP/1.1\r\nhost: localhost\r\naccept-encoding: gzip, zstd\r\n{last_id}\r\n"
        )
        .unwrap();
        let mut watcher = Self {
            stream: BufReader::new(stream),
        };
        // A compressed stream would hold events back until a buffer is full.
        let mut head = Vec::new();
        while let Some(line) = Some(watcher.line()).filter(|line| !line.is_empty()) {
            head.push(line.to_ascii_lowercase());
        }
        assert!(
            !head.iter().any(|line| line.starts_with("content-encoding")),
            "{head:?}"
        );
        watcher
    }

    /// The next line that is neither the size of a chunk nor a sign of life.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .expect("an event arrives in time");
        line.trim_end().to_owned()
    }

    fn next(&mut self) -> Told {
        let (mut id, mut event) = (String::new(), String::new());
        loop {
            let line = self.line();
            if let Some(value) = line.strip_prefix("id: ") {
                value.clone_into(&mut id);
            } else if let Some(value) = line.strip_prefix("event: ") {
                value.clone_into(&mut event);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Told {
                    id,
                    event,
                    data: serde_json::from_str(data).unwrap(),
                };
            }
        }
    }

    /// The next events until one holds an item that passes.
    fn until(&mut self, passes: impl Fn(&Value) -> bool) -> Told {
        self.until_unless(passes, |_| false)
    }

    /// The same, where nothing may be told on the way that is not wanted.
    fn until_unless(
        &mut self,
        passes: impl Fn(&Value) -> bool,
        unwanted: impl Fn(&Value) -> bool,
    ) -> Told {
        loop {
            let told = self.next();
            let Some(items) = told.data["items"].as_array() else {
                continue;
            };
            assert!(!items.iter().any(&unwanted), "{items:?}");
            if items.iter().any(&passes) {
                return told;
            }
        }
    }

    /// Sends what the watcher is to be told of until it is told of something: a poll begins with its first watcher,
    /// and what is sent before its first look is not news.
    fn wait_for_first_look(&mut self, send_something: impl Fn() + Sync) {
        let told = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..600 {
                    if told.load(Ordering::Relaxed) {
                        return;
                    }
                    send_something();
                    std::thread::sleep(Duration::from_millis(100));
                }
            });
            self.next();
            told.store(true, Ordering::Relaxed);
        });
    }
}

/// A rollout of one message that a watcher of the project is told of.
fn send_message(server: &KestrelProcess, project: &str, content: &str) {
    let span = TestSpan::message(new_trace(), 0, "user", content);
    send(server, project, &[span]);
}

#[test]
fn a_new_rollout_is_told_to_those_whose_filter_lets_it_through() {
    let server = server();
    let mut all = Watcher::open(server, "", None);
    let mut mine = Watcher::open(server, "?project=live-mine", None);
    mine.wait_for_first_look(|| send_message(server, "live-mine", "earlier"));
    let other = TestSpan::message(new_trace(), 0, "user", "other");
    let wanted = TestSpan::message(new_trace(), 0, "user", "wanted");
    send(server, "live-other", std::slice::from_ref(&other));
    send(server, "live-mine", std::slice::from_ref(&wanted));
    let told = all.until(|trace| trace["trace_id"] == other.trace_hex());
    assert_eq!(told.event, "traces");
    let told = mine.until_unless(
        |trace| trace["trace_id"] == wanted.trace_hex() && trace["span_count"] == 1,
        |trace| trace["project"] != "live-mine",
    );
    assert_eq!(told.event, "traces");
}

#[test]
fn a_filter_on_text_is_decided_by_the_store() {
    let server = server();
    let mut watcher = Watcher::open(server, "?project=live-text&q=platypus", None);
    watcher.wait_for_first_look(|| send_message(server, "live-text", "an earlier platypus"));
    let other = TestSpan::message(new_trace(), 0, "user", "a beaver");
    let wanted = TestSpan::message(new_trace(), 0, "user", "a platypus");
    send(server, "live-text", std::slice::from_ref(&other));
    send(server, "live-text", std::slice::from_ref(&wanted));
    watcher.until_unless(
        |trace| trace["trace_id"] == wanted.trace_hex(),
        |trace| trace["trace_id"] == other.trace_hex(),
    );
}

#[test]
fn the_spans_of_one_rollout_are_told_as_they_arrive() {
    let server = server();
    let trace = new_trace();
    let spans: Vec<_> = (0..3)
        .map(|span| TestSpan::message(trace, span, "user", &format!("said {span}")))
        .collect();
    send(server, "live-spans", &spans[..1]);
    let query = format!("?trace_id={}", spans[0].trace_hex());
    let mut watcher = Watcher::open(server, &query, None);
    let next = AtomicU64::new(100);
    watcher.wait_for_first_look(|| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let earlier = TestSpan::message(trace, number, "user", "earlier");
        send(server, "live-spans", &[earlier]);
    });
    for span in &spans[1..] {
        send(server, "live-spans", std::slice::from_ref(span));
        let told = watcher.until(|told| told["span_id"] == span.span_hex());
        assert_eq!(told.event, "spans");
    }
}

#[test]
fn a_watcher_that_comes_back_gets_what_it_missed() {
    let server = server();
    let mut watcher = Watcher::open(server, "?project=live-resume", None);
    watcher.wait_for_first_look(|| send_message(server, "live-resume", "earlier"));
    let first = TestSpan::new(new_trace(), 0);
    send(server, "live-resume", std::slice::from_ref(&first));
    let seen = watcher.until(|trace| trace["trace_id"] == first.trace_hex());
    drop(watcher);
    let missed = TestSpan::new(new_trace(), 0);
    send(server, "live-resume", std::slice::from_ref(&missed));
    let mut watcher = Watcher::open(server, "?project=live-resume", Some(&seen.id));
    watcher.until(|trace| trace["trace_id"] == missed.trace_hex());

    let mut too_old = Watcher::open(server, "?project=live-resume", Some("1"));
    assert_eq!(too_old.next().event, "reset");
}

#[test]
fn unknown_parameters_are_refused_with_the_nearest_known_one() {
    let answer = server().get("/api/v1/live?traceid=1");
    assert_eq!(
        (answer.status, error_code(&answer).as_str()),
        (400, "unknown_parameter")
    );
    assert!(answer.text().contains("trace_id"), "{}", answer.text());
}
