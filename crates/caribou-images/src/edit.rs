//! A replacement in a text, decided before any byte is moved.

use std::borrow::Cow;
use std::ops::Range;

/// Replaces the bytes of a range.
///
/// The replacement consists of characters that JSON never escapes, so that an edit found in an unescaped string is as good in the
/// escaped one.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) range: Range<usize>,
    pub(crate) with: Cow<'static, str>,
}

/// Applies edits that do not overlap, in any order; without edits nothing is copied.
pub(crate) fn apply(text: &str, mut edits: Vec<Edit>) -> Cow<'_, str> {
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    edits.sort_unstable_by_key(|edit| edit.range.start);
    let removed: usize = edits.iter().map(|edit| edit.range.len()).sum();
    let added: usize = edits.iter().map(|edit| edit.with.len()).sum();
    let mut out = String::with_capacity(text.len() - removed + added);
    let mut copied = 0;
    for edit in &edits {
        out.push_str(&text[copied..edit.range.start]);
        out.push_str(&edit.with);
        copied = edit.range.end;
    }
    out.push_str(&text[copied..]);
    Cow::Owned(out)
}
