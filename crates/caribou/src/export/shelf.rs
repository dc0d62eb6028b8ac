//! One destination's part of the spool, as the pipeline uses it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use caribou_spool::{
    AppendError, Claim, DestinationIdentity, DestinationSpool, Left, Record, Spool, SpoolError,
    SpoolOptions,
};
use serde_json::{Value, json};

use super::{Chunk, Resource};
use crate::fork;
use crate::settings::SpoolSettings;

/// What a record's payload is: an OTLP `Span` message.
pub(super) const SPAN: u16 = 1;
/// Where nobody has ever answered, nobody may ever come.
const NEVER_ANSWERED_BYTES: u64 = 64 << 20;
/// Holds an empty file for each destination that has answered.
const ANSWERED: &str = "answered";

/// The open spool of a pipeline's destination, for the fork handler to find.
#[derive(Debug, Default)]
pub(super) struct SpoolSlot(Mutex<Option<Spool>>);

impl SpoolSlot {
    /// In a forked child: lets go of the lock that it shares with its parent.
    pub(super) fn after_fork_in_child(&self) {
        // Taken only while forks are held off, so that it is free here.
        if let Ok(spool) = self.0.try_lock()
            && let Some(spool) = &*spool
        {
            spool.after_fork();
        }
    }

    /// Lets others deliver what is left.
    pub(super) fn clear(&self) {
        let _still = fork::hold_off();
        self.set(None);
    }

    fn set(&self, spool: Option<Spool>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = spool;
    }
}

/// Keeps spans on disk. Every call does file I/O.
#[derive(Debug)]
pub(super) struct Shelf {
    spool: Mutex<DestinationSpool>,
    whole: Spool,
    identity: DestinationIdentity,
    context: Value,
    /// Delivers what living processes have closed, too.
    reaches_living: bool,
    folder: PathBuf,
    /// The file that says that the destination has answered, while it does not.
    unanswered: Option<PathBuf>,
    answered: AtomicBool,
}

impl Shelf {
    /// Opens the spool; `starts_small` where the destination may not exist at all.
    pub(super) fn open(
        settings: &SpoolSettings,
        identity: &DestinationIdentity,
        resource: &[(String, String)],
        starts_small: bool,
        slot: &SpoolSlot,
    ) -> Result<Self, SpoolError> {
        // A child that forks in between would keep the lock alive.
        let _still = fork::hold_off();
        let options = SpoolOptions::new(settings.directory.clone().unwrap_or_default())
            .with_max_bytes(settings.max_bytes);
        let spool = Spool::open(options)?;
        let mut destination = spool.destination(identity)?;
        let context = context(resource);
        destination.set_context(context.clone())?;
        let mark = spool
            .directory()
            .join(ANSWERED)
            .join(identity.directory_name());
        let unanswered = (starts_small && !mark.exists()).then_some(mark);
        if unanswered.is_some() {
            destination.set_max_bytes(Some(NEVER_ANSWERED_BYTES));
        }
        let folder = destination.directory().to_owned();
        slot.set(Some(spool.clone()));
        Ok(Self {
            spool: Mutex::new(destination),
            whole: spool,
            identity: identity.clone(),
            context,
            reaches_living: false,
            folder,
            answered: AtomicBool::new(unanswered.is_none()),
            unanswered,
        })
    }

    /// The destination's folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn append(&self, chunks: &[Arc<Chunk>]) -> Result<(), AppendError> {
        self.lock().append(&records(chunks)).map(|_| ())
    }

    /// Keeps what was refused before it was appended.
    pub(super) fn set_aside(&self, chunks: &[Arc<Chunk>], reason: &str) -> Result<(), SpoolError> {
        self.lock().set_aside(&records(chunks), reason).map(|_| ())
    }

    /// Delivers what living processes have closed, too: for a person who asked for it.
    pub(super) fn reaching_living(mut self) -> Self {
        self.reaches_living = true;
        self
    }

    /// Takes the oldest file of this process or, where it takes over what others have left, of one that is gone.
    pub(super) fn claim(&self, takes_over: bool) -> Result<Option<Claim>, SpoolError> {
        let mut spool = self.lock();
        match (takes_over, self.reaches_living) {
            (true, true) => spool.claim_oldest(),
            (true, false) => spool.claim_own_or_abandoned(),
            (false, _) => spool.claim_own(),
        }
    }

    /// Opens a further folder for the same destination.
    pub(super) fn beside(&self, kind: &str) -> Result<DestinationSpool, SpoolError> {
        let identity = DestinationIdentity::new(kind, &self.identity.url, &*self.identity.account);
        let mut spool = self.whole.destination(&identity)?;
        spool.set_context(self.context.clone())?;
        Ok(spool)
    }

    /// For looking after what is left there when it is closed.
    pub(super) fn left(&self) -> Left {
        self.lock().left()
    }

    /// Why some of what waits cannot be had, where that is so.
    pub(super) fn passed_over(&self) -> Option<String> {
        self.lock().passed_over()
    }

    /// How many spans of this process are there, whoever delivers them.
    pub(super) fn own_records(&self) -> u64 {
        self.lock().own_records().unwrap_or_default()
    }

    /// Notes that the destination has answered; costs nothing but the first time.
    pub(super) fn answered(&self) {
        if self.answered.load(Ordering::Relaxed) {
            return;
        }
        // Where the disk hangs with it, the next answer does as well.
        let Ok(mut spool) = self.spool.try_lock() else {
            return;
        };
        spool.set_max_bytes(None);
        drop(spool);
        self.answered.store(true, Ordering::Relaxed);
        if let Some(mark) = &self.unanswered {
            // Without the note the next process has less room until it is answered itself.
            mark.parent().map(std::fs::create_dir_all);
            std::fs::write(mark, "").ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, DestinationSpool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn records(chunks: &[Arc<Chunk>]) -> Vec<Record<'_>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let time_unix_nano = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
    let spans = chunks.iter().flat_map(|chunk| chunk.spans());
    spans
        .map(|payload| Record {
            kind: SPAN,
            time_unix_nano,
            payload,
        })
        .collect()
}

/// What requests need beside the spans.
pub(super) fn context(resource: &[(String, String)]) -> Value {
    let resource: BTreeMap<_, _> = resource.iter().map(|(key, value)| (key, value)).collect();
    json!({
        "format": "otlp span",
        "resource": resource,
        "scope": {"name": "caribou", "version": env!("CARGO_PKG_VERSION")},
    })
}

/// The resource of spooled spans; none where it is not known or the process's own.
pub(super) fn resource_from_context(
    found: Option<&Value>,
    own: &[(String, String)],
) -> Option<Resource> {
    let found = found?;
    if found["resource"] == context(own)["resource"] {
        return None;
    }
    let attributes = found["resource"].as_object()?.iter();
    let texts = attributes
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    Some(Arc::new(texts))
}
