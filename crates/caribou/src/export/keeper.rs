//! The thread that keeps on disk what one destination has not acknowledged.

use std::sync::Arc;
use std::time::Duration;

use caribou_spool::{AppendError, DestinationIdentity, SpoolError};

use super::Chunk;
use super::outbox::Outbox;
use super::shelf::{Shelf, SpoolSlot};
use crate::fork;
use crate::notice::Notices;
use crate::settings::SpoolSettings;

/// Appends to the spool, beside the courier, which may be in the middle of a request that takes long.
pub(super) struct Keeper {
    pub(super) outbox: Arc<Outbox>,
    pub(super) settings: SpoolSettings,
    pub(super) identity: DestinationIdentity,
    pub(super) resource: Vec<(String, String)>,
    pub(super) starts_small: bool,
    pub(super) slot: Arc<SpoolSlot>,
    pub(super) notices: Arc<Notices>,
}

impl Keeper {
    /// What a folder cannot be used for may pass: a disk that is full, or a process without descriptors.
    const OPEN_AGAIN_AFTER: Duration = Duration::from_secs(30);

    pub(super) fn run(self) {
        if let Some(shelf) = self.open() {
            let shelf = Arc::new(shelf);
            self.outbox.shelf_opened(Some(Arc::clone(&shelf)));
            self.keep(&shelf);
            self.outbox.shelf_closed(shelf.left());
            self.slot.clear();
        }
    }

    /// Opens the spool, now or later; none once nothing more will come.
    fn open(&self) -> Option<Shelf> {
        loop {
            let opened = Shelf::open(
                &self.settings,
                &self.identity,
                &self.resource,
                self.starts_small,
                &self.slot,
            );
            match opened {
                Ok(shelf) => return Some(shelf),
                Err(error) => self.tell_unusable(&error),
            }
            self.outbox.shelf_opened(None);
            if !self.outbox.wait_to_open_again(Self::OPEN_AGAIN_AFTER) {
                return None;
            }
        }
    }

    fn tell_unusable(&self, error: &SpoolError) {
        let _still = fork::hold_off();
        self.notices.tell_once("no_spool", || {
            format!(
                "{} cannot keep what waits, so that it waits in memory and ends with the program: {}",
                self.settings.shown_directory(),
                with_sources(error)
            )
        });
    }

    fn keep(&self, shelf: &Shelf) {
        while let Some(chunks) = self.outbox.wait_overdue() {
            let spans = |chunks: &[Arc<Chunk>]| chunks.iter().map(|chunk| chunk.len() as u64).sum();
            let (safe, error) = match shelf.append(&chunks) {
                Ok(()) => (spans(&chunks), None),
                Err(error) => (error.settled_records() as u64, Some(error)),
            };
            let lost = self.outbox.appended(safe, error.is_some());
            if let Some(error) = error {
                self.tell(&error, lost);
            }
        }
    }

    fn tell(&self, error: &AppendError, lost: u64) {
        let _still = fork::hold_off();
        self.notices.tell_once("spool_full", || {
            format!(
                "what waits for {} stays in memory, as it cannot be kept on disk: {}",
                self.identity.url,
                with_sources(error)
            )
        });
        if lost > 0 {
            self.notices.tell(&format!(
                "{lost} spans were not delivered to {} and are lost: {error}",
                self.identity.url
            ));
        }
    }
}

pub(super) fn with_sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
