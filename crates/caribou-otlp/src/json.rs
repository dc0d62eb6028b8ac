//! Reads JSON into borrowed values.
//!
//! Not `serde_json`, because telemetry has to be read more leniently and kept more exactly than it allows: a lone
//! surrogate or an invalid byte spoils one string and not the request, objects keep their order, numbers their digits.
//! What is accepted is otherwise the same, which a property test checks.

use std::borrow::Cow;

use crate::DecodeError;
use crate::value::{Value, plain_length};

/// OTLP takes four levels of JSON for one of an attribute's value; more than any value needs is refused.
const MAX_DEPTH: usize = 4 * crate::span::MAX_VALUE_DEPTH + 64;

/// A value takes up to 56 bytes of memory, and as little as two in the text.
const MAX_VALUES: usize = 8_000_000;

/// Reads a whole document.
pub(crate) fn parse(text: &[u8]) -> Result<Value<'_>, DecodeError> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut parser = Parser::new(text);
    let value = parser.value(0)?;
    parser.skip_space();
    if parser.position < text.len() {
        return Err(parser.error("text after the end of the document"));
    }
    Ok(value)
}

/// Reads a document if the text is an object or a list, which is what structured attributes are sent as.
pub(crate) fn parse_structure(text: &str) -> Option<Value<'_>> {
    is_structure(text)
        .then(|| parse(text.as_bytes()).ok())
        .flatten()
}

/// True for a text that looks like an object or a list.
pub(crate) fn is_structure(text: &str) -> bool {
    text.trim_start().starts_with(['{', '['])
}

/// The text as strict JSON, repaired where that is needed; given back where it is none.
pub(crate) fn checked(text: Cow<'_, str>) -> Result<Cow<'_, str>, Cow<'_, str>> {
    let mut parser = Parser::new(text.as_bytes());
    let is_document = parser.skip_value(0).is_ok();
    parser.skip_space();
    if !is_document || parser.position < text.len() {
        return Err(text);
    }
    if !parser.repaired {
        return Ok(text);
    }
    match parse(text.as_bytes()) {
        Ok(document) => Ok(Cow::Owned(document.to_json())),
        Err(_) => Err(text),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    position: usize,
    values: usize,
    /// Something had to be replaced: the text is not strictly JSON.
    repaired: bool,
}

const EXPECTED_VALUE: &str = "expected a value";
const EXPECTED_KEY: &str = "expected a key in quotes";
const CONTROL_CHARACTER: &str = "control character in a string";
const TOO_DEEP: &str = "nested too deeply";
const UNFINISHED: &str = "text ends too early";

impl<'a> Parser<'a> {
    const fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            position: 0,
            values: 0,
            repaired: false,
        }
    }

    const fn error(&self, problem: &'static str) -> DecodeError {
        DecodeError::Json {
            problem,
            offset: self.position,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.position += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(self.error(TOO_DEEP));
        }
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(DecodeError::TooMany {
                what: "JSON values",
                limit: MAX_VALUES,
            });
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(_) => Err(self.error(EXPECTED_VALUE)),
            None => Err(self.error(UNFINISHED)),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        let mut entries = Vec::new();
        self.position += 1;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.position += 1;
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err(self.error(EXPECTED_KEY));
            }
            let key = self.string()?;
            self.colon()?;
            entries.push((key, self.value(depth + 1)?));
            if self.ends(b'}')? {
                return Ok(Value::Map(entries));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, DecodeError> {
        let mut items = Vec::new();
        self.position += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.position += 1;
            return Ok(Value::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends(b']')? {
                return Ok(Value::List(items));
            }
        }
    }

    /// Walks over a value as [`Self::value`] does, without building it.
    fn skip_value(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth > MAX_DEPTH {
            return Err(self.error(TOO_DEEP));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.skip_items(b'}', depth),
            Some(b'[') => self.skip_items(b']', depth),
            Some(b'"') => self.skip_string(),
            // Nothing of these is allocated.
            _ => self.value(depth).map(drop),
        }
    }

    /// Walks over the items of an object or list, whichever ends so.
    fn skip_items(&mut self, end: u8, depth: usize) -> Result<(), DecodeError> {
        self.position += 1;
        self.skip_space();
        if self.peek() == Some(end) {
            self.position += 1;
            return Ok(());
        }
        loop {
            if end == b'}' {
                self.skip_key()?;
            }
            self.skip_value(depth + 1)?;
            if self.ends(end)? {
                return Ok(());
            }
        }
    }

    fn skip_key(&mut self) -> Result<(), DecodeError> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.error(EXPECTED_KEY));
        }
        self.skip_string()?;
        self.colon()
    }

    fn skip_string(&mut self) -> Result<(), DecodeError> {
        self.position += 1;
        loop {
            self.position += plain_length(&self.text[self.position..]);
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.escape()?;
                }
                Some(_) => return Err(self.error(CONTROL_CHARACTER)),
                None => return Err(self.error(UNFINISHED)),
            }
        }
    }

    fn colon(&mut self) -> Result<(), DecodeError> {
        self.skip_space();
        if self.peek() != Some(b':') {
            return Err(self.error("expected a colon"));
        }
        self.position += 1;
        Ok(())
    }

    /// After an item: true at the end of its container, false after a comma.
    fn ends(&mut self, end: u8) -> Result<bool, DecodeError> {
        self.skip_space();
        let ends = match self.peek() {
            Some(b',') => false,
            Some(byte) if byte == end => true,
            Some(_) => return Err(self.error("expected a comma or the end of a list or object")),
            None => return Err(self.error(UNFINISHED)),
        };
        self.position += 1;
        Ok(ends)
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>, DecodeError> {
        if !self.text[self.position..].starts_with(word.as_bytes()) {
            return Err(self.error(EXPECTED_VALUE));
        }
        self.position += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value<'a>, DecodeError> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        match self.peek() {
            Some(b'0') => self.position += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.position += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.position += 1;
            }
            self.digits()?;
        }
        let digits = std::str::from_utf8(&self.text[start..self.position])
            .expect("digits, signs, points and exponents are ASCII");
        // "-0" as an integer would lose its sign.
        Ok(match digits.parse() {
            Ok(number) if digits != "-0" => Value::Int(number),
            _ => Value::Number(Cow::Borrowed(digits)),
        })
    }

    fn digits(&mut self) -> Result<(), DecodeError> {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.peek() {
            self.position += 1;
        }
        if self.position == start {
            return Err(self.error("expected a digit"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        self.position += 1;
        let start = self.position;
        let rest = &self.text[start..];
        let length = plain_length(rest);
        self.position += length;
        match self.peek() {
            Some(b'"') => {
                self.position += 1;
                Ok(self.utf8(&rest[..length]))
            }
            Some(b'\\') => self.escaped_string(start),
            Some(_) => Err(self.error(CONTROL_CHARACTER)),
            None => Err(self.error(UNFINISHED)),
        }
    }

    /// The rest of a string whose first escape stands at the current position.
    fn escaped_string(&mut self, start: usize) -> Result<Cow<'a, str>, DecodeError> {
        let mut text = self.text[start..self.position].to_vec();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.position += 1;
                    break;
                }
                Some(b'\\') => {
                    let character = self.escape()?;
                    text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(0..0x20) => return Err(self.error(CONTROL_CHARACTER)),
                Some(_) => {
                    let rest = &self.text[self.position..];
                    let length = plain_length(rest);
                    text.extend_from_slice(&rest[..length]);
                    self.position += length;
                }
                None => return Err(self.error(UNFINISHED)),
            }
        }
        Ok(Cow::Owned(String::from_utf8(text).unwrap_or_else(
            |error| {
                self.repaired = true;
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            },
        )))
    }

    fn escape(&mut self) -> Result<char, DecodeError> {
        let kind = self.text.get(self.position + 1).copied();
        self.position += 2;
        Ok(match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode_escape(),
            _ => {
                self.position = self.position.min(self.text.len());
                return Err(self.error("unknown escape in a string"));
            }
        })
    }

    /// The character of an escape whose digits stand at the current position; a lone surrogate is replaced.
    fn unicode_escape(&mut self) -> Result<char, DecodeError> {
        let first = self.hex_digits()?;
        if let 0xd800..0xdc00 = first
            && self.text[self.position..].starts_with(b"\\u")
        {
            let after_first = self.position;
            self.position += 2;
            let second = self.hex_digits()?;
            if let 0xdc00..0xe000 = second {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.position = after_first;
        }
        Ok(char::from_u32(first).unwrap_or_else(|| {
            self.repaired = true;
            char::REPLACEMENT_CHARACTER
        }))
    }

    fn hex_digits(&mut self) -> Result<u32, DecodeError> {
        let digits = self.text[self.position..]
            .first_chunk::<4>()
            .ok_or_else(|| self.error(UNFINISHED))?;
        let mut code = 0;
        for digit in digits {
            let digit = char::from(*digit)
                .to_digit(16)
                .ok_or_else(|| self.error("expected four hex digits"))?;
            code = code << 4 | digit;
        }
        self.position += 4;
        Ok(code)
    }

    fn utf8(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Cow::Borrowed(text);
        }
        self.repaired = true;
        String::from_utf8_lossy(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers compare as floats: `serde_json` does not keep the digits.
    fn same(ours: &serde_json::Value, theirs: &serde_json::Value) -> bool {
        use serde_json::Value::{Array, Number, Object};

        match (ours, theirs) {
            (Number(ours), Number(theirs)) => ours.as_f64() == theirs.as_f64(),
            (Array(ours), Array(theirs)) => {
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
            }
            (Object(ours), Object(theirs)) => {
                ours.len() == theirs.len()
                    && ours
                        .iter()
                        .zip(theirs)
                        .all(|(a, b)| a.0 == b.0 && same(a.1, b.1))
            }
            (ours, theirs) => ours == theirs,
        }
    }

    /// JSON has numbers of any size, and ours keep their digits; `serde_json` refuses what no float can be.
    fn is_no_float(error: &serde_json::Error) -> bool {
        error.to_string().starts_with("number out of range")
    }

    fn check(text: &str) {
        let theirs = serde_json::from_str::<serde_json::Value>(text);
        let strict = checked(Cow::Borrowed(text));
        assert_eq!(strict.is_ok(), parse(text.as_bytes()).is_ok(), "{text}");
        if let Ok(strict) = &strict {
            let read = serde_json::from_str::<serde_json::Value>(strict);
            if read.as_ref().is_err_and(is_no_float) {
                return;
            }
            read.unwrap();
        }
        let ours = parse(text.as_bytes());
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                let written = serde_json::from_str(&ours.to_json()).unwrap();
                assert!(same(&written, &theirs), "{text}");
            }
            (Ok(_), Err(_)) => {
                let repaired = strict.is_ok_and(|strict| strict != text);
                assert!(repaired, "only lone surrogates differ: {text}");
            }
            (Err(error), Ok(_)) => panic!("{error}: {text}"),
            (Err(_), Err(_)) => {}
        }
    }

    #[test]
    fn numbers_beyond_floats_keep_their_digits() {
        check("[1e310,-1e999]");
        assert_eq!(parse(b"[1e310]").unwrap().to_json(), "[1e310]");
    }

    #[test]
    fn what_is_read_is_written_again() {
        let text =
            r#"{"b":1,"a":[1.50,-0,12345678901234567890,1e3,true,null,"\u00e9\n\"\\"],"":{}}"#;
        let written = r#"{"b":1,"a":[1.50,-0,12345678901234567890,1e3,true,null,"é\n\"\\"],"":{}}"#;
        assert_eq!(parse(text.as_bytes()).unwrap().to_json(), written);
    }

    proptest! {
        #[test]
        fn text_like_json_is_read_as_serde_json_reads_it(
            text in r#"([\[\]{}:,]|"a"|"\\\\"|"\\n"|"\\u00e9"|"\\ud83d\\ude00"|"\\ud83d"|"|true|null|fals|-|[0-9]{1,3}|\.|e\+?| ){0,16}"#,
        ) {
            check(&text);
        }

        #[test]
        fn any_text_in_a_string_is_read_as_serde_json_reads_it(text in ".{0,60}") {
            check(&serde_json::Value::from(text.as_str()).to_string());
            check(&format!("[\"{text}\"]"));
        }
    }
}
