//! The server as its clients meet it: a real process with a real engine.

mod bad_input;
mod contract;
mod identity;
mod ingest;
mod kill;
mod live;
mod operations;
mod read;
mod security;
mod support;
