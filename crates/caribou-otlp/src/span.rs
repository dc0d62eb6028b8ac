//! A span as it came in, by whatever encoding: what protobuf and JSON decode to, and what mapping starts from.

use std::borrow::Cow;

use caribou_model::{SpanId, SpanStatus, TraceId, attribute};

use crate::value::Value;

/// An attribute: key and value.
pub(crate) type Attribute<'a> = (Cow<'a, str>, Value<'a>);

/// Deeper values of attributes are cut there, and the span is marked.
pub(crate) const MAX_VALUE_DEPTH: usize = 64;

/// Stands for what was nested deeper than [`MAX_VALUE_DEPTH`].
pub(crate) const TOO_DEEP: &str = "(left out: nested deeper than 64 levels)";

/// A span with more values, events and links than this is refused: a few bytes each on the wire, they would take
/// many times the memory of the request.
pub(crate) const MAX_VALUES: usize = 500_000;

/// An id as sent.
#[derive(Clone, Debug, Default)]
pub(crate) enum WireId<'a> {
    #[default]
    Absent,
    Bytes(&'a [u8]),
    Hex(Cow<'a, str>),
}

impl WireId<'_> {
    pub(crate) fn trace_id(&self) -> Option<TraceId> {
        match self {
            Self::Bytes(bytes) => <[u8; 16]>::try_from(*bytes).ok().map(TraceId),
            Self::Hex(text) if text.len() == 32 => TraceId::from_hex_or_uuid(text),
            Self::Absent | Self::Hex(_) => None,
        }
        .filter(|id| id.is_valid())
    }

    pub(crate) fn span_id(&self) -> Option<SpanId> {
        match self {
            Self::Absent => None,
            Self::Bytes(bytes) => <[u8; 8]>::try_from(*bytes).ok().map(SpanId),
            Self::Hex(text) => SpanId::from_hex(text).ok(),
        }
        .filter(|id| id.is_valid())
    }

    /// True where nothing was meant to be sent: absent, empty, or all zero.
    pub(crate) fn is_none(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Bytes(bytes) => bytes.iter().all(|byte| *byte == 0),
            Self::Hex(text) => text.bytes().all(|digit| digit == b'0'),
        }
    }

    /// The id for a message to people: hex, shortened.
    pub(crate) fn shown(&self) -> String {
        const SHOWN_BYTES: usize = 16;
        match self {
            Self::Absent => String::new(),
            Self::Bytes(bytes) => bytes
                .iter()
                .take(SHOWN_BYTES)
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
            Self::Hex(text) => text.chars().take(2 * SHOWN_BYTES).collect(),
        }
    }
}

/// A span event.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireEvent<'a> {
    pub(crate) time_unix_nano: u64,
    pub(crate) name: Cow<'a, str>,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// A link to another span.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireLink<'a> {
    pub(crate) trace_id: WireId<'a>,
    pub(crate) span_id: WireId<'a>,
    pub(crate) trace_state: Cow<'a, str>,
    pub(crate) attributes: Vec<Attribute<'a>>,
}

/// A span as sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct WireSpan<'a> {
    pub(crate) trace_id: WireId<'a>,
    pub(crate) span_id: WireId<'a>,
    pub(crate) parent_span_id: WireId<'a>,
    pub(crate) trace_state: Cow<'a, str>,
    pub(crate) name: Cow<'a, str>,
    pub(crate) kind: i64,
    pub(crate) start_time_unix_nano: u64,
    pub(crate) end_time_unix_nano: u64,
    pub(crate) attributes: Vec<Attribute<'a>>,
    pub(crate) dropped_attributes_count: u64,
    pub(crate) events: Vec<WireEvent<'a>>,
    pub(crate) dropped_events_count: u64,
    pub(crate) links: Vec<WireLink<'a>>,
    pub(crate) dropped_links_count: u64,
    pub(crate) status: SpanStatus,
    pub(crate) status_message: Cow<'a, str>,
    /// A value was cut at [`MAX_VALUE_DEPTH`].
    pub(crate) cut: bool,
    /// The span holds more than [`MAX_VALUES`] values.
    pub(crate) overfull: bool,
    /// A field has the wire type that a log record has in its place.
    pub(crate) looks_like_log: bool,
}

impl WireSpan<'_> {
    /// Makes the span as new, keeping its buffers.
    pub(crate) fn clear(&mut self) {
        let (mut attributes, mut events, mut links) = (
            std::mem::take(&mut self.attributes),
            std::mem::take(&mut self.events),
            std::mem::take(&mut self.links),
        );
        attributes.clear();
        events.clear();
        links.clear();
        *self = Self {
            attributes,
            events,
            links,
            ..Self::default()
        };
    }

    /// True for spans that the SDK recorded.
    pub(crate) fn is_from_sdk(&self) -> bool {
        self.attributes
            .iter()
            .any(|(key, _)| key == attribute::ITEM_TYPE)
    }
}

/// What the spans of one resource and scope share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin<'a> {
    /// Attributes of the resource.
    pub(crate) resource: Vec<Attribute<'a>>,
    pub(crate) scope_name: Cow<'a, str>,
    pub(crate) scope_version: Cow<'a, str>,
}

/// Status by its number in the protocol.
pub(crate) const fn status_from_code(code: i64) -> SpanStatus {
    match code {
        1 => SpanStatus::Ok,
        2 => SpanStatus::Error,
        _ => SpanStatus::Unset,
    }
}
