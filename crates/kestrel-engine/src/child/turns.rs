//! A bounded number of statements at a time.

use std::sync::{Condvar, Mutex, PoisonError};

/// Turns to run a statement.
pub(super) struct Turns {
    free: Mutex<usize>,
    freed: Condvar,
}

/// The right to run one statement, given back when dropped.
pub(super) struct Turn<'t> {
    turns: &'t Turns,
}

impl Turns {
    pub(super) fn new(count: usize) -> Self {
        Self {
            free: Mutex::new(count),
            freed: Condvar::new(),
        }
    }

    pub(super) fn wait(&self) -> Turn<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Turn { turns: self }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self
            .turns
            .free
            .lock()
            .unwrap_or_else(PoisonError::into_inner) += 1;
        self.turns.freed.notify_one();
    }
}
