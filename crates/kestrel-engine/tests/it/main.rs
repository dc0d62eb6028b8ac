//! The engine as its users see it: through the official clients, plain HTTP, and sudden ends of its processes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod crashes;
mod fixture;
mod hostile;
mod lifecycle;
mod protocol;
mod rust_client;
