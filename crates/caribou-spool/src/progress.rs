//! How far a file has been delivered: a line per acknowledged batch, in a file beside it.
//!
//! A line is the offset and the count of records up to which everything is settled, with a checksum. The last intact
//! line counts, so a line torn by a kill or a full disk means one batch is sent again, never that one is skipped.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use fs_err::File;

use crate::private_fs::append_file;

const LINE_BYTES: usize = 16 + 1 + 16 + 1 + 8;

/// What is settled: records before `offset` need no delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) offset: u64,
    pub(crate) records: u64,
}

impl Settled {
    /// Reads the file; one that is missing or unreadable settles nothing.
    pub(crate) fn load(path: &Path) -> Self {
        let bytes = fs_err::read(path).unwrap_or_default();
        bytes
            .split(|byte| *byte == b'\n')
            .rev()
            .find_map(Self::decode)
            .unwrap_or_default()
    }

    fn encode(self) -> String {
        let text = format!("{:016x} {:016x}", self.offset, self.records);
        format!("{text} {:08x}\n", crc32c::crc32c(text.as_bytes()))
    }

    /// Takes the end of a line: a torn line has the next one right behind it.
    fn decode(line: &[u8]) -> Option<Self> {
        let line = std::str::from_utf8(line.get(line.len().checked_sub(LINE_BYTES)?..)?).ok()?;
        let (text, checksum) = line.split_at_checked(33)?;
        if *checksum != *format!(" {:08x}", crc32c::crc32c(text.as_bytes())) {
            return None;
        }
        let (offset, records) = text.split_once(' ')?;
        Some(Self {
            offset: u64::from_str_radix(offset, 16).ok()?,
            records: u64::from_str_radix(records, 16).ok()?,
        })
    }
}

/// The file beside a segment that is being delivered.
#[derive(Debug)]
pub(crate) struct Progress {
    path: PathBuf,
    file: Option<File>,
    settled: Settled,
}

impl Progress {
    pub(crate) fn open(path: PathBuf) -> Self {
        let settled = Settled::load(&path);
        Self {
            path,
            file: None,
            settled,
        }
    }

    pub(crate) fn settled(&self) -> Settled {
        self.settled
    }

    /// Where delivery begins; nothing needs to be written for it.
    pub(crate) fn begin_at(&mut self, offset: u64) {
        self.settled.offset = offset;
    }

    /// Settles in memory in any case, so that a full disk does not stop the delivery that would free it.
    pub(crate) fn settle(&mut self, settled: Settled) -> io::Result<()> {
        self.settled = settled;
        let mut file = match self.file.take() {
            Some(file) => file,
            None => append_file(&self.path)?,
        };
        file.write_all(settled.encode().as_bytes())?;
        self.file = Some(file);
        Ok(())
    }

    pub(crate) fn remove(&mut self) -> io::Result<()> {
        self.file = None;
        match fs_err::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_intact_line_counts() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.acked");
        assert_eq!(Settled::load(&path), Settled::default());

        let mut progress = Progress::open(path.clone());
        for offset in [100, 200] {
            progress
                .settle(Settled {
                    offset,
                    records: offset / 10,
                })
                .unwrap();
        }
        let mut bytes = fs_err::read(&path).unwrap();
        for cut in bytes.len() / 2..bytes.len() - 1 {
            fs_err::write(&path, &bytes[..cut]).unwrap();
            assert_eq!(
                Settled::load(&path),
                Settled {
                    offset: 100,
                    records: 10
                },
                "cut at {cut}"
            );
        }
        bytes.truncate(bytes.len() - 5);
        bytes.extend_from_slice(
            Settled {
                offset: 300,
                records: 30,
            }
            .encode()
            .as_bytes(),
        );
        fs_err::write(&path, &bytes).unwrap();
        assert_eq!(
            Settled::load(&path),
            Settled {
                offset: 300,
                records: 30
            },
            "a line behind a torn one"
        );
        fs_err::write(
            &path,
            "é\u{7f}\n\0garbage of some length that is no line at all\n",
        )
        .unwrap();
        assert_eq!(Settled::load(&path), Settled::default());
    }
}
