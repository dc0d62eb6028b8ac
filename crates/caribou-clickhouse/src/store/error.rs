//! What can go wrong with the store, by what a caller can do about it.

use std::error::Error as StdError;

/// A result of the store.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

type Source = Box<dyn StdError + Send + Sync>;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be reached or is overloaded; the same request may succeed later.
    #[error("the store cannot be reached or is overloaded; try again")]
    Unavailable(#[source] Source),
    /// It stopped the query at a limit of time or memory.
    #[error("the query took too much time or memory; narrow it down")]
    LimitExceeded(#[source] Source),
    /// It refused the request for good: repeating it changes nothing.
    #[error("the store refused the request")]
    Refused(#[source] Source),
    /// It acknowledged another number of rows than were sent; the insert must be repeated.
    #[error("the store wrote {written} of {sent} rows")]
    RowsMissing {
        /// Rows in the insert.
        sent: u64,
        /// Rows it reported as written.
        written: u64,
    },
    /// The caller's cursor, sort or filter makes no sense.
    #[error("{0}")]
    InvalidQuery(String),
    /// The tables were made by another version of this program.
    #[error("the database is at schema version {found}, newer than {known}; use a newer kestrel")]
    NewerSchema {
        /// Version of the tables.
        found: u32,
        /// Latest version this program knows.
        known: u32,
    },
    /// An answer did not have the shape it must have.
    #[error("the store answered with something unexpected")]
    Answer(#[source] Source),
}

impl StoreError {
    /// True where the same request may succeed later.
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::RowsMissing { .. })
    }
}

/// Server error codes that pass by themselves: timeouts, too many queries, memory, network, parts, read-only replicas.
const PASSING_CODES: [u32; 17] = [
    3, 32, 202, 203, 209, 210, 236, 242, 243, 252, 279, 319, 373, 394, 415, 425, 999,
];
/// Disk full: passes when somebody makes room, and the rows must not be given up until then.
const NOT_ENOUGH_SPACE: u32 = 243;
const LIMIT_CODES: [u32; 5] = [158, 159, 241, 307, 396];

/// Sorts an error of the server by its text, which starts with `Code: N.`.
pub(crate) fn error_from_server(status: Option<u16>, text: String, inserting: bool) -> StoreError {
    let code = exception_code(&text);
    let source: Source = text.into();
    match code {
        Some(code) if PASSING_CODES.contains(&code) || code == NOT_ENOUGH_SPACE => {
            StoreError::Unavailable(source)
        }
        // An insert is stopped by what else runs at the moment, not by what it is.
        Some(code) if LIMIT_CODES.contains(&code) && inserting => StoreError::Unavailable(source),
        Some(code) if LIMIT_CODES.contains(&code) => StoreError::LimitExceeded(source),
        // Without a code it is not ClickHouse that answers, but what stands before it.
        None if status.is_none_or(|status| status == 429 || status >= 500) => {
            StoreError::Unavailable(source)
        }
        Some(_) | None => StoreError::Refused(source),
    }
}

fn exception_code(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Code: ")?;
    let digits = rest.find(|character: char| !character.is_ascii_digit())?;
    rest[..digits].parse().ok()
}

impl From<clickhouse::error::Error> for StoreError {
    fn from(error: clickhouse::error::Error) -> Self {
        use clickhouse::error::Error;
        match error {
            Error::BadResponse(text) => error_from_server(Some(500), text, false),
            Error::Network(_) | Error::TimedOut => Self::Unavailable(Box::new(error)),
            Error::InvalidParams(_) => Self::Refused(Box::new(error)),
            other => Self::Answer(Box::new(other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_sorted_by_what_can_be_done() {
        let sorted = |text: &str| error_from_server(Some(500), text.to_owned(), false);
        let full = sorted("Code: 243. DB::Exception: Cannot reserve 1.00 MiB, not enough space");
        assert!(full.is_retryable());
        let slow = sorted("Code: 159. DB::Exception: Timeout exceeded");
        assert!(matches!(slow, StoreError::LimitExceeded(_)));
        let wrong = sorted("Code: 62. DB::Exception: Syntax error");
        assert!(!wrong.is_retryable());
        let busy = error_from_server(Some(503), "busy".to_owned(), false);
        assert!(busy.is_retryable());
        let gateway = error_from_server(Some(500), "oops".to_owned(), true);
        assert!(gateway.is_retryable());
        let memory = error_from_server(Some(500), "Code: 241. DB::Exception: x".to_owned(), true);
        assert!(memory.is_retryable());
    }
}
