//! Base64 as it is found in texts: where it ends, and what it decodes to.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Writers disagree about padding and leave rubbish in the last bits; neither makes the bytes before it doubtful.
const DECODER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A line of base64 that continues the one before has at least so many characters, unless it is the last.
const LINE: usize = 40;

/// Nobody wraps lines longer than this.
const LONGEST_WRAPPED_LINE: usize = 256;

/// True for characters of either alphabet.
pub(crate) const fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Decodes a text that is base64 throughout; `None` if it is not.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_ascii();
    DECODER
        .decode(text)
        .ok()
        .or_else(|| DECODER.decode(standard_form(text.as_bytes())?).ok())
}

/// The length of the base64 at the start of a text that goes on with something else.
///
/// Lines of wrapped base64 belong together; a word on the next line does not.
pub(crate) fn extent(text: &[u8]) -> usize {
    let mut line = Line::at(text);
    let mut end = line.len;
    let mut lines = 1;
    while !line.padded {
        let gap = gap_len(&text[end..]);
        let next = Line::at(&text[end + gap..]);
        let next_end = end + gap + next.len;
        let full = next.digits >= LINE && line.digits <= LONGEST_WRAPPED_LINE;
        let same = next.digits == line.digits;
        let shorter = next.digits < line.digits && ends_here(&text[next_end..]);
        let last = shorter && (lines > 1 || next.padded);
        if gap == 0 || next.digits == 0 || !(full || same || last) {
            break;
        }
        (line, end, lines) = (next, next_end, lines + 1);
        if last && !full {
            break;
        }
    }
    end
}

/// The length of the white space at the start, escaped or not.
pub(crate) fn gap_len(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += match &text[at..] {
            [byte, ..] if byte.is_ascii_whitespace() => 1,
            [b'\\', ..] => match escape(&text[at..]) {
                Some((None, len)) => len,
                _ => return at,
            },
            _ => return at,
        };
    }
}

/// One unbroken run of base64 and its padding.
struct Line {
    len: usize,
    digits: usize,
    padded: bool,
}

impl Line {
    fn at(text: &[u8]) -> Self {
        let mut line = Self {
            len: 0,
            digits: 0,
            padded: false,
        };
        loop {
            if !line.padded {
                let plain = digits_at(&text[line.len..]);
                line.digits += plain;
                line.len += plain;
            }
            let Some((digit, len)) = digit_at(&text[line.len..]) else {
                break;
            };
            if digit == b'=' {
                line.padded = true;
            } else if line.padded {
                break;
            } else {
                line.digits += 1;
            }
            line.len += len;
        }
        line
    }
}

/// How many digits stand at the start, unescaped: nearly all of a payload, so this is counted by table.
fn digits_at(text: &[u8]) -> usize {
    const IS_DIGIT: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0_u8;
        while byte < 128 {
            table[byte as usize] = is_digit(byte);
            byte += 1;
        }
        table
    };
    let other = text.iter().position(|byte| !IS_DIGIT[usize::from(*byte)]);
    other.unwrap_or(text.len())
}

/// The digit or padding at the start, seen through escapes, and the length it takes.
fn digit_at(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [byte, ..] if is_digit(*byte) || *byte == b'=' => Some((*byte, 1)),
        [b'\\' | b'%', ..] => match escape(text)? {
            (Some(digit), len) => Some((digit, len)),
            (None, _) => None,
        },
        _ => None,
    }
}

/// An escape that may stand in base64: the digit that it means, or `None` for white space, and its length.
///
/// Backslashes may have multiplied: JSON in JSON.
fn escape(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let backslashes = text.iter().take_while(|byte| **byte == b'\\').count();
    match &text[backslashes..] {
        [b'/', ..] if backslashes > 0 => Some((Some(b'/'), backslashes + 1)),
        [b'n' | b'r' | b't', ..] if backslashes > 0 => Some((None, backslashes + 1)),
        [b'%', high, low, ..] if backslashes == 0 => {
            let high = char::from(*high).to_digit(16)?;
            let low = char::from(*low).to_digit(16)?;
            let byte = u8::try_from(high << 4 | low).ok()?;
            if byte.is_ascii_whitespace() {
                Some((None, 3))
            } else {
                (is_digit(byte) || byte == b'=').then_some((Some(byte), 3))
            }
        }
        _ => None,
    }
}

/// The same base64 in the standard alphabet without white space and escapes.
fn standard_form(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let byte = text[at];
        let (digit, len) = match byte {
            b'\\' | b'%' => escape(&text[at..])?,
            _ if byte.is_ascii_whitespace() => (None, 1),
            _ => (Some(byte), 1),
        };
        match digit {
            Some(b'-') => out.push(b'+'),
            Some(b'_') => out.push(b'/'),
            Some(digit) => out.push(digit),
            None => {}
        }
        at += len;
    }
    Some(out)
}

/// True where something ends that a last short line of base64 may stand before.
fn ends_here(text: &[u8]) -> bool {
    matches!(
        text.first(),
        None | Some(b'\n' | b'\r' | b'"' | b'\'' | b'`' | b')' | b'>' | b']' | b'}' | b'\\')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(text: &str) -> &str {
        &text[..extent(text.as_bytes())]
    }

    #[test]
    fn it_ends_at_padding_and_at_anything_else() {
        assert_eq!(taken("QUJD) and"), "QUJD");
        assert_eq!(taken("QUI=QUJD"), "QUI=");
        assert_eq!(taken("QUJD\nThe picture"), "QUJD");
        assert_eq!(taken("-_-_ x"), "-_-_");
        assert_eq!(taken(""), "");
        assert_eq!(taken("..."), "");
    }

    #[test]
    fn wrapped_lines_belong_together_and_words_after_them_do_not() {
        let line = "QUJD".repeat(19);
        let wrapped = format!("{line}\n{line}\r\n  {line}\nQUI=");
        assert_eq!(taken(&format!("{wrapped}\nThe end")), wrapped);
        let unpadded = format!("{line}\n{line}\nQUJ");
        assert_eq!(taken(&format!("{unpadded}\"")), unpadded);
        let full = format!("{line}\n{line}");
        assert_eq!(taken(&format!("{full}\nHere is it")), full);
        let escaped = format!("{line}\\n{line}\\nQU\\/D");
        assert_eq!(taken(&format!("{escaped}\\\"")), escaped);
    }

    #[test]
    fn every_spelling_decodes_to_the_same_bytes() {
        let bytes = [0xFB, 0xFF, 0xBF, 1, 2];
        for spelling in [
            "+/+/AQI=",
            "-_-_AQI",
            "+/+/AQI",
            " +/+/\nAQ I=\r\n",
            r"+\/+\/\nAQI=",
            r"+\\/+\\/AQI=",
            "%2B%2f%2B/AQI%3D",
        ] {
            assert_eq!(decode(spelling).as_deref(), Some(&bytes[..]), "{spelling}");
        }
    }

    #[test]
    fn what_is_not_base64_does_not_decode() {
        for text in ["QUJDR", "iVBORw0KGgo...", "QU=JD", "Q\\xUJD", "QU%00", "é"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
