//! The client of Kestrel's own API: registration of what rollouts belong to.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use caribou_model::api::{ErrorBody, NewProject, Project};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ureq::Agent;

use crate::export::agent;
use crate::settings::KestrelTarget;

/// Speaks with Kestrel's API; get one with [`crate::Recorder::kestrel_client`].
///
/// Every call blocks until it is answered or its time is over.
#[derive(Debug)]
pub struct KestrelClient {
    target: KestrelTarget,
    agent: Agent,
    /// When the local default was last asked whether it is there, and what came of it.
    probed: Mutex<Option<(Instant, bool)>>,
}

/// A call that Kestrel did not answer as hoped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} failed{}: {message}", status.map(|status| format!(" with HTTP {status}")).unwrap_or_default())]
pub struct KestrelError {
    /// The call.
    pub call: String,
    /// Status of the answer; `None` where none came.
    pub status: Option<u16>,
    /// What the server said, or what went wrong on the way.
    pub message: String,
}

impl KestrelClient {
    const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
    const PROBE_TIMEOUT: Duration = Duration::from_millis(200);
    /// A server that was not there may have been started since.
    const PROBE_AGAIN_AFTER: Duration = Duration::from_secs(5);
    const ATTEMPTS: u32 = 4;
    const LONGEST_WAIT: Duration = Duration::from_secs(5);

    pub(crate) fn new(target: KestrelTarget) -> Self {
        let agent = agent(
            &target.url,
            Self::REQUEST_TIMEOUT,
            target.certificates.as_deref(),
        );
        Self {
            target,
            agent,
            probed: Mutex::default(),
        }
    }

    /// Where it sends its calls.
    pub fn url(&self) -> &str {
        &self.target.url
    }

    pub(crate) fn serves(&self, target: &KestrelTarget) -> bool {
        self.target == *target
    }

    /// Whether there is a Kestrel to call: one was named, or the local default answers within 200 ms.
    pub fn enabled(&self) -> bool {
        if self.target.named {
            return true;
        }
        let mut probed = self.probed.lock().unwrap_or_else(PoisonError::into_inner);
        match *probed {
            Some((_, true)) => true,
            Some((at, false)) if at.elapsed() < Self::PROBE_AGAIN_AFTER => false,
            _ => {
                let answers = self
                    .agent
                    .get(format!("{}/healthz", self.target.url))
                    .config()
                    .timeout_global(Some(Self::PROBE_TIMEOUT))
                    .build()
                    .call()
                    .is_ok_and(|answer| answer.status().is_success());
                *probed = Some((Instant::now(), answers));
                answers
            }
        }
    }

    /// Registers a project, or finds it where it is registered already.
    ///
    /// # Errors
    /// When Kestrel refuses, or does not answer after several attempts.
    pub fn get_or_create_project(&self, name: &str) -> Result<Project, KestrelError> {
        let project = NewProject {
            name: name.to_owned(),
        };
        self.post("get_or_create_project", "/api/v1/projects", &project)
    }

    /// Posts until there is an answer that more attempts cannot better; every call of the API may be repeated.
    fn post<T: DeserializeOwned>(
        &self,
        call: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, KestrelError> {
        let failed = |status, message| KestrelError {
            call: call.to_owned(),
            status,
            message,
        };
        let body = serde_json::to_vec(body).map_err(|error| failed(None, error.to_string()))?;
        let mut attempt = 1;
        loop {
            let (error, wait) = match self.post_once(path, &body) {
                Attempt::Answered(answer) => {
                    return serde_json::from_slice(&answer).map_err(|error| {
                        failed(None, format!("the answer is not understood: {error}"))
                    });
                }
                Attempt::Failed(status, message) => return Err(failed(status, message)),
                Attempt::Later(status, message, wait) => (failed(status, message), wait),
            };
            if attempt >= Self::ATTEMPTS {
                return Err(error);
            }
            let backoff = Duration::from_millis(100) * 2_u32.pow(attempt);
            std::thread::sleep(wait.unwrap_or(backoff).min(Self::LONGEST_WAIT));
            attempt += 1;
        }
    }

    fn post_once(&self, path: &str, body: &[u8]) -> Attempt {
        let mut request = self
            .agent
            .post(format!("{}{path}", self.target.url))
            .header("Content-Type", "application/json");
        if let Some(key) = &self.target.api_key {
            request = request.header("Authorization", format!("Bearer {}", key.expose()));
        }
        let mut answer = match request.send(body) {
            Ok(answer) => answer,
            Err(error) => return Attempt::Later(None, error.to_string(), None),
        };
        let status = answer.status();
        let wait = answer
            .headers()
            .get("retry-after")
            .and_then(|seconds| seconds.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let content = match answer.body_mut().read_to_vec() {
            Ok(content) => content,
            Err(error) => return Attempt::Later(Some(status.as_u16()), error.to_string(), None),
        };
        if status.is_success() {
            return Attempt::Answered(content);
        }
        let message = serde_json::from_slice::<ErrorBody>(&content).map_or_else(
            |_| String::from_utf8_lossy(&content).trim().to_owned(),
            |body| body.error.message,
        );
        match status.as_u16() {
            status @ (429 | 502 | 503 | 504) => Attempt::Later(Some(status), message, wait),
            status => Attempt::Failed(Some(status), message),
        }
    }
}

enum Attempt {
    Answered(Vec<u8>),
    Later(Option<u16>, String, Option<Duration>),
    Failed(Option<u16>, String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_server_the_local_default_is_not_enabled_and_a_named_one_is() {
        // Port 9 is "discard": nothing listens there.
        let target = |named| KestrelTarget {
            url: "http://127.0.0.1:9".to_owned(),
            named,
            api_key: None,
            certificates: None,
        };
        assert!(!KestrelClient::new(target(false)).enabled());
        assert!(KestrelClient::new(target(true)).enabled());
    }

    #[test]
    fn an_error_says_call_status_and_the_servers_words() {
        let error = KestrelError {
            call: "get_or_create_project".to_owned(),
            status: Some(400),
            message: "name is empty".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "get_or_create_project failed with HTTP 400: name is empty"
        );
    }
}
