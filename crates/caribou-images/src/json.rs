//! Finding binaries in a JSON document without reading it into values, so that what is not touched stays as it was written.

use std::ops::Range;

use crate::candidate::may_hold_image;
use crate::edit::Edit;
use crate::escape::{edits_in_raw, unescape};
use crate::lifter::Lifter;
use crate::mime;

/// Deeper parts are not looked at as parts; strings in them are still strings.
const DEEPEST_PART: usize = 256;

/// True if brackets and strings are as in JSON; what stands outside strings may be any word.
///
/// Laxer than a parser: `NaN`, bare control characters in strings and a missing comma do no harm here.
pub(crate) fn is_json_like(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => match string_end(bytes, at + 1) {
                Some(end) => at = end,
                None => return false,
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => return false,
            b'}' | b']' => depth -= 1,
            b':' | b',' | b' ' | b'\n' | b'\r' | b'\t' | b'+' | b'-' | b'.' => {}
            other if other.is_ascii_alphanumeric() => {}
            _ => return false,
        }
        at += 1;
    }
    depth == 0
}

/// What to replace in a document that [`is_json_like`].
pub(crate) fn edits(text: &str, levels: u8, lifter: &mut Lifter) -> Vec<Edit> {
    let mut scan = Scan {
        text,
        levels,
        lifter,
        parts: Vec::new(),
        deeper: 0,
        edits: Vec::new(),
    };
    scan.run();
    scan.edits
}

/// Where the quote stands that ends a string.
fn string_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// A member of an object: where its key and its string value stand, without quotes.
#[derive(Clone, Debug)]
struct Member {
    key: Range<usize>,
    value: Range<usize>,
}

/// The members of one object that tell whether it is a part with a binary in it.
#[derive(Debug, Default)]
struct Part {
    key: Option<Range<usize>>,
    /// `"type":"base64"`, `"source_type":"base64"` or `"type":"blob"`.
    form: Option<Range<usize>>,
    mime: Option<Range<usize>>,
    format: Option<Range<usize>>,
    data: Option<Member>,
    content: Option<Member>,
    has_url: bool,
    has_uri: bool,
    is_audio: bool,
}

struct Scan<'a> {
    text: &'a str,
    levels: u8,
    lifter: &'a mut Lifter,
    parts: Vec<Part>,
    deeper: usize,
    edits: Vec<Edit>,
}

impl<'a> Scan<'a> {
    fn run(&mut self) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let Some(end) = string_end(bytes, at + 1) else {
                        break;
                    };
                    self.string(at + 1..end);
                    at = end;
                }
                b'{' | b'[' => self.open(),
                b'}' | b']' => self.close(),
                _ => {}
            }
            at += 1;
        }
    }

    fn open(&mut self) {
        if self.parts.len() == DEEPEST_PART {
            self.deeper += 1;
            return;
        }
        let key = self.parts.last().and_then(|part| part.key.clone());
        let key = key.map(|key| &self.text[key]);
        self.parts.push(Part {
            is_audio: matches!(key, Some("audio" | "input_audio")),
            ..Part::default()
        });
    }

    fn close(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else if let Some(part) = self.parts.pop() {
            self.finish(&part);
        }
    }

    fn string(&mut self, range: Range<usize>) {
        let after = &self.text.as_bytes()[range.end + 1..];
        let is_key = after.trim_ascii_start().first() == Some(&b':');
        if !is_key {
            self.value(range);
        } else if self.deeper == 0
            && let Some(part) = self.parts.last_mut()
        {
            part.has_url |= &self.text[range.clone()] == "url";
            part.has_uri |= &self.text[range.clone()] == "uri";
            part.key = Some(range);
        }
    }

    /// Keeps what says something about the part; lifts out of anything else at once.
    fn value(&mut self, value: Range<usize>) {
        let part = self.parts.last_mut().filter(|_| self.deeper == 0);
        let Some((part, key)) = part.and_then(|part| {
            let key = part.key.clone()?;
            Some((part, key))
        }) else {
            return self.lift_string(value, None);
        };
        let member = Member {
            key: key.clone(),
            value: value.clone(),
        };
        let replaced = match &self.text[key] {
            "type" | "source_type" => {
                if matches!(&self.text[value.clone()], "base64" | "blob") {
                    part.form = Some(value);
                }
                None
            }
            "mime_type" | "mimeType" | "media_type" | "mediaType" => {
                part.mime = Some(value);
                None
            }
            "format" => {
                part.format = Some(value);
                None
            }
            "data" => part.data.replace(member),
            "content" => part.content.replace(member),
            _ => Some(member),
        };
        if let Some(member) = replaced {
            self.lift_string(member.value, None);
        }
    }

    fn finish(&mut self, part: &Part) {
        let claimed = self.claimed(part);
        let form = part
            .form
            .clone()
            .map(|form| (&self.text[form.clone()], form));
        match (form, &part.data, &part.content) {
            (Some(("base64", form)), Some(data), content) => {
                let renamed = (!part.has_url).then_some("url");
                self.lift_declared(data, claimed.as_deref(), form, renamed);
                self.lift_member(content.as_ref(), None);
            }
            (Some(("blob", form)), data, Some(content)) => {
                let renamed = (!part.has_uri).then_some("uri");
                self.lift_declared(content, claimed.as_deref(), form, renamed);
                self.lift_member(data.as_ref(), None);
            }
            (_, data, content) => {
                self.lift_member(data.as_ref(), claimed.as_deref());
                self.lift_member(content.as_ref(), None);
            }
        }
    }

    /// The type that a part claims for its binary.
    fn claimed(&self, part: &Part) -> Option<String> {
        if let Some(mime) = &part.mime {
            return mime::normalized(&self.text[mime.clone()]);
        }
        if let Some(format) = &part.format {
            return mime::normalized(&format!("audio/{}", &self.text[format.clone()]));
        }
        // Which format an answer was spoken in stands in the request only.
        part.is_audio.then(|| "audio/mpeg".to_owned())
    }

    /// Lifts what a part declares to be base64, and turns the part into the form that refers to a URL.
    fn lift_declared(
        &mut self,
        member: &Member,
        claimed: Option<&str>,
        form: Range<usize>,
        renamed: Option<&'static str>,
    ) {
        let value = unescape(&self.text[member.value.clone()]);
        let Some(url) = self.lifter.take_declared(&value, claimed) else {
            return;
        };
        self.edits.push(Edit {
            range: member.value.clone(),
            with: url.into(),
        });
        for range in [form, member.key.clone()] {
            self.edits.extend(renamed.map(|name| Edit {
                range,
                with: name.into(),
            }));
        }
    }

    fn lift_member(&mut self, member: Option<&Member>, claimed: Option<&str>) {
        if let Some(member) = member {
            self.lift_string(member.value.clone(), claimed);
        }
    }

    fn lift_string(&mut self, range: Range<usize>, claimed: Option<&str>) {
        let raw: &'a str = &self.text[range.clone()];
        if !may_hold_image(raw) {
            return;
        }
        let value = unescape(raw);
        let found = self.lifter.string_edits(&value, self.levels, claimed);
        for edit in edits_in_raw(raw, found) {
            self.edits.push(Edit {
                range: range.start + edit.range.start..range.start + edit.range.end,
                with: edit.with,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_texts() {
        for json in ["", "{}", r#"[1, -2.5e+3, null, NaN, "a\"]b"]"#, "\"x\""] {
            assert!(is_json_like(json), "{json}");
        }
        for text in [
            "]",
            "[",
            "{'a': 1}",
            r#"["a]"#,
            r#""a\"#,
            "[1] (see below)",
            "é",
        ] {
            assert!(!is_json_like(text), "{text}");
        }
    }

    #[test]
    fn nesting_of_any_depth_takes_no_stack() {
        let deep = 300_000;
        let text = format!("{}\"x\"{}", "[".repeat(deep), "]".repeat(deep));
        assert!(is_json_like(&text));
        assert!(edits(&text, 2, &mut Lifter::default()).is_empty());
    }
}
