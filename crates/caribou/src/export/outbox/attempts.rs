//! Attempts to deliver, and those who wait for the next one.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::Outbox;
use super::state::OutboxState;

/// Why a wait for the next attempt ended.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::export) enum Waited {
    /// The time was over, or somebody is in a hurry.
    TryAgain,
    /// No more attempt may be made.
    GiveUp,
}

impl Outbox {
    /// Notes that an attempt begins: who is in a hurry from now on waits for the next one.
    pub(in crate::export) fn begin_attempt(&self) {
        let mut state = self.lock();
        state.hurries_heard = state.hurries;
    }

    /// Waits before the next attempt. A hurry since the last one began ends the wait unless the destination itself asked
    /// for it.
    pub(in crate::export) fn wait_to_retry(&self, delay: Duration, asked_for: bool) -> Waited {
        let deadline = Instant::now() + delay;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let end = state
                .closing
                .map_or(deadline, |closing| closing.min(deadline));
            if state.closing.is_some_and(|closing| closing <= now) {
                return Waited::GiveUp;
            }
            // A destination that asks for longer than there is time is not waited for.
            if asked_for && end < deadline {
                return Waited::GiveUp;
            }
            if now >= end || (state.hurries != state.hurries_heard && !asked_for) {
                state.hurries_heard = state.hurries;
                return Waited::TryAgain;
            }
            state = self
                .changed
                .wait_timeout(state, end - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits before the next attempt to open the spool, at most until somebody is in a hurry; false once the destination's
    /// thread has ended.
    pub(in crate::export) fn wait_to_open_again(&self, delay: Duration) -> bool {
        let hurries = self.lock().hurries;
        let is_over = |state: &OutboxState| state.ended || state.hurries != hurries;
        self.wait_until(Instant::now() + delay, is_over);
        !self.is_over()
    }

    /// Notes that the attempt found nobody at the destination's address.
    pub(in crate::export) fn missed(&self) {
        let mut state = self.lock();
        state.hurries_missed = state.hurries_heard;
        drop(state);
        self.changed.notify_all();
    }

    /// Ends a wait for the next attempt; gives the number of this call, which an attempt hears that begins later.
    pub(in crate::export) fn hurry(&self) -> u64 {
        let mut state = self.lock();
        state.hurries += 1;
        let hurry = state.hurries;
        drop(state);
        self.changed.notify_all();
        hurry
    }

    /// Whether everything that is not settled is on disk, and an attempt that began after a hurry found nobody at the
    /// destination's address.
    pub(in crate::export) fn is_left_to_disk(&self, offered: u64, hurry: u64) -> bool {
        let state = self.lock();
        state.counts.settled() + state.counts.on_disk() >= offered
            && (state.hurries_missed >= hurry || state.ended)
    }
}
