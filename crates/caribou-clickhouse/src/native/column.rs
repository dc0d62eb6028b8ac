//! The kinds of columns that a block can hold, and how each is written.

use std::collections::HashMap;

use caribou_model::SpanRecord;

use super::buffer::Buffer;

/// Reads one value of a span.
type Get<T> = fn(&SpanRecord<'_>) -> T;
/// Reads a text of a span without copying it.
type GetText = for<'a> fn(&'a SpanRecord<'_>) -> &'a str;
/// Writes one value of a span.
type Write = fn(&SpanRecord<'_>, &mut Buffer);

/// Where the values of a column come from, and their type on the wire.
#[derive(Clone, Copy)]
pub(super) enum Values {
    /// `String`.
    Text(GetText),
    /// `LowCardinality(String)`: the distinct values of the block once, and an index per row.
    Dictionary(GetText),
    /// `String`, composed on the fly.
    Composed(Write),
    /// `Enum8` with its names.
    Enum(&'static str, Get<u8>),
    /// `Int32`.
    Int32(Get<i32>),
    /// `UInt64`.
    UInt64(Get<u64>),
    /// `DateTime64(9, 'UTC')`.
    Time(Get<i64>),
    /// Eight bytes a value, or null.
    Nullable64(&'static str, Get<Option<[u8; 8]>>),
    /// `Nullable(Bool)`.
    NullableBool(Get<Option<bool>>),
    /// `Array(String)`.
    Texts(fn(&SpanRecord<'_>, &mut Buffer) -> u64),
    /// `Map(String, String)`: writes the keys, then the values.
    Map(for<'a> fn(&'a SpanRecord<'_>, &mut super::fields::Fields<'a>)),
}

/// A column of the table `spans` that the writer fills.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) values: Values,
}

impl Column {
    pub(super) const fn new(name: &'static str, values: Values) -> Self {
        Self { name, values }
    }

    fn wire_type(&self) -> &'static str {
        match self.values {
            Values::Text(_) | Values::Composed(_) => "String",
            Values::Dictionary(_) => "LowCardinality(String)",
            Values::Enum(wire_type, _) | Values::Nullable64(wire_type, _) => wire_type,
            Values::Int32(_) => "Int32",
            Values::UInt64(_) => "UInt64",
            Values::Time(_) => "DateTime64(9, 'UTC')",
            Values::NullableBool(_) => "Nullable(Bool)",
            Values::Texts(_) => "Array(String)",
            Values::Map(_) => "Map(String, String)",
        }
    }

    /// Writes name, type and the values of all rows.
    pub(super) fn write(&self, spans: &[SpanRecord<'_>], out: &mut Buffer) {
        out.text(self.name.as_bytes());
        out.text(self.wire_type().as_bytes());
        match self.values {
            Values::Text(get) => {
                for span in spans {
                    out.text(get(span).as_bytes());
                }
            }
            Values::Dictionary(get) => write_dictionary(spans, get, out),
            Values::Composed(write) => {
                for span in spans {
                    write(span, out);
                }
            }
            Values::Enum(_, get) => {
                for span in spans {
                    out.byte(get(span));
                }
            }
            Values::Int32(get) => {
                for span in spans {
                    out.raw(&get(span).to_le_bytes());
                }
            }
            Values::UInt64(get) => {
                for span in spans {
                    out.u64(get(span));
                }
            }
            Values::Time(get) => {
                for span in spans {
                    out.raw(&get(span).to_le_bytes());
                }
            }
            Values::Nullable64(_, get) => {
                for span in spans {
                    out.byte(u8::from(get(span).is_none()));
                }
                for span in spans {
                    out.raw(&get(span).unwrap_or_default());
                }
            }
            Values::NullableBool(get) => {
                for span in spans {
                    out.byte(u8::from(get(span).is_none()));
                }
                for span in spans {
                    out.byte(u8::from(get(span).unwrap_or_default()));
                }
            }
            Values::Texts(write) => write_texts(spans, write, out),
            Values::Map(visit) => write_maps(spans, visit, out),
        }
    }
}

fn write_texts(
    spans: &[SpanRecord<'_>],
    write: fn(&SpanRecord<'_>, &mut Buffer) -> u64,
    out: &mut Buffer,
) {
    let mut body = Buffer::default();
    let mut end = 0;
    for span in spans {
        end += write(span, &mut body);
        out.u64(end);
    }
    out.raw(&body.into_bytes());
}

fn write_maps(
    spans: &[SpanRecord<'_>],
    visit: for<'a> fn(&'a SpanRecord<'_>, &mut super::fields::Fields<'a>),
    out: &mut Buffer,
) {
    let mut fields = super::fields::Fields::default();
    for span in spans {
        visit(span, &mut fields);
        out.u64(fields.len() as u64);
    }
    fields.write(out);
}

/// Version of the serialisation: dictionaries travel with the block.
const KEYS_VERSION: u64 = 1;
/// Flags of the indexes' type: the block brings its keys, and they replace earlier ones.
const OWN_KEYS: u64 = 0x600;
/// Up to this many distinct values a scan beats hashing.
const SCANNED_KEYS: usize = 12;

fn write_dictionary(spans: &[SpanRecord<'_>], get: GetText, out: &mut Buffer) {
    let mut keys: Vec<&str> = Vec::new();
    let mut positions: HashMap<&str, u32> = HashMap::new();
    let mut indexes: Vec<u32> = Vec::with_capacity(spans.len());
    let mut last = 0;
    for span in spans {
        let value = get(span);
        if keys.get(last as usize) != Some(&value) {
            last = position_of(value, &mut keys, &mut positions);
        }
        indexes.push(last);
    }
    out.u64(KEYS_VERSION);
    if spans.is_empty() {
        return;
    }
    let width = index_width(keys.len());
    out.u64(OWN_KEYS | u64::from(width.trailing_zeros()));
    out.u64(keys.len() as u64);
    for key in keys {
        out.text(key.as_bytes());
    }
    out.u64(indexes.len() as u64);
    for index in indexes {
        out.raw(&index.to_le_bytes()[..width]);
    }
}

/// Bytes per index: 1, 2 or 4.
const fn index_width(keys: usize) -> usize {
    match keys {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

fn position_of<'a>(
    value: &'a str,
    keys: &mut Vec<&'a str>,
    positions: &mut HashMap<&'a str, u32>,
) -> u32 {
    let next = u32::try_from(keys.len()).expect("a block has fewer than 2^32 rows");
    if keys.len() <= SCANNED_KEYS {
        if let Some(found) = keys.iter().position(|key| *key == value) {
            return u32::try_from(found).expect("found among at most 2^32 keys");
        }
        keys.push(value);
        if keys.len() > SCANNED_KEYS {
            positions.extend(keys.iter().copied().zip(0..));
        }
        return next;
    }
    *positions.entry(value).or_insert_with(|| {
        keys.push(value);
        next
    })
}
