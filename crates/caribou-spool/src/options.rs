//! How a spool is opened.

use std::path::{Path, PathBuf};

/// Largest payload that is kept for delivery; larger ones are set aside.
pub const MAX_RECORD_BYTES: usize = 48 << 20;

const DEFAULT_MAX_BYTES: u64 = 4 << 30;
const DEFAULT_SEGMENT_BYTES: u64 = 16 << 20;

/// When the spool asks the disk to make its writes durable.
///
/// What an append wrote survives the death of the process in either case: it is in the kernel's page cache.
/// A power cut or a crash of the machine takes what the kernel had not yet written back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FsyncPolicy {
    /// Never: the kernel writes back when it likes, usually within 30 seconds.
    #[default]
    Never,
    /// When a file is closed for writing: what was closed survives a power cut.
    OnRotate,
}

/// Folder, bounds and sizes of a spool.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    pub(crate) directory: PathBuf,
    pub(crate) max_bytes: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) max_record_bytes: usize,
    pub(crate) fsync: FsyncPolicy,
}

impl SpoolOptions {
    /// Starts from the defaults: 4 GiB in all, files of 16 MiB, records of up to 48 MiB, no fsync.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: DEFAULT_MAX_BYTES,
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            max_record_bytes: MAX_RECORD_BYTES,
            fsync: FsyncPolicy::default(),
        }
    }

    /// Bounds the whole folder, over all processes and destinations.
    #[must_use]
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Sets the size at which a file is closed and the next one begun.
    #[must_use]
    pub fn with_segment_bytes(mut self, segment_bytes: u64) -> Self {
        self.segment_bytes = segment_bytes;
        self
    }

    /// Sets the size above which a payload is set aside instead of kept for delivery.
    #[must_use]
    pub fn with_max_record_bytes(mut self, max_record_bytes: usize) -> Self {
        self.max_record_bytes = max_record_bytes.min(u32::MAX as usize);
        self
    }

    /// Sets when writes are made durable against a power cut.
    #[must_use]
    pub fn with_fsync(mut self, fsync: FsyncPolicy) -> Self {
        self.fsync = fsync;
        self
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}
