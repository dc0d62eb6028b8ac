//! Who is alive: each opened spool holds a lock on a file of its own, and the names of segments say whose they are.
//!
//! The lock is `flock`, so it belongs to the open file and not to the process: the kernel drops it when the last
//! descriptor is closed, however the process dies, but a forked child inherits a descriptor and would keep the lock of
//! a dead parent alive. Therefore there is one such descriptor per spool, it is closed on exec, and
//! [`ProcessLock::close_inherited`] closes it in a child without unlocking (an unlock there would unlock the parent).
//! The error is on the safe side: with a child that never does so, the parent's files wait until the child ends.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError as MutexTryLockError};
use std::time::{Duration, SystemTime};

use fs_err::File;

use crate::name::{TEMPORARY_PREFIX, now_unix_micros};
use crate::private_fs::{create_directory, create_file, list_directory, remove_if_present};
use crate::{Result, SpoolError};

const LOCK_SUFFIX: &str = ".lock";
const TEMPORARY_LIFETIME: Duration = Duration::from_secs(3600);

/// The lock that tells other processes that this one is alive.
#[derive(Debug)]
pub(crate) struct ProcessLock {
    pid: u32,
    token: String,
    directory: PathBuf,
    held: Mutex<Option<File>>,
    /// Which file that is, to be looked at without the lock: a child could not close what it inherited if a thread held
    /// that at the moment of the fork.
    inode: AtomicU64,
}

impl ProcessLock {
    pub(crate) fn acquire(directory: &Path) -> Result<Self> {
        create_directory(directory)?;
        let pid = std::process::id();
        // Not a secret, only never the same twice: a container's first process always has the same pid.
        let nonce = RandomState::new().hash_one((pid, now_unix_micros()));
        let token = format!("{pid}-{:08x}", nonce & 0xffff_ffff);
        let file = create_locked(directory, &token)?;
        Ok(Self {
            pid,
            token,
            directory: directory.to_owned(),
            inode: AtomicU64::new(file.metadata()?.ino()),
            held: Mutex::new(Some(file)),
        })
    }

    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    pub(crate) fn check_not_forked(&self) -> Result<()> {
        if self.pid == std::process::id() {
            Ok(())
        } else {
            Err(SpoolError::Forked {
                opened_by: self.pid,
            })
        }
    }

    /// Puts the lock file back where somebody removed it together with the folder.
    pub(crate) fn ensure_present(&self) -> Result<()> {
        if self.is_present() {
            return Ok(());
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have put it back meanwhile.
        if !self.is_present() {
            create_directory(&self.directory)?;
            let file = create_locked(&self.directory, &self.token)?;
            self.inode.store(file.metadata()?.ino(), Ordering::Relaxed);
            *held = Some(file);
        }
        Ok(())
    }

    fn is_present(&self) -> bool {
        fs_err::metadata(lock_path(&self.directory, &self.token))
            .is_ok_and(|metadata| metadata.ino() == self.inode.load(Ordering::Relaxed))
    }

    /// In a forked child: closes the descriptor that it shares with its parent. Elsewhere: does nothing.
    pub(crate) fn close_inherited(&self) {
        if self.pid == std::process::id() {
            return;
        }
        let inherited = match self.held.try_lock() {
            Ok(mut held) => held.take(),
            Err(MutexTryLockError::Poisoned(poisoned)) => poisoned.into_inner().take(),
            // A thread that is not in the child was putting the lock back at the moment of the fork.
            Err(MutexTryLockError::WouldBlock) => None,
        };
        drop(inherited);
    }
}

impl Drop for ProcessLock {
    fn drop(&mut self) {
        if self.pid == std::process::id() {
            // Whoever finds it unlocked removes it as well.
            remove_if_present(&lock_path(&self.directory, &self.token)).ok();
        }
    }
}

/// Locks under a temporary name first: nobody may see the file unlocked and take its owner for dead.
fn create_locked(directory: &Path, token: &str) -> io::Result<File> {
    let temporary = directory.join(format!("{TEMPORARY_PREFIX}{token}"));
    remove_if_present(&temporary)?;
    let mut file = create_file(&temporary)?;
    file.lock()?;
    let program = std::env::args_os().next().unwrap_or_default();
    // For a person to read; a full disk must not keep anybody from delivering.
    file.write_all(format!("{}\n", program.display()).as_bytes())
        .ok();
    fs_err::rename(&temporary, lock_path(directory, token))?;
    Ok(file)
}

fn lock_path(directory: &Path, token: &str) -> PathBuf {
    directory.join(format!("{token}{LOCK_SUFFIX}"))
}

/// Asks for each process once whether it is alive.
#[derive(Debug)]
pub(crate) struct Liveness {
    directory: PathBuf,
    known: HashMap<String, bool>,
}

impl Liveness {
    pub(crate) fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
            known: HashMap::new(),
        }
    }

    /// Takes a process for granted: probing one's own lock is never needed.
    pub(crate) fn with_living(mut self, token: &str) -> Self {
        self.known.insert(token.to_owned(), true);
        self
    }

    pub(crate) fn is_alive(&mut self, token: &str) -> bool {
        if let Some(alive) = self.known.get(token) {
            return *alive;
        }
        let alive = probe(&lock_path(&self.directory, token));
        self.known.insert(token.to_owned(), alive);
        alive
    }
}

/// In doubt a process counts as alive: its files wait, instead of being taken from under its hands.
fn probe(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => !matches!(file.file().try_lock_shared(), Ok(())),
        Err(error) => error.kind() != ErrorKind::NotFound,
    }
}

/// Removes the lock files of processes that are gone.
pub(crate) fn sweep(directory: &Path, own: &str) -> io::Result<()> {
    for item in list_directory(directory)? {
        let path = directory.join(&item.name);
        let is_gone = match item.name.strip_suffix(LOCK_SUFFIX) {
            Some(token) => token != own && !probe(&path),
            // Between its creation and its lock a temporary file looks abandoned, so its age decides.
            None => {
                item.name.starts_with(TEMPORARY_PREFIX) && is_older_than(&path, TEMPORARY_LIFETIME)
            }
        };
        if item.is_file && is_gone {
            remove_if_present(&path).ok();
        }
    }
    Ok(())
}

pub(crate) fn is_older_than(path: &Path, age: Duration) -> bool {
    let modified = fs_err::symlink_metadata(path).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| {
        SystemTime::now()
            .duration_since(modified)
            .is_ok_and(|passed| passed > age)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_after_the_lock_file_holds_nothing_that_a_fork_could_catch() {
        let folder = tempfile::tempdir().unwrap();
        let lock = ProcessLock::acquire(folder.path()).unwrap();
        let held = lock.held.lock().unwrap();
        lock.ensure_present().unwrap();
        drop(held);
        fs_err::remove_file(lock_path(folder.path(), lock.token())).unwrap();
        lock.ensure_present().unwrap();
        assert!(probe(&lock_path(folder.path(), lock.token())), "put back");
    }
}
