//! ClickHouse itself: rows instead of OTLP, and the summaries of the traces they belong to.

mod destination;
mod http;
mod schema;
mod summaries;

pub(super) use destination::ClickHouseDestination;
