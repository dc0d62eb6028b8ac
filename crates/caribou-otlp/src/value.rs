//! A value as attributes and JSON documents hold it, borrowed from the request where possible.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A value of an attribute, or a JSON document: both become the same, so that a dialect need not know in which form an
/// exporter sent a structure.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    /// A number from protobuf, or one computed here.
    Double(f64),
    /// A JSON number that is no `i64`, kept digit by digit.
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    List(Vec<Self>),
    /// In the order of the sender; of equal keys the last counts.
    Map(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn into_owned<'b>(self) -> Value<'b> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Null => Value::Null,
            Self::Bool(flag) => Value::Bool(flag),
            Self::Int(number) => Value::Int(number),
            Self::Double(number) => Value::Double(number),
            Self::Number(digits) => Value::Number(owned(digits)),
            Self::Text(text) => Value::Text(owned(text)),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::List(items) => Value::List(items.into_iter().map(Self::into_owned).collect()),
            Self::Map(entries) => Value::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (Cow::Owned(key.into_owned()), value.into_owned()))
                    .collect(),
            ),
        }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries
                .iter()
                .rev()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The non-empty text under a key.
    pub(crate) fn get_str(&self, key: &str) -> Option<&str> {
        self.get(key)
            .and_then(Self::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Takes the value under a key out of a map.
    pub(crate) fn take(&mut self, key: &str) -> Option<Self> {
        match self {
            Self::Map(entries) => entries
                .iter_mut()
                .rev()
                .find(|(name, _)| name == key)
                .map(|(_, value)| std::mem::take(value)),
            _ => None,
        }
    }

    /// An integer, also where it was sent as a whole double or as text.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Double(_) | Self::Number(_) => self.as_f64().and_then(whole_number),
            _ => None,
        }
    }

    /// A count: an integer that is not negative.
    pub(crate) fn as_u64(&self) -> Option<u64> {
        self.as_i64().and_then(|number| u64::try_from(number).ok())
    }

    pub(crate) fn as_f64(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "asked for as a float")]
            Self::Int(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Number(text) | Self::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            Self::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Self::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The text itself; nothing for null; JSON for everything else.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Null => Cow::Borrowed(""),
            other => Cow::Owned(other.to_json()),
        }
    }

    pub(crate) fn to_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json);
        json
    }

    /// Appends the value as JSON. Numbers that JSON cannot hold become the strings of OTLP/JSON, bytes base64.
    pub(crate) fn write_json(&self, json: &mut String) {
        match self {
            Self::Null => json.push_str("null"),
            Self::Bool(true) => json.push_str("true"),
            Self::Bool(false) => json.push_str("false"),
            Self::Int(number) => write_display(json, number),
            Self::Double(number) => write_json_double(*number, json),
            Self::Number(digits) => json.push_str(digits),
            Self::Text(text) => write_json_string(text, json),
            Self::Bytes(bytes) => {
                json.push('"');
                STANDARD.encode_string(bytes, json);
                json.push('"');
            }
            Self::List(items) => {
                json.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        json.push(',');
                    }
                    item.write_json(json);
                }
                json.push(']');
            }
            Self::Map(entries) => Self::write_map(entries, json),
        }
    }

    /// Appends entries as a JSON object; of equal keys the last value is written.
    pub(crate) fn write_map(entries: &[(Cow<'_, str>, Self)], json: &mut String) {
        let hidden = positions_of_hidden(entries);
        json.push('{');
        let mut first = true;
        for (position, (key, value)) in entries.iter().enumerate() {
            if hidden.binary_search(&position).is_ok() {
                continue;
            }
            if !first {
                json.push(',');
            }
            first = false;
            write_json_string(key, json);
            json.push(':');
            value.write_json(json);
        }
        json.push('}');
    }
}

/// Positions of the entries that a later one of the same key hides, in order.
fn positions_of_hidden(entries: &[(Cow<'_, str>, Value<'_>)]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|position| &entries[*position].0);
    let mut hidden: Vec<usize> = order
        .windows(2)
        .filter(|pair| entries[pair[0]].0 == entries[pair[1]].0)
        .map(|pair| pair[0])
        .collect();
    hidden.sort_unstable();
    hidden
}

fn write_display(json: &mut String, value: impl std::fmt::Display) {
    write!(json, "{value}").expect("writing to a string cannot fail");
}

fn write_json_double(number: f64, json: &mut String) {
    if number.is_nan() {
        json.push_str("\"NaN\"");
    } else if number.is_infinite() {
        json.push_str(if number > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    } else {
        // Debug keeps the point or exponent, so that a double stays recognisable as one.
        write!(json, "{number:?}").expect("writing to a string cannot fail");
    }
}

/// Appends a JSON string, quotes included.
pub(crate) fn write_json_string(text: &str, json: &mut String) {
    json.reserve(text.len() + 2);
    json.push('"');
    let mut rest = text;
    loop {
        let (plain, escaped) = rest.split_at(plain_length(rest.as_bytes()));
        json.push_str(plain);
        let Some(special) = escaped.bytes().next() else {
            break;
        };
        match special {
            b'"' => json.push_str("\\\""),
            b'\\' => json.push_str("\\\\"),
            b'\n' => json.push_str("\\n"),
            b'\r' => json.push_str("\\r"),
            b'\t' => json.push_str("\\t"),
            _ => write!(json, "\\u{special:04x}").expect("writing to a string cannot fail"),
        }
        rest = &escaped[1..];
    }
    json.push('"');
}

/// How many bytes from the start of a text stand for themselves within a JSON string.
pub(crate) fn plain_length(text: &[u8]) -> usize {
    const fn is_special(byte: u8) -> bool {
        byte < 0x20 || byte == b'"' || byte == b'\\'
    }
    // Looking at a whole block without stopping within it compiles to a few vector instructions.
    const BLOCK: usize = 32;
    let mut length = 0;
    for block in text.chunks_exact(BLOCK) {
        if block
            .iter()
            .fold(false, |found, byte| found | is_special(*byte))
        {
            break;
        }
        length += BLOCK;
    }
    let rest = &text[length..];
    length
        + rest
            .iter()
            .position(|byte| is_special(*byte))
            .unwrap_or(rest.len())
}

fn whole_number(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_007_199_254_740_992.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and within the range in which doubles are exact"
    )]
    let whole = (number.fract() == 0.0 && number.abs() <= LIMIT).then_some(number as i64);
    whole
}
