//! OTLP requests as a foreign exporter would send them, in both encodings, written independently of our decoder.

use serde_json::{Value, json};

/// A value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Any {
    /// Text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number; may be NaN.
    Double(f64),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// A map.
    Map(Vec<(String, Self)>),
}

impl From<&str> for Any {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Any {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Any {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Any {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f64> for Any {
    fn from(number: f64) -> Self {
        Self::Double(number)
    }
}

/// A span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestSpan {
    /// Trace id; of any length, to try what must be rejected.
    pub trace_id: Vec<u8>,
    /// Span id; of any length.
    pub span_id: Vec<u8>,
    /// Parent, or nothing.
    pub parent_span_id: Vec<u8>,
    /// Name.
    pub name: String,
    /// Start, nanoseconds since 1970.
    pub start: u64,
    /// End.
    pub end: u64,
    /// Attributes.
    pub attributes: Vec<(String, Any)>,
    /// Code of the status: 0 unset, 1 ok, 2 error.
    pub status: u64,
}

/// A moment to start spans at: 2026-11-01.
pub const START_NANOS: u64 = 1_793_491_200_000_000_000;

impl TestSpan {
    /// A span of one millisecond; the ids are the numbers, padded.
    pub fn new(trace: u64, span: u64) -> Self {
        let mut trace_id = vec![0xA0; 8];
        trace_id.extend(trace.to_be_bytes());
        Self {
            trace_id,
            span_id: (span + 1).to_be_bytes().to_vec(),
            name: format!("span {span}"),
            start: START_NANOS + span * 1_000_000,
            end: START_NANOS + (span + 1) * 1_000_000,
            ..Self::default()
        }
    }

    /// A message as the SDK records it.
    pub fn message(trace: u64, span: u64, role: &str, content: &str) -> Self {
        let at = (START_NANOS + span * 1_000_000).cast_signed();
        Self {
            name: format!("message.{role}"),
            ..Self::new(trace, span)
        }
        .with("caribou.item_type", "message")
        .with("caribou.span_kind", "message")
        .with("caribou.revision", at)
        .with("caribou.sequence", span.cast_signed())
        .with("caribou.logged_at", at)
        .with("caribou.role", role)
        .with("caribou.content", content)
    }

    /// Adds an attribute.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<Any>) -> Self {
        self.attributes.push((key.to_owned(), value.into()));
        self
    }

    /// Replaces the name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// The trace id as the API shows it.
    pub fn trace_hex(&self) -> String {
        hex(&self.trace_id)
    }

    /// The span id as the API shows it.
    pub fn span_hex(&self) -> String {
        hex(&self.span_id)
    }

    fn protobuf(&self) -> Vec<u8> {
        let mut span = Vec::new();
        put_bytes(&mut span, 1, &self.trace_id);
        put_bytes(&mut span, 2, &self.span_id);
        if !self.parent_span_id.is_empty() {
            put_bytes(&mut span, 4, &self.parent_span_id);
        }
        put_bytes(&mut span, 5, self.name.as_bytes());
        put_fixed64(&mut span, 7, self.start);
        put_fixed64(&mut span, 8, self.end);
        for (key, value) in &self.attributes {
            put_bytes(&mut span, 9, &key_value(key, value));
        }
        if self.status != 0 {
            let mut status = Vec::new();
            put_tag(&mut status, 3, 0);
            put_varint(&mut status, self.status);
            put_bytes(&mut span, 15, &status);
        }
        span
    }

    fn json(&self) -> Value {
        json!({
            "traceId": self.trace_hex(),
            "spanId": self.span_hex(),
            "parentSpanId": hex(&self.parent_span_id),
            "name": self.name,
            "startTimeUnixNano": self.start.to_string(),
            "endTimeUnixNano": self.end.to_string(),
            "attributes": attributes_json(&self.attributes),
            "status": {"code": self.status},
        })
    }
}

/// An export request in protobuf, with `service.name` and `caribou.project` in its resource.
pub fn protobuf_request(project: &str, spans: &[TestSpan]) -> Vec<u8> {
    let mut resource = Vec::new();
    for (key, value) in resource_attributes(project) {
        put_bytes(&mut resource, 1, &key_value(&key, &value));
    }
    let mut scope = Vec::new();
    put_bytes(&mut scope, 1, b"test");
    let mut scope_spans = Vec::new();
    put_bytes(&mut scope_spans, 1, &scope);
    for span in spans {
        put_bytes(&mut scope_spans, 2, &span.protobuf());
    }
    let mut resource_spans = Vec::new();
    put_bytes(&mut resource_spans, 1, &resource);
    put_bytes(&mut resource_spans, 2, &scope_spans);
    let mut request = Vec::new();
    put_bytes(&mut request, 1, &resource_spans);
    request
}

/// The same request in JSON.
pub fn json_request(project: &str, spans: &[TestSpan]) -> Vec<u8> {
    let request = json!({"resourceSpans": [{
        "resource": {"attributes": attributes_json(&resource_attributes(project))},
        "scopeSpans": [{
            "scope": {"name": "test"},
            "spans": spans.iter().map(TestSpan::json).collect::<Vec<_>>(),
        }],
    }]});
    serde_json::to_vec(&request).expect("a JSON value can be written")
}

fn resource_attributes(project: &str) -> Vec<(String, Any)> {
    vec![
        ("service.name".to_owned(), Any::from("test")),
        ("caribou.project".to_owned(), Any::from(project)),
    ]
}

fn attributes_json(attributes: &[(String, Any)]) -> Value {
    attributes
        .iter()
        .map(|(key, value)| json!({"key": key, "value": any_json(value)}))
        .collect()
}

fn any_json(value: &Any) -> Value {
    match value {
        Any::Text(text) => json!({"stringValue": text}),
        Any::Bool(value) => json!({"boolValue": value}),
        Any::Int(number) => json!({"intValue": number.to_string()}),
        Any::Double(number) if number.is_finite() => json!({"doubleValue": number}),
        Any::Double(number) if number.is_nan() => json!({"doubleValue": "NaN"}),
        Any::Double(number) => {
            json!({"doubleValue": if *number > 0.0 { "Infinity" } else { "-Infinity" }})
        }
        Any::Bytes(bytes) => json!({"bytesValue": base64(bytes)}),
        Any::List(values) => {
            json!({"arrayValue": {"values": values.iter().map(any_json).collect::<Vec<_>>()}})
        }
        Any::Map(entries) => json!({"kvlistValue": {"values": attributes_json(entries)}}),
    }
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().enumerate().fold(0_u32, |bits, (index, byte)| {
            bits | u32::from(*byte) << (16 - 8 * index)
        });
        for index in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * index) & 63).expect("six bits");
            text.push(if index <= group.len() {
                char::from(ALPHABET[digit])
            } else {
                '='
            });
        }
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| {
        [byte >> 4, byte & 15].map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
    };
    bytes.iter().flat_map(digits).collect()
}

fn key_value(key: &str, value: &Any) -> Vec<u8> {
    let mut entry = Vec::new();
    put_bytes(&mut entry, 1, key.as_bytes());
    put_bytes(&mut entry, 2, &any_protobuf(value));
    entry
}

fn any_protobuf(value: &Any) -> Vec<u8> {
    let mut any = Vec::new();
    match value {
        Any::Text(text) => put_bytes(&mut any, 1, text.as_bytes()),
        Any::Bool(value) => {
            put_tag(&mut any, 2, 0);
            put_varint(&mut any, u64::from(*value));
        }
        Any::Int(number) => {
            put_tag(&mut any, 3, 0);
            put_varint(&mut any, number.cast_unsigned());
        }
        Any::Double(number) => put_fixed64(&mut any, 4, number.to_bits()),
        Any::List(values) => {
            let mut list = Vec::new();
            for value in values {
                put_bytes(&mut list, 1, &any_protobuf(value));
            }
            put_bytes(&mut any, 5, &list);
        }
        Any::Map(entries) => {
            let mut map = Vec::new();
            for (key, value) in entries {
                put_bytes(&mut map, 1, &key_value(key, value));
            }
            put_bytes(&mut any, 6, &map);
        }
        Any::Bytes(bytes) => put_bytes(&mut any, 7, bytes),
    }
    any
}

fn put_tag(message: &mut Vec<u8>, field: u64, wire_type: u64) {
    put_varint(message, field << 3 | wire_type);
}

fn put_fixed64(message: &mut Vec<u8>, field: u64, value: u64) {
    put_tag(message, field, 1);
    message.extend(value.to_le_bytes());
}

fn put_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_tag(message, field, 2);
    put_varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn put_varint(message: &mut Vec<u8>, mut value: u64) {
    loop {
        let seven_bits = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            return message.push(seven_bits);
        }
        message.push(seven_bits | 0x80);
    }
}
