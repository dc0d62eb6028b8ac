//! Tests of caribou-otlp through its public functions.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails the test"
)]

mod case;
mod support;
mod tree;

mod dialects;
mod round_trip;
