//! Folders and files that only their owner can read, and the few operations that must be atomic.

use std::fs::DirBuilder;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use fs_err::os::unix::fs::OpenOptionsExt;
use fs_err::{File, OpenOptions};

/// Makes a folder of mode 0700, with its parents.
///
/// One that is there keeps its mode: somebody may have named a folder that others need, such as `/tmp`. What is made
/// inside it is closed to others all the same.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot create folder {}: {error}", path.display()),
            )
        })
}

/// Creates a file of mode 0600 for appending; fails if there is one.
pub(crate) fn create_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a file of mode 0600 for appending, and creates it where it is not.
pub(crate) fn append_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a file for reading. That the process has no descriptor left is an error of the kind `ResourceBusy`.
pub(crate) fn open_file(path: &Path) -> io::Result<File> {
    // The same on every Unix: of the whole system, and of the process.
    const NO_DESCRIPTOR_LEFT: [i32; 2] = [23, 24];
    match std::fs::File::open(path) {
        Ok(file) => Ok(File::from_parts(file, path)),
        Err(error) => {
            let kind = match error.raw_os_error() {
                Some(code) if NO_DESCRIPTOR_LEFT.contains(&code) => ErrorKind::ResourceBusy,
                _ => error.kind(),
            };
            let text = format!("failed to open file `{}`: {error}", path.display());
            Err(io::Error::new(kind, text))
        }
    }
}

/// Whether an error says nothing about the file, but about what the process or the machine has left at the moment.
pub(crate) fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ResourceBusy | ErrorKind::OutOfMemory
    )
}

/// Writes a file under a temporary name and moves it into place, so that nobody ever sees a part of it.
pub(crate) fn write_atomically(
    temporary: &Path,
    path: &Path,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> io::Result<()> {
    remove_if_present(temporary)?;
    let written = create_file(temporary)
        .and_then(|mut file| {
            write(&mut file)?;
            file.flush()
        })
        .and_then(|()| fs_err::rename(temporary, path));
    if written.is_err() {
        // The first error is the one to tell; the leftover is swept up later.
        remove_if_present(temporary).ok();
    }
    written
}

/// Removes a file; one that is not there is as good as removed.
pub(crate) fn remove_if_present(path: &Path) -> io::Result<()> {
    match fs_err::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Reads a folder as name and whether it is a regular file; a folder that is not there is empty.
pub(crate) fn list_directory(path: &Path) -> io::Result<Vec<DirectoryItem>> {
    let entries = match fs_err::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut items = Vec::new();
    for entry in entries {
        let entry = entry?;
        // Another process may have moved or delivered it since it was listed.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        items.push(DirectoryItem {
            // A name that is not UTF-8 is none of ours; what stands in for it matches none either.
            name: entry.file_name().to_string_lossy().into_owned(),
            is_file: metadata.is_file(),
            is_directory: metadata.is_dir(),
            bytes: metadata.len(),
        });
    }
    items.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(items)
}

#[derive(Debug)]
pub(crate) struct DirectoryItem {
    pub(crate) name: String,
    /// A regular file: symbolic links are not followed, pipes not opened.
    pub(crate) is_file: bool,
    pub(crate) is_directory: bool,
    pub(crate) bytes: u64,
}
