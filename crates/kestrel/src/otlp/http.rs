//! OTLP over HTTP: answers in the encoding of the request, with the statuses that exporters act on.
//!
//! Exporters send a batch again only after 429, 502, 503 and 504, so a passing failure must never be a 500.

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use caribou_otlp::response::{Encoding, PartialSuccess, Status, encode_status, encode_success};

use crate::body::{self, ACCEPTED_ENCODINGS, BodyError, Compression};
use crate::error::{RETRY_AFTER, chain, set_retry_after};
use crate::guard::is_local_origin;
use crate::ingest::{CommitError, Ingest, IngestError, Payload};
use crate::state::App;

const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Codes of `google.rpc.Code` that are answered.
pub(crate) mod code {
    /// The request cannot be read.
    pub(crate) const INVALID_ARGUMENT: i32 = 3;
    /// There is no such route.
    pub(crate) const NOT_FOUND: i32 = 5;
    /// The request is too large.
    pub(crate) const RESOURCE_EXHAUSTED: i32 = 8;
    /// The request is of a kind that is not served.
    pub(crate) const UNIMPLEMENTED: i32 = 12;
    /// A fault of the server.
    pub(crate) const INTERNAL: i32 = 13;
    /// Later it will work.
    pub(crate) const UNAVAILABLE: i32 = 14;
    /// It took too long.
    pub(crate) const DEADLINE_EXCEEDED: i32 = 4;
}

/// Takes in spans.
///
/// The body is an `ExportTraceServiceRequest` as protobuf or JSON, plain or compressed with gzip, deflate or zstd.
/// Success means that every span that was not rejected is on disk and can be read. The same spans may be sent any
/// number of times, in any grouping and order; each counts once.
#[utoipa::path(
    post,
    path = "/v1/traces",
    tag = "ingest",
    request_body(
        description = "Spans, as OTLP describes them",
        content(
            ([u8] = "application/x-protobuf"),
            (serde_json::Value = "application/json")
        )
    ),
    responses(
        (status = 200, description = "Stored. `partial_success` tells of spans that cannot be stored"),
        (status = 400, description = "The body is not what its type says; sending it again is of no use"),
        (status = 413, description = "The body is too large, as sent or after decompression"),
        (status = 415, description = "Type or compression of the body is not supported"),
        (status = 503, description = "Not stored; send again after `Retry-After` seconds"),
    )
)]
pub(crate) async fn export_traces(State(app): State<App>, request: Request) -> Response {
    export(&app, request).await
}

/// The same under the address that Langfuse's clients use.
#[utoipa::path(
    post,
    path = "/api/public/otel/v1/traces",
    tag = "ingest",
    request_body(
        description = "Spans, as OTLP describes them",
        content(
            ([u8] = "application/x-protobuf"),
            (serde_json::Value = "application/json")
        )
    ),
    responses((status = 200, description = "As `POST /v1/traces`"))
)]
pub(crate) async fn export_traces_langfuse(State(app): State<App>, request: Request) -> Response {
    export(&app, request).await
}

async fn export(app: &App, request: Request) -> Response {
    let origin = request.headers().get(header::ORIGIN).cloned();
    let (parts, body) = request.into_parts();
    let response = match encoding_of(&parts.headers) {
        Ok(encoding) => match receive(&app.ingest, encoding, &parts.headers, body).await {
            Ok(accepted) => success(encoding, &accepted),
            Err(error) => {
                if is_deferral(&error) {
                    app.metrics.requests_deferred.add(1);
                }
                failure(encoding, &error)
            }
        },
        Err(content_type) => {
            body::drain(body).await;
            unsupported_type(&content_type)
        }
    };
    allow_origin(response, origin)
}

async fn receive(
    ingest: &Ingest,
    encoding: Encoding,
    headers: &HeaderMap,
    body: Body,
) -> Result<PartialSuccess, IngestError> {
    let compression = match Compression::of(headers) {
        Ok(compression) => compression,
        Err(error) => {
            body::drain(body).await;
            return Err(error.into());
        }
    };
    let mut charge = ingest.budget().open();
    let sent = body::read(body, headers, ingest.limits.max_body_bytes, &mut charge).await?;
    ingest
        .accept(Payload {
            sent,
            compression,
            encoding,
            charge,
        })
        .await
}

fn unsupported_type(content_type: &str) -> Response {
    status(
        Encoding::Json,
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        code::INVALID_ARGUMENT,
        &format!(
            "the content type {content_type:?} is not supported; use application/x-protobuf or application/json"
        ),
    )
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, String> {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.map_or_else(String::new, |value| {
        String::from_utf8_lossy(value.as_bytes()).into_owned()
    });
    let essence = text
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match essence.as_str() {
        "application/x-protobuf" | "application/protobuf" => Ok(Encoding::Protobuf),
        "application/json" => Ok(Encoding::Json),
        _ => Err(text),
    }
}

/// True for errors after which the client should send the same again.
pub(crate) const fn is_deferral(error: &IngestError) -> bool {
    matches!(
        error,
        IngestError::Body(BodyError::OverBudget(_))
            | IngestError::Commit(CommitError::Unavailable)
            | IngestError::Images(_)
    )
}

fn success(encoding: Encoding, accepted: &PartialSuccess) -> Response {
    respond(
        encoding,
        StatusCode::OK,
        encode_success(encoding, accepted.rejected, &accepted.message),
    )
}

fn failure(encoding: Encoding, error: &IngestError) -> Response {
    let (http_status, code) = match error {
        IngestError::Body(error) => match error {
            BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, code::RESOURCE_EXHAUSTED),
            BodyError::OverBudget(_) => (StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE),
            BodyError::Timeout => (StatusCode::REQUEST_TIMEOUT, code::DEADLINE_EXCEEDED),
            BodyError::UnknownEncoding(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, code::UNIMPLEMENTED)
            }
            BodyError::Aborted(_) | BodyError::Corrupt { .. } => {
                (StatusCode::BAD_REQUEST, code::INVALID_ARGUMENT)
            }
        },
        IngestError::Decode(_) | IngestError::Commit(CommitError::Refused) => {
            (StatusCode::BAD_REQUEST, code::INVALID_ARGUMENT)
        }
        IngestError::Commit(CommitError::Unavailable) | IngestError::Images(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, code::UNAVAILABLE)
        }
        IngestError::Panicked => (StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL),
    };
    if http_status.is_server_error() {
        tracing::warn!(cause = chain(error), "spans were not taken");
    }
    let mut response = status(encoding, http_status, code, &error.to_string());
    if matches!(error, IngestError::Body(BodyError::UnknownEncoding(_))) {
        let accepted = HeaderValue::from_static(ACCEPTED_ENCODINGS);
        response
            .headers_mut()
            .insert(header::ACCEPT_ENCODING, accepted);
    }
    response
}

/// Answers a `google.rpc.Status`.
fn status(encoding: Encoding, status: StatusCode, code: i32, message: &str) -> Response {
    let answer = Status {
        code,
        message: message.to_owned(),
        retry_delay: (code == code::UNAVAILABLE).then_some(RETRY_AFTER),
    };
    let body = encode_status(encoding, &answer);
    let mut response = respond(encoding, status, body);
    set_retry_after(&mut response);
    response
}

fn respond(encoding: Encoding, status: StatusCode, body: Vec<u8>) -> Response {
    let content_type = match encoding {
        Encoding::Protobuf => PROTOBUF,
        Encoding::Json => JSON,
    };
    (
        status,
        [(header::CONTENT_TYPE, content_type)],
        Bytes::from(body),
    )
        .into_response()
}

/// Answers 404 to the signals that are not kept.
pub(crate) async fn unsupported_signal(request: Request) -> Response {
    let encoding = encoding_of(request.headers()).unwrap_or(Encoding::Json);
    let message = format!(
        "{} is not served: Kestrel keeps traces only; send those to /v1/traces and turn this exporter off, \
         as with OTEL_LOGS_EXPORTER=none and OTEL_METRICS_EXPORTER=none",
        request.uri().path()
    );
    status(encoding, StatusCode::NOT_FOUND, code::NOT_FOUND, &message)
}

/// Answers what is neither a POST nor a browser's question before one.
pub(crate) fn other_method(request: &Request) -> Response {
    if request.method() == Method::OPTIONS {
        return preflight(request.headers());
    }
    let mut response = status(
        Encoding::Json,
        StatusCode::METHOD_NOT_ALLOWED,
        code::UNIMPLEMENTED,
        "spans are sent with POST",
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("POST, OPTIONS"));
    response
}

/// Web pages of this machine may export: what they may send is asked for first.
fn preflight(headers: &HeaderMap) -> Response {
    let allowed = [
        (
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        ),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("content-type, content-encoding, authorization, x-api-key"),
        ),
        (
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("3600"),
        ),
    ];
    let response = (StatusCode::NO_CONTENT, allowed).into_response();
    allow_origin(response, headers.get(header::ORIGIN).cloned())
}

fn allow_origin(mut response: Response, origin: Option<HeaderValue>) -> Response {
    if let Some(origin) = origin
        && origin.to_str().is_ok_and(is_local_origin)
    {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}
