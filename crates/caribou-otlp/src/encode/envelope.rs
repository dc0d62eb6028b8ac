//! The request around encoded spans.

use crate::wire::writer::{field_len, put_bytes_field, put_header};

/// Resource and scope of a sender, encoded once, to put around its spans.
///
/// ```
/// use caribou_otlp::encode::Envelope;
/// use caribou_otlp::{Defaults, decode_protobuf};
///
/// let envelope = Envelope::from_text(&[("service.name", "demo")], "caribou", "0.1.0");
/// let request = envelope.request(&[b"".as_slice()]);
/// assert_eq!(decode_protobuf(&request, &Defaults::default())?.rejected_count, 1);
/// # Ok::<(), caribou_otlp::DecodeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Content of a `Resource` message.
    pub(super) resource: Vec<u8>,
    /// Content of an `InstrumentationScope` message.
    pub(super) scope: Vec<u8>,
}

impl Envelope {
    /// An envelope of a resource whose attributes are text, and a scope.
    pub fn from_text(resource: &[(&str, &str)], scope_name: &str, scope_version: &str) -> Self {
        let mut encoded = Vec::new();
        for (key, value) in resource {
            let value_len = field_len(value.len());
            put_header(&mut encoded, 1, field_len(key.len()) + field_len(value_len));
            put_bytes_field(&mut encoded, 1, key.as_bytes());
            put_header(&mut encoded, 2, value_len);
            put_bytes_field(&mut encoded, 1, value.as_bytes());
        }
        Self {
            resource: encoded,
            scope: encode_scope(scope_name, scope_version),
        }
    }

    /// An `ExportTraceServiceRequest` of spans that were encoded before.
    pub fn request<S: AsRef<[u8]>>(&self, spans: &[S]) -> Vec<u8> {
        let mut request = Vec::new();
        self.append_request(spans, &mut request);
        request
    }

    /// Appends an `ExportTraceServiceRequest`. What is appended several times to one buffer is one valid request.
    pub fn append_request<S: AsRef<[u8]>>(&self, spans: &[S], buffer: &mut Vec<u8>) {
        let spans_len: usize = spans
            .iter()
            .map(|span| field_len(span.as_ref().len()))
            .sum();
        let scope_spans_len = field_len(self.scope.len()) + spans_len;
        let resource_spans_len = field_len(self.resource.len()) + field_len(scope_spans_len);
        buffer.reserve(field_len(resource_spans_len));
        put_header(buffer, 1, resource_spans_len);
        put_bytes_field(buffer, 1, &self.resource);
        put_header(buffer, 2, scope_spans_len);
        put_bytes_field(buffer, 1, &self.scope);
        for span in spans {
            put_bytes_field(buffer, 2, span.as_ref());
        }
    }
}

pub(super) fn encode_scope(name: &str, version: &str) -> Vec<u8> {
    let mut scope = Vec::new();
    put_bytes_field(&mut scope, 1, name.as_bytes());
    if !version.is_empty() {
        put_bytes_field(&mut scope, 2, version.as_bytes());
    }
    scope
}
