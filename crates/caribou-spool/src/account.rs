//! The bound over the whole folder, kept by each process for itself and corrected by looking.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::identity::is_directory_name;
use crate::private_fs::list_directory;
use crate::stats::total;

const LONGEST_TRUST: Duration = Duration::from_secs(1);
const SHORTEST_TRUST: Duration = Duration::from_millis(50);
/// How much of the bound a process may write before it looks what the others wrote.
const TRUSTED_SHARE: u64 = 64;

/// Bytes in the folder, by destination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    by_destination: BTreeMap<String, u64>,
}

impl Usage {
    pub(crate) fn measure(directory: &Path) -> io::Result<Self> {
        let mut usage = Self::default();
        for item in list_directory(directory)? {
            // The folder may hold folders of others; ours hold one further level.
            if item.is_directory && is_directory_name(&item.name) {
                let bytes = directory_bytes(&directory.join(&item.name), 1);
                usage.by_destination.insert(item.name, bytes);
            }
        }
        Ok(usage)
    }

    fn total(&self) -> u64 {
        total(self.by_destination.values().copied())
    }

    fn add(&mut self, destination: &str, bytes: u64) {
        let used = self
            .by_destination
            .entry(destination.to_owned())
            .or_default();
        *used = used.saturating_add(bytes);
    }

    fn of(&self, destination: &str) -> u64 {
        self.by_destination
            .get(destination)
            .copied()
            .unwrap_or_default()
    }
}

/// Refusal of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OverBound {
    pub(crate) used: u64,
    pub(crate) limit: u64,
}

/// Grants bytes up to the bound.
///
/// Several processes together may exceed it by what each writes between two looks: a 64th of the bound, or a second's
/// worth of writing, whichever comes first.
#[derive(Debug)]
pub(crate) struct Account {
    directory: PathBuf,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    usage: Usage,
    measured_at: Instant,
    measuring_took: Duration,
    granted_since: u64,
}

impl Account {
    pub(crate) fn open(directory: &Path, max_bytes: u64) -> io::Result<Self> {
        let started = Instant::now();
        let usage = Usage::measure(directory)?;
        let state = State {
            usage,
            measured_at: started,
            measuring_took: started.elapsed(),
            granted_since: 0,
        };
        Ok(Self {
            directory: directory.to_owned(),
            max_bytes,
            state: Mutex::new(state),
        })
    }

    /// Reserves bytes for a destination, which may have a lower bound of its own.
    pub(crate) fn reserve(
        &self,
        destination: &str,
        bytes: u64,
        own_limit: Option<u64>,
    ) -> Result<(), OverBound> {
        let mut state = self.state();
        let age = state.measured_at.elapsed();
        if age > LONGEST_TRUST.max(state.measuring_took * 20)
            || state.granted_since > self.max_bytes / TRUSTED_SHARE
        {
            self.measure(&mut state);
        }
        let mut refusal = self.refusal(&state.usage, destination, bytes, own_limit);
        // Somebody may have delivered in the meantime; but a full spool is not measured at every append.
        if refusal.is_some()
            && state.measured_at.elapsed() > SHORTEST_TRUST.max(state.measuring_took * 20)
        {
            self.measure(&mut state);
            refusal = self.refusal(&state.usage, destination, bytes, own_limit);
        }
        if let Some(over) = refusal {
            return Err(over);
        }
        state.usage.add(destination, bytes);
        state.granted_since = state.granted_since.saturating_add(bytes);
        Ok(())
    }

    /// Counts what had to be written in any case.
    pub(crate) fn charge(&self, destination: &str, bytes: u64) {
        self.state().usage.add(destination, bytes);
    }

    /// Gives back what was reserved and not written, or what was delivered and removed.
    pub(crate) fn give_back(&self, destination: &str, bytes: u64) {
        if let Some(used) = self.state().usage.by_destination.get_mut(destination) {
            *used = used.saturating_sub(bytes);
        }
    }

    fn refusal(
        &self,
        usage: &Usage,
        destination: &str,
        bytes: u64,
        own_limit: Option<u64>,
    ) -> Option<OverBound> {
        let own = own_limit.map(|limit| OverBound {
            used: usage.of(destination),
            limit,
        });
        let whole = OverBound {
            used: usage.total(),
            limit: self.max_bytes,
        };
        [Some(whole), own]
            .into_iter()
            .flatten()
            .find(|bound| bound.used.saturating_add(bytes) > bound.limit)
    }

    fn measure(&self, state: &mut State) {
        let started = Instant::now();
        // A folder that cannot be read just now leaves the estimate as it is.
        if let Ok(usage) = Usage::measure(&self.directory) {
            state.usage = usage;
            state.granted_since = 0;
        }
        state.measured_at = started;
        state.measuring_took = started.elapsed();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What cannot be read counts as nothing: it must not keep anybody from appending.
fn directory_bytes(directory: &Path, depth: u32) -> u64 {
    let mut bytes = 0_u64;
    for item in list_directory(directory).unwrap_or_default() {
        if item.is_directory && depth > 0 {
            bytes = bytes.saturating_add(directory_bytes(&directory.join(&item.name), depth - 1));
        } else if item.is_file {
            // A file may be longer than any disk.
            bytes = bytes.saturating_add(item.bytes);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name of a destination's folder that holds some bytes, some of them set aside.
    const HELD: &str = "kestrel-a-0123456789abcdef";

    fn folder_holding(bytes: usize) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        fs_err::create_dir_all(directory.path().join(HELD).join("set-aside")).unwrap();
        fs_err::write(directory.path().join(HELD).join("x"), vec![0; bytes - 20]).unwrap();
        fs_err::write(directory.path().join(HELD).join("set-aside/y"), [0; 20]).unwrap();
        directory
    }

    #[test]
    fn both_bounds_hold() {
        let directory = folder_holding(50);
        let account = Account::open(directory.path(), 100).unwrap();
        assert_eq!(
            account.reserve(HELD, 1, Some(50)),
            Err(OverBound {
                used: 50,
                limit: 50
            })
        );
        assert_eq!(
            account.reserve("b", 51, Some(60)),
            Err(OverBound {
                used: 50,
                limit: 100
            })
        );
        account.reserve("b", 50, Some(60)).unwrap();
    }

    #[test]
    fn what_is_set_aside_counts_and_folders_of_others_do_not() {
        let directory = folder_holding(30);
        fs_err::create_dir(directory.path().join("theirs")).unwrap();
        fs_err::write(directory.path().join("theirs/z"), [0; 10]).unwrap();
        let usage = Usage::measure(directory.path()).unwrap();
        assert_eq!((usage.of(HELD), usage.total()), (30, 30));
    }
}
