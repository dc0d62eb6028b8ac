//! Lifting: what is found is collected, what stood for it replaced.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::candidate::{may_hold_image, opens_as_binary};
use crate::edit::{self, Edit};
use crate::image::{Image, mime_by_bytes, mime_by_claim};
use crate::{base64_text, data_url, json};

/// How deep JSON in JSON strings is followed.
const NESTED_LEVELS: u8 = 2;

/// What is lifted and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Smaller binaries stay where they are. Below 45, small base64 without `data:` may be overlooked.
    pub min_bytes: usize,
    /// What one [`Lifter`] holds at most, decoded; what comes after stays where it is.
    pub max_total_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            min_bytes: 64,
            max_total_bytes: 64 * 1024 * 1024,
        }
    }
}

/// Lifts binaries out of values, of one or of several that belong together.
///
/// It never fails: what it cannot read it leaves as it is. One that finds nothing allocates nothing.
///
/// ```
/// let mut lifter = caribou_images::Lifter::default();
/// let content = r#"[{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo..."}}]"#;
/// assert_eq!(lifter.lift_json(content), content);
/// assert_eq!((lifter.images().len(), lifter.invalid()), (0, 1));
/// ```
#[derive(Debug, Default)]
pub struct Lifter {
    limits: Limits,
    images: Vec<Image>,
    known: HashSet<[u8; 32]>,
    total_bytes: usize,
    invalid: usize,
    unrecognised: usize,
    over_limit: usize,
}

/// How sure it is that a string is meant to be base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It looks like it.
    Guessed,
    /// A data URL in the midst of a text.
    Embedded,
    /// A part or a string says so and is nothing else.
    Declared,
}

impl Lifter {
    /// A lifter with limits of its own.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Lifts out of a text: data URLs, base64 that is the whole text, and all that [`Self::lift_json`] knows if the text is a JSON
    /// object or array.
    ///
    /// Borrowed means unchanged.
    pub fn lift_text<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        if !may_hold_image(text) {
            return Cow::Borrowed(text);
        }
        let edits = self.string_edits(text, NESTED_LEVELS, None);
        edit::apply(text, edits)
    }

    /// Lifts out of a JSON document; one that is no JSON is taken as text.
    ///
    /// Borrowed means unchanged. Valid JSON stays valid JSON.
    pub fn lift_json<'a>(&mut self, json: &'a str) -> Cow<'a, str> {
        if !may_hold_image(json) {
            return Cow::Borrowed(json);
        }
        let edits = if json::is_json_like(json) {
            json::edits(json, NESTED_LEVELS, self)
        } else {
            self.string_edits(json, 0, None)
        };
        edit::apply(json, edits)
    }

    /// What was lifted so far, each binary once, in the order of its first appearance.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// Gives what was lifted away.
    pub fn into_images(self) -> Vec<Image> {
        self.images
    }

    /// How many things claimed to be base64 and are not, such as shortened examples.
    ///
    /// A shortened payload without data URL counts where the part says `base64`.
    pub const fn invalid(&self) -> usize {
        self.invalid
    }

    /// How many things are base64, but of no known kind.
    pub const fn unrecognised(&self) -> usize {
        self.unrecognised
    }

    /// How many things would have exceeded [`Limits::max_total_bytes`].
    pub const fn over_limit(&self) -> usize {
        self.over_limit
    }

    /// What to replace in a string, which may be text, base64 or JSON; `levels` says how deep JSON is still followed.
    pub(crate) fn string_edits(
        &mut self,
        text: &str,
        levels: u8,
        claimed: Option<&str>,
    ) -> Vec<Edit> {
        let opens_json = text.trim_ascii_start().starts_with(['{', '[']);
        if levels > 0 && opens_json && json::is_json_like(text) {
            return json::edits(text, levels - 1, self);
        }
        if let Some(payload) = bare_payload(text) {
            let url = self.take(payload, claimed, Origin::Guessed);
            return replace_all(text, url);
        }
        self.data_url_edits(text)
    }

    /// Decodes, checks and keeps a payload; the URL that stands for it from now on, or `None` if it has to stay.
    pub(crate) fn take(
        &mut self,
        payload: &str,
        claimed: Option<&str>,
        origin: Origin,
    ) -> Option<String> {
        let room = self.limits.max_total_bytes - self.total_bytes;
        if payload.len() / 4 * 3 > room {
            self.over_limit += 1;
            return None;
        }
        let count = usize::from(origin != Origin::Guessed);
        let Some(bytes) = base64_text::decode(payload) else {
            self.invalid += count;
            return None;
        };
        if bytes.len() < self.limits.min_bytes {
            return None;
        }
        let by_claim = || mime_by_claim(claimed).filter(|_| origin == Origin::Declared);
        let Some(mime) = mime_by_bytes(&bytes, claimed).or_else(by_claim) else {
            self.unrecognised += count;
            return None;
        };
        self.keep(Image::of_type(bytes, mime))
    }

    fn keep(&mut self, image: Image) -> Option<String> {
        let url = image.url().to_string();
        if self.known.contains(&image.hash) {
            return Some(url);
        }
        let total_bytes = self.total_bytes + image.bytes.len();
        if total_bytes > self.limits.max_total_bytes {
            self.over_limit += 1;
            return None;
        }
        self.total_bytes = total_bytes;
        self.known.insert(image.hash);
        self.images.push(image);
        Some(url)
    }

    /// Takes a string that a part declares to be base64, which some write as data URL all the same.
    pub(crate) fn take_declared(&mut self, text: &str, claimed: Option<&str>) -> Option<String> {
        if text.starts_with("caribou-image:") {
            return None;
        }
        let Some(url) = data_url::find(text, 0).filter(|url| url.range.start == 0) else {
            return self.take(text, claimed, Origin::Declared);
        };
        let claimed = url.mime.as_deref().or(claimed);
        self.take(&text[url.payload.start..], claimed, Origin::Declared)
    }

    fn data_url_edits(&mut self, text: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        let whole_len = text.trim_ascii().len();
        let mut at = 0;
        while let Some(url) = data_url::find(text, at) {
            at = url.range.end;
            if url.broken {
                self.invalid += 1;
                continue;
            }
            let origin = if whole_len == url.range.len() {
                Origin::Declared
            } else {
                Origin::Embedded
            };
            // Who writes about data URLs leaves the payload out.
            let payload = &text[url.payload];
            let image = (!payload.is_empty())
                .then(|| self.take(payload, url.mime.as_deref(), origin))
                .flatten();
            edits.extend(image.map(|image| Edit {
                range: url.range,
                with: image.into(),
            }));
        }
        edits
    }
}

/// The base64 of a string that is nothing else and begins as a known kind does.
fn bare_payload(text: &str) -> Option<&str> {
    let payload = text.trim_ascii();
    let bytes = payload.as_bytes();
    let all = opens_as_binary(bytes) && base64_text::extent(bytes) == bytes.len();
    all.then_some(payload)
}

fn replace_all(text: &str, with: Option<String>) -> Vec<Edit> {
    let start = text.len() - text.trim_ascii_start().len();
    let range = start..start + text.trim_ascii().len();
    with.map(|url| Edit {
        range,
        with: url.into(),
    })
    .into_iter()
    .collect()
}
