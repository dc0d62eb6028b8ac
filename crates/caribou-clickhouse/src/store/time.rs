//! RFC 3339 with nanoseconds, to and from nanoseconds since 1970.

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Writes a time as RFC 3339 in UTC with nine decimals.
///
/// ```
/// use caribou_clickhouse::rfc3339_from_unix_nanos;
///
/// assert_eq!(rfc3339_from_unix_nanos(1), "1970-01-01T00:00:00.000000001Z");
/// ```
pub fn rfc3339_from_unix_nanos(nanos: i64) -> String {
    let seconds = nanos.div_euclid(NANOS_PER_SECOND);
    let fraction = nanos.rem_euclid(NANOS_PER_SECOND);
    let (year, month, day) = civil_from_days(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:09}Z")
}

/// Reads RFC 3339, or a date alone as its first moment in UTC; `None` for anything else and for years that
/// nanoseconds in 64 bits do not reach.
///
/// ```
/// use caribou_clickhouse::unix_nanos_from_rfc3339;
///
/// assert_eq!(unix_nanos_from_rfc3339("1970-01-01T01:00:00+01:00"), Some(0));
/// assert_eq!(unix_nanos_from_rfc3339("1970-01-02"), Some(86_400_000_000_000));
/// assert_eq!(unix_nanos_from_rfc3339("yesterday"), None);
/// ```
pub fn unix_nanos_from_rfc3339(text: &str) -> Option<i64> {
    let date = text.get(..10)?;
    let days = days_from_date(date)?;
    let (clock, offset) = match text.get(10..)? {
        "" => ("00:00:00", 0),
        rest => split_offset(rest.strip_prefix(['T', 't', ' '])?)?,
    };
    let (seconds, fraction) = seconds_from_clock(clock)?;
    days.checked_mul(SECONDS_PER_DAY)?
        .checked_add(seconds - offset)?
        .checked_mul(NANOS_PER_SECOND)?
        .checked_add(fraction)
}

fn days_from_date(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let year: i64 = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    let days = days_from_civil(year, month, day);
    // A day that does not exist comes back as another one.
    (civil_from_days(days) == (year, month, day)).then_some(days)
}

fn split_offset(clock: &str) -> Option<(&str, i64)> {
    if let Some(utc) = clock.strip_suffix(['Z', 'z']) {
        return Some((utc, 0));
    }
    let sign_at = clock.rfind(['+', '-'])?;
    let (clock, offset) = clock.split_at(sign_at);
    let (hours, minutes) = offset[1..].split_once(':')?;
    let seconds = digits(hours, 2)? * 3600 + digits(minutes, 2)? * 60;
    Some((
        clock,
        if offset.starts_with('-') {
            -seconds
        } else {
            seconds
        },
    ))
}

fn seconds_from_clock(clock: &str) -> Option<(i64, i64)> {
    let (whole, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut parts = whole.split(':');
    let hour = digits(parts.next()?, 2).filter(|&hour| hour < 24)?;
    let minute = digits(parts.next()?, 2).filter(|&minute| minute < 60)?;
    let second = digits(parts.next()?, 2).filter(|&second| second <= 60)?;
    let fraction = match fraction {
        "" => 0,
        _ if fraction.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{fraction:0<9}").get(..9)?.parse().ok()?
        }
        _ => return None,
    };
    parts
        .next()
        .is_none()
        .then_some((hour * 3600 + minute * 60 + second, fraction))
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

// Howard Hinnant's algorithms: https://howardhinnant.github.io/date_algorithms.html
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos in any::<i64>()) {
            prop_assert_eq!(unix_nanos_from_rfc3339(&rfc3339_from_unix_nanos(nanos)), Some(nanos));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") {
            unix_nanos_from_rfc3339(&text);
        }
    }

    #[test]
    fn times_are_read_with_any_offset_and_fraction() {
        let read = unix_nanos_from_rfc3339;
        assert_eq!(
            read("2026-11-21T00:41:19Z"),
            Some(1_795_221_679_000_000_000)
        );
        assert_eq!(
            read("2026-11-21T01:41:19.5+01:00"),
            Some(1_795_221_679_500_000_000)
        );
        assert_eq!(read("2026-02-30T00:00:00Z"), None);
        assert_eq!(read("2026-11-21T25:00:00Z"), None);
        assert_eq!(read("2026-11-21T01:00:00"), None);
        assert_eq!(read("9999-01-01"), None);
    }
}
