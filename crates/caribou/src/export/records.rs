//! Encoded spans as the rows that a server would make of them.

use std::time::{SystemTime, UNIX_EPOCH};

use caribou_model::SpanRecord;
use caribou_otlp::encode::Envelope;
use caribou_otlp::{Defaults, decode_protobuf};

/// Wraps encoded spans into a request, so that what reads requests reads them.
#[derive(Debug)]
pub(super) struct Reader {
    envelope: Envelope,
}

impl Reader {
    pub(super) fn new(resource: &[(String, String)]) -> Self {
        let resource: Vec<(&str, &str)> = resource
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        Self {
            envelope: Envelope::from_text(&resource, "caribou", env!("CARGO_PKG_VERSION")),
        }
    }

    /// The bytes that [`read`] reads.
    pub(super) fn request<S: AsRef<[u8]>>(&self, spans: &[S]) -> Vec<u8> {
        self.envelope.request(spans)
    }
}

/// The spans of a request; what cannot be read is left out, which our own encoder gives no cause for.
pub(super) fn read(request: &[u8]) -> Vec<SpanRecord<'_>> {
    let defaults = Defaults {
        received_at: now(),
        ..Defaults::default()
    };
    decode_protobuf(request, &defaults)
        .map(|decoded| decoded.spans)
        .unwrap_or_default()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    })
}
