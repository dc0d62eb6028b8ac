//! Errors as ClickHouse tells them: a number, a text, and a status of HTTP that follows from the number.

use crate::sql::SqlError;

/// Numbers that we raise ourselves.
pub(super) mod code {
    pub(in crate::child) const CANNOT_READ_ALL_DATA: i32 = 33;
    pub(in crate::child) const BAD_ARGUMENTS: i32 = 36;
    pub(in crate::child) const NOT_IMPLEMENTED: i32 = 48;
    pub(in crate::child) const SYNTAX_ERROR: i32 = 62;
    pub(in crate::child) const UNKNOWN_SETTING: i32 = 115;
    pub(in crate::child) const READONLY: i32 = 164;
    pub(in crate::child) const QUERY_IS_TOO_LARGE: i32 = 229;
    pub(in crate::child) const SESSION_NOT_FOUND: i32 = 372;
    pub(in crate::child) const SESSION_IS_LOCKED: i32 = 373;
    pub(in crate::child) const INVALID_SESSION_TIMEOUT: i32 = 374;
    pub(in crate::child) const ACCESS_DENIED: i32 = 497;
    pub(in crate::child) const UNKNOWN_ROLE: i32 = 511;
    pub(in crate::child) const AUTHENTICATION_FAILED: i32 = 516;
    pub(in crate::child) const TOO_LARGE_RESULT: i32 = 396;
    pub(in crate::child) const INCORRECT_DATA: i32 = 117;
    pub(in crate::child) const UNKNOWN_EXCEPTION: i32 = 1002;
}

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub(super) struct ServerError {
    pub(super) code: i32,
    /// The whole text, as ClickHouse writes it.
    pub(super) text: String,
}

impl ServerError {
    /// An error that the server finds itself. `name` is ClickHouse's name of the number.
    pub(super) fn new(code: i32, name: &str, message: &str) -> Self {
        Self {
            code,
            text: format!("Code: {code}. DB::Exception: {message}. ({name})"),
        }
    }

    /// An error in the engine's words.
    pub(super) fn engine(message: &str) -> Self {
        let Some(code) = leading_code(message) else {
            return Self::new(
                code::UNKNOWN_EXCEPTION,
                "UNKNOWN_EXCEPTION",
                message.trim_end_matches('.'),
            );
        };
        // The engine's client puts its own prefix before the one that is there already, sometimes twice.
        let prefix = format!("Code: {code}. DB::Exception: ");
        let mut text = message;
        while let Some(rest) = text
            .strip_prefix(&prefix)
            .filter(|rest| rest.starts_with(&prefix))
        {
            text = rest;
        }
        Self {
            code,
            text: text.to_owned(),
        }
    }

    pub(super) fn bad_arguments(message: &str) -> Self {
        Self::new(code::BAD_ARGUMENTS, "BAD_ARGUMENTS", message)
    }

    /// The status of HTTP that goes with the number, as ClickHouse assigns them.
    pub(super) fn status(&self) -> u16 {
        match self.code {
            194 => 401,
            192 | 193 | 512 | 516 => 403,
            6
            | 8
            | 15
            | 25..=27
            | 36..=38
            | 41
            | 44
            | 53
            | 62
            | 72
            | 117
            | 123
            | 167
            | 168
            | 223
            | 321
            | 376
            | 427
            | 441
            | 675
            | 676 => 400,
            46 | 47 | 50 | 56 | 60 | 63 | 73 | 78 | 81 | 115 | 152 | 336 | 511 => 404,
            48 => 501,
            76 | 209 | 439 => 503,
            159 => 408,
            229 => 413,
            _ => 500,
        }
    }
}

impl From<SqlError> for ServerError {
    fn from(error: SqlError) -> Self {
        Self::new(code::SYNTAX_ERROR, "SYNTAX_ERROR", &error.to_string())
    }
}

fn leading_code(message: &str) -> Option<i32> {
    let rest = message
        .strip_prefix("Code: ")
        .or_else(|| message.strip_prefix("Error: Code: "))?;
    rest.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_and_status_of_an_engine_error_are_found() {
        let error = ServerError::engine(
            "Code: 60. DB::Exception: Table a.b does not exist. (UNKNOWN_TABLE)",
        );
        assert_eq!((error.code, error.status()), (60, 404));
        let odd = ServerError::engine("Invalid or closed connection");
        assert_eq!((odd.code, odd.status()), (1002, 500));
    }

    #[test]
    fn a_repeated_prefix_is_told_once() {
        let error = ServerError::engine(
            "Code: 241. DB::Exception: Code: 241. DB::Exception: full. (MEMORY_LIMIT_EXCEEDED)",
        );
        assert_eq!(
            error.text,
            "Code: 241. DB::Exception: full. (MEMORY_LIMIT_EXCEEDED)"
        );
    }
}
