//! What several of these tests need.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use test_support::otlp::{TestSpan, protobuf_request};
use test_support::{Answer, KestrelProcess, shared_kestrel};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_kestrel");

pub(crate) const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// The server that the tests of this process share.
pub(crate) fn server() -> &'static KestrelProcess {
    shared_kestrel(BINARY)
}

/// A number for trace ids that no other test of this process uses.
pub(crate) fn new_trace() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Sends spans as protobuf; panics where they are not taken whole.
pub(crate) fn send(server: &KestrelProcess, project: &str, spans: &[TestSpan]) {
    let answer = server.post("/v1/traces", &[PROTOBUF], &protobuf_request(project, spans));
    assert_eq!(
        (answer.status, answer.body.len()),
        (200, 0),
        "{}",
        answer.text()
    );
}

/// Every span of a trace, in order.
pub(crate) fn stored_spans(server: &KestrelProcess, trace_hex: &str) -> Vec<Value> {
    let mut spans = Vec::new();
    let mut query = "?limit=1000".to_owned();
    loop {
        let page = server
            .wait_for_json(&format!("/api/v1/traces/{trace_hex}/spans{query}"), |_| {
                true
            });
        spans.extend(page["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = page["next_cursor"].as_str() else {
            return spans;
        };
        query = format!("?limit=1000&cursor={cursor}");
    }
}

/// The trace once its summary counts so many spans.
pub(crate) fn summed_up(server: &KestrelProcess, trace_hex: &str, span_count: u64) -> Value {
    server.wait_for_json(&format!("/api/v1/traces/{trace_hex}"), |trace| {
        trace["span_count"] == span_count
    })
}

/// The `code` of an error, after checking the shape around it.
pub(crate) fn error_code(answer: &Answer) -> String {
    let body = answer.json();
    let error = &body["error"];
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{body}"
    );
    assert!(error["type"].is_string(), "{body}");
    error["code"].as_str().unwrap().to_owned()
}

/// Sends bytes on a connection of their own and reads until the server closes or pauses for too long.
pub(crate) fn raw(server: &KestrelProcess, request: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A server that answers before it has read everything may reset the connection after its answer.
    drop(stream.read_to_end(&mut answer));
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection to the server.
pub(crate) fn connect(server: &KestrelProcess) -> TcpStream {
    let stream = TcpStream::connect(server.url().trim_start_matches("http://")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream
}

/// Sends a request to `TraceService/Export` as gRPC frames it; the code of the answer.
pub(crate) fn export_by_grpc(server: &KestrelProcess, message: &[u8]) -> String {
    let address = server.grpc_address().unwrap().to_owned();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    let framed = [&[0], &length[..], message].concat();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let connecting =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = connecting.await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::post(format!(
            "http://{address}/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        ))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(bytes::Bytes::from(framed)))
        .unwrap();
        let answer = sender.send_request(request).await.unwrap();
        let in_head = answer.headers().get("grpc-status").cloned();
        let collected = answer.into_body().collect().await.unwrap();
        let in_trailers = collected
            .trailers()
            .and_then(|trailers| trailers.get("grpc-status").cloned());
        let status = in_trailers.or(in_head).unwrap();
        status.to_str().unwrap().to_owned()
    })
}
