//! What makes a whole request unreadable.

/// A request body that cannot be read at all; nothing of it was taken.
///
/// The sender should not try again with the same bytes: over HTTP this is a 400, over gRPC `INVALID_ARGUMENT`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not a protobuf message.
    #[error(
        "body is not a protobuf trace export request: {problem} at byte {offset}; check content type and encoding"
    )]
    Protobuf {
        /// What is wrong.
        problem: &'static str,
        /// Where, counted from the start of the body.
        offset: usize,
    },
    /// The text is not JSON.
    #[error("body is not JSON: {problem} at byte {offset}")]
    Json {
        /// What is wrong.
        problem: &'static str,
        /// Where, counted from the start of the body.
        offset: usize,
    },
    /// The JSON is not laid out as a trace export request.
    #[error("body is not an OTLP/JSON trace export request: {path} must be {expected}")]
    Shape {
        /// The field, as `resourceSpans.scopeSpans.spans`.
        path: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// There is more in the request than is read at once.
    #[error("body holds more than {limit} {what}; send smaller batches")]
    TooMany {
        /// What there is too much of.
        what: &'static str,
        /// How many are read.
        limit: usize,
    },
    /// The request carries another signal.
    #[error(
        "body holds {signal}, not spans; only traces are kept, so turn the export of {signal} off"
    )]
    WrongSignal {
        /// `logs` or `metrics`.
        signal: &'static str,
    },
}
