//! OTLP over HTTP, row by row of what exporters expect.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Value, json};
use test_support::otlp::{Any, TestSpan, json_request, protobuf_request};

use crate::support::{JSON, PROTOBUF, new_trace, send, server, stored_spans, summed_up};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn varied_spans(trace: u64) -> Vec<TestSpan> {
    vec![
        TestSpan::message(trace, 0, "user", "what is the weather in Łódź? 🌦"),
        TestSpan::new(trace, 1)
            .with("plain", "text with a \u{0} in it")
            .with("number", 12)
            .with("ratio", 0.5)
            .with("not_a_number", f64::NAN)
            .with("yes", true)
            .with("bytes", Any::Bytes(vec![0, 255, 7]))
            .with("list", Any::List(vec![Any::Int(1), Any::from("two")]))
            .with(
                "map",
                Any::Map(vec![(
                    "inner".to_owned(),
                    Any::Map(vec![("deep".to_owned(), Any::Int(3))]),
                )]),
            ),
    ]
}

/// What the API shows of spans, without the ids, so that the same content can be compared.
fn without_ids(mut spans: Vec<Value>) -> Vec<Value> {
    for span in &mut spans {
        span["span_id"] = Value::Null;
    }
    spans
}

#[test]
fn the_same_spans_in_every_encoding_and_compression_are_the_same_rows() {
    let server = server();
    let mut stored = Vec::new();
    for variant in ["protobuf", "json", "gzip", "deflate", "zstd", "json gzip"] {
        let trace = new_trace();
        let spans = varied_spans(trace);
        let protobuf = protobuf_request("encodings", &spans);
        let json = json_request("encodings", &spans);
        let (headers, body) = match variant {
            "protobuf" => (vec![PROTOBUF], protobuf),
            "json" => (vec![JSON], json),
            "gzip" => (
                vec![PROTOBUF, ("content-encoding", "gzip")],
                gzip(&protobuf),
            ),
            "deflate" => (
                vec![PROTOBUF, ("content-encoding", "deflate")],
                zlib(&protobuf),
            ),
            "zstd" => (
                vec![PROTOBUF, ("content-encoding", "zstd")],
                zstd::encode_all(protobuf.as_slice(), 1).unwrap(),
            ),
            _ => (
                vec![
                    ("content-type", "application/json; charset=utf-8"),
                    ("content-encoding", "gzip"),
                ],
                gzip(&json),
            ),
        };
        let answer = server.post("/v1/traces", &headers, &body);
        assert_eq!(answer.status, 200, "{variant}: {}", answer.text());
        let is_json = variant.starts_with("json");
        let content_type = if is_json { JSON.1 } else { PROTOBUF.1 };
        assert_eq!(
            answer.header("content-type"),
            Some(content_type),
            "{variant}"
        );
        assert_eq!(answer.text(), if is_json { "{}" } else { "" }, "{variant}");
        stored.push((
            variant,
            without_ids(stored_spans(server, &spans[0].trace_hex())),
        ));
    }
    for (variant, spans) in &stored[1..] {
        assert_eq!(spans, &stored[0].1, "{variant}");
    }
    assert_eq!(stored[0].1.len(), 2);
}

#[test]
fn what_is_acknowledged_can_be_read_at_once() {
    let server = server();
    for _ in 0..20 {
        let span = TestSpan::new(new_trace(), 0);
        send(server, "at-once", std::slice::from_ref(&span));
        let answer = server.get(&format!("/api/v1/traces/{}/spans", span.trace_hex()));
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["items"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn empty_requests_succeed_in_the_encoding_they_came_in() {
    let server = server();
    let answer = server.post("/v1/traces", &[PROTOBUF], b"");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let answer = server.post("/v1/traces", &[JSON], b"{}");
    assert_eq!((answer.status, answer.text().as_str()), (200, "{}"));
}

#[test]
fn garbage_is_refused_with_a_status_in_the_encoding_of_the_request() {
    let server = server();
    let answer = server.post("/v1/traces", &[JSON], b"{\"resourceSpans\":");
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), Some(JSON.1));
    assert!(
        answer.json()["message"].as_str().unwrap().contains("JSON"),
        "{}",
        answer.text()
    );

    let answer = server.post("/v1/traces", &[PROTOBUF], &[0xff; 100]);
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("content-type"), Some(PROTOBUF.1));
    let status = caribou_otlp::response::decode_status(&answer.body).unwrap();
    assert_eq!(status.code, 3);
    assert!(status.message.contains("protobuf"), "{}", status.message);
}

#[test]
fn one_invalid_span_is_rejected_and_its_neighbours_are_kept() {
    let server = server();
    let trace = new_trace();
    let mut spans: Vec<TestSpan> = (0..500).map(|span| TestSpan::new(trace, span)).collect();
    spans[250].span_id = vec![0; 8];
    let answer = server.post("/v1/traces", &[JSON], &json_request("partial", &spans));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let partial = &answer.json()["partialSuccess"];
    assert_eq!(partial["rejectedSpans"], "1");
    assert!(
        partial["errorMessage"]
            .as_str()
            .unwrap()
            .contains("span id"),
        "{partial}"
    );
    assert_eq!(stored_spans(server, &spans[0].trace_hex()).len(), 499);
}

#[test]
fn other_methods_types_and_compressions_are_refused_with_what_would_do() {
    let server = server();
    let answer = server.get("/v1/traces");
    assert_eq!(answer.status, 405);
    assert!(answer.header("allow").unwrap().contains("POST"));

    let answer = server.post("/v1/traces", &[("content-type", "text/plain")], b"hello");
    assert_eq!(answer.status, 415);

    let answer = server.post(
        "/v1/traces",
        &[PROTOBUF, ("content-encoding", "br")],
        b"hello",
    );
    assert_eq!(answer.status, 415);
    assert!(answer.header("accept-encoding").unwrap().contains("gzip"));
}

#[test]
fn other_signals_are_refused_with_a_hint() {
    let server = server();
    for path in ["/v1/logs", "/v1/metrics"] {
        let answer = server.post(path, &[JSON], b"{}");
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains("/v1/traces"), "{}", answer.text());
    }
    let logs = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hi"}}]}]}]});
    let answer = server.post("/v1/traces", &[JSON], logs.to_string().as_bytes());
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("logs"), "{}", answer.text());
}

#[test]
fn the_address_of_langfuse_clients_takes_spans_too() {
    let server = server();
    let span = TestSpan::new(new_trace(), 0);
    let body = gzip(&protobuf_request(
        "langfuse-address",
        std::slice::from_ref(&span),
    ));
    let headers = [
        PROTOBUF,
        ("content-encoding", "gzip"),
        ("authorization", "Basic cGs6c2s="),
    ];
    let answer = server.post("/api/public/otel/v1/traces", &headers, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(stored_spans(server, &span.trace_hex()).len(), 1);
}

#[test]
fn ids_in_upper_case_and_numbers_as_numbers_are_taken() {
    let server = server();
    let span = TestSpan::new(new_trace(), 0);
    let body = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": span.trace_hex().to_uppercase(),
        "spanId": span.span_hex().to_uppercase(),
        "name": "upper",
        "startTimeUnixNano": span.start,
        "endTimeUnixNano": span.end,
        "attributes": [{"key": "number", "value": {"intValue": 12}}],
        "unknownField": {"nested": [1, 2, 3]},
    }]}]}]});
    let answer = server.post("/v1/traces", &[JSON], body.to_string().as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let stored = stored_spans(server, &span.trace_hex());
    assert_eq!(stored[0]["attributes"]["number"], 12, "{}", stored[0]);
}

#[test]
fn a_large_message_is_kept_whole() {
    let server = server();
    let content = "0123456789abcdef".repeat((10 << 20) / 16);
    let span = TestSpan::message(new_trace(), 0, "user", &content);
    send(server, "large", std::slice::from_ref(&span));
    let stored = stored_spans(server, &span.trace_hex());
    assert_eq!(
        stored[0]["content"].as_str().map(str::len),
        Some(content.len())
    );
    summed_up(server, &span.trace_hex(), 1);
}
