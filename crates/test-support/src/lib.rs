//! Fixtures, clocks and servers that the tests of several crates share.

mod engine;
mod kestrel;
pub mod otlp;
mod reaper;
mod sink;

pub use engine::{TestEngine, shared_engine};
pub use kestrel::{Answer, KestrelOptions, KestrelProcess, request, shared_kestrel};
pub use sink::{Reply, ReservedAddress, Sink};
