//! ClickHouse's HTTP protocol, as far as a writer needs it.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;

use crate::export::http::{is_unreachable, percent_encoded, reason_of};
use crate::export::kestrel::retry_after;
use crate::settings::ClickHouseTarget;

/// Sends statements to one server. Cloning shares connections.
#[derive(Clone)]
pub(super) struct Http {
    agent: Agent,
    target: ClickHouseTarget,
    replica_settings: &'static [(&'static str, &'static str)],
}

/// What the server said to a statement it carried out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Rows written, where the server says.
    pub(super) written: Option<u64>,
    /// The answer itself.
    pub(super) text: String,
}

/// Why a statement was not carried out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed {
    /// Number of the server's exception.
    pub(super) code: Option<u32>,
    pub(super) unreachable: bool,
    pub(super) after: Option<Duration>,
    pub(super) reason: String,
}

impl Http {
    const MAX_ANSWER_BYTES: u64 = 1 << 20;

    pub(super) fn new(target: &ClickHouseTarget) -> Self {
        Self {
            agent: crate::export::agent(
                &target.url,
                target.timeout,
                target.certificates.as_deref(),
            ),
            target: target.clone(),
            replica_settings: target.tables().replica_settings(),
        }
    }

    /// Carries out a statement in the database.
    pub(super) fn run(&self, sql: &str, settings: &[(&str, &str)]) -> Result<Done, Failed> {
        let database = ("database", &*self.target.database);
        self.post(&[&[database], settings].concat(), sql.as_bytes())
    }

    /// Carries out a statement that does not need the database to exist.
    pub(super) fn run_on_server(&self, sql: &str) -> Result<Done, Failed> {
        self.post(&[], sql.as_bytes())
    }

    /// Carries out a statement whose data is the body.
    pub(super) fn insert(
        &self,
        sql: &str,
        settings: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Done, Failed> {
        let own = [("database", &*self.target.database), ("query", sql)];
        self.post(&[&own, settings].concat(), body)
    }

    fn post(&self, parameters: &[(&str, &str)], body: &[u8]) -> Result<Done, Failed> {
        // The summary is complete only when the server has finished before it answers.
        let mut url = format!("{}/?wait_end_of_query=1", self.target.url);
        for (name, value) in parameters.iter().chain(self.replica_settings) {
            url.extend(["&", name, "=", &percent_encoded(value)]);
        }
        let mut request = self.agent.post(url);
        if let Some(user) = &self.target.user {
            request = request.header("X-ClickHouse-User", user);
        }
        if let Some(password) = &self.target.password {
            request = request.header("X-ClickHouse-Key", password.expose());
        }
        let mut response = request.send(body).map_err(|error| Failed {
            code: None,
            unreachable: is_unreachable(&error),
            after: None,
            reason: reason_of(&error),
        })?;
        let text = response
            .body_mut()
            .with_config()
            .limit(Self::MAX_ANSWER_BYTES)
            .read_to_vec()
            .map(|body| String::from_utf8_lossy(&body).into_owned())
            .map_err(|error| Failed {
                code: None,
                unreachable: false,
                after: None,
                reason: format!("the answer ended early: {error}"),
            })?;
        let headers = response.headers();
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let code = header("X-ClickHouse-Exception-Code").and_then(|code| code.parse().ok());
        if response.status().is_success() && code.is_none() {
            return Ok(Done {
                written: header("X-ClickHouse-Summary").and_then(written_rows),
                text,
            });
        }
        Err(Failed {
            code: code.or_else(|| exception_code(&text)),
            unreachable: false,
            after: retry_after(headers),
            reason: format!("HTTP {}: {}", response.status().as_u16(), shortened(&text)),
        })
    }
}

fn written_rows(summary: &str) -> Option<u64> {
    let summary: Value = serde_json::from_str(summary).ok()?;
    summary["written_rows"].as_str()?.parse().ok()
}

fn exception_code(text: &str) -> Option<u32> {
    let (_, rest) = text.split_once("Code: ")?;
    let digits = rest.find(|character: char| !character.is_ascii_digit())?;
    rest[..digits].parse().ok()
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 300;
    text.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_is_read() {
        assert_eq!(written_rows(r#"{"written_rows":"12"}"#), Some(12));
        assert_eq!(written_rows("{}"), None);
        let code = exception_code("Code: 60. DB::Exception: Unknown table");
        assert_eq!(code, Some(60));
    }
}
