//! The data folder belongs to one engine at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// A predecessor that was just killed takes a moment to be gone: its memory is given back first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Holds the folder until the process ends.
pub(super) struct FolderLock {
    _file: File,
}

/// Why the folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum LockError {
    #[error(
        "the data folder {folder} is in use by process {holder}; stop that process or choose another folder"
    )]
    InUse { folder: String, holder: String },
    #[error("cannot lock the data folder {folder}: {source}")]
    Io { folder: String, source: io::Error },
}

impl FolderLock {
    pub(super) fn acquire(folder: &Path) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            folder: folder.display().to_string(),
            source,
        };
        let path = folder.join("engine.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    let mut holder = String::new();
                    file.read_to_string(&mut holder).map_err(failed)?;
                    let folder = folder.display().to_string();
                    return Err(LockError::InUse {
                        folder,
                        holder: holder.trim().to_owned(),
                    });
                }
            }
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { _file: file })
    }
}
