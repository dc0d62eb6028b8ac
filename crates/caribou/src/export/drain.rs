//! Sending what the spool holds.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use caribou_spool::{Batch, Claim, SpoolError};

use super::deliver::{Attempt, Courier, count, taken_in_part};
use super::search::Search;
use super::shelf::{Shelf, resource_from_context};
use super::{Chunk, Resource};
use crate::fork;

/// How far the courier is with the spool.
#[derive(Debug, Default)]
pub(super) struct Draining {
    open: Option<OpenClaim>,
    /// Fingerprints of spans that were settled while they were being spooled, so that they are not sent again.
    settled: HashSet<u64>,
    fingerprints: RandomState,
    /// Spans of this process were damaged on disk.
    damaged: bool,
}

#[derive(Debug)]
struct OpenClaim {
    claim: Claim,
    resource: Option<Resource>,
    is_own: bool,
}

impl Draining {
    /// Leaves these out once they are read from the spool.
    pub(super) fn skip(&mut self, chunks: &[Arc<Chunk>]) {
        let spans = chunks.iter().flat_map(|chunk| chunk.spans());
        self.settled
            .extend(spans.map(|span| self.fingerprints.hash_one(span)));
    }

    /// The spans of a batch that are still to be sent.
    fn chunk(&self, batch: &Batch, resource: Option<&Resource>, is_of_others: bool) -> Chunk {
        let mut chunk = Chunk {
            resource: resource.cloned(),
            is_of_others,
            ..Chunk::default()
        };
        for record in batch.records() {
            let span = record.payload.as_slice();
            if self.settled.is_empty() || !self.settled.contains(&self.fingerprints.hash_one(span))
            {
                chunk.push(span);
            }
        }
        chunk
    }
}

impl Courier {
    /// What a request takes from the spool.
    const BATCH_SPANS: usize = 2_000;
    const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(500);

    /// Sends the next batch of the spool.
    pub(super) fn drain(&mut self, shelf: &Shelf) {
        let open = match self.draining.open.take() {
            Some(open) => Some(open),
            None => self.claim(shelf),
        };
        let Some(mut open) = open else { return };
        match open.claim.next_batch(Chunk::MAX_BYTES, Self::BATCH_SPANS) {
            Ok(Some(batch)) => {
                if self.deliver_batch(&mut open, batch) {
                    self.draining.open = Some(open);
                }
            }
            Ok(None) => self.tell_damage(&open),
            Err(error) => self.tell_unreadable(&error),
        }
    }

    fn claim(&mut self, shelf: &Shelf) -> Option<OpenClaim> {
        let takes_over = self.destination.take_over(shelf);
        match shelf.claim(takes_over) {
            Ok(Some(claim)) => {
                let is_own = claim.is_own();
                if !is_own {
                    // Whoever wrote it may have ended after the first look.
                    self.destination.take_over(shelf);
                }
                Some(OpenClaim {
                    resource: resource_from_context(claim.context(), &self.resource),
                    is_own,
                    claim,
                })
            }
            Ok(None) => {
                self.destination.taken_over();
                self.drained(shelf);
                None
            }
            Err(error) => {
                self.tell_unreadable(&error);
                self.look_again_later();
                None
            }
        }
    }

    /// Nothing can be had from the spool just now.
    fn drained(&mut self, shelf: &Shelf) {
        self.tell_passed_over(shelf);
        let left = shelf.own_records();
        let vanished = self.outbox.spool_is_drained(left);
        if left > 0 {
            // Somebody else delivers it, such as `kestrel spool drain`, or it cannot be had.
            self.look_again_later();
            return;
        }
        self.draining.settled.clear();
        if std::mem::take(&mut self.draining.damaged) {
            self.outbox.settle_spooled(0, 0, vanished);
        } else {
            self.outbox.settle_spooled(vanished, 0, 0);
        }
    }

    /// Leaves the spool alone for a moment. It holds up nothing that is in memory.
    fn look_again_later(&self) {
        if !self.outbox.put_off_spool(Self::LOOK_AGAIN_AFTER) {
            self.outbox.wait_to_retry(Self::LOOK_AGAIN_AFTER, false);
        }
    }

    /// Sends a batch, in parts where it is refused as a whole; false where there is no time for it.
    fn deliver_batch(&mut self, open: &mut OpenClaim, batch: Batch) -> bool {
        let mut search = Search::default();
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let chunk = self
                .draining
                .chunk(&part, open.resource.as_ref(), !open.is_own);
            let chunk = [Arc::new(chunk)];
            let spans = count(&chunk);
            let attempt = match search.verdict() {
                _ if spans == 0 => Attempt::Taken {
                    rejected: 0,
                    message: String::new(),
                },
                Some(reason) => Attempt::Refused {
                    reason,
                    together: false,
                },
                None => self.attempt(&chunk),
            };
            match attempt {
                Attempt::Taken { rejected, message } => {
                    if spans > 0 {
                        search.taken();
                    }
                    let rejected = rejected.min(spans);
                    let noted = if rejected == 0 {
                        open.claim.acknowledge(&part)
                    } else {
                        let reason = taken_in_part(rejected, spans, &message);
                        self.set_aside_spooled(open, &part, rejected, &reason)
                    };
                    self.settled(open, spans - rejected, rejected, noted.err());
                }
                Attempt::Kept => {
                    if let Err(error) = open.claim.acknowledge(&part) {
                        self.tell_unreadable(&error);
                    }
                    if open.is_own {
                        let _still = fork::hold_off();
                        self.outbox.keep_spooled(spans);
                    }
                    self.report_kept();
                }
                Attempt::Refused { reason, together }
                    if together && part.records().len() > 1 && search.goes_on(spans, &reason) =>
                {
                    let middle = part.records().len() / 2;
                    let (first, second) = part.split_after(middle);
                    parts.extend(second);
                    parts.push(first);
                }
                Attempt::Refused { reason, .. } => {
                    let noted = self.set_aside_spooled(open, &part, spans, &reason);
                    self.settled(open, 0, spans, noted.err());
                }
                Attempt::Again => parts.push(part),
                Attempt::GiveUp => return false,
            }
        }
        true
    }

    fn set_aside_spooled(
        &self,
        open: &mut OpenClaim,
        part: &Batch,
        refused: u64,
        reason: &str,
    ) -> Result<(), SpoolError> {
        let kept = open.claim.set_aside(part, reason);
        let place = kept.as_ref().ok().map(|path| path.display().to_string());
        self.tell_refused(refused, reason, place.as_deref());
        // Where it cannot be kept, nothing is gained by being refused for ever.
        kept.map(|_| ()).or_else(|_| open.claim.acknowledge(part))
    }

    fn settled(
        &mut self,
        open: &OpenClaim,
        acknowledged: u64,
        refused: u64,
        error: Option<SpoolError>,
    ) {
        if let Some(error) = error {
            self.tell_unreadable(&error);
        }
        let _still = fork::hold_off();
        if open.is_own {
            self.outbox.settle_spooled(acknowledged, refused, 0);
        } else {
            self.outbox.settle_of_others(acknowledged, refused);
            tracing::info!(
                target: "caribou",
                "{acknowledged} spans that an earlier program had left were delivered to {}",
                self.destination.address()
            );
        }
    }

    fn tell_damage(&mut self, open: &OpenClaim) {
        let _still = fork::hold_off();
        for damage in open.claim.damage() {
            self.draining.damaged |= open.is_own;
            let place = damage
                .moved_to
                .as_ref()
                .map(|path| path.display().to_string());
            self.notices.tell(&format!(
                "spans that waited for {} were damaged on disk: {}",
                self.destination.address(),
                place
                    .as_deref()
                    .unwrap_or("see the folder `damaged` beside them")
            ));
        }
    }

    fn tell_passed_over(&self, shelf: &Shelf) {
        if let Some(reason) = shelf.passed_over() {
            let _still = fork::hold_off();
            self.notices.tell_once("spool_passed_over", || {
                format!(
                    "some of what waits on disk for {} cannot be had and is left where it is: {reason}",
                    self.destination.address()
                )
            });
        }
    }

    fn tell_unreadable(&self, error: &SpoolError) {
        let _still = fork::hold_off();
        self.notices.tell_once("spool_unreadable", || {
            let source = std::error::Error::source(error).map(ToString::to_string);
            format!(
                "what waits on disk for {} cannot be read or settled: {error}: {}",
                self.destination.address(),
                source.unwrap_or_default()
            )
        });
    }
}
