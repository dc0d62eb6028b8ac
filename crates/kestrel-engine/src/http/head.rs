//! The head of a request: method, target, headers.

use std::io;

use super::query_string;
use super::wire::Wire;

/// Parameters of a query come in the target, so that it may be long.
const MAX_HEAD_BYTES: usize = 1 << 20;
const MAX_HEADERS: usize = 128;

/// How the body's length is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyLength {
    Known(u64),
    Chunked,
}

/// A request without its body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) method: String,
    pub(crate) path: String,
    /// Decoded, in their order.
    pub(crate) params: Vec<(String, String)>,
    headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: BodyLength,
    pub(crate) is_http_1_1: bool,
    pub(crate) keep_alive: bool,
    pub(crate) expects_continue: bool,
}

/// Why there is no request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadError {
    /// The client closed the connection between requests, which is how connections end.
    #[error("closed")]
    Closed,
    #[error("the request head is not HTTP/1.1: {0}")]
    Malformed(String),
    #[error("the request head is longer than {MAX_HEAD_BYTES} bytes; send the query in the body")]
    TooLong,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Head {
    /// Reads the next request's head.
    pub(crate) fn read(wire: &mut Wire) -> Result<Self, HeadError> {
        let mut seen: usize = 0;
        let end = loop {
            // The end of the head may lie across the border of what was seen before.
            if let Some(end) = find_end(wire.buffered(), seen.saturating_sub(3)) {
                break end;
            }
            seen = wire.buffered().len();
            if seen > MAX_HEAD_BYTES {
                return Err(HeadError::TooLong);
            }
            if !starts_like_http(wire.buffered()) {
                return Err(HeadError::Malformed(
                    "it does not begin with a method".into(),
                ));
            }
            if wire.fill()? == 0 {
                let empty = wire.buffered().iter().all(u8::is_ascii_whitespace);
                return Err(if empty {
                    HeadError::Closed
                } else {
                    HeadError::Malformed("it does not end".into())
                });
            }
        };
        let head = Self::parse(&wire.buffered()[..end]);
        wire.consume(end);
        head
    }

    fn parse(bytes: &[u8]) -> Result<Self, HeadError> {
        let malformed = |what: &dyn std::fmt::Display| HeadError::Malformed(what.to_string());
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        request.parse(bytes).map_err(|error| malformed(&error))?;
        let target = request.path.unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let params = query_string::parse(query).map_err(|error| malformed(&error))?;
        let headers: Vec<(String, Vec<u8>)> = request
            .headers
            .iter()
            .map(|header| (header.name.to_ascii_lowercase(), header.value.to_vec()))
            .collect();
        let mut head = Self {
            method: request.method.unwrap_or_default().to_owned(),
            path: path.to_owned(),
            params,
            headers,
            body: BodyLength::Known(0),
            is_http_1_1: request.version == Some(1),
            keep_alive: request.version == Some(1),
            expects_continue: false,
        };
        head.body = head.body_length()?;
        if let Some(connection) = head.header("connection") {
            head.keep_alive = match connection.to_ascii_lowercase().as_str() {
                "close" => false,
                "keep-alive" => true,
                _ => head.keep_alive,
            };
        }
        head.expects_continue = head
            .header("expect")
            .is_some_and(|value| value.eq_ignore_ascii_case("100-continue"));
        Ok(head)
    }

    fn body_length(&self) -> Result<BodyLength, HeadError> {
        let lengths: Vec<&str> = self.headers("content-length").collect();
        let encoding = self.header("transfer-encoding");
        match (lengths.as_slice(), encoding) {
            ([], None) => Ok(BodyLength::Known(0)),
            ([], Some(encoding)) if encoding.eq_ignore_ascii_case("chunked") => {
                Ok(BodyLength::Chunked)
            }
            // Both, or two lengths, is how requests are smuggled.
            ([length], None) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
                length.parse().map(BodyLength::Known).map_err(|_too_large| {
                    HeadError::Malformed("the content length is no number".into())
                })
            }
            _ => Err(HeadError::Malformed(
                "the length of the body is not clear".into(),
            )),
        }
    }

    /// The first header of that name, which is given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    fn headers<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h str> {
        self.headers
            .iter()
            .filter(move |(found, _)| found == name)
            .filter_map(|(_, value)| std::str::from_utf8(value).ok().map(str::trim))
    }

    /// The last parameter of that name.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .rev()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    }
}

fn find_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes
        .get(from..)?
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .map(|at| from + at + 4)
}

/// Keeps a client that speaks something else from filling the buffer first.
fn starts_like_http(bytes: &[u8]) -> bool {
    let start = bytes
        .iter()
        .position(|byte| !b"\r\n".contains(byte))
        .unwrap_or(bytes.len());
    bytes[start..]
        .iter()
        .take_while(|&&byte| byte != b' ')
        .take(16)
        .all(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_head_is_taken_apart() {
        let head = Head::parse(
            b"POST /?query=SELECT%201&a=%C3%A4+b HTTP/1.1\r\nX-ClickHouse-User: u\r\nContent-Length: 12\r\n\r\n",
        )
        .unwrap();
        assert_eq!(head.path, "/");
        assert_eq!(head.param("query"), Some("SELECT 1"));
        assert_eq!(head.param("a"), Some("ä b"));
        assert_eq!(head.header("x-clickhouse-user"), Some("u"));
        assert_eq!(head.body, BodyLength::Known(12));
        assert!(head.keep_alive);
    }

    #[test]
    fn a_body_whose_length_is_told_twice_is_refused() {
        for headers in [
            "Content-Length: 1\r\nContent-Length: 2",
            "Content-Length: 1\r\nTransfer-Encoding: chunked",
            "Content-Length: +1",
            "Transfer-Encoding: gzip, chunked",
        ] {
            let request = format!("POST / HTTP/1.1\r\n{headers}\r\n\r\n");
            assert!(
                matches!(
                    Head::parse(request.as_bytes()),
                    Err(HeadError::Malformed(_))
                ),
                "{headers}"
            );
        }
    }
}
