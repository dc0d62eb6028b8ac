//! Reads a file's records in order, whatever somebody did to the file.

use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use fs_err::File;

use crate::frame::{HEAD_BYTES, Head, MAGIC};
use crate::header::{MAX_HEADER_BYTES, SegmentHeader};
use crate::private_fs::open_file;
use crate::record::StoredRecord;

const SCAN_BYTES: usize = 64 << 10;

/// Streams the records of one file, and the spans of bytes between them that are no records.
///
/// Never panics on any content, holds one record in memory at a time, and yields no record whose bytes differ from
/// what was appended.
#[derive(Debug)]
pub struct SegmentReader<R = BufReader<File>> {
    source: R,
    /// Where the source stands, so that reading on does not throw its buffer away.
    source_at: u64,
    length: u64,
    position: u64,
    header: Option<SegmentHeader>,
    salt: Option<u32>,
}

/// What stands next in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// An intact record.
    Record(StoredRecord),
    /// Bytes that are not.
    Damage(Damage),
}

/// A span of bytes that holds no intact record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
    /// What kind of damage.
    pub kind: DamageKind,
}

/// What is wrong with a span of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// The first line is missing or changed.
    Header,
    /// The file ends inside a record, as it does when its writer is killed while writing.
    TornTail,
    /// Anything else.
    Bytes,
}

impl DamageKind {
    /// Says it in words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Header => "first line is missing or changed",
            Self::TornTail => "file ends inside a record",
            Self::Bytes => "bytes are not a record",
        }
    }
}

impl SegmentReader {
    /// Opens a file of the spool, set-aside ones included.
    ///
    /// # Errors
    ///
    /// When it cannot be opened or read, or is not a regular file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // Opening a pipe would wait for its writer.
        if !fs_err::symlink_metadata(path)?.is_file() {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                format!("{} is not a regular file", path.display()),
            ));
        }
        Self::new(BufReader::new(open_file(path)?))
    }
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Reads from anything that can be read and positioned.
    ///
    /// # Errors
    ///
    /// When it cannot be read; damage is no error.
    pub fn new(mut source: R) -> io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        source.seek(SeekFrom::Start(0))?;
        let mut reader = Self {
            source,
            source_at: 0,
            length,
            position: 0,
            header: None,
            salt: None,
        };
        reader.read_header()?;
        Ok(reader)
    }

    /// What the first line says, where it is intact.
    pub fn header(&self) -> Option<&SegmentHeader> {
        self.header.as_ref()
    }

    /// Up to where the file has been read.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How long the file was when it was opened; what is appended later is not read.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Goes on reading elsewhere: at the beginning or end of a record that was read before.
    pub fn set_position(&mut self, position: u64) {
        self.position = position.min(self.length);
    }

    /// Payload size of the next record if it seems intact, without reading it.
    pub(crate) fn peek_payload_bytes(&mut self) -> io::Result<Option<usize>> {
        let head = self.head_at(self.position)?;
        Ok(head.map(|head| head.payload_bytes as usize))
    }

    /// Reads the next record or the next span of damage; none at the end of the file.
    ///
    /// # Errors
    ///
    /// When the file system fails to read; damage is no error.
    pub fn next_entry(&mut self) -> io::Result<Option<Entry>> {
        let start = self.position;
        if start >= self.length {
            return Ok(None);
        }
        if let Some(record) = self.record_at(start)? {
            self.position = record.end;
            return Ok(Some(Entry::Record(record)));
        }
        let kind = self.damage_kind_at(start)?;
        let end = self.find_record(start + 1)?.unwrap_or(self.length);
        self.position = end;
        let kind = if kind == DamageKind::TornTail && end < self.length {
            DamageKind::Bytes
        } else {
            kind
        };
        Ok(Some(Entry::Damage(Damage { start, end, kind })))
    }

    /// Counts the records from here on by their heads alone, up to the first damage.
    pub(crate) fn count_heads(&mut self) -> io::Result<u64> {
        let (before, mut count) = (self.position, 0);
        while let Some(head) = self.head_at(self.position)? {
            self.position += head.frame_bytes();
            count += 1;
        }
        self.position = before;
        Ok(count)
    }

    fn read_header(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        let limit = MAX_HEADER_BYTES.min(usize::try_from(self.length).unwrap_or(usize::MAX));
        while line.len() < limit {
            let mut chunk = [0; 1024];
            let read = self.read_up_to(line.len() as u64, &mut chunk)?;
            let end = chunk[..read].iter().position(|byte| *byte == b'\n');
            line.extend_from_slice(&chunk[..end.unwrap_or(read)]);
            if end.is_some() || read < chunk.len() {
                break;
            }
        }
        if let Some(header) = SegmentHeader::decode(&line) {
            self.position = (line.len() as u64 + 1).min(self.length);
            self.salt = Some(header.salt);
            self.header = Some(header);
        }
        Ok(())
    }

    /// The head at an offset, if it is intact, of this file, and its payload lies within the file.
    fn head_at(&mut self, offset: u64) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD_BYTES];
        if self.read_up_to(offset, &mut bytes)? < HEAD_BYTES {
            return Ok(None);
        }
        let head = Head::decode(&bytes)
            .filter(|head| self.salt.is_none_or(|salt| salt == head.salt))
            .filter(|head| head.frame_bytes() <= self.length - offset);
        Ok(head)
    }

    fn record_at(&mut self, start: u64) -> io::Result<Option<StoredRecord>> {
        let Some(head) = self.head_at(start)? else {
            return Ok(None);
        };
        let mut payload = vec![0; head.payload_bytes as usize];
        let read = self.read_up_to(start + HEAD_BYTES as u64, &mut payload)?;
        if read < payload.len() || crc32c::crc32c(&payload) != head.payload_crc {
            return Ok(None);
        }
        // Without a first line, the first intact record tells the salt.
        self.salt = Some(head.salt);
        Ok(Some(StoredRecord {
            kind: head.kind,
            time_unix_nano: head.time_unix_nano,
            payload,
            start,
            end: start + head.frame_bytes(),
        }))
    }

    fn damage_kind_at(&mut self, start: u64) -> io::Result<DamageKind> {
        if start == 0 {
            return Ok(DamageKind::Header);
        }
        let mut bytes = [0; HEAD_BYTES];
        let read = self.read_up_to(start, &mut bytes)?;
        let begins_as_record = bytes[..read.min(MAGIC.len())] == MAGIC[..read.min(MAGIC.len())];
        let ends_inside = match Head::decode(&bytes) {
            Some(head) => head.frame_bytes() > self.length - start,
            None => read < HEAD_BYTES,
        };
        Ok(if begins_as_record && ends_inside {
            DamageKind::TornTail
        } else {
            DamageKind::Bytes
        })
    }

    /// The first intact record at or after an offset.
    fn find_record(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut chunk = vec![0; SCAN_BYTES];
        let mut offset = from;
        while offset + HEAD_BYTES as u64 <= self.length {
            let read = self.read_up_to(offset, &mut chunk)?;
            for at in candidates(&chunk[..read]) {
                if self.record_at(offset + at as u64)?.is_some() {
                    return Ok(Some(offset + at as u64));
                }
            }
            if read < chunk.len() {
                break;
            }
            // A magic may lie across the edge of two chunks.
            offset += (read - (MAGIC.len() - 1)) as u64;
        }
        Ok(None)
    }

    /// Fills the buffer from an offset; less than it holds only at the end of the file.
    fn read_up_to(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        if self.source_at != offset {
            let distance = i64::try_from(i128::from(offset) - i128::from(self.source_at))
                .map_err(io::Error::other)?;
            self.source.seek_relative(distance)?;
            self.source_at = offset;
        }
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let mut filled = 0;
        while filled < wanted {
            match self.source.read(&mut buffer[filled..wanted]) {
                // Somebody cut the file off while it is read.
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.source_at = offset + filled as u64;
        Ok(filled)
    }
}

/// Offsets at which a record may begin.
fn candidates(bytes: &[u8]) -> impl Iterator<Item = usize> {
    bytes
        .windows(MAGIC.len())
        .enumerate()
        .filter(|(_, window)| **window == MAGIC)
        .map(|(at, _)| at)
}
