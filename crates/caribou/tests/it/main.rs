//! The recorder against a server, through its public functions only.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on may as well panic"
)]

mod clickhouse;
mod contract;
mod current;
mod delivery;
mod destinations;
mod spool;
mod support;
