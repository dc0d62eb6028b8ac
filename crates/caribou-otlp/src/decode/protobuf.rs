//! OTLP as protobuf.
//!
//! Written by hand rather than generated: strings stay in the request, one invalid byte spoils one string only, and
//! nothing is allocated per attribute.

use crate::DecodeError;
use crate::decode::collect::{Collector, OriginContext};
use crate::decode::{Decoded, Defaults};
use crate::span::{
    Attribute, MAX_VALUE_DEPTH, MAX_VALUES, Origin, TOO_DEEP, WireEvent, WireId, WireLink,
    WireSpan, status_from_code,
};
use crate::value::Value;
use crate::wire::reader::{FieldValue, Message};

/// Reads an `ExportTraceServiceRequest`; an empty body is a request without spans.
///
/// Spans that cannot be kept are listed in [`Decoded::rejected`] and cost no other span.
///
/// # Errors
/// When the body is no protobuf message of that kind.
pub fn decode_protobuf<'a>(
    body: &'a [u8],
    defaults: &Defaults<'a>,
) -> Result<Decoded<'a>, DecodeError> {
    let mut collector = Collector::new(defaults);
    let mut fields = Message::new(body).fields();
    while let Some((number, value)) = fields.next()? {
        if let (1, FieldValue::Bytes(resource_spans)) = (number, value) {
            read_resource_spans(resource_spans, &mut collector)?;
        }
    }
    collector.finish()
}

/// Field of `ResourceSpans` that old exporters used for what is now `scope_spans`; laid out alike.
const INSTRUMENTATION_LIBRARY_SPANS: u64 = 1000;

fn read_resource_spans<'a>(
    message: Message<'a>,
    collector: &mut Collector<'a>,
) -> Result<(), DecodeError> {
    let mut origin = Origin::default();
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        if let (1, FieldValue::Bytes(resource)) = (number, value) {
            origin.resource = read_attributes_of(resource, 1)?;
        }
    }
    let mut fields = message.fields();
    let mut origin = Collector::origin(origin);
    while let Some((number, value)) = fields.next()? {
        if let (2 | INSTRUMENTATION_LIBRARY_SPANS, FieldValue::Bytes(scope_spans)) = (number, value)
        {
            read_scope_spans(scope_spans, &mut origin, collector)?;
        }
    }
    Ok(())
}

fn read_scope_spans<'a>(
    message: Message<'a>,
    origin: &mut OriginContext<'a>,
    collector: &mut Collector<'a>,
) -> Result<(), DecodeError> {
    let mut span_count = 0;
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, FieldValue::Bytes(scope)) => read_scope(scope, &mut origin.wire)?,
            (2, FieldValue::Bytes(_)) => span_count += 1,
            _ => {}
        }
    }
    collector.expect_spans(span_count);
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        if let (2, FieldValue::Bytes(span)) = (number, value) {
            let place = collector.next_span();
            if let Err(error) = read_span(span, place) {
                return Err(if place.looks_like_log {
                    DecodeError::WrongSignal { signal: "logs" }
                } else {
                    error
                });
            }
            collector.take_span(origin)?;
        }
    }
    Ok(())
}

fn read_attributes_of(message: Message<'_>, field: u64) -> Result<Vec<Attribute<'_>>, DecodeError> {
    let mut attributes = Vec::new();
    let mut reading = Reading::default();
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        if let FieldValue::Bytes(pair) = value
            && number == field
            && reading.has_room()
        {
            attributes.push(reading.key_value(pair, 0)?);
        }
    }
    Ok(attributes)
}

fn read_scope<'a>(message: Message<'a>, origin: &mut Origin<'a>) -> Result<(), DecodeError> {
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, FieldValue::Bytes(name)) => origin.scope_name = name.text(),
            (2, FieldValue::Bytes(version)) => origin.scope_version = version.text(),
            _ => {}
        }
    }
    Ok(())
}

fn read_span<'a>(message: Message<'a>, span: &mut WireSpan<'a>) -> Result<(), DecodeError> {
    use FieldValue::{Bytes, Fixed64, Varint};

    let mut reading = Reading::default();
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (1, Bytes(id)) => span.trace_id = WireId::Bytes(id.bytes),
            (2, Bytes(id)) => span.span_id = WireId::Bytes(id.bytes),
            (3, Bytes(state)) => span.trace_state = state.text(),
            (4, Bytes(id)) => span.parent_span_id = WireId::Bytes(id.bytes),
            (5, Bytes(name)) => span.name = name.text(),
            (6, Varint(kind)) => span.kind = kind.cast_signed(),
            (7, Fixed64(time)) => span.start_time_unix_nano = time,
            (8, Fixed64(time)) => span.end_time_unix_nano = time,
            (9, Bytes(pair)) if reading.has_room() => {
                span.attributes.push(reading.key_value(pair, 0)?);
            }
            (10, Varint(count)) => span.dropped_attributes_count = count,
            (11, Bytes(event)) if reading.has_room() => span.events.push(reading.event(event)?),
            (12, Varint(count)) => span.dropped_events_count = count,
            (13, Bytes(link)) if reading.has_room() => span.links.push(reading.link(link)?),
            (14, Varint(count)) => span.dropped_links_count = count,
            (15, Bytes(status)) => read_status(status, span)?,
            // A log record begins with a fixed 64-bit time, followed by a severity number.
            (1, Fixed64(_)) | (2, Varint(_)) => span.looks_like_log = true,
            _ => {}
        }
    }
    span.cut = reading.cut;
    span.overfull = reading.values > MAX_VALUES;
    Ok(())
}

fn read_status<'a>(message: Message<'a>, span: &mut WireSpan<'a>) -> Result<(), DecodeError> {
    let mut fields = message.fields();
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            (2, FieldValue::Bytes(text)) => span.status_message = text.text(),
            (3, FieldValue::Varint(code)) => span.status = status_from_code(code.cast_signed()),
            _ => {}
        }
    }
    Ok(())
}

/// Reads values and keeps count of them.
#[derive(Default)]
struct Reading {
    values: usize,
    cut: bool,
}

impl Reading {
    /// Counts one more value; false where there were too many, and it must be skipped.
    const fn has_room(&mut self) -> bool {
        self.values += 1;
        self.values <= MAX_VALUES
    }

    fn event<'a>(&mut self, message: Message<'a>) -> Result<WireEvent<'a>, DecodeError> {
        let mut event = WireEvent::default();
        let mut fields = message.fields();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, FieldValue::Fixed64(time)) => event.time_unix_nano = time,
                (2, FieldValue::Bytes(name)) => event.name = name.text(),
                (3, FieldValue::Bytes(pair)) if self.has_room() => {
                    event.attributes.push(self.key_value(pair, 0)?);
                }
                _ => {}
            }
        }
        Ok(event)
    }

    fn link<'a>(&mut self, message: Message<'a>) -> Result<WireLink<'a>, DecodeError> {
        let mut link = WireLink::default();
        let mut fields = message.fields();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, FieldValue::Bytes(id)) => link.trace_id = WireId::Bytes(id.bytes),
                (2, FieldValue::Bytes(id)) => link.span_id = WireId::Bytes(id.bytes),
                (3, FieldValue::Bytes(state)) => link.trace_state = state.text(),
                (4, FieldValue::Bytes(pair)) if self.has_room() => {
                    link.attributes.push(self.key_value(pair, 0)?);
                }
                _ => {}
            }
        }
        Ok(link)
    }

    fn key_value<'a>(
        &mut self,
        message: Message<'a>,
        depth: usize,
    ) -> Result<Attribute<'a>, DecodeError> {
        if let Some(pair) = usual_pair(message) {
            return Ok(pair);
        }
        let mut pair = Attribute::default();
        let mut fields = message.fields();
        while let Some((number, value)) = fields.next()? {
            match (number, value) {
                (1, FieldValue::Bytes(key)) => pair.0 = key.text(),
                (2, FieldValue::Bytes(value)) => pair.1 = self.any_value(value, depth)?,
                _ => {}
            }
        }
        Ok(pair)
    }

    fn any_value<'a>(
        &mut self,
        message: Message<'a>,
        depth: usize,
    ) -> Result<Value<'a>, DecodeError> {
        let mut any = Value::Null;
        let mut fields = message.fields();
        while let Some((number, value)) = fields.next()? {
            any = match (number, value) {
                (1, FieldValue::Bytes(text)) => Value::Text(text.text()),
                (2, FieldValue::Varint(flag)) => Value::Bool(flag != 0),
                (3, FieldValue::Varint(number)) => Value::Int(number.cast_signed()),
                (4, FieldValue::Fixed64(bits)) => Value::Double(f64::from_bits(bits)),
                (5 | 6, FieldValue::Bytes(_)) if depth >= MAX_VALUE_DEPTH => {
                    self.cut = true;
                    Value::text(TOO_DEEP)
                }
                (5, FieldValue::Bytes(list)) => self.list(list, depth + 1)?,
                (6, FieldValue::Bytes(map)) => self.map(map, depth + 1)?,
                (7, FieldValue::Bytes(bytes)) => Value::Bytes(bytes.bytes.into()),
                _ => continue,
            };
        }
        Ok(any)
    }

    fn list<'a>(&mut self, message: Message<'a>, depth: usize) -> Result<Value<'a>, DecodeError> {
        let mut items = Vec::new();
        let mut fields = message.fields();
        while let Some((number, value)) = fields.next()? {
            if let (1, FieldValue::Bytes(item)) = (number, value)
                && self.has_room()
            {
                items.push(self.any_value(item, depth)?);
            }
        }
        Ok(Value::List(items))
    }

    fn map<'a>(&mut self, message: Message<'a>, depth: usize) -> Result<Value<'a>, DecodeError> {
        let mut entries = Vec::new();
        let mut fields = message.fields();
        while let Some((number, value)) = fields.next()? {
            if let (1, FieldValue::Bytes(pair)) = (number, value)
                && self.has_room()
            {
                entries.push(self.key_value(pair, depth)?);
            }
        }
        Ok(Value::Map(entries))
    }
}

/// Reads a pair as every exporter writes it: first the key, then a text or an integer, and nothing else.
///
/// Most of decoding is reading such pairs; `None` leaves it to the general way.
#[inline]
fn usual_pair(message: Message<'_>) -> Option<Attribute<'_>> {
    let (key, rest) = message.split_field(KEY_TAG)?;
    let (value, rest) = rest.split_field(VALUE_TAG)?;
    if !rest.bytes.is_empty() {
        return None;
    }
    let value = match *value.bytes.first()? {
        TEXT_TAG => {
            let (text, rest) = value.split_field(TEXT_TAG)?;
            rest.bytes.is_empty().then_some(Value::Text(text.text()))
        }
        INT_TAG => value
            .split_varint(INT_TAG)
            .map(|number| Value::Int(number.cast_signed())),
        _ => None,
    }?;
    Some((key.text(), value))
}

const KEY_TAG: u8 = 1 << 3 | 2;
const VALUE_TAG: u8 = 2 << 3 | 2;
const TEXT_TAG: u8 = 1 << 3 | 2;
const INT_TAG: u8 = 3 << 3;
