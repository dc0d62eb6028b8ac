//! Protobuf as bytes: what decoding and encoding share.

#[cfg(feature = "sdk")]
pub(crate) mod fixed;
pub(crate) mod reader;
pub(crate) mod writer;
