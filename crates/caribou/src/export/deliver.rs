//! The thread of one destination.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Chunk;
use super::backoff::Backoff;
use super::destination::{Destination, Outcome};
use super::drain::Draining;
use super::outbox::{Next, Outbox, Waited};
use super::search::Search;
use crate::fork;
use crate::ids::Ids;
use crate::notice::Notices;

/// Sends what is in the spool and in the outbox, one request at a time, until the outbox is closed.
pub(super) struct Courier {
    pub(super) outbox: Arc<Outbox>,
    pub(super) destination: Box<dyn Destination>,
    pub(super) resource: Vec<(String, String)>,
    pub(super) notices: Arc<Notices>,
    pub(super) ids: Arc<Ids>,
    pub(super) backoff: Backoff,
    /// Said that the destination is away, and not yet that it is back.
    pub(super) away: bool,
    /// When that was last said.
    pub(super) told_away: Option<Instant>,
    pub(super) draining: Draining,
    /// Tries until the deadline, also where nobody is there.
    pub(super) patient: bool,
}

/// What came of an attempt, waits included.
pub(super) enum Attempt {
    /// The destination has them, all but so many.
    Taken { rejected: u64, message: String },
    /// The destination keeps them itself.
    Kept,
    /// It will never take them; if `together`, it may take parts of them.
    Refused { reason: String, together: bool },
    /// It is time for another attempt.
    Again,
    /// There is no time for another attempt.
    GiveUp,
}

impl Courier {
    /// At exit nothing is gained by waiting for a server that is not there.
    const ATTEMPTS_AT_EXIT: u32 = 2;
    /// A server that comes and goes is not worth a line each time.
    const TELL_AGAIN_AFTER: Duration = Duration::from_secs(60);

    pub(super) fn run(mut self) {
        loop {
            while self.work(false) {}
            match self.outbox.next(self.destination.wake_at()) {
                Next::Send(chunks) => self.deliver(chunks),
                Next::Drain(shelf) => self.drain(&shelf),
                Next::Work => {}
                Next::End => break,
            }
        }
        while self.work(true) {}
        // What was claimed is given back before the keeper lets go of the spool.
        self.draining = Draining::default();
        self.give_up("the program ended");
        self.destination.finish();
        self.report_kept();
        self.outbox.end();
    }

    /// Sends some of what the destination keeps itself; false where nothing of it can leave, or may be tried, now.
    fn work(&mut self, last: bool) -> bool {
        if !self.outbox.goes_on() {
            return false;
        }
        self.outbox.begin_attempt();
        let Some(outcome) = self.destination.work(last) else {
            self.report_kept();
            return false;
        };
        let attempt = self.attempt_came_to(outcome);
        self.report_kept();
        !matches!(attempt, Attempt::GiveUp)
    }

    pub(super) fn report_kept(&mut self) {
        let report = self.destination.report();
        report.tell(&self.outbox, self.destination.address());
    }

    /// Sends a flight, in parts where it is refused as a whole.
    fn deliver(&mut self, chunks: Vec<Arc<Chunk>>) {
        let mut search = Search::default();
        let mut parts = vec![chunks];
        while let Some(part) = parts.pop() {
            let spans = count(&part);
            let attempt = match search.verdict() {
                Some(reason) => Attempt::Refused {
                    reason,
                    together: false,
                },
                None => self.attempt(&part),
            };
            match attempt {
                Attempt::Taken { rejected, message } => {
                    search.taken();
                    let rejected = rejected.min(spans);
                    if rejected > 0 {
                        self.set_aside(&part, rejected, &taken_in_part(rejected, spans, &message));
                    }
                    self.settle(&part, spans - rejected, rejected, parts.is_empty());
                }
                Attempt::Kept => self.keep(&part, spans, parts.is_empty()),
                Attempt::Refused { reason, together }
                    if together && spans > 1 && search.goes_on(spans, &reason) =>
                {
                    let (first, second) = halves(&part);
                    parts.push(second);
                    parts.push(first);
                }
                Attempt::Refused { reason, .. } => {
                    self.set_aside(&part, spans, &reason);
                    self.settle(&part, 0, spans, parts.is_empty());
                }
                Attempt::Again if self.outbox.leave_flight_to_spool() => return,
                Attempt::Again => parts.push(part),
                Attempt::GiveUp => return,
            }
        }
    }

    fn settle(&mut self, part: &[Arc<Chunk>], acknowledged: u64, refused: u64, last: bool) {
        let _still = fork::hold_off();
        let in_spool = self.outbox.settle_flight(acknowledged, refused, last);
        if in_spool || !last {
            self.draining.skip(part);
        }
    }

    fn keep(&mut self, part: &[Arc<Chunk>], spans: u64, last: bool) {
        {
            let _still = fork::hold_off();
            let in_spool = self.outbox.keep_flight(spans, last);
            if in_spool || !last {
                self.draining.skip(part);
            }
        }
        self.report_kept();
    }

    fn set_aside(&self, part: &[Arc<Chunk>], refused: u64, reason: &str) {
        let kept = self
            .outbox
            .shelf()
            .map(|shelf| (shelf.set_aside(part, reason), shelf));
        let kept = kept.and_then(|(result, shelf)| result.is_ok().then_some(shelf));
        let place = kept.map(|shelf| shelf.folder().join("set-aside").display().to_string());
        self.tell_refused(refused, reason, place.as_deref());
    }

    /// Makes one attempt, and waits where another is to be made.
    pub(super) fn attempt(&mut self, chunks: &[Arc<Chunk>]) -> Attempt {
        self.outbox.begin_attempt();
        let outcome = self.destination.deliver(chunks);
        self.attempt_came_to(outcome)
    }

    fn attempt_came_to(&mut self, outcome: Outcome) -> Attempt {
        match outcome {
            Outcome::Kept => Attempt::Kept,
            Outcome::Delivered { rejected, message } => {
                self.answered();
                let _still = fork::hold_off();
                if rejected == 0 && !message.is_empty() {
                    self.notices.tell_once("warned", || {
                        format!("{} says: {message}", self.destination.address())
                    });
                }
                Attempt::Taken { rejected, message }
            }
            Outcome::RefusedTogether { reason } => {
                self.answered();
                Attempt::Refused {
                    reason,
                    together: true,
                }
            }
            Outcome::Refused { reason } => {
                self.answered();
                Attempt::Refused {
                    reason,
                    together: false,
                }
            }
            Outcome::Later {
                after,
                unreachable,
                reason,
            } => self.wait(after, unreachable, &reason),
        }
    }

    fn answered(&mut self) {
        self.backoff.reset();
        if std::mem::take(&mut self.away) {
            let _still = fork::hold_off();
            tracing::info!(target: "caribou", "{} is back", self.destination.address());
        }
        if let Some(shelf) = self.outbox.shelf() {
            shelf.answered();
        }
    }

    fn wait(&mut self, after: Option<Duration>, unreachable: bool, reason: &str) -> Attempt {
        self.outbox.failed(reason);
        self.tell_away(reason);
        let delay = self.backoff.next_delay(self.ids.random());
        if unreachable {
            self.outbox.missed();
        }
        let hopeless = unreachable
            && !self.patient
            && self.outbox.is_closing()
            && self.backoff.failures() >= Self::ATTEMPTS_AT_EXIT;
        let waited = if hopeless {
            Waited::GiveUp
        } else {
            self.outbox
                .wait_to_retry(after.unwrap_or(delay), after.is_some())
        };
        if waited == Waited::GiveUp {
            self.give_up(reason);
            return Attempt::GiveUp;
        }
        Attempt::Again
    }

    pub(super) fn tell_refused(&self, spans: u64, reason: &str, place: Option<&str>) {
        let _still = fork::hold_off();
        // The rest of a reason may name a span or a request, and then no two are alike.
        let kind = reason.split(':').next().unwrap_or_default();
        self.notices.tell_once(&format!("refused:{kind}"), || {
            let kept = place.map_or(String::new(), |place| format!(" (kept in {place})"));
            format!(
                "{} refused {spans} spans for good{kept}, and stats() counts any further ones: {reason}",
                self.destination.address()
            )
        });
    }

    fn tell_away(&mut self, reason: &str) {
        let told_lately = self
            .told_away
            .is_some_and(|told| told.elapsed() < Self::TELL_AGAIN_AFTER);
        if std::mem::replace(&mut self.away, true) || told_lately {
            return;
        }
        let _still = fork::hold_off();
        self.told_away = Some(Instant::now());
        let place = match self.outbox.shelf() {
            Some(_) if self.patient => "it is tried again".to_owned(),
            Some(shelf) => format!(
                "what is logged waits on disk in {} until it does, also beyond the end of this program",
                shelf.folder().display()
            ),
            None => "what is logged waits in memory and is sent again until it does".to_owned(),
        };
        self.notices.tell(&format!(
            "{} does not take spans now; {place}: {reason}",
            self.destination.address()
        ));
    }

    fn give_up(&self, reason: &str) {
        let _still = fork::hold_off();
        let lost = self.outbox.give_up();
        if lost > 0 {
            self.notices.tell(&format!(
                "{lost} spans were not delivered to {} and are lost: {reason}",
                self.destination.address()
            ));
        }
    }
}

/// Why spans are kept that a server took in part. They are not sent again: of most servers it is not known what they make
/// of a span that they have.
pub(super) fn taken_in_part(rejected: u64, spans: u64, message: &str) -> String {
    format!(
        "taken in part: the server rejected {rejected} of these {spans} spans and does not say which: {message}"
    )
}

pub(super) fn count(chunks: &[Arc<Chunk>]) -> u64 {
    chunks.iter().map(|chunk| chunk.len() as u64).sum()
}

/// Parts at least two spans in two.
fn halves(chunks: &[Arc<Chunk>]) -> (Vec<Arc<Chunk>>, Vec<Arc<Chunk>>) {
    if let [chunk] = chunks {
        let middle = chunk.len() / 2;
        let first = Arc::new(chunk.part(0..middle));
        return (vec![first], vec![Arc::new(chunk.part(middle..chunk.len()))]);
    }
    let (first, second) = chunks.split_at(chunks.len() / 2);
    (first.to_vec(), second.to_vec())
}
