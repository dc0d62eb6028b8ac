//! Reading single settings: from a variable, as the type they are to have.

use std::net::SocketAddr;
use std::str::FromStr;

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// A variable holds something else than it must.
    #[error("{variable} must be {expected}, not {value:?}")]
    Invalid {
        /// Name of the variable.
        variable: &'static str,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        value: String,
    },
    /// A listener would be reachable from other machines.
    #[error(
        "cannot listen on {address}: as long as there are no API keys, Kestrel serves this machine only; \
         use 127.0.0.1:{port} and reach it from elsewhere through an SSH tunnel",
        port = address.port()
    )]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
}

/// Reads one environment variable; `None` where it is not set.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable set to nothing counts as not set, as shells and compose files leave it.
pub(super) fn given(environment: Environment<'_>, variable: &str) -> Option<String> {
    environment(variable).filter(|value| !value.is_empty())
}

pub(super) fn parse<T: FromStr>(
    environment: Environment<'_>,
    variable: &'static str,
    expected: &'static str,
) -> Result<Option<T>, SettingsError> {
    let Some(value) = given(environment, variable) else {
        return Ok(None);
    };
    match value.parse() {
        Ok(parsed) => Ok(Some(parsed)),
        Err(_) => Err(SettingsError::Invalid {
            variable,
            expected,
            value,
        }),
    }
}

/// The address, if only this machine can reach it.
pub(super) fn loopback(address: SocketAddr) -> Result<SocketAddr, SettingsError> {
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(SettingsError::NotLoopback { address })
    }
}
