//! The parts of HTTP/1.1 that a ClickHouse server on loopback needs.
//!
//! Plain threads and blocking reads: the engine's own calls block, and the data of an insert goes from the socket to the
//! engine through one buffer.

pub(crate) mod block;
pub(crate) mod body;
pub(crate) mod encoding;
pub(crate) mod head;
pub(crate) mod multipart;
pub(crate) mod query_string;
pub(crate) mod response;
pub(crate) mod wire;
