//! What waits for one destination, in memory.

mod attempts;
mod state;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use caribou_spool::Left;

use super::Chunk;
use super::kept::KeptReport;
use super::shelf::Shelf;
pub(super) use attempts::Waited;
pub(crate) use state::Counts;
use state::{Held, Keeper, OutboxState};

/// Encoded spans for one destination, and what became of those before them.
///
/// Three threads meet here. The gatherer puts chunks in. The courier takes them out to send them, a flight at a time. The
/// keeper appends to the spool what has been here for too long, whether it is being sent or not. While the spool holds
/// anything, the courier sends from there, so that the order is kept.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) name: &'static str,
    state: Mutex<OutboxState>,
    /// For the courier, and for those who wait for what becomes of spans.
    changed: Condvar,
    /// For the keeper.
    overdue: Condvar,
}

/// What the courier is to do next.
#[derive(Debug)]
pub(super) enum Next {
    /// Send these.
    Send(Vec<Arc<Chunk>>),
    /// Send what the spool holds.
    Drain(Arc<Shelf>),
    /// Send what the destination keeps itself.
    Work,
    /// Nothing more will come.
    End,
}

impl Outbox {
    /// Bound where there is no spool, or no room in it.
    const MAX_BYTES: usize = 256 << 20;
    /// What is appended at once, as soon as there is so much.
    const APPEND_BYTES: usize = 4 << 20;
    /// Counted from `log()`, so that a gatherer that was late does not make the keeper late as well: with the time that
    /// appending takes, what was logged is on disk within 100 ms.
    const KEEP_AFTER: Duration = Duration::from_millis(50);
    /// One destination's disk holds up no other destination for longer.
    const LONGEST_MAKING_ROOM: Duration = Duration::from_secs(5);
    const APPEND_AGAIN_AFTER: Duration = Duration::from_secs(1);
    /// A disk that hangs delays the first spans no longer than this.
    const LONGEST_OPENING: Duration = Duration::from_secs(1);
    /// A disk that hangs holds up nothing that is in memory for longer.
    const LONGEST_APPEND: Duration = Duration::from_secs(1);
    /// How often the courier looks for what processes that died have left.
    const LOOK_AROUND: Duration = Duration::from_secs(30);

    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            state: Mutex::default(),
            changed: Condvar::new(),
            overdue: Condvar::new(),
        }
    }

    /// Takes a chunk in; false where there is no room and it was dropped. Waits where the disk is only slower than the
    /// program: then the rest waits in the queue before this.
    pub(super) fn offer(&self, chunk: &Arc<Chunk>) -> bool {
        let bytes = chunk.bytes.len();
        let room = self.wait_until(Instant::now() + Self::LONGEST_MAKING_ROOM, |state| {
            state.has_room(bytes) || !state.is_making_room()
        });
        let mut state = self.lock();
        state.disk_hangs |= !room;
        let spans = chunk.len() as u64;
        state.counts.offered += spans;
        let over = state.ended && matches!(state.keeper, Keeper::Absent);
        let fits = !over && state.has_room(bytes);
        if fits {
            state.bytes += bytes;
            state.held.push_back(Held {
                chunk: Arc::clone(chunk),
                since: chunk.since.unwrap_or_else(Instant::now),
                kept: 0,
            });
        } else {
            state.counts.dropped += spans;
        }
        let wake_keeper = state.keeper_sleeps || state.bytes > Self::APPEND_BYTES;
        drop(state);
        self.changed.notify_all();
        if wake_keeper {
            self.overdue.notify_one();
        }
        fits
    }

    /// Counts spans that no destination is asked to take.
    pub(super) fn refuse_unsent(&self, spans: u64) {
        let mut state = self.lock();
        state.counts.offered += spans;
        state.counts.refused += spans;
        drop(state);
        self.changed.notify_all();
    }

    /// Waits for something to do, and no longer than until the destination wants to be woken.
    pub(super) fn next(&self, wake: Option<Instant>) -> Next {
        let opened_by = Instant::now() + Self::LONGEST_OPENING;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            // What comes in meanwhile, such as that something open still lives, does not put it off.
            let look_around = *state.look_around_at.get_or_insert(now + Self::LOOK_AROUND);
            if state.given_up || state.closing.is_some_and(|closing| closing <= now) {
                return Next::End;
            }
            let opening = matches!(state.keeper, Keeper::Opening) && now < opened_by;
            let hangs = state.append_hangs(now);
            if !opening && (state.appending == 0 || hangs) {
                if now >= look_around {
                    state.look_around_at = Some(now + Self::LOOK_AROUND);
                    state.on_disk = true;
                    state.spool_put_off = false;
                }
                match &state.keeper {
                    Keeper::Present(shelf) if state.on_disk && !hangs => {
                        return Next::Drain(Arc::clone(shelf));
                    }
                    _ if !state.held.is_empty() => return Next::Send(state.take_flight()),
                    _ if state.is_last() => return Next::End,
                    _ if wake.is_some_and(|wake| wake <= now) => return Next::Work,
                    _ => {}
                }
            }
            let until = if opening {
                opened_by
            } else if let Some(began) = state.append_began.filter(|_| state.appending > 0 && !hangs)
            {
                // Its end is told; what is due until then has to wait.
                began + Self::LONGEST_APPEND
            } else {
                wake.map_or(look_around, |wake| wake.min(look_around))
            };
            let until = state.closing.map_or(until, |closing| closing.min(until));
            state = self
                .changed
                .wait_timeout(state, until.saturating_duration_since(now))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Notes what became of spans of the flight, and whether they were its last. True where they are in the spool as
    /// well, or will be in a moment.
    pub(super) fn settle_flight(&self, acknowledged: u64, refused: u64, last: bool) -> bool {
        let mut state = self.lock();
        state.counts.acknowledged += acknowledged;
        state.counts.refused += refused;
        self.take_from_flight(state, acknowledged + refused, last)
    }

    /// Notes that the destination keeps spans of the flight itself; else as [`Self::settle_flight`].
    pub(super) fn keep_flight(&self, spans: u64, last: bool) -> bool {
        let mut state = self.lock();
        state.counts.kept += spans;
        state.busy = true;
        self.take_from_flight(state, spans, last)
    }

    fn take_from_flight(
        &self,
        mut state: MutexGuard<'_, OutboxState>,
        spans: u64,
        last: bool,
    ) -> bool {
        let kept = state.flight_kept || state.appending > 0 || state.flight_is_kept_in_part();
        if state.flight_kept {
            state.counts.spooled = state.counts.spooled.saturating_sub(spans);
        } else {
            state.flight_settled += spans;
        }
        if last {
            state.end_flight();
        }
        drop(state);
        self.changed.notify_all();
        kept
    }

    /// Ends the flight if the spool has it; then it is sent again from there, apart from what is settled.
    pub(super) fn leave_flight_to_spool(&self) -> bool {
        let mut state = self.lock();
        let kept = state.flight_kept;
        if kept {
            state.end_flight();
        }
        kept
    }

    /// Notes what became of spans that this process had spooled.
    pub(super) fn settle_spooled(&self, acknowledged: u64, refused: u64, dropped: u64) {
        let mut state = self.lock();
        let spans = acknowledged + refused + dropped;
        state.counts.spooled = state.counts.spooled.saturating_sub(spans);
        state.counts.acknowledged += acknowledged;
        state.counts.refused += refused;
        state.counts.dropped += dropped;
        drop(state);
        self.changed.notify_all();
    }

    /// Notes that the destination keeps spans itself that this process had spooled.
    pub(super) fn keep_spooled(&self, spans: u64) {
        let mut state = self.lock();
        state.counts.spooled = state.counts.spooled.saturating_sub(spans);
        state.counts.kept += spans;
        state.busy = true;
    }

    /// Notes what became of what the destination keeps itself.
    pub(super) fn report_kept(&self, report: &KeptReport) {
        let mut state = self.lock();
        let counts = &mut state.counts;
        let left = report.acknowledged + report.refused + report.dropped;
        counts.kept = counts.kept.saturating_sub(left);
        counts.acknowledged += report.acknowledged;
        counts.refused += report.refused;
        counts.dropped += report.dropped;
        counts.refused_beside += report.refused_beside;
        counts.dropped_beside += report.dropped_beside;
        counts.kept_in_memory = report.in_memory;
        counts.of_others.0 += report.of_others.0;
        counts.of_others.1 += report.of_others.1;
        state.busy = report.busy;
        if let Some(left) = &report.left {
            state.kept_left = Some(left.clone());
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Counts what other processes had left.
    pub(super) fn settle_of_others(&self, delivered: u64, refused: u64) {
        let counts = &mut self.lock().counts.of_others;
        counts.0 += delivered;
        counts.1 += refused;
    }

    /// Notes that the spool holds no more than `own_records` of this process's spans, and nothing that can be sent now.
    /// Gives the number of spans that vanished from it: delivered by somebody else, or lost.
    pub(super) fn spool_is_drained(&self, own_records: u64) -> u64 {
        let mut state = self.lock();
        if state.appending > 0 {
            return 0;
        }
        state.on_disk = own_records > 0;
        state.counts.spooled.saturating_sub(own_records)
    }

    /// Has what is here sent although the spool holds what comes before it and cannot be had now, and the spool looked at
    /// again after a while; false where there is nothing here.
    pub(super) fn put_off_spool(&self, again_after: Duration) -> bool {
        let mut state = self.lock();
        let is_any = !state.held.is_empty();
        if is_any {
            state.on_disk = false;
            state.spool_put_off = true;
            state.look_around_at = Some(Instant::now() + again_after);
        }
        is_any
    }

    /// Whether another attempt may be made.
    pub(super) fn goes_on(&self) -> bool {
        let state = self.lock();
        let is_over = state
            .closing
            .is_some_and(|closing| closing <= Instant::now());
        !state.given_up && !is_over
    }

    /// Notes why an attempt failed.
    pub(super) fn failed(&self, reason: &str) {
        self.lock().reason = Some(reason.to_owned());
    }

    /// Why the last attempt that failed did.
    pub(super) fn last_failure(&self) -> Option<String> {
        self.lock().reason.clone()
    }

    /// Says that no more will come, so that the destination's threads end once nothing waits.
    pub(super) fn complete(&self) {
        self.lock().complete = true;
        self.changed.notify_all();
        self.overdue.notify_all();
    }

    /// Waits until this many spans are settled, or cannot be for now, because the destination keeps them until they can
    /// leave; false where that did not happen in time.
    pub(super) fn wait_settled(&self, offered: u64, deadline: Instant) -> bool {
        self.wait_until(deadline, |state| {
            let counts = &state.counts;
            let nothing_to_do = state.ended || (!state.busy && state.closing.is_none());
            if counts.kept > 0 || state.busy {
                counts.settled() + counts.kept >= offered && nothing_to_do
            } else {
                counts.settled() >= offered
            }
        })
    }

    /// Whether this many spans are settled, and nothing that was made of them waits.
    pub(super) fn is_settled(&self, offered: u64) -> bool {
        let state = self.lock();
        state.counts.settled() >= offered && !state.busy
    }

    /// Waits until this many spans are settled or safe on disk.
    pub(super) fn wait_safe(&self, offered: u64, deadline: Instant) -> bool {
        self.wait_until(deadline, |state| {
            state.counts.settled() + state.counts.on_disk() >= offered
        })
    }

    /// Lets the destination's thread end: at once when nothing waits, else at the deadline.
    pub(super) fn close(&self, deadline: Instant) {
        self.lock().closing = Some(deadline);
        self.changed.notify_all();
    }

    /// Stops sending. What is left is the keeper's; without a keeper it is lost, and counted.
    pub(super) fn give_up(&self) -> u64 {
        let mut state = self.lock();
        state.given_up = true;
        state.flight = 0;
        let lost = match state.keeper {
            Keeper::Absent => state.abandon(),
            Keeper::Opening | Keeper::Present(_) => 0,
        };
        drop(state);
        self.changed.notify_all();
        self.overdue.notify_all();
        lost
    }

    /// Notes that the destination's thread has done its last.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
        self.overdue.notify_all();
    }

    /// Waits until the destination's thread has done its last.
    pub(super) fn wait_ended(&self, deadline: Instant) {
        self.wait_until(deadline, |state| state.ended);
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().ended
    }

    pub(super) fn is_closing(&self) -> bool {
        self.lock().closing.is_some()
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts
    }

    /// The spool, where there is one.
    pub(super) fn shelf(&self) -> Option<Arc<Shelf>> {
        match &self.lock().keeper {
            Keeper::Present(shelf) => Some(Arc::clone(shelf)),
            Keeper::Absent | Keeper::Opening => None,
        }
    }

    /// Announces a spool that is about to be opened.
    pub(super) fn expect_shelf(&self) {
        self.lock().keeper = Keeper::Opening;
    }

    /// Says what came of opening the spool.
    pub(super) fn shelf_opened(&self, shelf: Option<Arc<Shelf>>) {
        let mut state = self.lock();
        state.on_disk = shelf.is_some();
        state.keeper = shelf.map_or(Keeper::Absent, Keeper::Present);
        drop(state);
        self.changed.notify_all();
    }

    /// Notes that nothing is appended any more.
    pub(super) fn shelf_closed(&self, left: Left) {
        let mut state = self.lock();
        state.keeper = Keeper::Absent;
        state.left = Some(left);
        drop(state);
        self.changed.notify_all();
    }

    /// Looks what became of spans that were on disk when the spool was closed: another recorder delivers them.
    pub(super) fn look_after_left(&self) {
        self.look_after_kept();
        let left = {
            let state = self.lock();
            state.left.clone().filter(|_| state.counts.spooled > 0)
        };
        let Some(found) = left.and_then(|left| left.look().ok()) else {
            return;
        };
        let mut state = self.lock();
        let gone = state.counts.spooled.saturating_sub(found.waiting);
        state.counts.spooled -= gone;
        state.counts.settle_gone(gone, found);
    }

    /// As [`Self::look_after_left`], for what the destination had kept.
    fn look_after_kept(&self) {
        let left = {
            let state = self.lock();
            state.kept_left.clone()
        };
        let Some([spans, others]) = left else { return };
        if let (Ok(found), Ok(others)) = (spans.look(), others.look()) {
            let mut state = self.lock();
            state.busy = others.waiting > 0;
            let gone = state.counts.kept.saturating_sub(found.waiting);
            state.counts.kept -= gone;
            state.counts.settle_gone(gone, found);
        }
    }

    /// Has the courier look for what processes that ended have left.
    pub(super) fn look_around(&self) {
        let mut state = self.lock();
        state.on_disk |= matches!(state.keeper, Keeper::Present(_));
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until something has been here for too long, and gives the oldest of it to be appended; `None` once nothing
    /// more will come: the destination's thread may end before the last of what was logged is handed over.
    pub(super) fn wait_overdue(&self) -> Option<Vec<Arc<Chunk>>> {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let Some(front) = state.held.front() else {
                if state.ended && state.complete {
                    return None;
                }
                state.keeper_sleeps = true;
                state = self
                    .overdue
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                state.keeper_sleeps = false;
                continue;
            };
            let urgent = state.given_up || state.bytes > Self::APPEND_BYTES;
            let due = if urgent {
                now
            } else {
                front.since + Self::KEEP_AFTER
            };
            let due = state
                .append_not_before
                .map_or(due, |before| before.max(due));
            if due <= now {
                return Some(state.take_overdue());
            }
            state = self
                .overdue
                .wait_timeout(state, due - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Notes how many spans, from the first on, of those that were to be appended are safe. Gives the number of spans
    /// that are lost because there is no time to try again.
    pub(super) fn appended(&self, safe: u64, failed: bool) -> u64 {
        let mut state = self.lock();
        state.append_began = None;
        let gone = std::mem::take(&mut state.gone_meanwhile);
        state.mark_kept(safe.saturating_sub(gone));
        // A flight is settled as a whole; until all of it is in the spool, it stays here.
        if state.flight > 0
            && state
                .held
                .iter()
                .take(state.flight)
                .all(|held| held.left() == 0)
        {
            for _ in 0..std::mem::take(&mut state.flight) {
                state.keep_front();
            }
            state.flight_kept = true;
        }
        if state.flight == 0 {
            while state.held.front().is_some_and(|held| held.left() == 0) {
                state.keep_front();
            }
            state.keep_part_of_front();
        }
        state.on_disk = true;
        state.disk_hangs = false;
        state.appending = 0;
        state.append_not_before = failed.then(|| Instant::now() + Self::APPEND_AGAIN_AFTER);
        let lost = if failed && state.given_up {
            state.abandon()
        } else {
            0
        };
        drop(state);
        self.changed.notify_all();
        lost
    }

    fn wait_until(&self, deadline: Instant, done: impl Fn(&OutboxState) -> bool) -> bool {
        let mut state = self.lock();
        while !done(&state) {
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, deadline - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, OutboxState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
