//! Starting, stopping, health, metrics.

use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

use test_support::otlp::{TestSpan, protobuf_request};
use test_support::{KestrelOptions, KestrelProcess, request};

use crate::support::{BINARY, PROTOBUF, error_code, new_trace, send, server, stored_spans};

#[test]
fn health_and_readiness_are_told() {
    let server = server();
    assert_eq!(server.get("/healthz").text(), "ok");
    let ready = server.get_json("/readyz");
    assert_eq!(
        (&ready["ready"], &ready["store"]),
        (&true.into(), &"embedded".into())
    );
}

#[test]
fn metrics_count_what_was_stored() {
    let server = server();
    send(server, "metrics", &[TestSpan::new(new_trace(), 0)]);
    let page = server.get("/metrics").text();
    let value = |name: &str| -> f64 {
        let line = page
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .unwrap();
        line.trim().parse().unwrap()
    };
    assert!(value("kestrel_spans_accepted_total") >= 1.0);
    assert!(value("kestrel_insert_duration_seconds_count") >= 1.0);
    assert!(value("kestrel_resident_memory_bytes") > 1e6);
}

#[test]
fn a_stopped_server_has_stored_and_summed_up_everything_and_starts_again_at_once() {
    let mut server = KestrelProcess::start(KestrelOptions::with_binary(BINARY));
    let span = TestSpan::new(1, 0);
    send(&server, "stop", std::slice::from_ref(&span));
    assert!(server.terminate().success(), "{}", server.log());
    server.restart();
    let trace = server.get_json(&format!("/api/v1/traces/{}", span.trace_hex()));
    assert_eq!(trace["span_count"], 1);
    assert_eq!(stored_spans(&server, &span.trace_hex()).len(), 1);
}

#[test]
fn the_standard_ports_of_otlp_take_spans_and_nothing_else() {
    let options = KestrelOptions::with_binary(BINARY).with_arg("--otlp-http=127.0.0.1:0");
    let server = KestrelProcess::start(options);
    let (_, address) = server.ready_line().split_once("OTLP HTTP on ").unwrap();
    let url = format!("http://{}", address.trim_end_matches(')'));
    let span = TestSpan::new(1, 0);
    let body = protobuf_request("ports", std::slice::from_ref(&span));
    let answer = request(
        "POST",
        &format!("{url}/v1/traces"),
        &[PROTOBUF],
        Some(&body),
    )
    .unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(stored_spans(&server, &span.trace_hex()).len(), 1);
    let answer = request("GET", &format!("{url}/api/v1/traces"), &[], None).unwrap();
    assert_eq!(answer.status, 404);
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
        .args(["serve", "--listen", &address, "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains(&address) && message.contains("--listen"),
        "{message}"
    );
}

#[test]
fn a_data_folder_in_use_is_named() {
    let server = server();
    let output = Command::new(BINARY)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(server.data_dir())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("in use") || message.contains("another"),
        "{message}"
    );
    assert_eq!(server.get("/readyz").status, 200);
}

#[test]
fn a_missing_engine_library_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(BINARY)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .env("KESTREL_ENGINE_LIBRARY", "/nowhere/libchdb.so")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("/nowhere/libchdb.so") && message.contains("make build"),
        "{message}"
    );
}

#[test]
fn without_its_engine_the_server_defers_and_recovers_by_itself() {
    let server = KestrelProcess::start(KestrelOptions::with_binary(BINARY));
    let span = TestSpan::new(1, 0);
    let body = protobuf_request("away", std::slice::from_ref(&span));
    let mut deferred = 0;
    let mut kills = 0;
    // A request may come so late that the engine is back; not every time.
    while kills < 3 || (deferred == 0 && kills < 20) {
        kills += 1;
        server.kill_engine();
        loop {
            let answer = server.post("/v1/traces", &[PROTOBUF], &body);
            match answer.status {
                200 => break,
                503 => {
                    assert!(answer.header("retry-after").is_some());
                    deferred += 1;
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => panic!("{other}: {}", answer.text()),
            }
        }
    }
    assert!(deferred > 0, "the engine came back before it was missed");
    assert_eq!(stored_spans(&server, &span.trace_hex()).len(), 1);
    server.wait_for_json(&format!("/api/v1/traces/{}", span.trace_hex()), |trace| {
        trace["span_count"] == 1
    });
    let deadline = Instant::now() + Duration::from_secs(60);
    while server
        .get("/metrics")
        .text()
        .contains("kestrel_engine_restarts_total 0\n")
    {
        assert!(Instant::now() < deadline, "restarts are not counted");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn unknown_routes_and_methods_are_told_in_the_shape_of_errors() {
    let server = server();
    let answer = server.get("/api/v1/nothing");
    assert_eq!(
        (answer.status, error_code(&answer).as_str()),
        (404, "unknown_route")
    );
    let answer = server.post("/api/v1/traces", &[], b"");
    assert_eq!(
        (answer.status, error_code(&answer).as_str()),
        (405, "method_not_allowed")
    );
}
