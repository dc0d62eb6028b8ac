//! The thread of one destination.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Chunk;
use super::backoff::Backoff;
use super::destination::{Destination, Outcome};
use super::outbox::{Outbox, Waited};
use crate::fork;
use crate::ids::Ids;
use crate::notice::Notices;

/// Sends what is in the outbox, one request at a time, until the outbox is closed.
pub(super) struct Courier {
    pub(super) outbox: Arc<Outbox>,
    pub(super) destination: Box<dyn Destination>,
    pub(super) notices: Arc<Notices>,
    pub(super) ids: Arc<Ids>,
    pub(super) backoff: Backoff,
    /// Said that the destination is away, and not yet that it is back.
    pub(super) away: bool,
    /// When that was last said.
    pub(super) told_away: Option<Instant>,
}

impl Courier {
    /// At exit nothing is gained by waiting for a server that is not there.
    const ATTEMPTS_AT_EXIT: u32 = 2;
    /// A server that comes and goes is not worth a line each time.
    const TELL_AGAIN_AFTER: Duration = Duration::from_secs(60);

    pub(super) fn run(mut self) {
        while let Some(chunks) = self.outbox.take() {
            self.deliver(&chunks);
        }
        self.destination.finish();
        self.outbox.end();
    }

    fn deliver(&mut self, chunks: &[Arc<Chunk>]) {
        let spans: u64 = chunks.iter().map(|chunk| chunk.len() as u64).sum();
        loop {
            match self.destination.deliver(chunks) {
                Outcome::Delivered { rejected, message } => {
                    self.delivered(spans, rejected.min(spans), &message);
                    return;
                }
                Outcome::Refused { reason } => {
                    self.refused(spans, &reason);
                    return;
                }
                Outcome::Later {
                    after,
                    unreachable,
                    reason,
                } => {
                    self.tell_away(spans, &reason);
                    let delay = self.backoff.next_delay(self.ids.random());
                    let hopeless = unreachable
                        && self.outbox.is_closing()
                        && self.backoff.failures() >= Self::ATTEMPTS_AT_EXIT;
                    let waited = if hopeless {
                        Waited::GiveUp
                    } else {
                        self.outbox
                            .wait_to_retry(after.unwrap_or(delay), after.is_some())
                    };
                    if waited == Waited::GiveUp {
                        self.give_up(spans, &reason);
                        return;
                    }
                }
            }
        }
    }

    fn delivered(&mut self, spans: u64, rejected: u64, message: &str) {
        let _still = fork::hold_off();
        self.backoff.reset();
        if std::mem::take(&mut self.away) {
            tracing::info!(target: "caribou", "{} is back", self.destination.address());
        }
        if rejected > 0 {
            self.tell_refused(rejected, message);
        } else if !message.is_empty() {
            self.notices.tell_once("warned", || {
                format!("{} says: {message}", self.destination.address())
            });
        }
        self.outbox.settle(spans - rejected, rejected, 0);
    }

    fn refused(&mut self, spans: u64, reason: &str) {
        let _still = fork::hold_off();
        self.backoff.reset();
        self.tell_refused(spans, reason);
        self.outbox.settle(0, spans, 0);
    }

    fn tell_refused(&self, spans: u64, reason: &str) {
        // The rest of a reason may name a span or a request, and then no two are alike.
        let kind = reason.split(':').next().unwrap_or_default();
        self.notices.tell_once(&format!("refused:{kind}"), || {
            format!(
                "{} refused {spans} spans for good, and stats() counts any further ones: {reason}",
                self.destination.address()
            )
        });
    }

    fn tell_away(&mut self, spans: u64, reason: &str) {
        let told_lately = self
            .told_away
            .is_some_and(|told| told.elapsed() < Self::TELL_AGAIN_AFTER);
        if std::mem::replace(&mut self.away, true) || told_lately {
            return;
        }
        let _still = fork::hold_off();
        self.told_away = Some(Instant::now());
        self.notices.tell(&format!(
            "{} does not take spans now; {spans} wait in memory and are sent again until it does: {reason}",
            self.destination.address()
        ));
    }

    fn give_up(&mut self, spans: u64, reason: &str) {
        let _still = fork::hold_off();
        let lost = spans + self.outbox.abandon();
        self.notices.tell(&format!(
            "{lost} spans were not delivered to {} and are lost: {reason}",
            self.destination.address()
        ));
        // Last, because whoever waits for it may be the program on its way out.
        self.outbox.settle(0, 0, spans);
    }
}
