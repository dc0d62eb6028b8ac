//! OTLP over gRPC: the same ingest behind `TraceService/Export`.
//!
//! Messages pass through as bytes, so that the lenient decoder reads them whichever way they came.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::{Buf as _, BufMut as _, Bytes};
use caribou_otlp::response::{self, Encoding, encode_status, encode_success};
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};
use tower::Service;

use crate::body::{BodyError, Compression};
use crate::error::{RETRY_AFTER, chain};
use crate::ingest::{Ingest, IngestError, Payload};
use crate::otlp::http::is_deferral;
use crate::state::App;

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
    grpc.unary(Export(app), request).await.map(Body::new)
}

async fn unimplemented(request: Request) -> Response {
    let message = format!(
        "{} is not served: Kestrel keeps traces only, as TraceService/Export",
        request.uri().path()
    );
    Status::unimplemented(message).into_http()
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
