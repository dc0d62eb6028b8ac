//! OTLP over gRPC: the same ingest behind `TraceService/Export`.
//!
//! Messages pass through as bytes, so that the lenient decoder reads them whichever way they came.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::post;
use bytes::{Buf as _, BufMut as _, Bytes};
use caribou_otlp::response::{self, Encoding, encode_status, encode_success};
use hyper::body::Frame;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tower::Service;

use crate::body::{BodyError, Compression};
use crate::budget::Charge;
use crate::error::{RETRY_AFTER, chain};
use crate::ingest::{Ingest, IngestError, Payload};
use crate::otlp::http::is_deferral;
use crate::state::App;

/// How long a request may take from its first byte to its answer.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(300);

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The routes of the gRPC listener.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route(EXPORT, post(export))
        .fallback(unimplemented)
}

async fn export(State(app): State<App>, request: Request) -> Response {
    app.metrics.grpc_requests.add(1);
    let limit = app.ingest.limits.max_body_bytes;
    let mut grpc = tonic::server::Grpc::new(RawCodec)
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(limit);
    let charge = app.ingest.budget().open();
    let metered = request.map(|body| Body::new(Metered { body, charge }));
    match tokio::time::timeout(TOTAL_TIMEOUT, grpc.unary(Export(app), metered)).await {
        Ok(response) if is_beyond_limit(response.headers()) => {
            let error = IngestError::Body(BodyError::TooLarge { limit });
            grpc_status(&error).into_http()
        }
        Ok(response) => response.map(Body::new),
        Err(_) => Status::deadline_exceeded("the request did not arrive in time").into_http(),
    }
}

/// Whether a message was too long for its decoder, which says so as `OUT_OF_RANGE`; that, clients of OTLP send again.
fn is_beyond_limit(headers: &HeaderMap) -> bool {
    let code = headers.get(Status::GRPC_STATUS);
    code.is_some_and(|code| Code::from_bytes(code.as_bytes()) == Code::OutOfRange)
}

async fn unimplemented(request: Request) -> Response {
    let message = format!(
        "{} is not served: Kestrel keeps traces only, as TraceService/Export",
        request.uri().path()
    );
    Status::unimplemented(message).into_http()
}

/// A body whose bytes are charged for as they arrive: the frames of a message are gathered before it is handled.
struct Metered {
    body: Body,
    charge: Charge,
}

impl HttpBody for Metered {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = std::task::ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(|error| Status::unknown(error.to_string()))?;
            let arrived = frame.data_ref().map_or(0, Bytes::len);
            let charged = self.charge.grow(arrived).map_err(BodyError::from);
            charged.map_err(|error| grpc_status(&IngestError::from(error)))?;
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

struct Export(App);

impl Service<tonic::Request<Bytes>> for Export {
    type Response = tonic::Response<Bytes>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Status>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let app = self.0.clone();
        Box::pin(async move {
            let answer = accept(&app.ingest, &request.into_inner()).await;
            answer.map(tonic::Response::new).map_err(|error| {
                if is_deferral(&error) {
                    app.metrics.requests_deferred.add(1);
                }
                grpc_status(&error)
            })
        })
    }
}

async fn accept(ingest: &Ingest, message: &[u8]) -> Result<Bytes, IngestError> {
    let mut charge = ingest.budget().open();
    charge.grow(message.len()).map_err(BodyError::from)?;
    let accepted = ingest
        .accept(Payload {
            sent: message.to_vec(),
            compression: Compression::None,
            encoding: Encoding::Protobuf,
            charge,
        })
        .await?;
    let answer = encode_success(Encoding::Protobuf, accepted.rejected, &accepted.message);
    Ok(Bytes::from(answer))
}

fn grpc_status(error: &IngestError) -> Status {
    if is_deferral(error) {
        tracing::warn!(cause = chain(error), "spans were not taken");
        return Status::with_details(Code::Unavailable, error.to_string(), retry_details(error));
    }
    let code = match error {
        IngestError::Body(BodyError::TooLarge { .. }) => Code::ResourceExhausted,
        IngestError::Panicked => Code::Internal,
        _ => Code::InvalidArgument,
    };
    Status::new(code, error.to_string())
}

/// A `google.rpc.Status` with a `RetryInfo`, without which some clients do not try again.
fn retry_details(error: &IngestError) -> Bytes {
    let status = response::Status {
        code: Code::Unavailable as i32,
        message: error.to_string(),
        retry_delay: Some(RETRY_AFTER),
    };
    encode_status(Encoding::Protobuf, &status).into()
}

/// Hands messages through as they are.
#[derive(Clone, Copy, Debug, Default)]
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(message);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
