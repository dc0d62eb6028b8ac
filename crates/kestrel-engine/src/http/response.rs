//! The head of an answer, and how its body is framed.

use std::fmt::Write as _;

/// How the end of an answer's body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(usize),
    Chunked,
    /// For clients of HTTP/1.0.
    UntilClose,
}

/// Status and headers of an answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResponseHead {
    status: u16,
    headers: Vec<(&'static str, String)>,
}

impl ResponseHead {
    pub(crate) fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
        }
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        self.status = status;
    }

    /// Sets a header, in place of one with the same name. Line ends cannot get in.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<String>) {
        let mut value = value.into();
        value.retain(|character| !character.is_control());
        self.remove(name);
        self.headers.push((name, value));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(found, _)| *found != name);
    }

    /// The head as it goes over the wire.
    pub(crate) fn to_bytes(&self, framing: Framing, keep_alive: bool) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("writing to a string cannot fail");
        }
        let framing = match framing {
            Framing::Length(length) => format!("Content-Length: {length}\r\n"),
            Framing::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
            Framing::UntilClose => String::new(),
        };
        let connection = if keep_alive { "Keep-Alive" } else { "Close" };
        write!(head, "{framing}Connection: {connection}\r\n\r\n")
            .expect("writing to a string cannot fail");
        head.into_bytes()
    }
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        413 => "Request Entity Too Large",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}
