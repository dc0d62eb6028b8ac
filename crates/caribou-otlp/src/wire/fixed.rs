//! Writes fields of a fixed width, which only spans have.

use crate::wire::writer::put_tag;

const WIRE_FIXED64: u32 = 1;
const WIRE_FIXED32: u32 = 5;

pub(crate) fn put_fixed64_field(buffer: &mut Vec<u8>, field: u32, number: u64) {
    put_tag(buffer, field, WIRE_FIXED64);
    buffer.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn put_fixed32_field(buffer: &mut Vec<u8>, field: u32, number: u32) {
    put_tag(buffer, field, WIRE_FIXED32);
    buffer.extend_from_slice(&number.to_le_bytes());
}
