//! Data URLs in texts.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::{base64_text, mime};

const MARK: &str = ";base64,";

/// No media type with its parameters is longer.
const LONGEST_HEADER: usize = 256;

/// A data URL in base64.
#[derive(Debug)]
pub(crate) struct DataUrl {
    /// All of it.
    pub(crate) range: Range<usize>,
    /// The base64 of it.
    pub(crate) payload: Range<usize>,
    /// The type it claims.
    pub(crate) mime: Option<String>,
    /// What follows shows that the payload is not all there, or not all of what is there.
    pub(crate) broken: bool,
}

/// The first data URL at or after a position.
pub(crate) fn find(text: &str, from: usize) -> Option<DataUrl> {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));
    let bytes = text.as_bytes();
    let mut at = from;
    loop {
        let mark = at + FINDER.find(&bytes[at..])?;
        at = mark + MARK.len();
        let Some(start) = start_of(&bytes[from..mark]).map(|start| from + start) else {
            continue;
        };
        let begin = at + base64_text::gap_len(&bytes[at..]);
        let end = begin + base64_text::extent(&bytes[begin..]);
        return Some(DataUrl {
            range: start..end,
            payload: begin..end,
            mime: mime::normalized(&text[start + "data:".len()..mark]),
            broken: is_broken(&text[end..]) || (begin == end && is_rubbish(&text[end..])),
        });
    }
}

/// Where the `data:` stands that a header belongs to.
fn start_of(before_mark: &[u8]) -> Option<usize> {
    let reach = before_mark.len().saturating_sub(LONGEST_HEADER);
    let colon = before_mark[reach..]
        .iter()
        .rposition(|byte| !is_header(*byte))?
        + reach;
    let start = (colon + 1).checked_sub("data:".len())?;
    before_mark[start..=colon]
        .eq_ignore_ascii_case(b"data:")
        .then_some(start)
}

const fn is_header(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'&' | b'^' | b'_' | b'.' | b'+' | b'-' | b'/' | b';' | b'='
        )
        || byte == b'\\'
}

/// A payload that runs into a colon is the start of something else; one that runs into a letter or an ellipsis was cut.
fn is_broken(after: &str) -> bool {
    after.starts_with("...")
        || after.starts_with('…')
        || after.starts_with(|next: char| next == ':' || next.is_ascii_alphanumeric())
}

/// A word in place of the payload that is no base64 at all. Who writes about data URLs, and code that puts one together,
/// have brackets, punctuation or nothing there.
fn is_rubbish(after: &str) -> bool {
    let word = || {
        after
            .chars()
            .take_while(|next| !next.is_whitespace() && !matches!(next, '"' | '\'' | '`'))
    };
    let of_word = |next: char| next.is_ascii_graphic() && !r"{}()[]<>$%&*~|\.,:;".contains(next);
    word().nth(1).is_some() && word().all(of_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, String)> {
        let mut from = 0;
        std::iter::from_fn(|| {
            let url = find(text, from)?;
            from = url.range.end;
            Some((&text[url.payload], url.mime.unwrap_or_default()))
        })
        .collect()
    }

    #[test]
    fn they_are_found_with_parameters_and_in_any_surroundings() {
        let text = "<img src=\"data:image/png;name=a.png;base64,QUJD\"> [DATA:;base64,QUI=] data:image\\/gif;base64,QQ";
        assert_eq!(
            found(text),
            [
                ("QUJD", "image/png".to_owned()),
                ("QUI=", String::new()),
                ("QQ", "image/gif".to_owned()),
            ]
        );
    }

    #[test]
    fn what_lacks_the_scheme_is_none() {
        assert_eq!(found("metadata;base64,QUJD ta:x;base64,Q ;base64,"), []);
        assert_eq!(found(&format!("data:{};base64,QUJD", "x".repeat(400))), []);
    }

    #[test]
    fn cut_payloads_are_told_from_whole_ones() {
        let broken = |text| find(text, 0).unwrap().broken;
        assert!(broken("data:image/png;base64,iVBORw0KGgo..."));
        assert!(broken("data:image/png;base64,QUJD…"));
        assert!(broken("data:image/png;base64,..."));
        assert!(broken("data:image/png;base64,data:image/png"));
        assert!(!broken("data:image/png;base64,QUJD. Then"));
        assert!(!broken("data:image/png;base64,QUJD"));
    }

    #[test]
    fn a_word_that_is_no_base64_is_told_from_what_stands_for_a_payload() {
        let broken = |after: &str| {
            find(&format!("data:image/png;base64,{after}"), 0)
                .unwrap()
                .broken
        };
        for word in ["!!!", "!!not base64", "#?!\"", "!nothing/in/it+="] {
            assert!(broken(word), "{word}");
        }
        let placeholders = [
            "", " and", "\"", "'+x", "{image}", "${image}", "#{image}", "<base64>", "%s", "[...]",
            "**", "&quot;", ".", ".)", ", too", "!", "? No", "|", "\\n", "后面",
        ];
        for placeholder in placeholders {
            assert!(!broken(placeholder), "{placeholder}");
        }
    }
}
