//! What lies in a destination's folder.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use crate::identity::DESTINATION_FILE;
use crate::name::{ACKNOWLEDGED_SUFFIX, SegmentName, Stem, TEMPORARY_PREFIX};
use crate::private_fs::list_directory;

/// Says that a process may take over what others have left.
pub(crate) const LEADS_SUFFIX: &str = ".leads";
pub(crate) const SET_ASIDE_DIRECTORY: &str = "set-aside";
pub(crate) const DAMAGED_DIRECTORY: &str = "damaged";

/// A file of records, as its name and the folder tell.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub(crate) name: SegmentName,
    pub(crate) bytes: u64,
    /// False for a folder, pipe or link of that name.
    pub(crate) is_file: bool,
}

/// The items of a destination's folder, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) segments: Vec<Segment>,
    pub(crate) acknowledged: Vec<Stem>,
    pub(crate) temporaries: Vec<PathBuf>,
    pub(crate) foreign: Vec<PathBuf>,
}

impl Listing {
    pub(crate) fn read(directory: &Path) -> io::Result<Self> {
        let mut listing = Self::default();
        for item in list_directory(directory)? {
            let path = directory.join(&item.name);
            let acknowledged = item
                .name
                .strip_suffix(ACKNOWLEDGED_SUFFIX)
                .and_then(Stem::parse);
            if let Some(name) = SegmentName::parse(&item.name) {
                listing.segments.push(Segment {
                    name,
                    bytes: item.bytes,
                    is_file: item.is_file,
                });
            } else if let Some(stem) = acknowledged {
                listing.acknowledged.push(stem);
            } else if item.name.starts_with(TEMPORARY_PREFIX) {
                listing.temporaries.push(path);
            } else if !item.name.ends_with(LEADS_SUFFIX)
                && ![DESTINATION_FILE, SET_ASIDE_DIRECTORY, DAMAGED_DIRECTORY]
                    .contains(&item.name.as_str())
            {
                listing.foreign.push(path);
            }
        }
        listing
            .segments
            .sort_by(|left, right| left.name.cmp(&right.name));
        Ok(listing)
    }

    /// Delivery records whose file is gone: its deliverer died between the two removals.
    pub(crate) fn orphaned(&self) -> impl Iterator<Item = &Stem> {
        let known: BTreeSet<&Stem> = self
            .segments
            .iter()
            .map(|segment| &segment.name.stem)
            .collect();
        self.acknowledged
            .iter()
            .filter(move |stem| !known.contains(stem))
    }
}
