//! OTLP and the span conventions of others, to and from the rollout model.
//!
//! [`decode_protobuf`] and [`decode_json`] turn the body of an OTLP trace export into [`caribou_model::SpanRecord`]s:
//! spans of the SDK field by field, spans of any other instrumentation by the conventions it follows. [`encode`] is
//! the way back: spans of the SDK to bytes. [`response`] holds the answers of an OTLP server. No I/O, no clock; a
//! caller decompresses, limits sizes, and speaks HTTP or gRPC.
//!
//! ```
//! use caribou_otlp::{Defaults, decode_protobuf};
//!
//! let decoded = decode_protobuf(b"", &Defaults::default())?;
//! assert!(decoded.spans.is_empty() && decoded.rejected.is_empty());
//! # Ok::<(), caribou_otlp::DecodeError>(())
//! ```

#![forbid(unsafe_code)]

mod decode;
mod derived;
mod dialect;
pub mod encode;
mod error;
mod json;
pub mod response;
mod span;
mod span_json;
mod value;
mod wire;

pub use decode::{Decoded, Defaults, Rejection, RejectionReason, decode_json, decode_protobuf};
pub use error::DecodeError;
