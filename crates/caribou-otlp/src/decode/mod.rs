//! From a request body to records.

mod collect;
mod foreign;
mod otlp_json;
mod protobuf;
mod sdk;

use caribou_model::SpanRecord;

pub use otlp_json::decode_json;
pub use protobuf::decode_protobuf;

/// What a span gets where it does not say itself.
#[derive(Clone, Copy, Debug)]
pub struct Defaults<'a> {
    /// The project of the key that the request came with: every span gets it, whatever the request says.
    pub forced_project: Option<&'a str>,
    /// The project of spans that name none, neither themselves nor by their resource.
    pub project: &'a str,
    /// When the request arrived, in nanoseconds since 1970: the time of spans that carry none.
    pub received_at: i64,
}

impl Default for Defaults<'_> {
    fn default() -> Self {
        Self {
            forced_project: None,
            project: "default",
            received_at: 0,
        }
    }
}

/// What a request held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decoded<'a> {
    /// The spans, in the order of the request. A score on a foreign span is a grade of its own, after that span.
    pub spans: Vec<SpanRecord<'a>>,
    /// How many spans were rejected.
    pub rejected_count: u64,
    /// Why, for the first hundred of them.
    pub rejected: Vec<Rejection>,
}

impl Decoded<'_> {
    /// One line about the rejected spans for the partial success of the answer; `None` where all were taken.
    pub fn rejected_message(&self) -> Option<String> {
        let first = self.rejected.first()?;
        let others = match self.rejected_count {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        Some(format!("{first}{others}"))
    }
}

/// A span that was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("span {index} of the request was rejected: {reason}")]
pub struct Rejection {
    /// Its place in the request, from 0.
    pub index: u64,
    /// Its trace id as sent, shortened.
    pub trace_id: String,
    /// Its span id as sent, shortened.
    pub span_id: String,
    /// Why.
    pub reason: RejectionReason,
}

/// Why a span was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectionReason {
    /// The trace id is missing, of the wrong length, or all zero.
    #[error("trace id must be 16 bytes and not all zero")]
    InvalidTraceId,
    /// The span id is missing, of the wrong length, or all zero.
    #[error("span id must be 8 bytes and not all zero")]
    InvalidSpanId,
    /// There are too many attributes, events and links.
    #[error("it holds more than 500000 values")]
    TooManyValues,
}
