//! Whatever comes in: an answer that says what is wrong, and a server that goes on.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::process::{Resource, getrlimit, setrlimit};
use test_support::otlp::{Any, TestSpan, json_request, protobuf_request};
use test_support::{KestrelOptions, KestrelProcess};

use crate::support::{
    BINARY, JSON, PROTOBUF, connect, error_code, export_by_grpc, new_trace, raw, send, server,
    stored_spans,
};

/// The most memory that a process has held so far.
fn peak_mib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<u64>()
        .unwrap()
        / 1024
}

#[test]
fn a_truncated_protobuf_is_refused_and_nothing_of_it_is_stored() {
    let server = server();
    let spans: Vec<_> = (0..10).map(|span| TestSpan::new(7_000_001, span)).collect();
    let body = protobuf_request("truncated", &spans);
    let answer = server.post("/v1/traces", &[PROTOBUF], &body[..body.len() - 10]);
    assert_eq!(answer.status, 400);
    assert_eq!(
        server
            .get(&format!("/api/v1/traces/{}/spans", spans[0].trace_hex()))
            .status,
        404
    );
}

#[test]
fn a_decompression_bomb_is_too_large_and_costs_no_memory() {
    // Of its own: what other tests send meanwhile costs memory as well.
    let server = KestrelProcess::start(KestrelOptions::with_binary(BINARY));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1_000 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2 << 20);
    let before = peak_mib(server.pid());
    for _ in 0..5 {
        let headers = [PROTOBUF, ("content-encoding", "gzip")];
        let answer = server.post("/v1/traces", &headers, &bomb);
        assert_eq!(answer.status, 413, "{}", answer.text());
    }
    let grown = peak_mib(server.pid()) - before;
    assert!(grown < 500, "grown by {grown} of 1000 MiB");
}

#[test]
fn a_body_beyond_64_mib_is_refused_announced_or_not() {
    let server = server();
    let announced = "POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n\
                     content-length: 104857600\r\nconnection: close\r\n\r\n";
    assert!(raw(server, announced.as_bytes()).starts_with("HTTP/1.1 413 "));

    let mut stream = connect(server);
    stream
        .write_all(
            b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n\
              transfer-encoding: chunked\r\n\r\n",
        )
        .unwrap();
    let mut chunk = b"100000\r\n".to_vec();
    chunk.extend(vec![0; 1 << 20]);
    chunk.extend(b"\r\n");
    // The one byte too many comes with the end: what is sent after an answer is read for a moment only.
    for _ in 0..64 {
        stream.write_all(&chunk).unwrap();
    }
    stream.write_all(b"1\r\n\0\r\n0\r\n\r\n").unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
}

#[test]
fn a_grpc_message_beyond_the_limit_is_refused_in_the_words_after_which_no_client_sends_it_again() {
    let options = KestrelOptions::with_binary(BINARY)
        .with_arg("--otlp-grpc=127.0.0.1:0")
        .with_env("KESTREL_MAX_BODY_BYTES", "100000");
    let server = KestrelProcess::start(options);
    // RESOURCE_EXHAUSTED; after OUT_OF_RANGE clients of OTLP try again.
    assert_eq!(export_by_grpc(&server, &vec![0; 100_001]), "8");
}

#[test]
fn a_path_that_is_no_utf8_is_refused_in_the_shape_of_errors() {
    let answer = server().get("/api/v1/traces/%ff");
    assert_eq!(
        (answer.status, error_code(&answer).as_str()),
        (400, "invalid_parameter")
    );
}

#[test]
fn deep_nesting_is_survived_in_both_encodings() {
    // Writing and dropping such a value recurses, here; the server must not.
    let roomy = std::thread::Builder::new().stack_size(256 << 20);
    roomy.spawn(send_deep_nesting).unwrap().join().unwrap();
}

fn send_deep_nesting() {
    let server = server();
    let mut body = br#"{"resourceSpans":"#.to_vec();
    body.extend(b"[".repeat(10_000));
    body.extend(b"]".repeat(10_000));
    body.extend(b"}");
    let answer = server.post("/v1/traces", &[JSON], &body);
    assert_eq!(answer.status, 400, "{}", answer.text());

    let trace = new_trace();
    let mut value = Any::Int(1);
    for _ in 0..10_000 {
        value = Any::List(vec![value]);
    }
    let mut nested = TestSpan::new(trace, 0);
    nested.attributes.push(("deep".to_owned(), value));
    let neighbour = TestSpan::new(trace, 1);
    let answer = server.post(
        "/v1/traces",
        &[PROTOBUF],
        &protobuf_request("deep", &[nested, neighbour.clone()]),
    );
    assert!(
        matches!(answer.status, 200 | 400),
        "{} {}",
        answer.status,
        answer.text()
    );
    if answer.status == 200 {
        assert!(!stored_spans(server, &neighbour.trace_hex()).is_empty());
    }
}

#[test]
fn invalid_utf8_does_not_cost_a_neighbour() {
    let server = server();
    let trace = new_trace();
    let spans = [
        TestSpan::new(trace, 0).named("marker-name"),
        TestSpan::new(trace, 1),
    ];
    let mut body = protobuf_request("utf8", &spans);
    let place = body
        .windows(11)
        .position(|window| window == b"marker-name")
        .unwrap();
    body[place + 3] = 0xff;
    let answer = server.post("/v1/traces", &[PROTOBUF], &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let stored = stored_spans(server, &spans[0].trace_hex());
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[0]["span_name"], "mar\u{fffd}er-name");
}

#[test]
fn numbers_that_are_none_are_kept_out_of_sums() {
    let server = server();
    let trace = new_trace();
    for (number, score) in (0_i64..).zip([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]) {
        let span = TestSpan::new(trace, number.cast_unsigned())
            .with("caribou.item_type", "grade")
            .with("caribou.span_kind", "grader")
            .with("caribou.revision", 1)
            .with("caribou.sequence", number)
            .with("caribou.logged_at", 1_793_491_200_000_000_000 + number)
            .with("caribou.score", score);
        send(server, "nan", std::slice::from_ref(&span));
        let json = server.post("/v1/traces", &[JSON], &json_request("nan", &[span]));
        assert_eq!(json.status, 200, "{}", json.text());
    }
    let id = TestSpan::new(trace, 0).trace_hex();
    let summary = server.wait_for_json(&format!("/api/v1/traces/{id}"), |trace| {
        trace["span_count"] == 3
    });
    assert!(summary["score"].is_null(), "{summary}");
}

#[test]
fn ids_of_any_length_are_rejected_one_by_one() {
    let server = server();
    for length in [0, 1, 7, 8, 15, 17, 32, 300, 100_000] {
        let trace = new_trace();
        let mut wrong = TestSpan::new(trace, 0);
        wrong.trace_id = vec![0xab; length];
        let mut wrong_span = TestSpan::new(trace, 1);
        wrong_span.span_id = vec![0xcd; if length == 8 { 9 } else { length }];
        let right = TestSpan::new(trace, 2);
        for (headers, body) in [
            (
                PROTOBUF,
                protobuf_request("ids", &[wrong.clone(), wrong_span.clone(), right.clone()]),
            ),
            (
                JSON,
                json_request("ids", &[wrong.clone(), wrong_span.clone(), right.clone()]),
            ),
        ] {
            let answer = server.post("/v1/traces", &[headers], &body);
            assert_eq!(answer.status, 200, "{length}: {}", answer.text());
        }
        assert_eq!(
            stored_spans(server, &right.trace_hex()).len(),
            1,
            "{length}"
        );
    }
    for id in ["x", "%00", "..%2f..", &"z".repeat(5_000), "%F0%9F%92%A9"] {
        let status = server.get(&format!("/api/v1/traces/{id}")).status;
        assert!(matches!(status, 400 | 404), "{id}: {status}");
    }
}

#[test]
fn a_client_that_goes_away_mid_stream_leaves_nothing_behind() {
    // Of its own: what other tests are sending is counted as well.
    let server = KestrelProcess::start(KestrelOptions::with_binary(BINARY));
    for _ in 0..20 {
        let mut stream = connect(&server);
        stream
            .write_all(
                b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-protobuf\r\n\
                  content-length: 1000000\r\n\r\n0123456789",
            )
            .unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while !server
        .get("/metrics")
        .text()
        .contains("\nkestrel_queue_bytes 0\n")
    {
        assert!(
            Instant::now() < deadline,
            "bytes of lost clients are still counted"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_client_that_stops_in_the_middle_of_a_body_is_told_so_and_let_go() {
    let mut stream = connect(server());
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
        .write_all(
            b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
              content-length: 1000\r\nconnection: close\r\n\r\n{",
        )
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

/// Many systems let a process have 1,024 open files until it asks for more, and other tests need some, too.
fn allow_descriptors(count: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(count).min(count);
    if limit.current.is_some_and(|current| current < most) {
        limit.current = Some(most);
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}

#[test]
fn a_thousand_idle_connections_do_not_stand_in_the_way() {
    let server = server();
    allow_descriptors(4_096);
    let idle: Vec<_> = (0..1_000).map(|_| connect(server)).collect();
    let span = TestSpan::new(new_trace(), 0);
    send(server, "idle", std::slice::from_ref(&span));
    assert_eq!(stored_spans(server, &span.trace_hex()).len(), 1);
    drop(idle);
}

#[test]
fn more_than_fits_into_memory_is_deferred_and_taken_later() {
    let options = KestrelOptions::with_binary(BINARY)
        .with_env("KESTREL_MAX_QUEUE_BYTES", "200000")
        .with_env("KESTREL_MAX_BODY_BYTES", "1000000");
    let server = KestrelProcess::start(options);
    let large = TestSpan::message(1, 0, "user", &"x".repeat(300_000));
    let answer = server.post("/v1/traces", &[PROTOBUF], &protobuf_request("p", &[large]));
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(answer.header("content-type"), Some(PROTOBUF.1));
    let too_large = TestSpan::message(1, 1, "user", &"x".repeat(2_000_000));
    assert_eq!(
        server
            .post(
                "/v1/traces",
                &[PROTOBUF],
                &protobuf_request("p", &[too_large])
            )
            .status,
        413
    );
    send(&server, "p", &[TestSpan::message(1, 2, "user", "small")]);
}
