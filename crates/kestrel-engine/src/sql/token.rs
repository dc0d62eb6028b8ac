//! The lexer, after ClickHouse's own: what hides inside a string or a comment there must hide here, and nothing else.

/// What a token is. Whitespace and comments are no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Number,
    /// A string literal in single quotes, in a heredoc, or in `‘curly’` quotes.
    Text,
    /// An identifier in double quotes, backticks, or `“curly”` quotes.
    Quoted,
    /// A single character, where longer operators come as several.
    Mark(u8),
    /// Something that does not end, such as a string without its closing quote.
    Broken,
}

/// A token and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    pub(super) fn bytes<'s>(&self, sql: &'s [u8]) -> &'s [u8] {
        &sql[self.start..self.end]
    }

    /// The name that a bare word or a quoted identifier holds.
    pub(super) fn to_text(self, sql: &[u8]) -> String {
        let text = self.bytes(sql);
        let name = if self.kind == Kind::Quoted {
            unquoted(text)
        } else {
            text
        };
        String::from_utf8_lossy(name).into_owned()
    }

    /// Whether this is the bare word `word`, in any case.
    pub(super) fn is_word(&self, sql: &[u8], word: &str) -> bool {
        self.kind == Kind::Word && self.bytes(sql).eq_ignore_ascii_case(word.as_bytes())
    }
}

/// Tokens of a statement, one after the other.
pub(super) struct Lexer<'s> {
    sql: &'s [u8],
    position: usize,
}

impl<'s> Lexer<'s> {
    pub(super) fn new(sql: &'s [u8]) -> Self {
        Self { sql, position: 0 }
    }

    fn rest(&self) -> &'s [u8] {
        &self.sql[self.position..]
    }

    /// Skips whitespace and comments. `false` when a comment does not end.
    fn skip_blank(&mut self) -> bool {
        loop {
            let rest = self.rest();
            if let Some(length) = whitespace(rest) {
                self.position += length;
            } else if rest.starts_with(b"--")
                || rest.starts_with(b"//")
                || rest.starts_with(b"# ")
                || rest.starts_with(b"#!")
            {
                self.position += rest
                    .iter()
                    .position(|&byte| byte == b'\n')
                    .unwrap_or(rest.len());
            } else if rest.starts_with(b"/*") {
                match find(&rest[2..], b"*/") {
                    Some(inner) => self.position += 2 + inner + 2,
                    None => return false,
                }
            } else {
                return true;
            }
        }
    }

    /// The kind and length of the token at the front of `rest`, which is not empty.
    fn scan(rest: &[u8]) -> (Kind, usize) {
        let quoted = |kind, found: Option<usize>| {
            found.map_or((Kind::Broken, rest.len()), |end| (kind, end))
        };
        match rest[0] {
            b'\'' => quoted(Kind::Text, quoted_end(rest, b'\'')),
            b'"' => quoted(Kind::Quoted, quoted_end(rest, b'"')),
            b'`' => quoted(Kind::Quoted, quoted_end(rest, b'`')),
            b'$' => match heredoc_end(rest) {
                Heredoc::None => (Kind::Mark(b'$'), 1),
                Heredoc::Open => (Kind::Broken, rest.len()),
                Heredoc::Ends(end) => (Kind::Text, end),
            },
            _ if rest.starts_with("‘".as_bytes()) => quoted(Kind::Text, curly_end(rest, "’")),
            _ if rest.starts_with("“".as_bytes()) => quoted(Kind::Quoted, curly_end(rest, "”")),
            byte if is_word_start(byte) => (Kind::Word, word_length(rest)),
            byte if byte.is_ascii_digit() => (Kind::Number, word_length(rest)),
            byte => (Kind::Mark(byte), 1),
        }
    }
}

impl Iterator for Lexer<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let closed = self.skip_blank();
        let start = self.position;
        let rest = self.rest();
        if rest.is_empty() {
            return None;
        }
        let (kind, length) = if closed {
            Self::scan(rest)
        } else {
            (Kind::Broken, rest.len())
        };
        self.position += length;
        Some(Token {
            kind,
            start,
            end: self.position,
        })
    }
}

/// The length of the whitespace character at the front, those of Unicode included.
fn whitespace(rest: &[u8]) -> Option<usize> {
    let first = *rest.first()?;
    if matches!(first, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c) {
        return Some(1);
    }
    if first < 0x80 {
        return None;
    }
    if rest.starts_with(b"\xef\xbb\xbf") {
        return Some(3);
    }
    let chunk = rest.utf8_chunks().next()?;
    let character = chunk.valid().chars().next()?;
    let invisible = character.is_whitespace() || ('\u{200b}'..='\u{200f}').contains(&character);
    (invisible || character == '\u{2060}').then(|| character.len_utf8())
}

/// What stands between the quotes, which are one byte long, or three where they are curly.
fn unquoted(text: &[u8]) -> &[u8] {
    let width = if text.starts_with("“".as_bytes()) {
        "“".len()
    } else {
        1
    };
    text.get(width..text.len() - width).unwrap_or_default()
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

fn word_length(rest: &[u8]) -> usize {
    rest.iter()
        .position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'))
        .unwrap_or(rest.len())
}

/// Where a quoted token ends. A backslash escapes the next byte; a doubled quote ends and starts, which comes to the same.
fn quoted_end(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote && rest.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn curly_end(rest: &[u8], closing: &str) -> Option<usize> {
    find(rest, closing.as_bytes()).map(|at| at + closing.len())
}

enum Heredoc {
    None,
    Open,
    Ends(usize),
}

/// `$tag$ … $tag$`, where the tag may be empty.
fn heredoc_end(rest: &[u8]) -> Heredoc {
    let Some(tag_end) = rest[1..]
        .iter()
        .position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))
    else {
        return Heredoc::None;
    };
    let tag_end = 1 + tag_end;
    if rest[tag_end] != b'$' {
        return Heredoc::None;
    }
    let tag = &rest[..=tag_end];
    find(&rest[tag.len()..], tag).map_or(Heredoc::Open, |inner| {
        Heredoc::Ends(tag.len() + inner + tag.len())
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sql: &str) -> Vec<String> {
        Lexer::new(sql.as_bytes())
            .map(|token| String::from_utf8_lossy(token.bytes(sql.as_bytes())).into())
            .collect()
    }

    #[test]
    fn comments_and_whitespace_are_no_tokens() {
        assert_eq!(
            words("a -- b\nc /* d */ e // f\ng # h\ni #! j\n\u{a0}k"),
            ["a", "c", "e", "g", "i", "k"]
        );
    }

    #[test]
    fn quotes_hide_what_they_hold() {
        assert_eq!(words(r"'a\'b''c' d"), [r"'a\'b''c'", "d"]);
        assert_eq!(words("“a ' b” ‘c \" d’ e"), ["“a ' b”", "‘c \" d’", "e"]);
        assert_eq!(
            words("$x$ ' $y$ $x$ z $$ ' $$"),
            ["$x$ ' $y$ $x$", "z", "$$ ' $$"]
        );
    }

    #[test]
    fn what_does_not_end_is_broken() {
        for sql in ["'a", "\"a", "`a", "/* a", "$a$ b", "‘a", "'a\\"] {
            let last = Lexer::new(sql.as_bytes()).last().unwrap();
            assert_eq!(last.kind, Kind::Broken, "{sql}");
            assert_eq!(last.end, sql.len());
        }
    }
}
