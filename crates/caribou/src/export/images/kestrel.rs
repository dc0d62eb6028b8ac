//! Images to Kestrel, which stores them and notes whose they are.

use std::time::Duration;

use caribou_images::Image;
use ureq::Agent;

use super::NotStored;
use crate::export::http::{is_unreachable, percent_encoded};
use crate::export::kestrel::{message, retry_after};
use crate::settings::KestrelTarget;

/// Uploads to one Kestrel.
pub(super) struct KestrelImages {
    agent: Agent,
    target: KestrelTarget,
}

impl KestrelImages {
    /// Images are large, and Kestrel's own store may be slow.
    const TIMEOUT: Duration = Duration::from_secs(60);
    const MAX_ANSWER_BYTES: u64 = 1 << 16;

    pub(super) fn new(target: &KestrelTarget) -> Self {
        let agent =
            crate::export::agent(&target.url, Self::TIMEOUT, target.certificates.as_deref());
        Self {
            agent,
            target: target.clone(),
        }
    }

    /// Returns once the image is durable and the project may read it.
    pub(super) fn store(&self, project: &str, image: &Image) -> Result<(), NotStored> {
        let url = format!(
            "{}/api/v1/images?project={}",
            self.target.url,
            percent_encoded(project)
        );
        let mut request = self
            .agent
            .post(&url)
            .header("Content-Type", image.mime.as_str());
        if let Some(key) = &self.target.api_key {
            request = request.header("Authorization", format!("Bearer {}", key.expose()));
        }
        let mut response = request.send(&image.bytes[..]).map_err(|error| NotStored {
            refused: false,
            unreachable: is_unreachable(&error),
            after: None,
            reason: format!("images wait for Kestrel at {}: {error}", self.target.url),
        })?;
        let status = response.status().as_u16();
        if response.status().is_success() {
            return Ok(());
        }
        let after = retry_after(response.headers());
        let answer = response
            .body_mut()
            .with_config()
            .limit(Self::MAX_ANSWER_BYTES)
            .read_to_vec()
            .unwrap_or_default();
        let said = format!(
            "Kestrel at {} answers HTTP {status}: {}",
            self.target.url,
            message(&answer)
        );
        Err(not_stored(status, after, &said))
    }
}

fn not_stored(status: u16, after: Option<Duration>, said: &str) -> NotStored {
    let refused = matches!(status, 400 | 413 | 422);
    let is_busy = matches!(status, 408 | 429) || status >= 500;
    NotStored {
        refused,
        unreachable: false,
        after: after.or_else(|| (!is_busy).then_some(NotStored::AFTER_DENIAL)),
        reason: if refused {
            format!("an image was refused: {said}")
        } else {
            format!("images are not taken: {said}")
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::destination::Outcome;

    fn outcome(status: u16) -> Outcome {
        not_stored(status, None, "").into()
    }

    #[test]
    fn only_what_kestrel_can_never_take_is_refused() {
        for status in [400, 413, 422] {
            assert!(matches!(outcome(status), Outcome::RefusedTogether { .. }));
        }
        for status in [429, 500, 502, 503] {
            assert!(matches!(
                outcome(status),
                Outcome::Later { after: None, .. }
            ));
        }
        for status in [301, 401, 403, 404] {
            assert!(matches!(
                outcome(status),
                Outcome::Later { after: Some(_), .. }
            ));
        }
    }
}
