//! One destination's part of the folder.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::aside::{Place, set_aside};
use crate::claim::Claim;
use crate::error::{AppendError, Result, SpoolError};
use crate::header::{MAX_CONTEXT_BYTES, SegmentHeader};
use crate::identity::DestinationIdentity;
use crate::left::Left;
use crate::listing::{Listing, Segment};
use crate::name::{SegmentState, Stem, TEMPORARY_PREFIX};
use crate::private_fs::{create_directory, remove_if_present};
use crate::process::{Liveness, is_older_than};
use crate::record::{Appended, Record};
use crate::segment_writer::{Flushed, SegmentWriter, frame_bytes};
use crate::spool::SpoolInner;
use crate::stats::{Stats, pending_records, total};

/// How long a delivery record may lie without its file before it is swept up.
const ORPHAN_LIFETIME: Duration = Duration::from_secs(3600);
/// How long a file that cannot be had is left alone; then whatever was wrong may be over.
const PASSED_OVER_FOR: Duration = Duration::from_secs(5);

/// Appends to and delivers from the files of one destination.
///
/// Its open file is closed for writing, and so offered for delivery, when it is dropped, full, or claimed here.
#[derive(Debug)]
pub struct DestinationSpool {
    pub(crate) folder: Arc<Folder>,
    identity: DestinationIdentity,
    context: Value,
    pub(crate) max_bytes: Option<u64>,
    writer: Option<SegmentWriter>,
    /// What a look at the folder found and was not tried yet, so that many files do not take many looks.
    listed: VecDeque<Segment>,
}

/// What a destination's spool and its claims share.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) inner: Arc<SpoolInner>,
    pub(crate) directory: PathBuf,
    pub(crate) name: String,
    pub(crate) digest: String,
    /// Files that this process cannot deliver: passed over, so that they do not hold up the others.
    unreadable: Mutex<BTreeMap<Stem, PassedOver>>,
    /// A claim was given back, which is to be the next again.
    pub(crate) given_back: AtomicBool,
}

#[derive(Debug)]
struct PassedOver {
    at: Instant,
    reason: String,
}

impl DestinationSpool {
    pub(crate) fn open(inner: Arc<SpoolInner>, identity: &DestinationIdentity) -> Result<Self> {
        inner.check_not_forked()?;
        let name = identity.directory_name();
        let directory = inner.options.directory.join(&name);
        let folder = Folder {
            inner,
            directory,
            name,
            digest: identity.digest(),
            unreadable: Mutex::default(),
            given_back: AtomicBool::new(false),
        };
        let spool = Self {
            folder: Arc::new(folder),
            identity: identity.clone(),
            context: Value::Null,
            max_bytes: None,
            writer: None,
            listed: VecDeque::new(),
        };
        spool.prepare_directory()?;
        spool.folder.sweep()?;
        Ok(spool)
    }

    /// Whom the records are for.
    pub fn identity(&self) -> &DestinationIdentity {
        &self.identity
    }

    /// The destination's folder.
    pub fn directory(&self) -> &Path {
        &self.folder.directory
    }

    /// Sets what is needed to build requests from the records and is the same for all of them, such as resource and
    /// scope. It stands in the first line of each file; another context begins another file.
    ///
    /// # Errors
    ///
    /// When it is larger than a mebibyte, or the open file cannot be closed.
    pub fn set_context(&mut self, context: Value) -> Result<()> {
        let bytes = context.to_string().len();
        if bytes > MAX_CONTEXT_BYTES {
            return Err(SpoolError::ContextTooLarge {
                bytes,
                limit: MAX_CONTEXT_BYTES,
            });
        }
        if self.context != context {
            self.rotate()?;
            self.context = context;
        }
        Ok(())
    }

    /// Bounds this destination below the folder's bound, such as one that has never answered; none lifts the bound.
    pub fn set_max_bytes(&mut self, max_bytes: Option<u64>) {
        self.max_bytes = max_bytes;
    }

    /// Appends records in their order.
    ///
    /// When it returns, they survive the death of this process. A record larger than the limit is set aside with the
    /// reason. Does blocking file I/O; a batch of up to a mebibyte is one write.
    ///
    /// # Errors
    ///
    /// [`AppendError::Full`] without having written anything. Otherwise the error says how many records, from the first
    /// on, are safe; the others are not in the spool and remain the caller's.
    pub fn append(&mut self, records: &[Record<'_>]) -> Result<Appended, AppendError> {
        let mut appended = Appended::default();
        self.folder
            .inner
            .check_not_forked()
            .map_err(|error| AppendError::after(appended, error))?;
        let needed = records.iter().map(frame_bytes).sum();
        let account = &self.folder.inner.account;
        account
            .reserve(&self.folder.name, needed, self.max_bytes)
            .map_err(|over| AppendError::Full {
                used: over.used,
                limit: over.limit,
            })?;
        match self.append_reserved(records, &mut appended) {
            Ok(()) => Ok(appended),
            Err(error) => {
                self.folder
                    .inner
                    .account
                    .give_back(&self.folder.name, needed - appended.bytes);
                Err(AppendError::after(appended, error))
            }
        }
    }

    /// Closes the open file for writing, so that any process may deliver it.
    ///
    /// # Errors
    ///
    /// When it cannot be closed or renamed; its records are then delivered once this process has ended.
    pub fn rotate(&mut self) -> Result<()> {
        self.folder.inner.check_not_forked()?;
        if let Some(writer) = self.writer.take() {
            writer.close(self.folder.inner.options.fsync)?;
        }
        Ok(())
    }

    /// Takes the oldest file that nobody writes or delivers; this spool's own open file is closed when it is the oldest.
    ///
    /// None if there is nothing to deliver just now. A file that cannot be read is passed over.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or after a fork.
    pub fn claim_oldest(&mut self) -> Result<Option<Claim>> {
        self.claim_first(|_, _| true)
    }

    /// Like [`claim_oldest`](Self::claim_oldest), but leaves what another living process closed to that process, which
    /// is thus the one that delivers what it wrote, in order, and knows about it.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or after a fork.
    pub fn claim_own_or_abandoned(&mut self) -> Result<Option<Claim>> {
        let own = self.folder.inner.process.token().to_owned();
        self.claim_first(|stem, liveness| stem.owner() == own || !liveness.is_alive(stem.owner()))
    }

    /// Like [`claim_oldest`](Self::claim_oldest), but takes only what this spool wrote.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read, or after a fork.
    pub fn claim_own(&mut self) -> Result<Option<Claim>> {
        let own = self.folder.inner.process.token().to_owned();
        self.claim_first(|stem, _| stem.owner() == own)
    }

    fn claim_first(
        &mut self,
        wanted: impl Fn(&Stem, &mut Liveness) -> bool,
    ) -> Result<Option<Claim>> {
        self.folder.inner.check_not_forked()?;
        let mut liveness = self.folder.inner.liveness();
        if self.folder.given_back.swap(false, Ordering::AcqRel) {
            self.listed.clear();
        }
        let mut has_looked = false;
        loop {
            let Some(mut segment) = self.listed.pop_front() else {
                if has_looked {
                    return Ok(None);
                }
                has_looked = true;
                self.listed = Listing::read(&self.folder.directory)?.segments.into();
                continue;
            };
            let is_own = self
                .writer
                .as_ref()
                .is_some_and(|writer| *writer.stem() == segment.name.stem);
            if is_own && !self.close_own(&mut segment)? {
                continue;
            }
            if !self.folder.is_free(&segment, &mut liveness)
                || !wanted(&segment.name.stem, &mut liveness)
            {
                continue;
            }
            let claim = Claim::take(&self.folder, segment.name);
            if claim.is_err() {
                // It is still the oldest.
                self.listed.clear();
            }
            if let Some(claim) = claim? {
                return Ok(Some(claim));
            }
        }
    }

    /// Why files were passed over since this was opened, for one of them.
    pub fn passed_over(&self) -> Option<String> {
        let unreadable = self.folder.unreadable();
        unreadable.values().next().map(|file| file.reason.clone())
    }

    /// What looks after this spool's own files when it is closed.
    pub fn left(&self) -> Left {
        Left {
            directory: self.folder.directory.clone(),
            token: self.folder.inner.process.token().to_owned(),
        }
    }

    /// Counts the records of this spool's own files that are not settled, whoever delivers them.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn own_records(&self) -> Result<u64> {
        let own = self.folder.inner.process.token();
        let listing = Listing::read(&self.folder.directory)?;
        let of_own = listing
            .segments
            .iter()
            .filter(|segment| segment.is_file && segment.name.stem.owner() == own);
        let counts = of_own.map(|segment| match &self.writer {
            Some(writer) if *writer.stem() == segment.name.stem => writer.records(),
            _ => pending_records(&self.folder.directory, segment),
        });
        Ok(total(counts))
    }

    /// Keeps records that the destination refused for good with the reason, for a person to look at. They are never
    /// delivered by themselves. Those that were appended before are set aside by their [`Claim`] instead.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn set_aside(&mut self, records: &[Record<'_>], reason: &str) -> Result<PathBuf> {
        self.folder.inner.check_not_forked()?;
        let stem = self.folder.inner.next_stem();
        let header = self
            .folder
            .header(&stem, &self.context)
            .with_reason(reason, None);
        let place = self.folder.place(&stem, 0);
        let path = set_aside(place, &header, records.iter().copied())?;
        let bytes = records.iter().map(frame_bytes).sum();
        self.folder.inner.account.charge(&self.folder.name, bytes);
        Ok(path)
    }

    /// Counts what lies here, of all processes. Reads the folder, and the heads of records that others are writing.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read.
    pub fn stats(&self) -> Result<Stats> {
        let own = self
            .writer
            .as_ref()
            .map(|writer| (writer.stem(), writer.records()));
        let unreadable = self.folder.unreadable().len();
        Ok(Stats::measure(&self.folder.directory, own, unreadable)?)
    }

    /// Closes the own open file and makes the listed name that of the closed one; false if there is nothing in it.
    fn close_own(&mut self, segment: &mut Segment) -> Result<bool> {
        let records = self.writer.as_ref().map_or(0, SegmentWriter::records);
        if records > 0 {
            self.rotate()?;
            segment.name.state = SegmentState::Ready { records };
        }
        Ok(records > 0)
    }

    fn append_reserved(&mut self, records: &[Record<'_>], appended: &mut Appended) -> Result<()> {
        if self
            .writer
            .as_mut()
            .is_some_and(|writer| !writer.is_on_disk())
        {
            self.writer = None;
        }
        for record in records {
            if record.payload.len() > self.folder.inner.options.max_record_bytes {
                self.flush(appended)?;
                self.set_aside_oversized(record)?;
                appended.set_aside += 1;
                appended.bytes += frame_bytes(record);
                continue;
            }
            let is_full =
                |writer: &SegmentWriter| writer.length() >= self.folder.inner.options.segment_bytes;
            if self.writer.as_ref().is_some_and(is_full) {
                self.flush(appended)?;
                self.rotate()?;
            }
            let flushed = self.open_writer()?.push(record)?;
            appended.add(flushed);
        }
        self.flush(appended)
    }

    fn flush(&mut self, appended: &mut Appended) -> Result<()> {
        if let Some(writer) = &mut self.writer {
            appended.add(writer.flush()?);
        }
        Ok(())
    }

    fn open_writer(&mut self) -> Result<&mut SegmentWriter> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.create_writer()?,
        };
        Ok(self.writer.insert(writer))
    }

    fn create_writer(&self) -> Result<SegmentWriter> {
        let inner = &self.folder.inner;
        // Somebody may have removed the whole folder; without the lock, others would take our files for abandoned.
        inner.process.ensure_present()?;
        self.prepare_directory()?;
        let stem = inner.next_stem();
        let header = self.folder.header(&stem, &self.context);
        let temporary = self.folder.directory.join(format!(
            "{TEMPORARY_PREFIX}{}-{}",
            inner.process.token(),
            stem.as_str()
        ));
        let writer = SegmentWriter::create(&self.folder.directory, stem, &temporary, &header)?;
        inner.account.charge(&self.folder.name, writer.length());
        Ok(writer)
    }

    pub(crate) fn prepare_directory(&self) -> Result<()> {
        create_directory(&self.folder.directory)?;
        self.identity
            .store(&self.folder.directory, self.folder.inner.process.token())
    }

    fn set_aside_oversized(&self, record: &Record<'_>) -> Result<()> {
        let stem = self.folder.inner.next_stem();
        let limit = self.folder.inner.options.max_record_bytes;
        let reason = format!(
            "record of {} bytes is larger than can be delivered, {limit} bytes",
            record.payload.len()
        );
        let header = self
            .folder
            .header(&stem, &self.context)
            .with_reason(&reason, None);
        set_aside(
            self.folder.place(&stem, 0),
            &header,
            std::iter::once(*record),
        )?;
        Ok(())
    }
}

impl Drop for DestinationSpool {
    fn drop(&mut self) {
        // Nothing to be told here: a file that stays open is taken over once this process has ended.
        self.rotate().ok();
    }
}

impl Folder {
    pub(crate) fn header(&self, stem: &Stem, context: &Value) -> SegmentHeader {
        let salt = crc32c::crc32c(stem.as_str().as_bytes());
        SegmentHeader {
            created_unix_micros: stem.created_unix_micros(),
            ..SegmentHeader::for_destination(&self.digest, salt, context)
        }
    }

    pub(crate) fn place<'a>(&'a self, stem: &'a Stem, start: u64) -> Place<'a> {
        Place {
            directory: &self.directory,
            stem,
            start,
            token: self.inner.process.token(),
        }
    }

    /// Passes the file over for a while, in this process.
    pub(crate) fn pass_over(&self, stem: &Stem, reason: &dyn std::fmt::Display) {
        let file = PassedOver {
            at: Instant::now(),
            reason: reason.to_string(),
        };
        self.unreadable().insert(stem.clone(), file);
    }

    fn unreadable(&self) -> MutexGuard<'_, BTreeMap<Stem, PassedOver>> {
        self.unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_free(&self, segment: &Segment, liveness: &mut Liveness) -> bool {
        let is_passed_over = || {
            self.unreadable()
                .get(&segment.name.stem)
                .is_some_and(|file| file.at.elapsed() < PASSED_OVER_FOR)
        };
        if !segment.is_file {
            let name = segment.name.file_name();
            self.pass_over(&segment.name.stem, &format_args!("{name} is not a file"));
        }
        !is_passed_over()
            && segment
                .name
                .holder()
                .is_none_or(|holder| !liveness.is_alive(holder))
    }

    /// Removes what processes that are gone left half done.
    fn sweep(&self) -> io::Result<()> {
        let listing = Listing::read(&self.directory)?;
        let mut liveness = self.inner.liveness();
        for path in &listing.temporaries {
            let owner = path
                .file_name()
                .and_then(|name| temporary_owner(name.to_str()?));
            if owner.is_none_or(|owner| !liveness.is_alive(&owner)) {
                remove_if_present(path).ok();
            }
        }
        for stem in listing.orphaned() {
            let path = self.directory.join(stem.acknowledged_name());
            // A file that is being renamed may be missing from the listing; its delivery record is not old then.
            if is_older_than(&path, ORPHAN_LIFETIME) {
                remove_if_present(&path).ok();
            }
        }
        Ok(())
    }
}

/// Token in the name of a temporary file, `.tmp-{token}-…`.
fn temporary_owner(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix(TEMPORARY_PREFIX)?.splitn(3, '-');
    Some(format!("{}-{}", parts.next()?, parts.next()?))
}

impl Appended {
    fn add(&mut self, flushed: Flushed) {
        self.records += usize::try_from(flushed.records).unwrap_or(usize::MAX);
        self.bytes += flushed.bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Spool, SpoolOptions};

    #[test]
    fn many_files_take_one_look_at_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(SpoolOptions::new(folder.path())).unwrap();
        let identity = DestinationIdentity::new("kestrel", "http://127.0.0.1:4700", "");
        let mut destination = spool.destination(&identity).unwrap();
        for _ in 0..10 {
            let record = Record {
                kind: 1,
                time_unix_nano: 1,
                payload: b"span",
            };
            destination.append(&[record]).unwrap();
            destination.rotate().unwrap();
        }
        for left in (0..10).rev() {
            let mut claim = destination.claim_oldest().unwrap().unwrap();
            let batch = claim.next_batch(1, 1).unwrap().unwrap();
            claim.acknowledge(&batch).unwrap();
            assert_eq!(destination.listed.len(), left);
        }
        assert!(destination.claim_oldest().unwrap().is_none());
    }
}
