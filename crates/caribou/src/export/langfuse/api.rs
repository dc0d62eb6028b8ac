//! Langfuse's HTTP API, as far as it is written to.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use caribou_otlp::encode::Envelope;
use serde_json::{Value, json};
use ureq::Agent;

use crate::export::destination::Outcome;
use crate::export::http::reason_of;
use crate::export::kestrel::{compressed, message, retry_after};
use crate::settings::LangfuseTarget;

/// Sends to one project of one Langfuse.
pub(super) struct Api {
    agent: Agent,
    host: String,
    authorization: String,
}

/// What Langfuse said to one request.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    /// It has it; the body where that matters.
    Taken(Value),
    /// It will never take this, but may take a part of it.
    Bad(String),
    /// It takes nothing of this.
    Refused(String),
    /// It has no such route.
    NoRoute,
    /// It may take it later.
    Later(Later),
}

/// When to try again, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Later {
    pub(super) after: Option<Duration>,
    pub(super) unreachable: bool,
    pub(super) reason: String,
}

impl From<Later> for Outcome {
    fn from(later: Later) -> Self {
        Self::Later {
            after: later.after,
            unreachable: later.unreachable,
            reason: later.reason,
        }
    }
}

impl Api {
    const MAX_ANSWER_BYTES: u64 = 4 << 20;
    /// Wrong keys and a used-up plan do not change within seconds, but they do change.
    const AFTER_DENIAL: Duration = Duration::from_secs(30);
    /// The body says what became of each.
    const MULTI_STATUS: u16 = 207;

    pub(super) fn new(target: &LangfuseTarget) -> Self {
        let keys = format!("{}:{}", target.public_key, target.secret_key.expose());
        Self {
            agent: crate::export::agent(
                &target.host,
                target.timeout,
                target.certificates.as_deref(),
            ),
            host: target.host.clone(),
            authorization: format!("Basic {}", BASE64_STANDARD.encode(keys)),
        }
    }

    /// Sends encoded observations.
    pub(super) fn send_spans(&self, envelope: &Envelope, spans: &[&[u8]]) -> Answer {
        let body = match compressed(&envelope.request(spans)) {
            Ok(body) => body,
            Err(error) => return Answer::Bad(error.to_string()),
        };
        let request = self
            .agent
            .post(format!("{}/api/public/otel/v1/traces", self.host))
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/x-protobuf")
            .header("Content-Encoding", "gzip")
            .header("x-langfuse-ingestion-version", "4")
            .header("x-langfuse-sdk-name", "caribou")
            .header("x-langfuse-sdk-version", env!("CARGO_PKG_VERSION"));
        Self::answer(request.send(&body[..]))
    }

    /// Sends scores in one request, by the route that is not limited to a few a minute.
    pub(super) fn send_scores(&self, scores: &[Value]) -> Answer {
        let batch: Vec<Value> = scores
            .iter()
            .map(|score| {
                json!({
                    "id": score["id"],
                    "type": "score-create",
                    "timestamp": score["timestamp"],
                    "body": score,
                })
            })
            .collect();
        let body = json!({"batch": batch, "metadata": {"sdk_name": "caribou"}});
        self.send_json("/api/public/ingestion", &body)
    }

    /// Sends one score by its own route.
    pub(super) fn send_score(&self, score: &Value) -> Answer {
        self.send_json("/api/public/scores", score)
    }

    fn send_json(&self, path: &str, body: &Value) -> Answer {
        let request = self
            .agent
            .post(format!("{}{path}", self.host))
            .header("Authorization", &self.authorization)
            .header("Content-Type", "application/json");
        Self::answer(request.send(body.to_string()))
    }

    fn answer(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
        let mut response = match response {
            Ok(response) => response,
            Err(error) => return Answer::Later(later_from_error(&error)),
        };
        let status = response.status().as_u16();
        let after = retry_after(response.headers());
        let body = response
            .body_mut()
            .with_config()
            .limit(Self::MAX_ANSWER_BYTES)
            .read_to_vec();
        match body {
            Err(error) if status == Self::MULTI_STATUS => Answer::Later(later_from_error(&error)),
            // The status says it all, and spans that were taken must not be sent again.
            body => answer_from_status(status, after, &body.unwrap_or_default()),
        }
    }
}

fn later_from_error(error: &ureq::Error) -> Later {
    let unreachable = match error {
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => true,
        ureq::Error::Io(io) => io.kind() == std::io::ErrorKind::ConnectionRefused,
        _ => false,
    };
    Later {
        after: None,
        unreachable,
        reason: reason_of(error),
    }
}

fn answer_from_status(status: u16, after: Option<Duration>, body: &[u8]) -> Answer {
    let reason = || format!("HTTP {status}: {}", message(body));
    let later = |after| {
        Answer::Later(Later {
            after,
            unreachable: false,
            reason: reason(),
        })
    };
    match status {
        200..=299 => Answer::Taken(serde_json::from_slice(body).unwrap_or_default()),
        401 | 403 => later(Some(Api::AFTER_DENIAL)),
        408 | 429 | 500..=599 => later(after),
        404 | 405 | 410 => Answer::NoRoute,
        _ => Answer::Bad(reason()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_succeed_is_tried_again() {
        for status in [401, 403, 408, 429, 500, 503] {
            let answer = answer_from_status(status, None, b"");
            assert!(matches!(answer, Answer::Later(_)), "{status}");
        }
        for status in [400, 413, 422] {
            let answer = answer_from_status(status, None, b"");
            assert!(matches!(answer, Answer::Bad(_)), "{status}");
        }
        let wait = Some(Duration::from_secs(7));
        let Answer::Later(later) = answer_from_status(429, wait, b"slow down") else {
            panic!("429 is retried");
        };
        assert_eq!((later.after, &*later.reason), (wait, "HTTP 429: slow down"));
    }
}
