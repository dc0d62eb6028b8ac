//! OTLP as exporters speak it: over HTTP and over gRPC, in front of the same ingest.

pub(crate) mod grpc;
pub(crate) mod http;
