//! Words in place of references to stored images, for previews.

use std::borrow::Cow;

use caribou_images::{ImageUrl, image_urls};

/// A preview is shorter than this even where it begins with several references.
const LOOKED_AT_BYTES: usize = 4096;

/// The text, or as much of it as a preview may need, with `[image]` in place of each reference to a stored image.
pub(super) fn without_references(text: &str) -> Cow<'_, str> {
    let start = start_of(text);
    let mut references = image_urls(start).peekable();
    if references.peek().is_none() {
        return Cow::Borrowed(text);
    }
    let mut words = String::new();
    let mut end = 0;
    for reference in references {
        words.push_str(&start[end..reference.range.start]);
        words.push_str(word(&reference.url));
        end = reference.range.end;
    }
    words.push_str(&start[end..]);
    Cow::Owned(words)
}

/// Just the words for the references in a text, if there are any.
pub(super) fn reference_words(text: &str) -> Option<String> {
    let start = start_of(text);
    let words: Vec<&str> = image_urls(start)
        .map(|reference| word(&reference.url))
        .collect();
    Some(words.join(" ")).filter(|words| !words.is_empty())
}

/// The part of a text that is looked at.
fn start_of(text: &str) -> &str {
    let mut end = LOOKED_AT_BYTES.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// As the pages call it.
fn word(url: &ImageUrl) -> &'static str {
    match url.mime.as_deref() {
        Some("application/pdf") => "[PDF]",
        Some(mime) if mime.starts_with("audio/") => "[audio]",
        Some(mime) if mime.starts_with("video/") => "[video]",
        Some(mime) if !mime.starts_with("image/") => "[file]",
        _ => "[image]",
    }
}
