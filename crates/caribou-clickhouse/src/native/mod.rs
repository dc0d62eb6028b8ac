//! Spans as ClickHouse `Native` blocks: columns, little-endian, nothing between the record and the wire.

mod buffer;
mod column;
mod fields;
mod image_words;
mod preview;
mod spans;

use std::fmt::Write as _;

use bytes::Bytes;
use caribou_model::SpanRecord;

use buffer::Buffer;
use spans::{COLUMNS, estimated_bytes};

/// Spans as one block of the format `Native`.
///
/// Blocks may be written one after another into the body of one insert: that is how many requests share a commit.
/// Encoding copies every text once, from the record into the block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanBlock {
    bytes: Bytes,
    rows: usize,
}

impl SpanBlock {
    /// Encodes spans, in the order given.
    pub fn encode(spans: &[SpanRecord<'_>]) -> Self {
        let mut out = Buffer::with_capacity(estimated_bytes(spans));
        out.var_uint(COLUMNS.len() as u64);
        out.var_uint(spans.len() as u64);
        for column in COLUMNS {
            column.write(spans, &mut out);
        }
        Self {
            bytes: out.into_bytes().into(),
            rows: spans.len(),
        }
    }

    /// The block; cloning it is cheap.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// How many spans it holds.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Gives the block up for its bytes.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }
}

/// The statement in front of blocks: `INSERT INTO spans (…) FORMAT Native`, every column by name.
///
/// The table is unqualified: the database is the connection's.
pub fn insert_spans_sql() -> String {
    let mut sql = String::from("INSERT INTO spans (");
    for (position, column) in COLUMNS.iter().enumerate() {
        let separator = if position == 0 { "" } else { ", " };
        write!(sql, "{separator}{}", column.name).expect("writing to a string does not fail");
    }
    sql.push_str(") FORMAT Native");
    sql
}
