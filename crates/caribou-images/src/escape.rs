//! JSON string escapes: reading through them, and back from a position in the unescaped text to the escaped one.

use std::borrow::Cow;

use crate::edit::Edit;

/// The text that an escaped string stands for; borrowed where nothing is escaped.
///
/// Made for finding things: a lone surrogate becomes U+FFFD, an unknown escape stays as it is.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let (char, len) = escape_at(&rest[at..]);
        out.push(char);
        rest = &rest[at + len..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Moves edits of the unescaped text to where they are in the escaped one.
pub(crate) fn edits_in_raw(raw: &str, mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.sort_unstable_by_key(|edit| edit.range.start);
    let mut walk = Walk::new(raw);
    for edit in &mut edits {
        let start = walk.raw_offset(edit.range.start);
        edit.range = start..walk.raw_offset(edit.range.end);
    }
    edits
}

/// Walks an escaped string forward, counting what it would be unescaped.
struct Walk<'a> {
    raw: &'a str,
    raw_at: usize,
    at: usize,
}

impl<'a> Walk<'a> {
    const fn new(raw: &'a str) -> Self {
        Self {
            raw,
            raw_at: 0,
            at: 0,
        }
    }

    /// Where an offset of the unescaped text, at or after the last one asked for, is in the escaped one.
    fn raw_offset(&mut self, offset: usize) -> usize {
        while self.at < offset {
            let rest = &self.raw[self.raw_at..];
            let plain = memchr::memchr(b'\\', rest.as_bytes()).unwrap_or(rest.len());
            if plain > 0 {
                let step = plain.min(offset - self.at);
                self.raw_at += step;
                self.at += step;
            } else if rest.is_empty() {
                break;
            } else {
                let (char, len) = escape_at(rest);
                self.raw_at += len;
                self.at += char.len_utf8();
            }
        }
        self.raw_at
    }
}

/// The character that the escape at the start stands for, and the length of the escape; an unknown one is a plain backslash.
fn escape_at(raw: &str) -> (char, usize) {
    match raw.as_bytes().get(1) {
        Some(b'"') => ('"', 2),
        Some(b'\\') => ('\\', 2),
        Some(b'/') => ('/', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => unicode_escape(raw).unwrap_or(('\\', 1)),
        _ => ('\\', 1),
    }
}

fn unicode_escape(raw: &str) -> Option<(char, usize)> {
    let first = code_unit(raw)?;
    if let Some(char) = char::from_u32(first) {
        return Some((char, 6));
    }
    let second = raw.get(6..).filter(|rest| rest.starts_with("\\u"));
    let pair = match second.and_then(code_unit) {
        Some(low @ 0xDC00..=0xDFFF) if first < 0xDC00 => {
            char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00))
        }
        _ => None,
    };
    Some(pair.map_or((char::REPLACEMENT_CHARACTER, 6), |char| (char, 12)))
}

fn code_unit(raw: &str) -> Option<u32> {
    let digits = raw.get(2..6)?;
    let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(raw: &str, needle: &str) -> String {
        let text = unescape(raw).into_owned();
        let start = text.find(needle).unwrap();
        let edit = Edit {
            range: start..start + needle.len(),
            with: "X".into(),
        };
        crate::edit::apply(raw, edits_in_raw(raw, vec![edit])).into_owned()
    }

    #[test]
    fn edits_keep_every_escape_around_them() {
        assert_eq!(
            place(r#"\u00e9\n\"a\/b\" \ud83d\ude00"#, "a/b"),
            r#"\u00e9\n\"X\" \ud83d\ude00"#
        );
        assert_eq!(place(r"\ud83d\ude00é\tabc\\", "abc"), r"\ud83d\ude00é\tX\\");
        assert_eq!(place(r"\ud83dabc\ud83d", "abc"), r"\ud83dX\ud83d");
        assert_eq!(place(r"\q\uZZabc\", "abc"), r"\q\uZZX\");
    }

    #[test]
    fn unescaped_equals_what_a_json_parser_reads() {
        for raw in [
            r#"a\"b\\c\/d\b\f\n\r\t"#,
            r"\u0041\u00e9\ud83d\ude00",
            "plain é",
        ] {
            let parsed: String = serde_json::from_str(&format!("\"{raw}\"")).unwrap();
            assert_eq!(unescape(raw), parsed);
        }
    }
}
