//! Tests of caribou-otlp through its public functions.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails the test"
)]

mod by_parts;
mod case;
mod support;
mod tree;

mod dialects;
mod hostile;
mod lenient_json;
mod lenient_protobuf;
mod projects;
mod properties;
mod responses;
mod round_trip;
mod times;
