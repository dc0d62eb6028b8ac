//! What a closed spool left behind, for the process that wrote it to look after.

use std::path::PathBuf;

use crate::error::Result;
use crate::listing::{DAMAGED_DIRECTORY, Listing, SET_ASIDE_DIRECTORY};
use crate::name::set_aside_records;
use crate::private_fs::list_directory;
use crate::stats::{pending_records, total};

/// The files that one opened spool wrote for one destination; can be looked at when it is closed.
#[derive(Clone, Debug)]
pub struct Left {
    pub(crate) directory: PathBuf,
    pub(crate) token: String,
}

/// What is still there of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftCounts {
    /// Records not settled yet, whoever delivers them.
    pub waiting: u64,
    /// Records that were refused for good.
    pub set_aside: u64,
    /// Some were damaged.
    pub is_damaged: bool,
}

impl Left {
    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// When that fails.
    pub fn look(&self) -> Result<LeftCounts> {
        let listing = Listing::read(&self.directory)?;
        let own = listing
            .segments
            .iter()
            .filter(|segment| segment.is_file && segment.name.stem.owner() == self.token);
        let owner = format!("-{}-", self.token);
        let own_names = |folder: &str| {
            let items = list_directory(&self.directory.join(folder)).unwrap_or_default();
            let names = items.into_iter().map(|item| item.name);
            names
                .filter(|name| name.contains(&owner))
                .collect::<Vec<_>>()
        };
        Ok(LeftCounts {
            waiting: total(own.map(|segment| pending_records(&self.directory, segment))),
            set_aside: total(
                own_names(SET_ASIDE_DIRECTORY)
                    .iter()
                    .filter_map(|name| set_aside_records(name)),
            ),
            is_damaged: !own_names(DAMAGED_DIRECTORY).is_empty(),
        })
    }
}
