//! The server: ingest, read API and web UI in one binary.
//!
//! Bytes come in over OTLP ([`serve::serve`]), become rows, and are acknowledged once ClickHouse has them on disk;
//! everything that is read comes from ClickHouse again. The server keeps no state of its own, so several can run on
//! one ClickHouse. It writes no SQL: `caribou-clickhouse` does.

#![forbid(unsafe_code)]

mod answers;
mod backend;
mod body;
mod budget;
pub mod cli;
mod compression;
pub mod env;
mod error;
mod guard;
mod images;
mod ingest;
pub mod limits;
mod listener;
mod live;
mod metrics;
pub mod openapi;
mod otlp;
mod query;
mod routes;
pub mod sample;
pub mod secret;
pub mod serve;
pub mod settings;
pub mod spool;
mod state;
