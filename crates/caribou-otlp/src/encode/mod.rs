//! From spans of the OpenTelemetry SDK to OTLP bytes.
//!
//! A span is encoded once, by `encode_span` (feature `sdk`), and kept as bytes; [`Envelope::request`] joins any number of
//! such spans into an export request when they are sent.

mod envelope;
#[cfg(feature = "sdk")]
mod span;

pub use envelope::Envelope;
#[cfg(feature = "sdk")]
pub use span::encode_span;
