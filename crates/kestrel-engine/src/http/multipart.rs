//! Parameters that come as a form (`multipart/form-data`), which clients use when they are too long for the URL.

/// Why a form cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FormError {
    #[error("the form (multipart/form-data) is malformed")]
    Malformed,
    #[error(
        "external tables (multipart/form-data with files) are not supported by the embedded engine"
    )]
    File,
}

/// The boundary of a form, when that is what the content type says.
pub(crate) fn boundary(content_type: &str) -> Option<&str> {
    let mut parts = content_type.split(';').map(str::trim);
    parts
        .next()
        .filter(|kind| kind.eq_ignore_ascii_case("multipart/form-data"))?;
    parts
        .find_map(|part| part.strip_prefix("boundary="))
        .map(|boundary| boundary.trim_matches('"'))
}

/// The fields of a form, in their order.
pub(crate) fn fields(body: &[u8], boundary: &str) -> Result<Vec<(String, String)>, FormError> {
    // The first delimiter may stand at the very beginning; every other follows a line end.
    let delimiter = format!("\r\n--{boundary}");
    let framed = [b"\r\n", body].concat();
    let mut fields = Vec::new();
    let mut rest = after(&framed, delimiter.as_bytes())
        .ok_or(FormError::Malformed)?
        .1;
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n").ok_or(FormError::Malformed)?;
        let (part, next) = after(part, delimiter.as_bytes()).ok_or(FormError::Malformed)?;
        fields.push(field(part)?);
        rest = next;
    }
    Ok(fields)
}

fn field(part: &[u8]) -> Result<(String, String), FormError> {
    let (head, value) = after(part, b"\r\n\r\n").ok_or(FormError::Malformed)?;
    let head = std::str::from_utf8(head).map_err(|_not_utf8| FormError::Malformed)?;
    let disposition = head
        .split("\r\n")
        .find_map(|line| {
            line.split_once(':')
                .filter(|(name, _)| name.eq_ignore_ascii_case("content-disposition"))
        })
        .ok_or(FormError::Malformed)?
        .1;
    let attribute = |name: &str| {
        disposition
            .split(';')
            .map(str::trim)
            .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    };
    if attribute("filename").is_some() {
        return Err(FormError::File);
    }
    let name = attribute("name")
        .ok_or(FormError::Malformed)?
        .trim_matches('"')
        .to_owned();
    let value = String::from_utf8(value.to_vec()).map_err(|_not_utf8| FormError::Malformed)?;
    Ok((name, value))
}

/// What stands before and after the first occurrence.
fn after<'b>(bytes: &'b [u8], needle: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle)?;
    Some((&bytes[..at], &bytes[at + needle.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_with_what_they_hold() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1\r\n--y\r\n--x\r\n\
                     content-disposition: form-data; name=param_a\r\nContent-Type: text/plain\r\n\r\n\r\n--x--\r\n";
        let expected = [("query", "SELECT 1\r\n--y"), ("param_a", "")];
        assert_eq!(
            fields(body, "x").unwrap(),
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert_eq!(boundary("multipart/form-data; boundary=\"x\""), Some("x"));
        assert_eq!(boundary("text/plain"), None);
    }

    #[test]
    fn what_is_no_form_is_refused() {
        for body in [
            b"".as_slice(),
            b"--x",
            b"--x\r\n\r\n",
            b"--x\r\nabc\r\n--x--",
            b"--x\r\nContent-Disposition: form-data\r\n\r\n1\r\n--x--",
        ] {
            assert_eq!(fields(body, "x"), Err(FormError::Malformed), "{body:?}");
        }
        let file = b"--x\r\nContent-Disposition: form-data; name=\"t\"; filename=\"t.csv\"\r\n\r\n1\r\n--x--";
        assert_eq!(fields(file, "x"), Err(FormError::File));
    }
}
