//! Time and order: nanoseconds that never repeat, and the sequence numbers of what was logged.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Hands out moments and sequence numbers; each is handed out once per process.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    last_nanos: AtomicI64,
    sequence: AtomicU64,
}

impl Clock {
    /// Nanoseconds since 1970, greater than any handed out before, even where the system's clock steps back.
    pub(crate) fn tick(&self) -> i64 {
        let now = system_nanos();
        let mut last = self.last_nanos.load(Ordering::Relaxed);
        loop {
            let next = now.max(last + 1);
            match self.last_nanos.compare_exchange_weak(
                last,
                next,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return next,
                Err(newer) => last = newer,
            }
        }
    }

    /// The next place in the order of logging, from 1.
    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }
}

fn system_nanos() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_nanos()).unwrap_or(i64::MAX),
    }
}

/// The moment as the OpenTelemetry SDK wants it.
pub(crate) fn system_time_from_nanos(nanos: i64) -> SystemTime {
    let distance = Duration::from_nanos(nanos.unsigned_abs());
    if nanos >= 0 {
        UNIX_EPOCH + distance
    } else {
        UNIX_EPOCH.checked_sub(distance).unwrap_or(UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_strictly_increase() {
        let clock = Clock::default();
        let moments: Vec<i64> = (0..1000).map(|_| clock.tick()).collect();
        assert!(moments.is_sorted_by(|earlier, later| earlier < later));
    }

    #[test]
    fn moments_before_1970_survive() {
        let before = system_time_from_nanos(-1);
        assert_eq!(
            UNIX_EPOCH.duration_since(before).unwrap(),
            Duration::from_nanos(1)
        );
    }
}
