//! The server as its clients meet it: a real process with a real engine.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a test says what went wrong by failing, and its numbers are small"
)]

mod bad_input;
mod compression;
mod contract;
mod direct_images;
mod identity;
mod images;
mod ingest;
mod kill;
mod live;
mod operations;
mod read;
mod remote;
mod s3;
mod security;
mod support;
