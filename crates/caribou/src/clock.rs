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

/// A moment as RFC 3339 in UTC with nanoseconds.
pub(crate) fn rfc3339_from_unix_nanos(nanos: i64) -> String {
    const NANOS: i64 = 1_000_000_000;
    const DAY: i64 = 86_400;
    let (seconds, fraction) = (nanos.div_euclid(NANOS), nanos.rem_euclid(NANOS));
    let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Howard Hinnant's civil_from_days: years begin in March, so that a leap day is the last of its year.
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z")
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
    #[test]
    fn moments_are_written_as_rfc_3339() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (1_709_210_096, "2024-02-29T12:34:56.000000000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(rfc3339_from_unix_nanos(seconds * 1_000_000_000), text);
        }
        assert_eq!(
            rfc3339_from_unix_nanos(-1),
            "1969-12-31T23:59:59.999999999Z"
        );
    }
}
