//! Answers of an OTLP server: export responses and `google.rpc.Status`, written and read.

use std::fmt::Write as _;
use std::time::Duration;

use crate::DecodeError;
use crate::json;
use crate::value::{Value, write_json_string};
use crate::wire::reader::{FieldValue, Message};
use crate::wire::writer::{put_bytes_field, put_varint_field};

/// How a request and its answer are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// `application/x-protobuf`, and gRPC.
    Protobuf,
    /// `application/json`.
    Json,
}

/// What a server says about a request that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSuccess {
    /// How many spans it rejected.
    pub rejected: u64,
    /// Why; with no span rejected, a warning.
    pub message: String,
}

/// An error as `google.rpc.Status`: the body of an HTTP error, or gRPC's `grpc-status-details-bin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// A gRPC status code, such as 3 for `INVALID_ARGUMENT` and 14 for `UNAVAILABLE`.
    pub code: i32,
    /// What is wrong.
    pub message: String,
    /// When to try again, sent as `google.rpc.RetryInfo`.
    pub retry_delay: Option<Duration>,
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// The `ExportTraceServiceResponse` for a request that was taken, all or in part.
///
/// ```
/// use caribou_otlp::response::{Encoding, encode_success};
///
/// assert_eq!(encode_success(Encoding::Protobuf, 0, ""), b"");
/// assert_eq!(encode_success(Encoding::Json, 0, ""), b"{}");
/// ```
pub fn encode_success(encoding: Encoding, rejected: u64, message: &str) -> Vec<u8> {
    let nothing_to_say = rejected == 0 && message.is_empty();
    match encoding {
        Encoding::Protobuf if nothing_to_say => Vec::new(),
        Encoding::Json if nothing_to_say => b"{}".to_vec(),
        Encoding::Protobuf => {
            let mut partial_success = Vec::new();
            if rejected > 0 {
                put_varint_field(&mut partial_success, 1, rejected);
            }
            if !message.is_empty() {
                put_bytes_field(&mut partial_success, 2, message.as_bytes());
            }
            let mut response = Vec::new();
            put_bytes_field(&mut response, 1, &partial_success);
            response
        }
        Encoding::Json => {
            let mut json = format!(
                "{{\"partialSuccess\":{{\"rejectedSpans\":\"{rejected}\",\"errorMessage\":"
            );
            write_json_string(message, &mut json);
            json.push_str("}}");
            json.into_bytes()
        }
    }
}

/// Reads an `ExportTraceServiceResponse`.
///
/// # Errors
/// When the body is none.
pub fn decode_success(encoding: Encoding, body: &[u8]) -> Result<PartialSuccess, DecodeError> {
    match encoding {
        Encoding::Protobuf => success_from_protobuf(body),
        Encoding::Json => success_from_json(body),
    }
}

fn success_from_protobuf(body: &[u8]) -> Result<PartialSuccess, DecodeError> {
    let mut success = PartialSuccess::default();
    let mut fields = Message::new(body).fields();
    while let Some((number, value)) = fields.next()? {
        let (1, FieldValue::Bytes(partial_success)) = (number, value) else {
            continue;
        };
        let mut fields = partial_success.fields();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, FieldValue::Varint(rejected)) => success.rejected = rejected,
                (2, FieldValue::Bytes(message)) => success.message = message.text().into_owned(),
                _ => {}
            }
        }
    }
    Ok(success)
}

fn success_from_json(body: &[u8]) -> Result<PartialSuccess, DecodeError> {
    let response = json::parse(body)?;
    let Some(partial_success) = response.get("partialSuccess") else {
        return Ok(PartialSuccess::default());
    };
    Ok(PartialSuccess {
        rejected: partial_success
            .get("rejectedSpans")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
        message: partial_success
            .get_str("errorMessage")
            .unwrap_or_default()
            .to_owned(),
    })
}

/// An error as `google.rpc.Status`.
pub fn encode_status(encoding: Encoding, status: &Status) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => status_to_protobuf(status),
        Encoding::Json => status_to_json(status),
    }
}

fn status_to_protobuf(status: &Status) -> Vec<u8> {
    let mut encoded = Vec::new();
    if status.code != 0 {
        put_varint_field(&mut encoded, 1, i64::from(status.code).cast_unsigned());
    }
    put_bytes_field(&mut encoded, 2, status.message.as_bytes());
    if let Some(delay) = status.retry_delay {
        let mut duration = Vec::new();
        put_varint_field(&mut duration, 1, delay.as_secs());
        put_varint_field(&mut duration, 2, u64::from(delay.subsec_nanos()));
        let mut retry_info = Vec::new();
        put_bytes_field(&mut retry_info, 1, &duration);
        let mut any = Vec::new();
        put_bytes_field(&mut any, 1, RETRY_INFO.as_bytes());
        put_bytes_field(&mut any, 2, &retry_info);
        put_bytes_field(&mut encoded, 3, &any);
    }
    encoded
}

fn status_to_json(status: &Status) -> Vec<u8> {
    let mut json = format!("{{\"code\":{},\"message\":", status.code);
    write_json_string(&status.message, &mut json);
    if let Some(delay) = status.retry_delay {
        let (seconds, nanos) = (delay.as_secs(), delay.subsec_nanos());
        write!(
            json,
            ",\"details\":[{{\"@type\":\"{RETRY_INFO}\",\"retryDelay\":\"{seconds}.{nanos:09}s\"}}]"
        )
        .expect("writing to a string cannot fail");
    }
    json.push('}');
    json.into_bytes()
}

/// Reads a `google.rpc.Status` in protobuf, as gRPC's `grpc-status-details-bin` carries it, decoded from base64.
///
/// # Errors
/// When the bytes are none.
pub fn decode_status(bytes: &[u8]) -> Result<Status, DecodeError> {
    let mut status = Status::default();
    let mut fields = Message::new(bytes).fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, FieldValue::Varint(code)) => {
                status.code = i32::try_from(code.cast_signed()).unwrap_or_default();
            }
            (2, FieldValue::Bytes(message)) => status.message = message.text().into_owned(),
            (3, FieldValue::Bytes(any)) => {
                status.retry_delay = retry_delay_from_any(any)?.or(status.retry_delay);
            }
            _ => {}
        }
    }
    Ok(status)
}

fn retry_delay_from_any(any: Message<'_>) -> Result<Option<Duration>, DecodeError> {
    let mut is_retry_info = false;
    let mut content = Message::new(b"");
    let mut fields = any.fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, FieldValue::Bytes(url)) => {
                is_retry_info = url.text().ends_with("google.rpc.RetryInfo");
            }
            (2, FieldValue::Bytes(value)) => content = value,
            _ => {}
        }
    }
    if !is_retry_info {
        return Ok(None);
    }
    let mut delay = None;
    let mut fields = content.fields();
    while let Some((number, value)) = fields.next()? {
        if let (1, FieldValue::Bytes(duration)) = (number, value) {
            delay = Some(duration_from_protobuf(duration)?);
        }
    }
    Ok(delay)
}

fn duration_from_protobuf(message: Message<'_>) -> Result<Duration, DecodeError> {
    let (mut seconds, mut nanos) = (0, 0);
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            // A negative delay, were one sent, is none.
            (1, FieldValue::Varint(value)) => {
                seconds = u64::try_from(value.cast_signed()).unwrap_or(0);
            }
            (2, FieldValue::Varint(value)) => nanos = u32::try_from(value).unwrap_or(0),
            _ => {}
        }
    }
    Ok(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(u64::from(nanos))))
}
