//! Shows what lies in a spool folder, without changing anything in it.

use std::path::{Path, PathBuf};

use crate::Result;
use crate::header::SegmentHeader;
use crate::identity::{DESTINATION_FILE, DestinationIdentity, is_directory_name};
use crate::listing::{DAMAGED_DIRECTORY, Listing, SET_ASIDE_DIRECTORY, Segment};
use crate::name::{SegmentState, set_aside_records};
use crate::private_fs::{DirectoryItem, list_directory};
use crate::process::Liveness;
use crate::progress::Settled;
use crate::segment_reader::{Entry, SegmentReader};
use crate::spool::PROCESSES_DIRECTORY;
use crate::stats::pending_records;

/// What a spool folder holds.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Inspection {
    /// One per destination's folder, in the order of their names.
    pub destinations: Vec<DestinationReport>,
}

/// What a destination's folder holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct DestinationReport {
    /// The folder.
    pub directory: PathBuf,
    /// Whose it is; none if its `destination.json` is missing or not its own: nothing in it is delivered then.
    pub identity: Option<DestinationIdentity>,
    /// Files of records that are to be delivered, oldest first.
    pub files: Vec<FileReport>,
    /// Files of records that are not delivered, with the reason.
    pub set_aside: Vec<AsideReport>,
    /// Files of bytes that were no intact records.
    pub damaged: Vec<AsideReport>,
    /// What is none of the spool's.
    pub foreign: Vec<PathBuf>,
}

/// A file of records that are to be delivered.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// Who has it.
    pub state: FileState,
    /// Its size.
    pub bytes: u64,
    /// Records that are not settled.
    pub records: u64,
    /// Time of the first of them, in nanoseconds since 1970.
    pub oldest_unix_nano: Option<u64>,
    /// Its first line, where it is intact.
    pub header: Option<SegmentHeader>,
    /// Why it is passed over, if it is.
    pub problem: Option<String>,
}

/// Who has a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// A living process writes it.
    Writing,
    /// A living process delivers it.
    Delivering,
    /// Nobody: it waits for the next process or for `kestrel spool drain`.
    Waiting,
}

/// A file that is kept for a person to look at.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct AsideReport {
    /// The file; [`SegmentReader`] reads its records.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Records in it; none for damaged bytes.
    pub records: u64,
    /// Its first line with the reason, where it is intact.
    pub header: Option<SegmentHeader>,
}

/// Reports on a spool folder. One that does not exist is empty.
///
/// # Errors
///
/// When the folder cannot be read.
pub fn inspect(directory: &Path) -> Result<Inspection> {
    let mut liveness = Liveness::new(&directory.join(PROCESSES_DIRECTORY));
    let mut inspection = Inspection::default();
    for item in list_directory(directory)? {
        if item.is_directory && is_directory_name(&item.name) {
            inspection.destinations.push(inspect_destination(
                &directory.join(item.name),
                &mut liveness,
            )?);
        }
    }
    Ok(inspection)
}

fn inspect_destination(directory: &Path, liveness: &mut Liveness) -> Result<DestinationReport> {
    let listing = Listing::read(directory)?;
    let identity = DestinationIdentity::load(directory);
    let mut report = DestinationReport {
        directory: directory.to_owned(),
        files: Vec::new(),
        set_aside: inspect_aside(&directory.join(SET_ASIDE_DIRECTORY))?,
        damaged: inspect_aside(&directory.join(DAMAGED_DIRECTORY))?,
        foreign: listing.foreign,
        identity,
    };
    if report.identity.is_none() && directory.join(DESTINATION_FILE).exists() {
        report.foreign.push(directory.join(DESTINATION_FILE));
    }
    for segment in &listing.segments {
        let mut file = inspect_segment(directory, segment, liveness);
        let digest = report.identity.as_ref().map(DestinationIdentity::digest);
        if let (Some(header), Some(digest)) = (&file.header, digest)
            && header.destination != digest
        {
            file.problem =
                Some("it belongs to another destination; move it back to its folder".to_owned());
        }
        report.files.push(file);
    }
    Ok(report)
}

fn inspect_segment(directory: &Path, segment: &Segment, liveness: &mut Liveness) -> FileReport {
    let path = directory.join(segment.name.file_name());
    let is_held = segment
        .name
        .holder()
        .is_some_and(|holder| liveness.is_alive(holder));
    let state = match (&segment.name.state, is_held) {
        (SegmentState::Open, true) => FileState::Writing,
        (
            SegmentState::Claimed {
                records: _,
                claimant: _,
            },
            true,
        ) => FileState::Delivering,
        _ => FileState::Waiting,
    };
    let mut report = FileReport {
        state,
        bytes: segment.bytes,
        records: 0,
        oldest_unix_nano: None,
        header: None,
        problem: None,
        path,
    };
    match SegmentReader::open(&report.path) {
        Ok(mut reader) => {
            let settled = Settled::load(&directory.join(segment.name.stem.acknowledged_name()));
            reader.set_position(settled.offset.max(reader.position()));
            report.header = reader.header().cloned();
            report.records = pending_records(directory, segment);
            report.oldest_unix_nano = first_time(&mut reader);
        }
        Err(error) => report.problem = Some(error.to_string()),
    }
    report
}

fn first_time(reader: &mut SegmentReader) -> Option<u64> {
    loop {
        match reader.next_entry() {
            Ok(Some(Entry::Record(record))) => return Some(record.time_unix_nano),
            Ok(Some(Entry::Damage(_))) => {}
            Ok(None) | Err(_) => return None,
        }
    }
}

fn inspect_aside(directory: &Path) -> Result<Vec<AsideReport>> {
    let report = |item: DirectoryItem| {
        let path = directory.join(&item.name);
        let header = SegmentReader::open(&path)
            .ok()
            .and_then(|reader| reader.header().cloned());
        AsideReport {
            path,
            bytes: item.bytes,
            records: set_aside_records(&item.name).unwrap_or_default(),
            header,
        }
    };
    Ok(list_directory(directory)?.into_iter().map(report).collect())
}
