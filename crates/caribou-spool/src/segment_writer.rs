//! Writes one file: its header atomically, its records in as few calls as they fit into.

use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::frame::{HEAD_BYTES, Head};
use crate::header::SegmentHeader;
use crate::name::{SegmentName, SegmentState, Stem};
use crate::options::FsyncPolicy;
use crate::private_fs::{append_file, remove_if_present, write_atomically};
use crate::record::Record;

/// What is gathered before it is written.
const BUFFER_BYTES: usize = 1 << 20;
/// Payloads from here on are written as they are, without a copy.
const DIRECT_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct SegmentWriter {
    stem: Stem,
    path: PathBuf,
    file: File,
    salt: u32,
    /// What is in the file and stays there.
    length: u64,
    records: u64,
    buffer: Vec<u8>,
    buffered_records: u64,
}

/// What a flush made safe.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flushed {
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

impl SegmentWriter {
    /// Begins a file. It appears with its whole header or not at all.
    pub(crate) fn create(
        directory: &Path,
        stem: Stem,
        temporary: &Path,
        header: &SegmentHeader,
    ) -> io::Result<Self> {
        let path = directory.join(
            SegmentName {
                stem: stem.clone(),
                state: SegmentState::Open,
            }
            .file_name(),
        );
        let line = header.encode()?;
        write_atomically(temporary, &path, |file| file.write_all(&line))?;
        let file = append_file(&path).inspect_err(|_| {
            // One that holds nothing would stay for as long as this process lives.
            remove_if_present(&path).ok();
        })?;
        let length = line.len() as u64;
        Ok(Self {
            stem,
            path,
            file,
            salt: header.salt,
            length,
            records: 0,
            buffer: Vec::new(),
            buffered_records: 0,
        })
    }

    pub(crate) fn stem(&self) -> &Stem {
        &self.stem
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// Bytes of the file once the buffer is in it.
    pub(crate) fn length(&self) -> u64 {
        self.length + self.buffer.len() as u64
    }

    /// False if somebody removed the file: what is written to it would be gone.
    pub(crate) fn is_on_disk(&mut self) -> bool {
        let Ok(metadata) = self.file.metadata() else {
            return false;
        };
        // A part of a record that could not be cut off has stayed, and what is written behind it is safe there.
        self.length = metadata.len();
        metadata.nlink() > 0
    }

    /// Takes a record; may write what has been gathered. Its safety is reported by a later flush.
    pub(crate) fn push(&mut self, record: &Record<'_>) -> io::Result<Flushed> {
        let head = Head::of(record, self.salt)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "record exceeds 4 GiB"))?;
        self.buffer.extend_from_slice(&head.encode());
        self.buffered_records += 1;
        if record.payload.len() >= DIRECT_BYTES {
            return self.write_out(record.payload);
        }
        self.buffer.extend_from_slice(record.payload);
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush()
        } else {
            Ok(Flushed::default())
        }
    }

    pub(crate) fn flush(&mut self) -> io::Result<Flushed> {
        self.write_out(&[])
    }

    /// Writes the buffer and what follows it. On failure the file is cut back to what was safe before.
    fn write_out(&mut self, direct: &[u8]) -> io::Result<Flushed> {
        let written = self
            .file
            .write_all(&self.buffer)
            .and_then(|()| self.file.write_all(direct));
        let flushed = Flushed {
            records: self.buffered_records,
            bytes: (self.buffer.len() + direct.len()) as u64,
        };
        self.buffer.clear();
        self.buffered_records = 0;
        match written {
            Ok(()) => {
                self.length += flushed.bytes;
                self.records += flushed.records;
                Ok(flushed)
            }
            Err(error) => {
                // A part of a record that cannot be cut off is found and moved aside by the reader.
                self.file.set_len(self.length).ok();
                Err(error)
            }
        }
    }

    /// Hands the file over for delivery; one without records is removed.
    pub(crate) fn close(self, fsync: FsyncPolicy) -> io::Result<()> {
        if self.records == 0 {
            return remove_if_present(&self.path);
        }
        let state = SegmentState::Ready {
            records: self.records,
        };
        let ready = self.path.with_file_name(
            SegmentName {
                stem: self.stem,
                state,
            }
            .file_name(),
        );
        if fsync == FsyncPolicy::OnRotate {
            self.file.sync_data()?;
        }
        fs_err::rename(&self.path, &ready)?;
        if fsync == FsyncPolicy::OnRotate
            && let Some(directory) = ready.parent()
        {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }
}

/// Bytes that a record takes in a file.
pub(crate) fn frame_bytes(record: &Record<'_>) -> u64 {
    (HEAD_BYTES + record.payload.len()) as u64
}
