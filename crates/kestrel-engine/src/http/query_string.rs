//! Parameters of a request's target.

/// Why a query string cannot be decoded.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a parameter of the URL is not percent-encoded UTF-8")]
pub(crate) struct NotUtf8;

/// Names and values, decoded, in their order.
pub(crate) fn parse(query: &str) -> Result<Vec<(String, String)>, NotUtf8> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, NotUtf8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let [byte, rest @ ..] = bytes {
        bytes = rest;
        match (byte, rest) {
            (b'+', _) => out.push(b' '),
            (b'%', [high, low, after @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                out.push(digit(*high).unwrap_or(0) << 4 | digit(*low).unwrap_or(0));
                bytes = after;
            }
            _ => out.push(*byte),
        }
    }
    String::from_utf8(out).map_err(|_bytes| NotUtf8)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let parsed = parse("a=1&b=x%20y+z&&c&d=%zz%").unwrap();
        let expected = [("a", "1"), ("b", "x y z"), ("c", ""), ("d", "%zz%")];
        assert_eq!(
            parsed,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(parse("a=%ff"), Err(NotUtf8));
    }
}
