//! What three threads know of what waits for one destination.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use caribou_spool::{Left, LeftCounts};

use super::{Chunk, Outbox, Shelf};

#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what three threads tell each other, each independent of the rest"
)]
pub(super) struct OutboxState {
    pub(super) held: VecDeque<Held>,
    pub(super) bytes: usize,
    /// How many of `held`, from the front, are being sent.
    pub(super) flight: usize,
    /// Spans of the flight of which it is known what became of them.
    pub(super) flight_settled: u64,
    /// The flight is in the spool and no longer in `held`.
    pub(super) flight_kept: bool,
    /// How many of `held`, from the front, are being appended to the spool.
    pub(super) appending: usize,
    /// When the append began that is under way.
    pub(super) append_began: Option<Instant>,
    /// Spans that were settled and left while they were being appended.
    pub(super) gone_meanwhile: u64,
    /// A failed append is not repeated before.
    pub(super) append_not_before: Option<Instant>,
    pub(super) keeper: Keeper,
    /// What was on disk when the spool was closed.
    pub(super) left: Option<Left>,
    /// What the destination had kept when it ended: spans, and what was made of them.
    pub(super) kept_left: Option<[Left; 2]>,
    /// The disk did not make room for so long that nobody waits for it.
    pub(super) disk_hangs: bool,
    /// The keeper waits for a call.
    pub(super) keeper_sleeps: bool,
    /// The spool holds, or may hold, what comes before everything in `held`.
    pub(super) on_disk: bool,
    /// The spool could not be had, and is looked at again.
    pub(super) spool_put_off: bool,
    /// When to look next for what processes that died have left.
    pub(super) look_around_at: Option<Instant>,
    pub(super) counts: Counts,
    /// What the destination keeps itself could leave now.
    pub(super) busy: bool,
    /// Why the last attempt failed.
    pub(super) reason: Option<String>,
    /// Counts calls of `flush`, each of which ends a wait for the next attempt.
    pub(super) hurries: u64,
    /// How many of them came before the last attempt, or the wait before the next one was ended.
    pub(super) hurries_heard: u64,
    /// How many of them came before the last attempt that found nobody at the destination's address.
    pub(super) hurries_missed: u64,
    /// No more chunks will come.
    pub(super) complete: bool,
    /// Nothing is sent any more: what is left goes to the spool or is lost.
    pub(super) given_up: bool,
    /// The destination's thread has ended.
    pub(super) ended: bool,
    /// When to give up on what waits.
    pub(super) closing: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) chunk: Arc<Chunk>,
    pub(super) since: Instant,
    /// How many of its spans, from the first, are in the spool.
    pub(super) kept: usize,
}

impl Held {
    pub(super) fn left(&self) -> u64 {
        (self.chunk.len() - self.kept) as u64
    }
}

/// Whether there is a spool.
#[derive(Debug, Default)]
pub(super) enum Keeper {
    /// None, or none any more.
    #[default]
    Absent,
    /// It is being opened.
    Opening,
    Present(Arc<Shelf>),
}

/// What became of the spans of one destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Handed to the destination's outbox.
    pub(crate) offered: u64,
    /// Taken by the destination.
    pub(crate) acknowledged: u64,
    /// Refused by the destination for good.
    pub(crate) refused: u64,
    /// Lost because there was no more room, or no more time.
    pub(crate) dropped: u64,
    /// In the spool.
    pub(crate) spooled: u64,
    /// Kept by the destination itself until they can leave.
    pub(crate) kept: u64,
    /// How many of these are in memory alone.
    pub(crate) kept_in_memory: u64,
    /// What was made of spans beside them and refused for good.
    pub(crate) refused_beside: u64,
    /// What was made of spans beside them and lost.
    pub(crate) dropped_beside: u64,
    /// What other processes had left: delivered, and refused for good.
    pub(crate) of_others: (u64, u64),
}

impl Counts {
    /// Spans of which it is known what became of them.
    pub(crate) fn settled(&self) -> u64 {
        self.acknowledged + self.refused + self.dropped
    }

    /// Spans that are on disk.
    pub(crate) fn on_disk(&self) -> u64 {
        self.spooled + self.kept.saturating_sub(self.kept_in_memory)
    }

    /// Counts spans that are not in a folder any more, by what else is found there.
    pub(super) fn settle_gone(&mut self, gone: u64, found: LeftCounts) {
        let refused = gone.min(found.set_aside.saturating_sub(self.refused));
        self.refused += refused;
        if found.is_damaged {
            self.dropped += gone - refused;
        } else {
            self.acknowledged += gone - refused;
        }
    }
}

impl OutboxState {
    /// As many chunks as fit one request; they stay here until they are settled or spooled.
    pub(super) fn take_flight(&mut self) -> Vec<Arc<Chunk>> {
        let mut taken: Vec<Arc<Chunk>> = Vec::new();
        let (mut spans, mut bytes) = (0, 0);
        // While the disk hangs with some of them, those come first and by themselves.
        let most = if self.appending > 0 {
            self.appending
        } else {
            self.held.len()
        };
        for held in self.held.iter().take(most) {
            spans += held.chunk.len();
            bytes += held.chunk.bytes.len();
            let full = spans > Chunk::MAX_SPANS || bytes > Chunk::MAX_BYTES;
            if full && !taken.is_empty() {
                break;
            }
            taken.push(Arc::clone(&held.chunk));
        }
        self.flight = taken.len();
        taken
    }

    pub(super) fn take_overdue(&mut self) -> Vec<Arc<Chunk>> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        for held in &self.held {
            if bytes >= Outbox::APPEND_BYTES && taken.len() >= self.flight {
                break;
            }
            bytes += held.chunk.bytes.len();
            taken.push(match held.kept {
                0 => Arc::clone(&held.chunk),
                kept => Arc::new(held.chunk.part(kept..held.chunk.len())),
            });
        }
        self.appending = taken.len();
        self.append_began = Some(Instant::now());
        taken
    }

    /// Whether nothing is to be sent any more once nothing is here.
    pub(super) fn is_last(&self) -> bool {
        (self.complete || self.closing.is_some()) && !self.spool_put_off
    }

    /// Whether the disk takes so long that nothing waits for it.
    pub(super) fn append_hangs(&self, now: Instant) -> bool {
        self.append_began
            .is_some_and(|began| now.duration_since(began) >= Outbox::LONGEST_APPEND)
    }

    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.bytes + bytes <= Outbox::MAX_BYTES || self.held.is_empty()
    }

    pub(super) fn is_making_room(&self) -> bool {
        !matches!(self.keeper, Keeper::Absent)
            && self.append_not_before.is_none()
            && !self.disk_hangs
    }

    pub(super) fn flight_is_kept_in_part(&self) -> bool {
        let mut flight = self.held.iter().take(self.flight);
        flight.any(|held| held.kept > 0)
    }

    /// Notes that so many of the spans that were being appended are in the spool.
    pub(super) fn mark_kept(&mut self, mut safe: u64) {
        for held in self.held.iter_mut().take(self.appending) {
            let kept = held.left().min(safe);
            safe -= kept;
            held.kept += usize::try_from(kept).unwrap_or(usize::MAX);
        }
    }

    /// Parts the first chunk where a full disk did.
    pub(super) fn keep_part_of_front(&mut self) {
        let Some(held) = self.held.front_mut().filter(|held| held.kept > 0) else {
            return;
        };
        let rest = Arc::new(held.chunk.part(held.kept..held.chunk.len()));
        self.counts.spooled += held.kept as u64;
        self.bytes = self.bytes + rest.bytes.len() - held.chunk.bytes.len();
        held.chunk = rest;
        held.kept = 0;
    }

    pub(super) fn end_flight(&mut self) {
        if self.appending > 0 {
            let flight = self.held.iter().take(self.flight);
            self.gone_meanwhile += flight.map(Held::left).sum::<u64>();
            self.appending = self.appending.saturating_sub(self.flight);
        }
        for _ in 0..std::mem::take(&mut self.flight) {
            self.pop_front();
        }
        self.flight_kept = false;
        self.flight_settled = 0;
    }

    /// Counts the first chunk, which was appended, as spooled, but for what was settled before.
    pub(super) fn keep_front(&mut self) {
        let spans = self.held.front().map_or(0, |held| held.chunk.len() as u64);
        let settled = self.flight_settled.min(spans);
        self.flight_settled -= settled;
        self.counts.spooled += spans - settled;
        self.appending = self.appending.saturating_sub(1);
        self.pop_front();
    }

    pub(super) fn pop_front(&mut self) {
        if let Some(held) = self.held.pop_front() {
            self.bytes -= held.chunk.bytes.len();
        }
    }

    pub(super) fn abandon(&mut self) -> u64 {
        let kept: u64 = self.held.iter().map(|held| held.kept as u64).sum();
        let waiting: u64 = self.held.iter().map(Held::left).sum();
        let settled = std::mem::take(&mut self.flight_settled);
        let lost = waiting - settled.saturating_sub(kept).min(waiting);
        self.counts.spooled += kept - settled.min(kept);
        self.held.clear();
        self.bytes = 0;
        self.appending = 0;
        self.flight = 0;
        self.counts.dropped += lost;
        lost
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use caribou_spool::{DestinationIdentity, Entry, Record};

    use super::super::{KeptReport, Next, Waited};
    use super::*;

    fn outbox_holding(spans: usize) -> Outbox {
        let mut chunk = Chunk::default();
        for _ in 0..spans {
            chunk.push(b"span");
        }
        let outbox = Outbox::new("test");
        assert!(outbox.offer(&Arc::new(chunk)));
        outbox
    }

    fn spans_to_append(outbox: &Outbox) -> usize {
        let chunks = outbox.wait_overdue().unwrap();
        chunks.iter().map(|chunk| chunk.len()).sum()
    }

    #[test]
    fn a_disk_that_is_slower_than_the_program_is_waited_for() {
        let mut chunk = Chunk::default();
        chunk.push(&vec![0; Chunk::MAX_BYTES]);
        let chunk = Arc::new(chunk);
        let outbox = Outbox::new("test");
        outbox.expect_shelf();
        while outbox.lock().has_room(Chunk::MAX_BYTES) {
            assert!(outbox.offer(&chunk));
        }
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| outbox.offer(&chunk));
            let spans = spans_to_append(&outbox);
            outbox.appended(spans as u64, false);
            assert!(waits.join().unwrap());
        });
        assert_eq!(outbox.counts().dropped, 0);
        // A full one is not.
        spans_to_append(&outbox);
        outbox.appended(0, true);
        while outbox.offer(&chunk) {}
        assert_eq!(outbox.counts().dropped, 1);
    }

    #[test]
    fn what_a_full_disk_took_in_part_is_neither_kept_nor_counted_twice() {
        let outbox = outbox_holding(10);
        assert_eq!(spans_to_append(&outbox), 10);
        outbox.appended(4, true);
        assert_eq!(outbox.counts().spooled, 4);
        assert_eq!(spans_to_append(&outbox), 6);
        outbox.appended(6, false);
        assert_eq!(outbox.counts().spooled, 10);
    }

    #[test]
    fn a_flight_that_is_on_disk_in_part_is_settled_once() {
        let outbox = outbox_holding(10);
        assert!(matches!(outbox.next(None), Next::Send(chunks) if chunks[0].len() == 10));
        assert_eq!(spans_to_append(&outbox), 10);
        outbox.appended(4, true);
        assert_eq!(outbox.counts().spooled, 0);
        assert!(outbox.settle_flight(10, 0, true), "some of it is on disk");
        let counts = outbox.counts();
        assert_eq!((counts.acknowledged, counts.spooled), (10, 0));
    }

    #[test]
    fn a_flight_that_is_completed_on_disk_later_is_counted_once() {
        let outbox = outbox_holding(10);
        assert!(matches!(outbox.next(None), Next::Send(_)));
        assert_eq!(spans_to_append(&outbox), 10);
        outbox.appended(4, true);
        assert!(!outbox.leave_flight_to_spool(), "not all of it is there");
        assert_eq!(spans_to_append(&outbox), 6);
        outbox.appended(6, false);
        assert_eq!(outbox.counts().spooled, 10);
        assert!(outbox.leave_flight_to_spool());
    }

    #[test]
    fn a_destination_that_asks_for_longer_than_there_is_time_is_not_waited_for() {
        let outbox = Outbox::new("test");
        outbox.close(Instant::now() + Duration::from_secs(3600));
        let waited = outbox.wait_to_retry(Duration::from_secs(7200), true);
        assert_eq!(waited, Waited::GiveUp);
    }
    #[test]
    fn what_is_handed_over_when_there_is_no_time_left_is_appended() {
        let mut chunk = Chunk::default();
        chunk.push(b"span");
        let outbox = Outbox::new("test");
        outbox.expect_shelf();
        outbox.give_up();
        outbox.end();
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| spans_to_append(&outbox));
            while !outbox.lock().keeper_sleeps {
                assert!(!waits.is_finished(), "the keeper ended too early");
                std::thread::yield_now();
            }
            assert!(outbox.offer(&Arc::new(chunk)));
            assert_eq!(waits.join().unwrap(), 1);
        });
        outbox.appended(1, false);
        assert_eq!((outbox.counts().spooled, outbox.counts().dropped), (1, 0));
        outbox.complete();
        assert!(outbox.wait_overdue().is_none());
    }
    #[test]
    fn an_attempt_that_began_before_a_flush_does_not_tell_it_that_nobody_is_there() {
        let outbox = outbox_holding(1);
        outbox.begin_attempt();
        let hurry = outbox.hurry();
        outbox.missed();
        assert_eq!(spans_to_append(&outbox), 1);
        outbox.appended(1, false);
        assert!(!outbox.is_left_to_disk(1, hurry));
        // The next attempt is not put off.
        let waited = outbox.wait_to_retry(Duration::from_secs(3600), false);
        assert_eq!(waited, Waited::TryAgain);
        outbox.begin_attempt();
        outbox.missed();
        assert!(outbox.is_left_to_disk(1, hurry));
    }
    #[test]
    fn what_another_could_not_deliver_of_what_was_kept_does_not_count_as_taken() {
        let folder = tempfile::tempdir().unwrap();
        let options = caribou_spool::SpoolOptions::new(folder.path().to_owned());
        let spool = caribou_spool::Spool::open(options).unwrap();
        let identity = DestinationIdentity::new("kind", "http://localhost:9", "");
        let mut kept = spool.destination(&identity).unwrap();
        let mut journal = kept.begin_journal(serde_json::Value::Null).unwrap();
        let record = Record {
            kind: 1,
            time_unix_nano: 1,
            payload: b"span",
        };
        journal.append(&[record, record, record]).unwrap();

        let outbox = outbox_holding(3);
        assert!(matches!(outbox.next(None), Next::Send(_)));
        outbox.keep_flight(3, true);
        outbox.report_kept(&KeptReport {
            left: Some([kept.left(), kept.left()]),
            ..KeptReport::default()
        });
        outbox.look_after_left();
        assert_eq!(outbox.counts().kept, 3);

        let mut reader = journal.reader().unwrap();
        let Some(Entry::Record(refused)) = reader.next_entry().unwrap() else {
            panic!("a record was appended");
        };
        journal.set_aside(&refused, "no").unwrap();
        journal.remove().unwrap();
        outbox.look_after_left();
        let counts = outbox.counts();
        assert_eq!(
            (counts.kept, counts.refused, counts.acknowledged),
            (0, 1, 2)
        );
    }

    /// An outbox that holds one span, and a spool in which nothing waits.
    fn outbox_with_spool(folder: &Path) -> Outbox {
        let settings = crate::settings::SpoolSettings {
            directory: Some(folder.to_owned()),
            max_bytes: u64::MAX,
        };
        let identity = DestinationIdentity::new("kind", "http://localhost:9", "");
        let slot = crate::export::shelf::SpoolSlot::default();
        let shelf = Shelf::open(&settings, &identity, &[], false, &slot).unwrap();
        let outbox = outbox_holding(1);
        outbox.shelf_opened(Some(Arc::new(shelf)));
        outbox
    }

    #[test]
    fn a_program_that_logs_all_the_time_looks_around_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox_with_spool(folder.path());
        assert!(matches!(outbox.next(None), Next::Drain(_)));
        outbox.spool_is_drained(0);
        assert!(matches!(outbox.next(None), Next::Send(_)));
        let first = outbox.lock().look_around_at;
        outbox.settle_flight(1, 0, true);
        let mut chunk = Chunk::default();
        chunk.push(b"span");
        assert!(outbox.offer(&Arc::new(chunk)));
        assert!(matches!(outbox.next(None), Next::Send(_)));
        assert_eq!(outbox.lock().look_around_at, first, "not put off");
        outbox.settle_flight(0, 0, false);
        outbox.lock().look_around_at = Some(Instant::now());
        assert!(matches!(outbox.next(None), Next::Drain(_)));
    }

    #[test]
    fn while_the_disk_hangs_what_is_in_memory_is_sent_and_counted_once() {
        let outbox = outbox_holding(300);
        let chunk = |spans| {
            let mut chunk = Chunk::default();
            for _ in 0..spans {
                chunk.push(b"span");
            }
            Arc::new(chunk)
        };
        outbox.offer(&chunk(300));
        outbox.offer(&chunk(300));
        assert_eq!(spans_to_append(&outbox), 900);
        outbox.offer(&chunk(5));
        let long_ago = Instant::now().checked_sub(Outbox::LONGEST_APPEND);
        outbox.lock().append_began = long_ago;
        for _ in 0..2 {
            assert!(matches!(outbox.next(None), Next::Send(chunks) if chunks[0].len() == 300));
            assert!(outbox.settle_flight(300, 0, true), "it may be on disk");
        }
        // The third is under way when the disk comes back.
        assert!(matches!(outbox.next(None), Next::Send(chunks) if chunks.len() == 1));
        outbox.appended(900, false);
        assert!(outbox.settle_flight(300, 0, true));
        assert!(matches!(outbox.next(None), Next::Send(chunks) if chunks[0].len() == 5));
        assert!(!outbox.settle_flight(5, 0, true));
        let counts = outbox.counts();
        assert_eq!((counts.acknowledged, counts.spooled), (905, 0));
        assert!(outbox.lock().held.is_empty());
    }

    #[test]
    fn a_spool_that_cannot_be_had_holds_up_nothing_in_memory_and_is_looked_at_again() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox_with_spool(folder.path());
        assert!(matches!(outbox.next(None), Next::Drain(_)));
        assert!(outbox.put_off_spool(Duration::from_secs(3600)));
        assert!(matches!(outbox.next(None), Next::Send(_)));
        outbox.settle_flight(1, 0, true);
        outbox.complete();
        outbox.lock().look_around_at = Some(Instant::now());
        assert!(matches!(outbox.next(None), Next::Drain(_)), "not the end");
        assert!(!outbox.put_off_spool(Duration::ZERO), "nothing is here");
        outbox.spool_is_drained(0);
        assert!(matches!(outbox.next(None), Next::End));
    }
}
