//! A bound on the bytes of requests that are in memory at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// More would be in memory than may be.
#[derive(Debug, thiserror::Error)]
#[error("too many bytes are waiting to be stored; try again in a moment")]
pub(crate) struct OverBudget;

/// The bytes that may be in memory at once, shared by all requests.
#[derive(Debug)]
pub(crate) struct ByteBudget {
    limit: usize,
    used: AtomicUsize,
}

impl ByteBudget {
    /// A budget of `limit` bytes.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
        })
    }

    /// Bytes in memory now.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// Begins a request that holds nothing yet.
    pub(crate) fn open(self: &Arc<Self>) -> Charge {
        Charge {
            budget: Arc::clone(self),
            bytes: 0,
        }
    }
}

/// What one request holds of the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: Arc<ByteBudget>,
    bytes: usize,
}

impl Charge {
    /// Takes `bytes` more.
    ///
    /// # Errors
    /// When the budget is spent; nothing is taken then.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), OverBudget> {
        let used = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        if used.saturating_add(bytes) > self.budget.limit {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
            return Err(OverBudget);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Gives everything back.
    pub(crate) fn clear(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_request_holds_another_cannot_have_until_it_is_dropped() {
        let budget = ByteBudget::new(10);
        let mut first = budget.open();
        first.grow(8).unwrap();
        let mut second = budget.open();
        assert!(second.grow(3).is_err());
        second.grow(2).unwrap();
        drop(first);
        second.grow(8).unwrap();
        assert_eq!(budget.used(), 10);
        drop(second);
        assert_eq!(budget.used(), 0);
    }
}
