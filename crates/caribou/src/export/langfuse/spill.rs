//! Room for what does not fit into memory: a file without a name that goes with the process.

use std::fs::{File, OpenOptions};
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::sync::atomic::{AtomicU32, Ordering};

/// Bytes that were put aside, by where they lie.
#[derive(Debug, Default)]
pub(super) struct Spill {
    file: Option<File>,
    end: u64,
    /// How many entries are still wanted.
    live: usize,
}

/// Where one entry lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    offset: u64,
    len: usize,
}

impl Spill {
    /// Puts bytes aside.
    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<Extent> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(nameless_file()?),
        };
        file.seek(SeekFrom::Start(self.end))?;
        file.write_all(bytes)?;
        let extent = Extent {
            offset: self.end,
            len: bytes.len(),
        };
        self.end += bytes.len() as u64;
        self.live += 1;
        Ok(extent)
    }

    /// Gets bytes back, which are then no longer kept.
    pub(super) fn take(&mut self, extent: Extent) -> Result<Vec<u8>> {
        let mut bytes = vec![0; extent.len];
        let file = self.file.as_mut().ok_or(std::io::ErrorKind::NotFound)?;
        file.seek(SeekFrom::Start(extent.offset))?;
        file.read_exact(&mut bytes)?;
        self.live -= 1;
        if self.live == 0 {
            self.end = 0;
            file.set_len(0)?;
        }
        Ok(bytes)
    }
}

fn nameless_file() -> Result<File> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("caribou-langfuse-{}-{number}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(&path)?;
    // Where a system cannot remove an open file, its cleaner does.
    std::fs::remove_file(&path).ok();
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_aside_comes_back_and_the_room_is_used_again() {
        let mut spill = Spill::default();
        let first = spill.put(b"one").unwrap();
        let second = spill.put(b"three").unwrap();
        assert_eq!(spill.take(second).unwrap(), b"three");
        assert_eq!(spill.take(first).unwrap(), b"one");
        assert_eq!(spill.put(b"two").unwrap(), Extent { offset: 0, len: 3 });
    }
}
