//! Writes protobuf fields into a buffer.
//!
//! A field is left out by whoever calls, where it is the default; nested messages take their length first, so that
//! nothing is moved afterwards.

const WIRE_VARINT: u32 = 0;
const WIRE_BYTES: u32 = 2;

pub(crate) const fn varint_len(number: u64) -> usize {
    // Every started group of 7 bits takes a byte; 0 takes one too.
    (64 - (number | 1).leading_zeros() as usize).div_ceil(7)
}

/// Length of a length-delimited field with a number below 16, given that of its content.
pub(crate) const fn field_len(content: usize) -> usize {
    1 + varint_len(content as u64) + content
}

#[inline]
pub(crate) fn put_varint(buffer: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        buffer.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    buffer.push(number.to_le_bytes()[0]);
}

pub(super) fn put_tag(buffer: &mut Vec<u8>, field: u32, wire_type: u32) {
    put_varint(buffer, u64::from(field << 3 | wire_type));
}

pub(crate) fn put_varint_field(buffer: &mut Vec<u8>, field: u32, number: u64) {
    put_tag(buffer, field, WIRE_VARINT);
    put_varint(buffer, number);
}

/// Begins a nested message or any other content of a known length, which the caller writes next.
#[inline]
pub(crate) fn put_header(buffer: &mut Vec<u8>, field: u32, content_len: usize) {
    put_tag(buffer, field, WIRE_BYTES);
    put_varint(buffer, content_len as u64);
}

#[inline]
pub(crate) fn put_bytes_field(buffer: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_header(buffer, field, bytes.len());
    buffer.extend_from_slice(bytes);
}
