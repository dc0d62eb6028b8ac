//! How one record lies in a file: a head of 32 bytes, then the payload.
//!
//! ```text
//! magic 4 | salt 4 | payload length 4 | kind 2 | zero 2 | time 8 | CRC32C of the payload 4 | CRC32C of the 28 bytes before 4
//! ```
//!
//! All numbers are little-endian. The head has its own checksum so that a damaged length is noticed before the
//! payload is read. The salt is the file's own: a payload that happens to be a piece of another spool file is never
//! taken for records of this one when the bytes around it are damaged.

use crate::Record;

pub(crate) const HEAD_BYTES: usize = 32;

/// Begins with a byte that UTF-8 never contains, so that text is never mistaken for it.
pub(crate) const MAGIC: [u8; 4] = *b"\xFECSR";

/// The head of a record, its checksum verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) salt: u32,
    pub(crate) payload_bytes: u32,
    pub(crate) kind: u16,
    pub(crate) time_unix_nano: u64,
    pub(crate) payload_crc: u32,
}

impl Head {
    /// The head for a record, or none if its payload exceeds what a length can say.
    pub(crate) fn of(record: &Record<'_>, salt: u32) -> Option<Self> {
        Some(Self {
            salt,
            payload_bytes: u32::try_from(record.payload.len()).ok()?,
            kind: record.kind,
            time_unix_nano: record.time_unix_nano,
            payload_crc: crc32c::crc32c(record.payload),
        })
    }

    pub(crate) fn encode(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.salt.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[12..14].copy_from_slice(&self.kind.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.time_unix_nano.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.payload_crc.to_le_bytes());
        let head_crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..32].copy_from_slice(&head_crc.to_le_bytes());
        bytes
    }

    /// Reads a head; none if the bytes are not one.
    pub(crate) fn decode(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        if bytes[0..4] != MAGIC || read_u32(bytes, 28) != crc32c::crc32c(&bytes[..28]) {
            return None;
        }
        Some(Self {
            salt: read_u32(bytes, 4),
            payload_bytes: read_u32(bytes, 8),
            kind: u16::from_le_bytes([bytes[12], bytes[13]]),
            time_unix_nano: u64::from(read_u32(bytes, 16)) | u64::from(read_u32(bytes, 20)) << 32,
            payload_crc: read_u32(bytes, 24),
        })
    }

    pub(crate) fn frame_bytes(self) -> u64 {
        HEAD_BYTES as u64 + u64::from(self.payload_bytes)
    }
}

fn read_u32(bytes: &[u8; HEAD_BYTES], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
