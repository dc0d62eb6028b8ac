//! Figures of one destination.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::listing::{DAMAGED_DIRECTORY, Listing, SET_ASIDE_DIRECTORY, Segment};
use crate::name::{SegmentState, Stem, set_aside_records};
use crate::private_fs::list_directory;
use crate::progress::Settled;
use crate::segment_reader::SegmentReader;

/// What lies in a destination's folder, of all processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Files that wait, are written or are being delivered.
    pub files: u64,
    /// Their bytes, delivered parts included until a file is removed.
    pub bytes: u64,
    /// Records not settled yet.
    pub records: u64,
    /// When the oldest file was begun.
    pub oldest: Option<SystemTime>,
    /// Records set aside because the destination refused them or they are too large.
    pub set_aside_records: u64,
    /// Files of damaged bytes.
    pub damaged: u64,
    /// Files that this process could not read and passed over.
    pub unreadable: u64,
}

impl Stats {
    /// Counts; `own` is the file being written here, whose count is known without reading.
    pub(crate) fn measure(
        directory: &Path,
        own: Option<(&Stem, u64)>,
        unreadable: usize,
    ) -> io::Result<Self> {
        let mut stats = Self {
            unreadable: unreadable as u64,
            ..Self::default()
        };
        for segment in Listing::read(directory)?
            .segments
            .iter()
            .filter(|segment| segment.is_file)
        {
            stats.files += 1;
            stats.bytes = stats.bytes.saturating_add(segment.bytes);
            stats.oldest = stats.oldest.or_else(|| Some(segment.name.stem.created()));
            let records = match own {
                Some((stem, records)) if *stem == segment.name.stem => records,
                _ => pending_records(directory, segment),
            };
            stats.records = stats.records.saturating_add(records);
        }
        let set_aside = list_directory(&directory.join(SET_ASIDE_DIRECTORY))?;
        stats.set_aside_records = total(
            set_aside
                .iter()
                .filter_map(|item| set_aside_records(&item.name)),
        );
        stats.damaged = list_directory(&directory.join(DAMAGED_DIRECTORY))?.len() as u64;
        Ok(stats)
    }
}

/// The sum of counts that come from names of files, which may say anything.
pub(crate) fn total(counts: impl Iterator<Item = u64>) -> u64 {
    counts.fold(0, u64::saturating_add)
}

/// Records of a file that are not settled; what cannot be read counts as none.
pub(crate) fn pending_records(directory: &Path, segment: &Segment) -> u64 {
    let records = match segment.name.state {
        SegmentState::Ready { records }
        | SegmentState::Claimed {
            records,
            claimant: _,
        } => records,
        SegmentState::Open => {
            let path = directory.join(segment.name.file_name());
            SegmentReader::open(&path)
                .and_then(|mut reader| reader.count_heads())
                .unwrap_or_default()
        }
    };
    let settled = Settled::load(&directory.join(segment.name.stem.acknowledged_name()));
    records.saturating_sub(settled.records)
}
