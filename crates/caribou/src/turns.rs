//! Turn counters by rollout, so that a later segment in the same process goes on where an earlier one stopped.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use caribou_model::TurnCounter;
use opentelemetry::trace::TraceId;

pub(crate) type SharedTurns = Arc<Mutex<TurnCounter>>;

/// Remembers the counters of the most recent rollouts, and of every open one.
#[derive(Debug, Default)]
pub(crate) struct TurnRegistry(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    counters: HashMap<TraceId, SharedTurns>,
    oldest_first: VecDeque<TraceId>,
}

impl TurnRegistry {
    const REMEMBERED: usize = 10_000;

    /// The counter of a rollout, shared by all its segments and tasks.
    pub(crate) fn counter(&self, trace_id: TraceId) -> SharedTurns {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counter) = known.counters.get(&trace_id) {
            return Arc::clone(counter);
        }
        known.forget_oldest();
        let counter = SharedTurns::default();
        known.counters.insert(trace_id, Arc::clone(&counter));
        known.oldest_first.push_back(trace_id);
        counter
    }
}

impl Known {
    fn forget_oldest(&mut self) {
        let excess = self
            .oldest_first
            .len()
            .saturating_sub(TurnRegistry::REMEMBERED - 1);
        // One look at each of the oldest few: an open one is put back and looked at again later.
        for _ in 0..excess.min(8) {
            let Some(oldest) = self.oldest_first.pop_front() else {
                return;
            };
            let in_use = self
                .counters
                .get(&oldest)
                .is_some_and(|counter| Arc::strong_count(counter) > 1);
            if in_use {
                self.oldest_first.push_back(oldest);
            } else {
                self.counters.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_keeps_its_counter_while_open_and_memory_is_bounded() {
        let registry = TurnRegistry::default();
        let open = registry.counter(TraceId::from(1));
        open.lock().unwrap().increment_turn();
        for id in 2..30_000_u128 {
            registry.counter(TraceId::from(id));
        }
        assert!(Arc::ptr_eq(&open, &registry.counter(TraceId::from(1))));
        let known = registry.0.lock().unwrap();
        assert!(known.counters.len() <= TurnRegistry::REMEMBERED + 1);
    }
}
