//! What goes in and what comes out.

/// One record to keep: an opaque payload and what a listing should know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What the payload is; its meaning is the caller's.
    pub kind: u16,
    /// The record's own time, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The bytes, returned as they are.
    pub payload: &'a [u8],
}

/// One record read back, byte for byte as it was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecord {
    /// What the payload is; its meaning is the caller's.
    pub kind: u16,
    /// The record's own time, in nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// The bytes as they were appended.
    pub payload: Vec<u8>,
    /// Where the record begins in its file.
    pub(crate) start: u64,
    /// The byte after it.
    pub(crate) end: u64,
}

impl StoredRecord {
    /// The record as one that can be appended.
    pub fn as_record(&self) -> Record<'_> {
        Record {
            kind: self.kind,
            time_unix_nano: self.time_unix_nano,
            payload: &self.payload,
        }
    }
}

/// What an append did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// Records kept for delivery.
    pub records: usize,
    /// Bytes written for them.
    pub bytes: u64,
    /// Records set aside because they are larger than can be delivered.
    pub set_aside: usize,
}
