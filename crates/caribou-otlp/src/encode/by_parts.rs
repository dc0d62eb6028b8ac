//! Spans as protobuf, attribute by attribute as they become known.
//!
//! For a recorder's thread, on which every microsecond is taken from the program: nothing is kept in between, so that
//! nothing is allocated but the bytes that are sent.

use opentelemetry::trace::{SpanContext, Status};

use super::span::{put_status, put_text, span_flags};
use crate::wire::fixed::{put_fixed32_field, put_fixed64_field};
use crate::wire::writer::{field_len, put_bytes_field, put_header, put_varint_field};

/// Lengths below this take one byte.
const SHORT: usize = 0x80;
const LONGEST_VARINT: usize = 10;

// Tags: field number and wire type.
const ATTRIBUTE: u8 = 9 << 3 | 2;
const KEY: u8 = 1 << 3 | 2;
const VALUE: u8 = 2 << 3 | 2;
const TEXT: u8 = 1 << 3 | 2;
const FLAG: u8 = 2 << 3;
const INTEGER: u8 = 3 << 3;
const NUMBER: u8 = 4 << 3 | 1;

/// Texts of this length are set aside while a span is written, and copied when that takes nobody's time.
const LONG: usize = 64 << 10;

/// A span without events and links that is written by parts: its attributes first, in any number and order.
#[derive(Debug, Default)]
pub struct SpanWriter {
    written: WrittenSpan,
}

/// A span as bytes, but for long texts, which are still apart.
#[derive(Debug, Default)]
pub struct WrittenSpan {
    bytes: Vec<u8>,
    /// Texts, and where in the bytes they belong.
    apart: Vec<(usize, String)>,
}

/// What a span says beside its attributes.
#[derive(Debug)]
pub struct SpanFrame<'a> {
    /// The span's own ids.
    pub context: &'a SpanContext,
    /// The span that it stands under.
    pub parent: &'a SpanContext,
    /// Its name.
    pub name: &'a str,
    /// Nanoseconds since 1970.
    pub started_at: i64,
    /// Nanoseconds since 1970.
    pub ended_at: i64,
    /// Whether it failed.
    pub status: &'a Status,
}

impl SpanWriter {
    /// Begins a span in a buffer that is used again.
    #[must_use]
    pub fn within(mut buffer: Vec<u8>) -> Self {
        buffer.clear();
        Self {
            written: WrittenSpan::from(buffer),
        }
    }

    /// Adds an attribute that is text; like [`Self::text`], but does not copy it while it is long.
    pub fn own_text(&mut self, key: &str, text: String) {
        if text.len() < LONG {
            self.text(key, &text);
            return;
        }
        self.key_of_long_value(key, field_len(text.len()));
        put_header(&mut self.written.bytes, 1, text.len());
        let position = self.written.bytes.len();
        self.written.apart.push((position, text));
    }

    /// Adds an attribute that is text.
    pub fn text(&mut self, key: &str, text: &str) {
        if text.len() < SHORT {
            self.key(key, 2 + text.len(), [TEXT, byte(text.len())]);
            self.written.bytes.extend_from_slice(text.as_bytes());
        } else {
            self.key_of_long_value(key, field_len(text.len()));
            put_bytes_field(&mut self.written.bytes, 1, text.as_bytes());
        }
    }

    /// Adds an attribute that is true or false.
    pub fn flag(&mut self, key: &str, flag: bool) {
        self.key(key, 2, [FLAG, u8::from(flag)]);
    }

    /// Adds an attribute that is a whole number.
    pub fn integer(&mut self, key: &str, number: i64) {
        let mut rest = number.cast_unsigned();
        let mut bytes = [0; LONGEST_VARINT];
        let mut length = 0;
        while rest >= 0x80 {
            bytes[length] = rest.to_le_bytes()[0] | 0x80;
            rest >>= 7;
            length += 1;
        }
        bytes[length] = rest.to_le_bytes()[0];
        self.key(key, length + 2, [INTEGER, bytes[0]]);
        // All are written and the excess is taken back, because a copy of a fixed length is much cheaper.
        let end = self.written.bytes.len() + length;
        self.written.bytes.extend_from_slice(&bytes[1..]);
        self.written.bytes.truncate(end);
    }

    /// Adds an attribute that is any number.
    pub fn number(&mut self, key: &str, number: f64) {
        let bytes = number.to_bits().to_le_bytes();
        self.key(key, 9, [NUMBER, bytes[0]]);
        self.written.bytes.extend_from_slice(&bytes[1..]);
    }

    /// Begins an attribute with its key and the first two bytes of its value.
    #[inline]
    fn key(&mut self, key: &str, value_len: usize, value: [u8; 2]) {
        let length = 2 + key.len() + 2 + value_len;
        if length < SHORT {
            let start = [ATTRIBUTE, byte(length), KEY, byte(key.len())];
            self.written.bytes.extend_from_slice(&start);
            self.written.bytes.extend_from_slice(key.as_bytes());
            let value = [VALUE, byte(value_len), value[0], value[1]];
            self.written.bytes.extend_from_slice(&value);
        } else {
            self.key_of_long_value(key, value_len);
            self.written.bytes.extend_from_slice(&value);
        }
    }

    #[inline(never)]
    fn key_of_long_value(&mut self, key: &str, value_len: usize) {
        let length = field_len(key.len()) + field_len(value_len);
        put_header(&mut self.written.bytes, 9, length);
        put_bytes_field(&mut self.written.bytes, 1, key.as_bytes());
        put_header(&mut self.written.bytes, 2, value_len);
    }

    /// Ends the span: its bytes are those of an OTLP `Span` message.
    #[must_use]
    pub fn finish(self, frame: &SpanFrame<'_>) -> WrittenSpan {
        let mut written = self.written;
        let buffer = &mut written.bytes;
        let context = frame.context;
        put_bytes_field(buffer, 1, &context.trace_id().to_bytes());
        put_bytes_field(buffer, 2, &context.span_id().to_bytes());
        put_text(buffer, 3, &context.trace_state().header());
        put_bytes_field(buffer, 4, &frame.parent.span_id().to_bytes());
        put_text(buffer, 5, frame.name);
        put_varint_field(buffer, 6, 1);
        put_fixed64_field(buffer, 7, frame.started_at.max(0).cast_unsigned());
        put_fixed64_field(buffer, 8, frame.ended_at.max(0).cast_unsigned());
        put_status(buffer, frame.status);
        let flags = span_flags(context.trace_flags().to_u8(), frame.parent.is_remote());
        put_fixed32_field(buffer, 16, flags);
        written
    }
}

impl WrittenSpan {
    /// All bytes, where no text is apart.
    #[must_use]
    pub fn whole(&self) -> Option<&[u8]> {
        self.apart.is_empty().then_some(&*self.bytes)
    }

    /// How many bytes it has, with the texts that are apart.
    #[must_use]
    pub fn length(&self) -> usize {
        let apart: usize = self.apart.iter().map(|(_, text)| text.len()).sum();
        self.bytes.len() + apart
    }

    /// All bytes.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        if self.apart.is_empty() {
            return self.bytes;
        }
        let mut whole = Vec::with_capacity(self.length());
        let mut copied = 0;
        for (position, text) in &self.apart {
            whole.extend_from_slice(&self.bytes[copied..*position]);
            whole.extend_from_slice(text.as_bytes());
            copied = *position;
        }
        whole.extend_from_slice(&self.bytes[copied..]);
        whole
    }
}

impl From<Vec<u8>> for WrittenSpan {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            bytes,
            apart: Vec::new(),
        }
    }
}

/// A length below [`SHORT`] as it is written.
const fn byte(length: usize) -> u8 {
    length.to_le_bytes()[0]
}
