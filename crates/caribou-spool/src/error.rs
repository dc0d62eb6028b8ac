//! What can go wrong, apart by what the caller does about it.

use std::io;

use crate::Appended;
use crate::private_fs::is_passing;

/// Result of the spool's operations.
pub type Result<T, E = SpoolError> = std::result::Result<T, E>;

/// An operation on the spool failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The file system refused; the source names the path.
    #[error("spool folder cannot be used; check its permissions and the space on its disk")]
    Io(#[source] io::Error),
    /// The process was forked after the spool had been opened.
    #[error("spool was opened by process {opened_by}, not by this one; open it again after a fork")]
    Forked {
        /// The process that opened it.
        opened_by: u32,
    },
    /// Batches were settled in another order than they were read in.
    #[error(
        "batch starts at byte {start}, but settled is byte {settled}; settle batches in the order of reading"
    )]
    OutOfOrder {
        /// Where the batch starts.
        start: u64,
        /// Up to where the file is settled.
        settled: u64,
    },
    /// The context given for a destination does not fit into a file's header.
    #[error(
        "context takes {bytes} bytes, at most {limit} fit; keep large values out of the resource attributes"
    )]
    ContextTooLarge {
        /// Its size as JSON.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

impl SpoolError {
    /// Whether it says nothing about what lies in the folder, but about what the process or the machine has left at the
    /// moment, such as file descriptors: then it is worth trying again.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Io(error) if is_passing(error))
    }
}

impl From<io::Error> for SpoolError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Records could not be appended, or not all of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The bound is reached; nothing was written.
    #[error(
        "spool holds {used} of {limit} bytes; deliver it with `kestrel spool drain`, or raise CARIBOU_SPOOL_MAX_BYTES"
    )]
    Full {
        /// Bytes in use, of the folder or of the destination, whichever is at its bound.
        used: u64,
        /// The bound.
        limit: u64,
    },
    /// The disk, or the process' limit of file sizes, is exhausted.
    #[error("disk is full, {} records were kept before; free some space", .appended.records)]
    DiskFull {
        /// What is safe: so many records from the start of those given.
        appended: Appended,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Anything else; what had been written before is safe.
    #[error("records cannot be spooled, {} were kept before", .appended.records)]
    Failed {
        /// What is safe: so many records from the start of those given.
        appended: Appended,
        /// Why.
        #[source]
        source: SpoolError,
    },
}

impl AppendError {
    /// How many records, from the start of those given, are safe on disk nevertheless.
    pub fn settled_records(&self) -> usize {
        match self {
            Self::Full { .. } => 0,
            Self::DiskFull { appended, .. } | Self::Failed { appended, .. } => {
                appended.records + appended.set_aside
            }
        }
    }

    pub(crate) fn after(appended: Appended, source: SpoolError) -> Self {
        match source {
            SpoolError::Io(source) if is_disk_full(&source) => Self::DiskFull { appended, source },
            source => Self::Failed { appended, source },
        }
    }
}

fn is_disk_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
