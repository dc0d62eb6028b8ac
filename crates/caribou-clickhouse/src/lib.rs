//! Everything that speaks SQL: migrations, rows, the Native writer and the queries.
//!
//! [`SpanBlock`] turns spans into one ClickHouse `Native` block; blocks of several requests are sent as one insert by
//! writing them one after another behind [`insert_spans_sql`]. [`creation_statements`] makes the tables and
//! [`recompute_statements`] the summaries. That half needs no runtime and no HTTP client.
//!
//! With the feature `client` (on by default) [`Store`] talks to one ClickHouse over HTTP, embedded or not: it applies
//! the migrations, inserts blocks durably, recomputes summaries and answers every question of the read API.
//!
//! It is not a mapper for other schemas, and nothing outside this crate writes SQL.
//!
//! ```
//! use caribou_clickhouse::SpanBlock;
//! use caribou_model::{SpanRecord, TraceId};
//!
//! let span = SpanRecord { trace_id: TraceId::from_text("trc_1"), content: Default::default(), ..SpanRecord::default() };
//! let block = SpanBlock::encode(&[span]);
//! assert_eq!(block.rows(), 1);
//! ```

#![forbid(unsafe_code)]

mod connection;
mod images;
mod native;
mod recompute;
mod schema;
#[cfg(feature = "client")]
mod store;

pub use connection::{Cluster, Connection, DEFAULT_DATABASE};
pub use images::{IMAGES_SCHEMA, INSERT_IMAGES, ImageRow, image_lines};
pub use native::{SpanBlock, insert_spans_sql};
pub use recompute::{TraceKey, count_span_sql, recompute_statements};
pub use schema::{OLDEST_WRITABLE_SCHEMA, SCHEMA_VERSION, creation_statements, schema_statements};
#[cfg(feature = "client")]
pub use store::*;
