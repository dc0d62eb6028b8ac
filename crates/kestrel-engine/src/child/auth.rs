//! Who may ask: the one user with the one password.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::error::{ServerError, code};
use crate::USER;
use crate::http::head::Head;

/// Checks the credentials of a request, which come in one of ClickHouse's three ways.
pub(super) fn check(head: &Head, password: &str) -> Result<(), ServerError> {
    let (user, given) = credentials(head)?;
    let user = if user.is_empty() { "default" } else { &user };
    // Both are compared in full, so that the time says nothing about either.
    if same(user, USER) & same(&given, password) {
        return Ok(());
    }
    let message = format!(
        "{user}: Authentication failed: password is incorrect, or there is no user with such name"
    );
    Err(ServerError::new(
        code::AUTHENTICATION_FAILED,
        "AUTHENTICATION_FAILED",
        &message,
    ))
}

fn credentials(head: &Head) -> Result<(String, String), ServerError> {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let headers = (
        head.header("x-clickhouse-user"),
        head.header("x-clickhouse-key"),
    );
    if headers.0.is_some() || headers.1.is_some() {
        return Ok((owned(headers.0), owned(headers.1)));
    }
    if let Some(authorization) = head.header("authorization") {
        return basic(authorization).ok_or_else(|| {
            let message = "the Authorization header is not of the scheme Basic";
            ServerError::new(
                code::AUTHENTICATION_FAILED,
                "AUTHENTICATION_FAILED",
                message,
            )
        });
    }
    Ok((owned(head.param("user")), owned(head.param("password"))))
}

fn basic(authorization: &str) -> Option<(String, String)> {
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(BASE64_STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Compares in a time that depends on the lengths alone.
fn same(given: &str, expected: &str) -> bool {
    let differing = given
        .bytes()
        .zip(expected.bytes())
        .fold(0, |sum, (one, other)| sum | (one ^ other));
    given.len() == expected.len() && differing == 0
}
