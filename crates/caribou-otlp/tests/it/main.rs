//! Tests of caribou-otlp through its public functions.

mod support;

mod round_trip;
