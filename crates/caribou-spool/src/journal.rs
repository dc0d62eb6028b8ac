//! Files that are filled over a long time and delivered whole.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::aside::{keep_damaged_file, move_damage, set_aside};
use crate::claim::take;
use crate::destination::{DestinationSpool, Folder};
use crate::error::{AppendError, Result};
use crate::frame::Head;
use crate::header::Origin;
use crate::listing::{LEADS_SUFFIX, Listing};
use crate::name::{SegmentName, SegmentState, TEMPORARY_PREFIX};
use crate::private_fs::{
    append_file, create_file, list_directory, remove_if_present, write_atomically,
};
use crate::progress::{Progress, Settled};
use crate::record::{Appended, Record, StoredRecord};
use crate::segment_reader::{Damage, SegmentReader};
use crate::segment_writer::frame_bytes;

/// A file that records are added to now and then, until what they belong to is complete.
///
/// It holds no descriptor, so that there may be many. It stays this process's until it is removed; once the process
/// has ended, another one may [adopt](DestinationSpool::adopt_journals) it.
#[derive(Debug)]
pub struct Journal {
    folder: Arc<Folder>,
    name: SegmentName,
    context: Value,
    salt: u32,
    length: u64,
    records: u64,
    max_bytes: Option<u64>,
}

/// The right to take over what processes that are gone have left in a destination's folder, of which there is one. It
/// ends with the value, or with the process.
#[derive(Debug)]
pub struct Lead {
    folder: Arc<Folder>,
    path: PathBuf,
}

impl DestinationSpool {
    /// Begins a journal; `context` as for [`set_context`](Self::set_context).
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn begin_journal(&mut self, context: Value) -> Result<Journal> {
        let inner = &self.folder.inner;
        inner.check_not_forked()?;
        inner.process.ensure_present()?;
        self.prepare_directory()?;
        let stem = inner.next_stem();
        let header = self.folder.header(&stem, &context);
        let temporary = self.folder.directory.join(format!(
            "{TEMPORARY_PREFIX}{}-{}",
            inner.process.token(),
            stem.as_str()
        ));
        let name = SegmentName {
            stem,
            state: SegmentState::Open,
        };
        let line = header.encode()?;
        let path = self.folder.directory.join(name.file_name());
        write_atomically(&temporary, &path, |file| file.write_all(&line))?;
        let length = line.len() as u64;
        inner.account.charge(&self.folder.name, length);
        Ok(Journal {
            folder: Arc::clone(&self.folder),
            name,
            context,
            salt: header.salt,
            length,
            records: 0,
            max_bytes: self.max_bytes,
        })
    }

    /// Takes over the journals of processes that are gone, oldest first. One that cannot be taken just now is left for
    /// the next time.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, when none of them can be taken, or after a fork.
    pub fn adopt_journals(&mut self) -> Result<Vec<Journal>> {
        self.folder.inner.check_not_forked()?;
        let mut liveness = self.folder.inner.liveness();
        let (mut journals, mut refused) = (Vec::new(), None);
        for segment in Listing::read(&self.folder.directory)?.segments {
            if !self.folder.is_free(&segment, &mut liveness) {
                continue;
            }
            let (reader, name) = match take(&self.folder, segment.name) {
                Ok(Some(taken)) => taken,
                Ok(None) => continue,
                // The others are this process's by now, and would be nobody's while it lives.
                Err(error) => {
                    refused.get_or_insert(error);
                    continue;
                }
            };
            let records = match name.state {
                SegmentState::Claimed {
                    records,
                    claimant: _,
                } => records,
                SegmentState::Open | SegmentState::Ready { .. } => 0,
            };
            journals.push(Journal {
                folder: Arc::clone(&self.folder),
                context: reader
                    .header()
                    .map(|header| header.context.clone())
                    .unwrap_or_default(),
                salt: reader.header().map_or(0, |header| header.salt),
                length: reader.length(),
                name,
                records,
                max_bytes: self.max_bytes,
            });
        }
        match refused {
            Some(error) if journals.is_empty() => Err(error.into()),
            _ => Ok(journals),
        }
    }

    /// Asks for the right to take over what others have left; none while another living process has it.
    ///
    /// # Errors
    ///
    /// When the folder cannot be written, or after a fork.
    pub fn lead(&self) -> Result<Option<Lead>> {
        let inner = &self.folder.inner;
        inner.check_not_forked()?;
        inner.process.ensure_present()?;
        self.prepare_directory()?;
        let own = format!("{}{LEADS_SUFFIX}", inner.process.token());
        let path = self.folder.directory.join(&own);
        if !inner.leads().insert(self.folder.name.clone()) {
            return Ok(None);
        }
        let lead = Lead {
            folder: Arc::clone(&self.folder),
            path,
        };
        match create_file(&lead.path) {
            // This process had it before and could not remove it.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => drop(created?),
        }
        // Each says that it wants to lead before it looks who else does, so of two at once at most one goes on.
        let mut liveness = inner.liveness();
        for item in list_directory(&self.folder.directory)? {
            let Some(token) = item.name.strip_suffix(LEADS_SUFFIX) else {
                continue;
            };
            if item.name != own && liveness.is_alive(token) {
                return Ok(None);
            }
            if item.name != own {
                remove_if_present(&self.folder.directory.join(&item.name)).ok();
            }
        }
        Ok(Some(lead))
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        let inner = &self.folder.inner;
        if inner.check_not_forked().is_ok() {
            inner.leads().remove(&self.folder.name);
            // One that stays counts no longer than its process lives.
            remove_if_present(&self.path).ok();
        }
    }
}

impl Journal {
    /// What [`begin_journal`](DestinationSpool::begin_journal) was given; null where the first line is damaged.
    pub fn context(&self) -> &Value {
        &self.context
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.folder.directory.join(self.name.file_name())
    }

    /// Records in it, up to the first damage.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Whether this process began it, so that records can be added.
    pub fn is_own(&self) -> bool {
        self.name.state == SegmentState::Open
    }

    /// Adds records; when it returns, they survive the death of this process.
    ///
    /// # Errors
    ///
    /// As [`DestinationSpool::append`], but nothing is safe of what was given.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<(), AppendError> {
        let nothing = Appended::default();
        let inner = &self.folder.inner;
        inner
            .check_not_forked()
            .map_err(|error| AppendError::after(nothing, error))?;
        let needed: u64 = records.iter().map(frame_bytes).sum();
        inner
            .account
            .reserve(&self.folder.name, needed, self.max_bytes)
            .map_err(|over| AppendError::Full {
                used: over.used,
                limit: over.limit,
            })?;
        match self.write(records) {
            Ok(length) => {
                self.length = length;
                self.records += records.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.folder
                    .inner
                    .account
                    .give_back(&self.folder.name, needed);
                Err(AppendError::after(nothing, error.into()))
            }
        }
    }

    /// Gives the length that the file has then.
    fn write(&self, records: &[Record<'_>]) -> io::Result<u64> {
        let mut bytes = Vec::new();
        for record in records {
            let head = Head::of(record, self.salt)
                .ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "record exceeds 4 GiB"))?;
            bytes.extend_from_slice(&head.encode());
            bytes.extend_from_slice(record.payload);
        }
        let path = self.path();
        // One that somebody removed must not come back without its first line.
        if !path.exists() {
            return Err(io::Error::new(
                ErrorKind::NotFound,
                format!("{} was removed", path.display()),
            ));
        }
        let mut file = append_file(&path)?;
        // What an earlier failure left may have stayed, and records behind it: they are not to be cut off.
        let before = file.metadata()?.len();
        let written = file.write_all(&bytes);
        if written.is_err() {
            // A part of a record that cannot be cut off is found and moved aside by the reader.
            file.set_len(before).ok();
        }
        written.map(|()| before + bytes.len() as u64)
    }

    /// Reads what was added so far.
    ///
    /// # Errors
    ///
    /// When it cannot be opened.
    pub fn reader(&self) -> Result<SegmentReader> {
        self.folder.inner.check_not_forked()?;
        Ok(SegmentReader::open(&self.path())?)
    }

    /// How many deliveries were noted with [`settle`](Self::settle), by whichever process.
    pub fn settled(&self) -> u64 {
        Settled::load(&self.progress_path()).records
    }

    /// Notes how many deliveries are done, of whatever the caller counts.
    ///
    /// # Errors
    ///
    /// When it cannot be written; delivery may go on all the same.
    pub fn settle(&self, deliveries: u64) -> Result<()> {
        self.folder.inner.check_not_forked()?;
        Ok(Progress::open(self.progress_path()).settle(Settled {
            offset: 0,
            records: deliveries,
        })?)
    }

    /// Keeps a record that the destination refused for good with the reason, for a person to look at.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn set_aside(&self, record: &StoredRecord, reason: &str) -> Result<PathBuf> {
        self.folder.inner.check_not_forked()?;
        let header = self
            .folder
            .header(&self.name.stem, &self.context)
            .with_reason(reason, Some(self.origin(record.start, record.end)));
        let place = self.folder.place(&self.name.stem, record.start);
        let path = set_aside(place, &header, std::iter::once(record.as_record()))?;
        let bytes = record.end - record.start;
        self.folder.inner.account.charge(&self.folder.name, bytes);
        Ok(path)
    }

    /// Copies damaged bytes out of the file, for a person to look at.
    ///
    /// # Errors
    ///
    /// When they cannot be written.
    pub fn move_damage(&self, damage: &Damage) -> Result<PathBuf> {
        self.folder.inner.check_not_forked()?;
        let header = self
            .folder
            .header(&self.name.stem, &self.context)
            .with_reason(
                damage.kind.as_str(),
                Some(self.origin(damage.start, damage.end)),
            );
        let place = self.folder.place(&self.name.stem, damage.start);
        Ok(move_damage(place, &header, &self.path(), damage.end)?)
    }

    /// Removes it: everything in it is delivered.
    ///
    /// # Errors
    ///
    /// When it cannot be removed; it is then delivered again once this process has ended.
    pub fn remove(self) -> Result<()> {
        self.folder.inner.check_not_forked()?;
        // Before its delivery record: the other way round, a kill between would have everything sent again.
        remove_if_present(&self.path())?;
        self.folder
            .inner
            .account
            .give_back(&self.folder.name, self.length);
        Ok(remove_if_present(&self.progress_path())?)
    }

    /// Keeps the whole file in the folder `damaged`, because it cannot be read; gives its new path.
    ///
    /// # Errors
    ///
    /// When it cannot be moved.
    pub fn keep_damaged(self) -> Result<PathBuf> {
        self.folder.inner.check_not_forked()?;
        let path = keep_damaged_file(&self.folder.directory, &self.path(), &self.name.stem)?;
        remove_if_present(&self.progress_path())?;
        Ok(path)
    }

    fn progress_path(&self) -> PathBuf {
        let directory: &Path = &self.folder.directory;
        directory.join(self.name.stem.acknowledged_name())
    }

    fn origin(&self, start: u64, end: u64) -> Origin {
        Origin {
            segment: self.name.stem.as_str().to_owned(),
            start,
            end,
        }
    }
}
