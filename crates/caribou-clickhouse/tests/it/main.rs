//! The store against a real ClickHouse: the embedded engine, or the server at `CARIBOU_TEST_CLICKHOUSE_URL`.

#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod arrivals;
mod database;
mod documentation;
mod fixture;
mod images;
mod list_order;
mod lists;
mod migrations;
mod projects;
mod properties;
mod round_trip;
mod samples;
mod search;
mod summaries;
mod trace_pages;
