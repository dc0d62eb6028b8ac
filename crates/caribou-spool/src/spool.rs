//! The folder.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::account::Account;
use crate::destination::DestinationSpool;
use crate::identity::DestinationIdentity;
use crate::name::{Stem, now_unix_micros};
use crate::options::SpoolOptions;
use crate::private_fs::{create_directory, create_file, list_directory};
use crate::process::{Liveness, ProcessLock, sweep};
use crate::{Result, SpoolError};

pub(crate) const PROCESSES_DIRECTORY: &str = "processes";

const EXPLANATION_FILE: &str = "README.txt";
const EXPLANATION: &str = "\
Records that a destination has not acknowledged yet; they are delivered by the next process that uses this folder,
or by `kestrel spool drain`. One folder per destination. `head -1 FILE` shows what a file is about.

*.open       being written; *.ready waits; *.claimed.* is being delivered; *.acked says how far
set-aside/   refused by the destination for good, with the reason in the first line; yours to delete
damaged/     bytes that were no intact records; yours to delete
processes/   locks of the programs that use this folder; do not delete them while a program runs
";

/// A folder of records that wait for their destinations, shared with other processes.
///
/// Cheap to clone. Belongs to the process that opened it: a forked child calls [`Spool::after_fork`] and opens its own.
#[derive(Clone, Debug)]
pub struct Spool {
    inner: Arc<SpoolInner>,
}

#[derive(Debug)]
pub(crate) struct SpoolInner {
    pub(crate) options: SpoolOptions,
    pub(crate) process: ProcessLock,
    pub(crate) account: Account,
    /// The destinations' folders in which this process takes over what others have left.
    leads: Mutex<BTreeSet<String>>,
    sequence: AtomicU64,
    last_created: AtomicU64,
}

impl Spool {
    /// Opens the folder and creates it, mode 0700, where it is not.
    ///
    /// # Errors
    ///
    /// When the folder cannot be made, written or locked in; the recorder then goes on without a spool.
    pub fn open(options: SpoolOptions) -> Result<Self> {
        let directory = &options.directory;
        create_directory(directory)?;
        explain(directory);
        let processes = directory.join(PROCESSES_DIRECTORY);
        let process = ProcessLock::acquire(&processes)?;
        sweep(&processes, process.token())?;
        let account = Account::open(directory, options.max_bytes)?;
        let inner = SpoolInner {
            options,
            process,
            account,
            leads: Mutex::default(),
            sequence: AtomicU64::new(1),
            last_created: AtomicU64::new(0),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The folder.
    pub fn directory(&self) -> &Path {
        &self.inner.options.directory
    }

    /// The part of the folder that belongs to a destination.
    ///
    /// Several may exist for one destination; each writes files of its own.
    ///
    /// # Errors
    ///
    /// When the destination's folder cannot be made, or after a fork.
    pub fn destination(&self, identity: &DestinationIdentity) -> Result<DestinationSpool> {
        DestinationSpool::open(Arc::clone(&self.inner), identity)
    }

    /// The destinations that have a folder here, in the order of their names.
    ///
    /// A folder whose `destination.json` is missing or not its own is left out, so that nothing is sent elsewhere than
    /// it was meant for; [`inspect`](crate::inspect) shows it.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn destinations(&self) -> Result<Vec<DestinationIdentity>> {
        let folders = list_directory(self.directory())?
            .into_iter()
            .filter(|item| item.is_directory);
        Ok(folders
            .filter_map(|item| DestinationIdentity::load(&self.directory().join(item.name)))
            .collect())
    }

    /// To be called in a forked child, best from a handler that runs at every fork.
    ///
    /// Closes the one descriptor through which the child would keep its parent's lock alive after the parent's death.
    /// Takes no lock, writes nothing, never blocks; does nothing in the process that opened the spool. Afterwards the
    /// child drops what it inherited, in any order or never, and opens a spool of its own when it needs one.
    pub fn after_fork(&self) {
        self.inner.process.close_inherited();
    }
}

impl SpoolInner {
    pub(crate) fn check_not_forked(&self) -> Result<(), SpoolError> {
        self.process.check_not_forked()
    }

    /// Name for the next file: later than any before it in this process, even if the clock was set back.
    pub(crate) fn next_stem(&self) -> Stem {
        let now = now_unix_micros();
        let last = self.last_created.fetch_max(now, Ordering::Relaxed);
        Stem::new(
            now.max(last),
            self.process.token(),
            self.sequence.fetch_add(1, Ordering::Relaxed),
        )
    }

    pub(crate) fn leads(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.leads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn liveness(&self) -> Liveness {
        Liveness::new(&self.processes_directory()).with_living(self.process.token())
    }

    pub(crate) fn processes_directory(&self) -> PathBuf {
        self.options.directory.join(PROCESSES_DIRECTORY)
    }
}

/// Best effort: a full disk must not keep anybody from delivering.
fn explain(directory: &Path) {
    if let Ok(mut file) = create_file(&directory.join(EXPLANATION_FILE)) {
        file.write_all(EXPLANATION.as_bytes()).ok();
    }
}
