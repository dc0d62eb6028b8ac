//! What is not delivered: batches set aside with the reason, and damaged bytes moved out of the way.
//!
//! Both have the form of any other file, a first line and then the bytes, so that one reader shows them all. Their
//! names come from where they were, so that doing it again after a crash gives the same file.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::frame::Head;
use crate::header::SegmentHeader;
use crate::listing::{DAMAGED_DIRECTORY, SET_ASIDE_DIRECTORY};
use crate::name::{Stem, TEMPORARY_PREFIX};
use crate::private_fs::{create_directory, write_atomically};
use crate::record::Record;

/// Where something was in a file, and who moves it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    pub(crate) directory: &'a Path,
    pub(crate) stem: &'a Stem,
    pub(crate) start: u64,
    /// Token of this process, for the temporary file's name.
    pub(crate) token: &'a str,
}

/// Keeps records with the reason in the first line; never delivered by itself.
pub(crate) fn set_aside<'a>(
    place: Place<'_>,
    header: &SegmentHeader,
    records: impl ExactSizeIterator<Item = Record<'a>>,
) -> io::Result<PathBuf> {
    let name = format!(
        "{}-{}.{}.set-aside",
        place.stem.as_str(),
        place.start,
        records.len()
    );
    write_beside(place, SET_ASIDE_DIRECTORY, &name, |file| {
        file.write_all(&header.encode()?)?;
        for record in records {
            let head = Head::of(&record, header.salt).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidInput, "record exceeds 4 GiB")
            })?;
            file.write_all(&head.encode())?;
            file.write_all(record.payload)?;
        }
        Ok(())
    })
}

/// Copies damaged bytes out of a file, with the reason in the first line.
pub(crate) fn move_damage(
    place: Place<'_>,
    header: &SegmentHeader,
    source: &Path,
    end: u64,
) -> io::Result<PathBuf> {
    let name = format!("{}-{}.damaged", place.stem.as_str(), place.start);
    let mut source = File::open(source)?;
    source.seek(SeekFrom::Start(place.start))?;
    write_beside(place, DAMAGED_DIRECTORY, &name, |file| {
        file.write_all(&header.encode()?)?;
        io::copy(&mut source.take(end - place.start), file).map(|_| ())
    })
}

/// Keeps a whole file as damaged; a rename needs no room on the disk.
pub(crate) fn keep_damaged_file(directory: &Path, path: &Path, stem: &Stem) -> io::Result<PathBuf> {
    let folder = directory.join(DAMAGED_DIRECTORY);
    create_directory(&folder)?;
    let kept = folder.join(format!("{}.damaged", stem.as_str()));
    fs_err::rename(path, &kept)?;
    Ok(kept)
}

fn write_beside(
    place: Place<'_>,
    folder: &str,
    name: &str,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let folder = place.directory.join(folder);
    create_directory(&folder)?;
    let path = folder.join(name);
    // Temporary files lie in the destination's folder, where leftovers of the dead are swept up.
    let temporary = place
        .directory
        .join(format!("{TEMPORARY_PREFIX}{}-aside-{name}", place.token));
    write_atomically(&temporary, &path, write)?;
    Ok(path)
}
