//! `kestrel spool drain`.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use caribou_otlp::encode::Envelope;
use caribou_otlp::response::{Encoding, decode_success};
use caribou_spool::{
    Batch, Claim, DestinationIdentity, DestinationSpool, Spool, SpoolOptions, account_from_headers,
};
use serde_json::Value;

/// What a record's payload is: an OTLP `Span` message.
const SPAN: u16 = 1;
const BATCH_BYTES: usize = 4 << 20;
const BATCH_SPANS: usize = 2_000;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Delivers everything in a folder once; waits for nobody.
pub(super) struct Drain<'a> {
    /// Kestrel to deliver to, instead of the one that the spans were meant for.
    pub(super) to: Option<&'a str>,
    pub(super) api_key: Option<String>,
    pub(super) say: &'a dyn Fn(&str),
}

/// What a server answered.
enum Answer {
    Taken,
    /// It does not take these spans; fewer of them it may.
    Refused(String),
}

impl Drain<'_> {
    /// False where something stays.
    pub(super) fn run(&self, directory: &Path) -> anyhow::Result<bool> {
        if !directory.exists() {
            (self.say)(&format!("nothing waits in {}", directory.display()));
            return Ok(true);
        }
        let options = SpoolOptions::new(directory).with_max_bytes(u64::MAX);
        let spool = Spool::open(options)
            .with_context(|| format!("cannot use the folder {}", directory.display()))?;
        let mut all = true;
        for identity in spool.destinations()? {
            let mut waiting = spool.destination(&identity)?;
            let before = waiting.stats()?.records;
            if before == 0 {
                continue;
            }
            if let Err(error) = self.deliver(&identity, &mut waiting) {
                (self.say)(&format!("{}: {error:#}", identity.url));
            }
            let stats = waiting.stats()?;
            if stats.records > 0 {
                all = false;
                (self.say)(&format!(
                    "{}: {} spans stay in {}",
                    identity.url,
                    stats.records,
                    waiting.directory().display()
                ));
            }
        }
        Ok(all)
    }

    fn deliver(
        &self,
        identity: &DestinationIdentity,
        waiting: &mut DestinationSpool,
    ) -> anyhow::Result<()> {
        anyhow::ensure!(
            identity.kind == "kestrel",
            "what waits for {} is delivered by the next program that records there",
            identity.kind
        );
        let url = self.url(identity)?;
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(REQUEST_TIMEOUT))
            .user_agent(concat!("kestrel/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let (mut delivered, mut aside) = (0, 0);
        while let Some(mut claim) = waiting.claim_oldest()? {
            let envelope = envelope(claim.context());
            while let Some(batch) = claim.next_batch(BATCH_BYTES, BATCH_SPANS)? {
                let mut parts = vec![batch];
                while let Some(part) = parts.pop() {
                    let spans = part.records().len();
                    match self.post(&agent, &url, &request(&envelope, &part))? {
                        Answer::Taken => {
                            claim.acknowledge(&part)?;
                            delivered += spans;
                        }
                        Answer::Refused(_) if spans > 1 => {
                            let (first, second) = part.split_after(spans / 2);
                            parts.extend(second);
                            parts.push(first);
                        }
                        Answer::Refused(reason) => {
                            self.set_aside(&mut claim, &part, &reason)?;
                            aside += spans;
                        }
                    }
                }
                (self.say)(&format!("{url}: {delivered} spans delivered"));
            }
        }
        if aside > 0 {
            (self.say)(&format!(
                "{url}: {aside} spans were refused for good and set aside"
            ));
        }
        Ok(())
    }

    fn set_aside(&self, claim: &mut Claim, part: &Batch, reason: &str) -> anyhow::Result<()> {
        let path = claim.set_aside(part, reason)?;
        (self.say)(&format!("refused: {reason}: {}", path.display()));
        Ok(())
    }

    /// Where it is sent; what waits for one key is not sent with another unless somebody says so.
    fn url(&self, identity: &DestinationIdentity) -> anyhow::Result<String> {
        if let Some(to) = self.to {
            return Ok(format!("{}/v1/traces", to.trim_end_matches('/')));
        }
        let bearer = self.api_key.as_ref().map(|key| format!("Bearer {key}"));
        let headers = bearer
            .iter()
            .map(|bearer| ("Authorization", bearer.as_str()));
        anyhow::ensure!(
            identity.account == account_from_headers(headers),
            "it waits for another account; set KESTREL_API_KEY to the key of the program that recorded it, or say \
             where to with --to URL"
        );
        Ok(identity.url.clone())
    }

    /// # Errors
    /// When the server does not take anything now.
    fn post(&self, agent: &ureq::Agent, url: &str, body: &[u8]) -> anyhow::Result<Answer> {
        let mut request = agent
            .post(url)
            .header("Content-Type", "application/x-protobuf");
        if let Some(key) = &self.api_key {
            request = request.header("Authorization", format!("Bearer {key}"));
        }
        let mut response = request.send(body).with_context(|| {
            format!("{url} cannot be reached; start Kestrel there, or name another with --to URL")
        })?;
        let status = response.status().as_u16();
        let body = response.body_mut().read_to_vec().unwrap_or_default();
        let text = String::from_utf8_lossy(&body);
        let text: String = text.chars().filter(|c| !c.is_control()).take(300).collect();
        match status {
            200..=299 => {
                let success = decode_success(Encoding::Protobuf, &body).unwrap_or_default();
                if success.rejected > 0 {
                    (self.say)(&format!(
                        "{url} took all but {} of them: {}",
                        success.rejected, success.message
                    ));
                }
                Ok(Answer::Taken)
            }
            400 | 413 | 422 => Ok(Answer::Refused(format!("HTTP {status}: {text}"))),
            _ => anyhow::bail!("{url} answered HTTP {status}: {text}"),
        }
    }
}

fn request(envelope: &Envelope, batch: &Batch) -> Vec<u8> {
    let spans: Vec<&[u8]> = batch
        .records()
        .iter()
        .filter(|record| record.kind == SPAN)
        .map(|record| record.payload.as_slice())
        .collect();
    envelope.request(&spans)
}

/// The resource and scope that the spans were recorded with, as far as the file tells.
fn envelope(context: Option<&Value>) -> Envelope {
    let text = |pointer: &str| {
        let found = context.and_then(|context| context.pointer(pointer));
        found.and_then(Value::as_str).unwrap_or_default()
    };
    let resource = context.and_then(|context| context["resource"].as_object());
    let resource: Vec<(&str, &str)> = resource
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
        .collect();
    Envelope::from_text(&resource, text("/scope/name"), text("/scope/version"))
}
