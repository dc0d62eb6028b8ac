//! What is odd in OTLP/JSON but kept, and what is refused.

use caribou_model::{SpanStatus, attribute as key};
use caribou_otlp::{DecodeError, Decoded, Defaults, decode_json};
use serde_json::{Value, json};

use crate::support::attributes_of;

fn request(span: &Value) -> String {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string()
}

fn span() -> Value {
    json!({"traceId": "01".repeat(16), "spanId": "02".repeat(8), "name": "n",
           "startTimeUnixNano": "1000", "endTimeUnixNano": "2000"})
}

fn decode(body: &str) -> Decoded<'_> {
    decode_json(body.as_bytes(), &Defaults::default()).unwrap()
}

fn error(body: &str) -> DecodeError {
    decode_json(body.as_bytes(), &Defaults::default()).unwrap_err()
}

#[test]
fn bodies_of_nothing_are_requests_without_spans() {
    for body in [
        "",
        "{}",
        r#"{"resourceSpans":[]}"#,
        r#"{"resourceSpans":null,"other":1}"#,
        " {} \n",
    ] {
        assert!(decode(body).spans.is_empty());
    }
}

#[test]
fn ids_are_hex_in_any_case() {
    let mut span = span();
    span["traceId"] = json!("0AF7651916CD43DD8448EB211C80319C");
    span["parentSpanId"] = json!("");
    let body = request(&span);
    let decoded = decode(&body);
    assert_eq!(
        decoded.spans[0].trace_id.to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    assert_eq!(decoded.spans[0].parent_span_id, None);
    assert!(decoded.spans[0].marks.is_empty());
}

#[test]
fn ids_in_base64_are_rejected_and_shown() {
    let mut span = span();
    span["traceId"] = json!("CvdlGRbNQ92ESOshHIAxnA==");
    let body = request(&span);
    let decoded = decode(&body);
    assert_eq!(decoded.rejected[0].trace_id, "CvdlGRbNQ92ESOshHIAxnA==");
}

#[test]
fn numbers_are_read_in_every_form() {
    for (start, end) in [
        (
            json!(1_795_000_000_000_000_000_u64),
            json!("1795000000000000001"),
        ),
        (json!("1.795e18"), json!(1.795e18)),
    ] {
        let mut span = span();
        span["startTimeUnixNano"] = start;
        span["endTimeUnixNano"] = end;
        let body = request(&span);
        assert_eq!(decode(&body).spans[0].started_at, 1_795_000_000_000_000_000);
    }
}

#[test]
fn enums_are_read_by_number_and_by_name() {
    for (code, kind) in [
        (json!(2), json!(3)),
        (json!("STATUS_CODE_ERROR"), json!("SPAN_KIND_CLIENT")),
    ] {
        let mut span = span();
        span["status"] = json!({"code": code, "message": "no"});
        span["kind"] = kind;
        let body = request(&span);
        let decoded = decode(&body);
        assert_eq!(decoded.spans[0].status, SpanStatus::Error);
        assert_eq!(decoded.spans[0].error_message, "no");
        assert_eq!(
            attributes_of(&decoded.spans[0]),
            json!({"otel.kind": "client"})
        );
    }
}

#[test]
fn values_are_read_in_every_form() {
    let mut span = span();
    span["attributes"] = json!([
        {"key": "int", "value": {"intValue": "12"}},
        {"key": "number", "value": {"intValue": 12}},
        {"key": "nan", "value": {"doubleValue": "NaN"}},
        {"key": "double", "value": {"doubleValue": 1}},
        {"key": "bytes", "value": {"bytesValue": "AP8="}},
        {"key": "list", "value": {"arrayValue": {"values": [{"boolValue": true}, {}]}}},
        {"key": "empty", "value": {"arrayValue": {}}},
        {"key": "map", "value": {"kvlistValue": {"values": [{"key": "a", "value": {"stringValue": ""}}]}}},
        {"key": "bare", "value": "text"},
        {"key": "absent"},
    ]);
    let body = request(&span);
    assert_eq!(
        attributes_of(&decode(&body).spans[0]),
        json!({"int": 12, "number": 12, "nan": "NaN", "double": 1.0, "bytes": "AP8=", "list": [true, null],
               "empty": [], "map": {"a": ""}, "bare": "text", "absent": null})
    );
}

#[test]
fn snake_case_is_read_too() {
    let body = json!({"resource_spans": [{"scope_spans": [{"spans": [{
        "trace_id": "01".repeat(16), "span_id": "02".repeat(8), "start_time_unix_nano": "5",
        "attributes": [{"key": key::ITEM_TYPE, "value": {"string_value": "event"}},
                       {"key": key::NAME, "value": {"string_value": "n"}}]}]}]}]})
    .to_string();
    let decoded = decode(&body);
    assert_eq!(
        (decoded.spans[0].started_at, decoded.spans[0].name.as_ref()),
        (5, "n")
    );
}

#[test]
fn the_old_names_of_scopes_are_read() {
    let body = json!({"resourceSpans": [{"instrumentationLibrarySpans": [
        {"instrumentationLibrary": {"name": "lib"}, "spans": [span()]}]}]})
    .to_string();
    assert_eq!(decode(&body).spans[0].scope_name, "lib");
}

#[test]
fn a_lone_surrogate_spoils_one_character() {
    let mut broken = span();
    broken["name"] = json!("MARK");
    let body = request(&broken).replace("MARK", r"a\ud83dz \ud83d\ude00 \udc00");
    assert_eq!(decode(&body).spans[0].span_name, "a\u{fffd}z 😀 \u{fffd}");
}

#[test]
fn an_invalid_byte_spoils_one_character() {
    let mut body = request(&span()).into_bytes();
    let at = body
        .windows(3)
        .position(|window| window == b"\"n\"")
        .unwrap();
    body[at + 1] = 0xff;
    let decoded = decode_json(&body, &Defaults::default()).unwrap();
    assert_eq!(decoded.spans[0].span_name, "\u{fffd}");
}

#[test]
fn what_is_not_json_is_an_error_that_says_where() {
    for body in [
        "{",
        "[1,]",
        "{\"a\" 1}",
        "nul",
        "{} {}",
        "{\"a\":01}",
        "\"\\x\"",
        "\"\\u12\"",
        "\u{1}",
        "-",
        "[1",
    ] {
        assert!(matches!(error(body), DecodeError::Json { .. }), "{body}");
    }
    assert_eq!(
        error("{\"a\":}").to_string(),
        "body is not JSON: expected a value at byte 5"
    );
}

#[test]
fn json_of_another_layout_is_an_error_that_says_what() {
    assert_eq!(
        error(r#"{"resourceSpans":{}}"#).to_string(),
        "body is not an OTLP/JSON trace export request: resourceSpans must be a list"
    );
    assert!(matches!(error("[]"), DecodeError::Shape { .. }));
    assert!(matches!(
        error(r#"{"resourceSpans":[1]}"#),
        DecodeError::Shape { .. }
    ));
}

#[test]
fn other_signals_are_refused_with_advice() {
    assert_eq!(
        error(r#"{"resourceLogs":[]}"#),
        DecodeError::WrongSignal { signal: "logs" }
    );
    assert_eq!(
        error(r#"{"resourceMetrics":[]}"#),
        DecodeError::WrongSignal { signal: "metrics" }
    );
}
