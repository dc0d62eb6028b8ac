//! Kestrel, or any other server that takes OTLP over HTTP.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use caribou_otlp::encode::Envelope;
use caribou_otlp::response::{Encoding, decode_success};
use flate2::Compression;
use flate2::write::GzEncoder;
use ureq::Agent;

use super::Chunk;
use super::destination::{Destination, Outcome};
use super::http::reason_of;
use crate::settings::OtlpTarget;

/// Posts spans as protobuf.
pub(super) struct OtlpDestination {
    agent: Agent,
    target: OtlpTarget,
    envelope: Envelope,
}

impl OtlpDestination {
    /// Answers longer than this are not read to their end.
    const MAX_ANSWER_BYTES: u64 = 1 << 20;
    /// Nobody is waited for longer than this, whatever the server asks for.
    const LONGEST_WAIT: Duration = Duration::from_secs(300);

    pub(super) fn new(target: &OtlpTarget, resource: &[(String, String)]) -> Self {
        Self {
            agent: super::agent(&target.url, target.timeout, target.certificates.as_deref()),
            target: target.clone(),
            envelope: envelope(resource),
        }
    }

    fn body(&self, chunks: &[Arc<Chunk>]) -> Vec<u8> {
        let spans: Vec<&[u8]> = chunks.iter().flat_map(|chunk| chunk.spans()).collect();
        match chunks.first().and_then(|chunk| chunk.resource.as_ref()) {
            Some(resource) => envelope(resource).request(&spans),
            None => self.envelope.request(&spans),
        }
    }
}

fn envelope(resource: &[(String, String)]) -> Envelope {
    let resource: Vec<(&str, &str)> = resource
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    Envelope::from_text(&resource, "caribou", env!("CARGO_PKG_VERSION"))
}

impl Destination for OtlpDestination {
    fn address(&self) -> &str {
        &self.target.url
    }

    fn deliver(&mut self, chunks: &[Arc<Chunk>]) -> Outcome {
        let mut body = self.body(chunks);
        let mut request = self
            .agent
            .post(&self.target.url)
            .header("Content-Type", "application/x-protobuf");
        for (name, value) in &self.target.headers {
            request = request.header(name, value.expose());
        }
        if self.target.gzip {
            match compressed(&body) {
                Ok(smaller) => {
                    body = smaller;
                    request = request.header("Content-Encoding", "gzip");
                }
                Err(error) => tracing::debug!(target: "caribou", "sent uncompressed: {error}"),
            }
        }
        let mut response = match request.send(&body[..]) {
            Ok(response) => response,
            Err(error) => return outcome_from_error(&error),
        };
        let status = response.status().as_u16();
        let after = retry_after(response.headers());
        let answer = response
            .body_mut()
            .with_config()
            .limit(Self::MAX_ANSWER_BYTES)
            .read_to_vec();
        match answer {
            Ok(answer) => outcome_from_answer(status, after, &answer),
            // What is missing may say what was not taken.
            Err(error) if (200..300).contains(&status) => Outcome::Later {
                after: None,
                unreachable: false,
                reason: format!("the answer ended early: {error}"),
            },
            Err(_) => outcome_from_answer(status, after, &[]),
        }
    }
}

pub(super) fn compressed(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

fn outcome_from_error(error: &ureq::Error) -> Outcome {
    let reason = reason_of(error);
    match error {
        // A URL, header or certificate that is wrong now is wrong later, but a restart of the server with another
        // certificate is not unheard of, and nothing is lost by asking again.
        ureq::Error::BadUri(_) | ureq::Error::Http(_) | ureq::Error::InvalidProxyUrl => {
            Outcome::Refused { reason }
        }
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => Outcome::Later {
            after: None,
            unreachable: true,
            reason,
        },
        ureq::Error::Io(io) => Outcome::Later {
            after: None,
            unreachable: io.kind() == std::io::ErrorKind::ConnectionRefused,
            reason,
        },
        _ => Outcome::Later {
            after: None,
            unreachable: false,
            reason,
        },
    }
}

fn outcome_from_answer(status: u16, after: Option<Duration>, answer: &[u8]) -> Outcome {
    match status {
        200..=299 => {
            let success = decode_success(Encoding::Protobuf, answer).unwrap_or_default();
            Outcome::Delivered {
                rejected: success.rejected,
                message: success.message,
            }
        }
        429 | 502 | 503 | 504 => Outcome::Later {
            after,
            unreachable: false,
            reason: format!("HTTP {status}: {}", message(answer)),
        },
        // A single span that nobody can read, or too much at once.
        400 | 413 | 422 => Outcome::RefusedTogether {
            reason: format!("HTTP {status}: {}", message(answer)),
        },
        _ => Outcome::Refused {
            reason: format!("HTTP {status}: {}", message(answer)),
        },
    }
}

/// What a server says, whether as `google.rpc.Status`, as JSON or as text.
pub(super) fn message(answer: &[u8]) -> String {
    const LONGEST: usize = 300;
    let from_json = || {
        let json: serde_json::Value = serde_json::from_slice(answer).ok()?;
        let message = json
            .pointer("/error/message")
            .or_else(|| json.get("message"))?;
        Some(message.as_str()?.to_owned())
    };
    let from_status = || {
        let status = caribou_otlp::response::decode_status(answer).ok()?;
        (!status.message.is_empty()).then_some(status.message)
    };
    let text = from_json()
        .or_else(from_status)
        .unwrap_or_else(|| String::from_utf8_lossy(answer).into_owned());
    text.trim().chars().take(LONGEST).collect()
}

pub(super) fn retry_after(headers: &ureq::http::HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers
        .get("retry-after")?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .map(|delay| delay.min(OtlpDestination::LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_succeed_is_tried_again() {
        for status in [429, 502, 503, 504] {
            assert!(matches!(
                outcome_from_answer(status, None, b""),
                Outcome::Later { .. }
            ));
        }
        for status in [301, 401, 404, 500] {
            assert!(matches!(
                outcome_from_answer(status, None, b""),
                Outcome::Refused { .. }
            ));
        }
        for status in [400, 413, 422] {
            assert!(matches!(
                outcome_from_answer(status, None, b""),
                Outcome::RefusedTogether { .. }
            ));
        }
    }

    #[test]
    fn the_servers_message_is_found_in_any_form() {
        assert_eq!(
            message(br#"{"error":{"message":"no project"}}"#),
            "no project"
        );
        assert_eq!(message(br#"{"message":"no"}"#), "no");
        assert_eq!(message(b" plain "), "plain");
        let status = caribou_otlp::response::encode_status(
            Encoding::Protobuf,
            &caribou_otlp::response::Status {
                code: 3,
                message: "bad span".to_owned(),
                retry_delay: None,
            },
        );
        assert_eq!(message(&status), "bad span");
    }
}
