//! How long to wait before the next attempt.

use std::time::Duration;

/// Delays that double up to half a minute, with jitter so that many senders do not return at the same moment.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(30);

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// The delay after one more failure: between half and all of the doubled time.
    pub(super) fn next_delay(&mut self, random: u64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures += 1;
        let full = Self::FIRST
            .saturating_mul(1 << doublings)
            .min(Self::LONGEST);
        let share = u32::try_from(random % 1024).unwrap_or_default();
        full / 2 + full / 2 * share / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_with_jitter_up_to_a_limit() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next_delay(0), Duration::from_millis(50));
        assert_eq!(backoff.next_delay(0), Duration::from_millis(100));
        let third = backoff.next_delay(1023);
        assert!(third > Duration::from_millis(200) && third <= Duration::from_millis(400));
        for _ in 0..40 {
            assert!(backoff.next_delay(u64::MAX) <= Backoff::LONGEST);
        }
        backoff.reset();
        assert_eq!(backoff.next_delay(0), Duration::from_millis(50));
    }
}
