//! From spans of the OpenTelemetry SDK to OTLP bytes.
//!
//! A span is encoded once, by `encode_span` or a `SpanWriter` (feature `sdk`), and kept as bytes; [`Envelope::request`]
//! joins any number of such spans into an export request when they are sent.

#[cfg(feature = "sdk")]
mod by_parts;
mod envelope;
#[cfg(feature = "sdk")]
mod span;

#[cfg(feature = "sdk")]
pub use by_parts::{SpanFrame, SpanWriter, WrittenSpan};
pub use envelope::Envelope;
#[cfg(feature = "sdk")]
pub use span::encode_span;
