//! Protobuf as bytes: what decoding and encoding share.

pub(crate) mod reader;
pub(crate) mod writer;
