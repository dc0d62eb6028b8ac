//! Fixtures, clocks and servers that the tests of several crates share.

mod engine;

pub use engine::{TestEngine, shared_engine};
