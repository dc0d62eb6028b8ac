//! One file, taken for delivery.

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::Value;

use crate::aside::{keep_damaged_file, move_damage, set_aside};
use crate::destination::Folder;
use crate::error::{Result, SpoolError};
use crate::header::Origin;
use crate::name::{SegmentName, SegmentState, Stem};
use crate::private_fs::{is_passing, remove_if_present};
use crate::progress::{Progress, Settled};
use crate::record::StoredRecord;
use crate::segment_reader::{Damage, Entry, SegmentReader};

/// A file that this process alone delivers.
///
/// Read batches, send them, and settle each in the order of reading: [`acknowledge`](Self::acknowledge) what the
/// destination took, [`set_aside`](Self::set_aside) what it refused for good. What is settled is not read again, not
/// even by another process after this one was killed. The file is removed when everything in it is settled.
/// Dropping the claim gives the rest back.
#[derive(Debug)]
pub struct Claim {
    folder: Arc<Folder>,
    name: SegmentName,
    path: PathBuf,
    reader: SegmentReader,
    progress: Progress,
    /// End of the last batch that was read.
    read_to: u64,
    is_exhausted: bool,
    is_finished: bool,
    damage: Vec<MovedDamage>,
}

/// Damaged bytes that were found while reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedDamage {
    /// Where in the file, and what.
    pub damage: Damage,
    /// Where they are now; none if there was no room for a copy, then the whole file is kept in its place.
    pub moved_to: Option<PathBuf>,
}

/// Records read together, to be sent and settled together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    stem: Stem,
    start: u64,
    end: u64,
    records: Vec<StoredRecord>,
}

impl Batch {
    /// The records in the order of appending; at least one.
    pub fn records(&self) -> &[StoredRecord] {
        &self.records
    }

    /// Sum of the payloads.
    pub fn payload_bytes(&self) -> usize {
        self.records.iter().map(|record| record.payload.len()).sum()
    }

    /// Parts it after the first `count` records, at least one, so that each part can be settled in its own way.
    ///
    /// There is no second part if no record is left for it.
    pub fn split_after(mut self, count: usize) -> (Self, Option<Self>) {
        let rest = self.records.split_off(count.clamp(1, self.records.len()));
        let Some(middle) = self
            .records
            .last()
            .map(|record| record.end)
            .filter(|_| !rest.is_empty())
        else {
            return (self, None);
        };
        let second = Self {
            stem: self.stem.clone(),
            start: middle,
            end: self.end,
            records: rest,
        };
        self.end = middle;
        (self, Some(second))
    }
}

impl Claim {
    /// Takes a file from its listed name; none if another was faster, or if it cannot be read.
    pub(crate) fn take(folder: &Arc<Folder>, listed: SegmentName) -> Result<Option<Self>> {
        let Some((mut reader, name)) = take(folder, listed)? else {
            return Ok(None);
        };
        let path = folder.directory.join(name.file_name());
        let mut progress = Progress::open(folder.directory.join(name.stem.acknowledged_name()));
        let first = reader.position();
        reader.set_position(progress.settled().offset.max(first));
        let read_to = reader.position();
        progress.begin_at(read_to);
        Ok(Some(Self {
            folder: Arc::clone(folder),
            name,
            path,
            reader,
            progress,
            read_to,
            is_exhausted: false,
            is_finished: false,
            damage: Vec::new(),
        }))
    }

    /// What [`set_context`](crate::DestinationSpool::set_context) gave for these records; none if the file's first line
    /// is damaged.
    pub fn context(&self) -> Option<&Value> {
        self.reader.header().map(|header| &header.context)
    }

    /// Whether the spool that claimed it also wrote it.
    pub fn is_own(&self) -> bool {
        self.name.stem.owner() == self.folder.inner.process.token()
    }

    /// Damage found so far.
    pub fn damage(&self) -> &[MovedDamage] {
        &self.damage
    }

    /// Reads on: at least one record, then as many as fit into both limits.
    ///
    /// None at the end of the file; if everything before is settled, the file is then gone. Several batches may be
    /// read before the first is settled.
    ///
    /// # Errors
    ///
    /// When the disk cannot be read; the file is then passed over by this process.
    pub fn next_batch(&mut self, max_bytes: usize, max_records: usize) -> Result<Option<Batch>> {
        self.folder.inner.check_not_forked()?;
        let (mut records, mut bytes) = (Vec::new(), 0);
        loop {
            let next_bytes = self
                .reader
                .peek_payload_bytes()
                .inspect_err(|error| self.pass_over(error))?
                .unwrap_or_default();
            if !records.is_empty()
                && (records.len() >= max_records || bytes + next_bytes > max_bytes)
            {
                break;
            }
            match self
                .reader
                .next_entry()
                .inspect_err(|error| self.pass_over(error))?
            {
                Some(Entry::Record(record)) => {
                    bytes += record.payload.len();
                    records.push(record);
                }
                Some(Entry::Damage(damage)) => self.move_aside(damage),
                None => break,
            }
        }
        self.is_exhausted = self.reader.position() >= self.reader.length();
        if records.is_empty() {
            self.finish_if_settled()
                .inspect_err(|error| self.pass_over(error))?;
            return Ok(None);
        }
        let start = std::mem::replace(&mut self.read_to, self.reader.position());
        Ok(Some(Batch {
            stem: self.name.stem.clone(),
            start,
            end: self.read_to,
            records,
        }))
    }

    /// Settles a batch that the destination took.
    ///
    /// # Errors
    ///
    /// [`SpoolError::OutOfOrder`] if an earlier batch is not settled. If the note of it cannot be written, the batch is
    /// settled nevertheless, and sent once more only if this process dies before the next one is noted.
    pub fn acknowledge(&mut self, batch: &Batch) -> Result<()> {
        self.check_next(batch)?;
        self.settle(batch)
    }

    /// Settles a batch that the destination refused for good: keeps it with the reason, for a person to look at.
    ///
    /// # Errors
    ///
    /// When it cannot be written; it is then not settled.
    pub fn set_aside(&mut self, batch: &Batch, reason: &str) -> Result<PathBuf> {
        self.check_next(batch)?;
        let context = self.context().cloned().unwrap_or_default();
        let origin = self.origin(batch.start, batch.end);
        let header = self
            .folder
            .header(&self.name.stem, &context)
            .with_reason(reason, Some(origin));
        let place = self.folder.place(&self.name.stem, batch.start);
        let path = set_aside(
            place,
            &header,
            batch.records.iter().map(StoredRecord::as_record),
        )?;
        let bytes = batch.end - batch.start;
        self.folder.inner.account.charge(&self.folder.name, bytes);
        self.settle(batch)?;
        Ok(path)
    }

    /// Goes back to the first batch that is not settled; batches read after it are read again.
    pub fn rewind(&mut self) {
        self.read_to = self.progress.settled().offset;
        self.reader.set_position(self.read_to);
        self.is_exhausted = false;
    }

    /// Gives the rest back, for this or another process to claim.
    ///
    /// # Errors
    ///
    /// When the file cannot be renamed; it can then be claimed once this process has ended.
    pub fn release(mut self) -> Result<()> {
        self.give_back()
    }

    fn check_next(&self, batch: &Batch) -> Result<()> {
        self.folder.inner.check_not_forked()?;
        let settled = self.progress.settled().offset;
        if batch.stem != self.name.stem || batch.start != settled {
            return Err(SpoolError::OutOfOrder {
                start: batch.start,
                settled,
            });
        }
        Ok(())
    }

    fn settle(&mut self, batch: &Batch) -> Result<()> {
        let before = self.progress.settled().records;
        let records = before.saturating_add(batch.records.len() as u64);
        let noted = self.progress.settle(Settled {
            offset: batch.end,
            records,
        });
        self.finish_if_settled()?;
        if self.is_finished { Ok(()) } else { Ok(noted?) }
    }

    fn finish_if_settled(&mut self) -> Result<()> {
        if self.is_finished || !self.is_exhausted || self.progress.settled().offset != self.read_to
        {
            return Ok(());
        }
        if self.damage.iter().any(|damage| damage.moved_to.is_none()) {
            keep_damaged_file(&self.folder.directory, &self.path, &self.name.stem)?;
        } else {
            // Before its delivery record: the other way round, a kill between would have everything sent again.
            remove_if_present(&self.path)?;
            self.folder
                .inner
                .account
                .give_back(&self.folder.name, self.reader.length());
        }
        self.is_finished = true;
        Ok(self.progress.remove()?)
    }

    fn move_aside(&mut self, damage: Damage) {
        if self
            .damage
            .iter()
            .any(|known| known.damage.start == damage.start)
        {
            return;
        }
        let context = self.context().cloned().unwrap_or_default();
        let origin = self.origin(damage.start, damage.end);
        let header = self
            .folder
            .header(&self.name.stem, &context)
            .with_reason(damage.kind.as_str(), Some(origin));
        let place = self.folder.place(&self.name.stem, damage.start);
        let moved_to = move_damage(place, &header, &self.path, damage.end).ok();
        self.damage.push(MovedDamage { damage, moved_to });
    }

    fn origin(&self, start: u64, end: u64) -> Origin {
        Origin {
            segment: self.name.stem.as_str().to_owned(),
            start,
            end,
        }
    }

    fn pass_over(&self, reason: &dyn std::fmt::Display) {
        self.folder.pass_over(&self.name.stem, reason);
    }

    fn give_back(&mut self) -> Result<()> {
        self.folder.inner.check_not_forked()?;
        let SegmentState::Claimed {
            records,
            claimant: _,
        } = self.name.state
        else {
            return Ok(());
        };
        if self.is_finished {
            return Ok(());
        }
        self.is_finished = true;
        self.folder.given_back.store(true, Ordering::Release);
        let ready = SegmentName {
            stem: self.name.stem.clone(),
            state: SegmentState::Ready { records },
        };
        Ok(fs_err::rename(
            &self.path,
            self.folder.directory.join(ready.file_name()),
        )?)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Nothing to be told here: what cannot be given back is free once this process has ended.
        self.give_back().ok();
    }
}

/// Makes a listed file this process's own and gives its new name; none if another was faster, or if it cannot be had and
/// is passed over.
///
/// # Errors
///
/// When the process has not what it takes to open it just now.
pub(crate) fn take(
    folder: &Folder,
    listed: SegmentName,
) -> io::Result<Option<(SegmentReader, SegmentName)>> {
    let stem = listed.stem.clone();
    let taken = prepare(folder, listed);
    match taken {
        Err(error) if is_passing(&error) => Err(error),
        Err(error) => {
            if error.kind() != ErrorKind::NotFound {
                folder.pass_over(&stem, &error);
            }
            Ok(None)
        }
        Ok(taken) => Ok(taken),
    }
}

fn prepare(
    folder: &Folder,
    listed: SegmentName,
) -> io::Result<Option<(SegmentReader, SegmentName)>> {
    let path = folder.directory.join(listed.file_name());
    let mut reader = SegmentReader::open(&path)?;
    // Somebody moved it here from another destination's folder, whose records are not sent to this one.
    if reader
        .header()
        .is_some_and(|header| header.destination != folder.digest)
    {
        let name = path.display();
        folder.pass_over(
            &listed.stem,
            &format_args!("{name} belongs to another destination"),
        );
        return Ok(None);
    }
    let records = match listed.state {
        // Its writer died before it could put the count into the name.
        SegmentState::Open => reader.count_heads()?,
        SegmentState::Ready { records }
        | SegmentState::Claimed {
            records,
            claimant: _,
        } => records,
    };
    let name = SegmentName {
        stem: listed.stem,
        state: SegmentState::Claimed {
            records,
            claimant: folder.inner.process.token().to_owned(),
        },
    };
    // The rename decides between those who try at the same time: only one of them finds the old name.
    fs_err::rename(path, folder.directory.join(name.file_name()))?;
    Ok(Some((reader, name)))
}
