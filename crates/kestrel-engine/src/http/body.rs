//! The body of a request, as it comes from the wire.

use std::io::{self, Read};

use super::head::BodyLength;
use super::wire::Wire;

const MAX_CHUNK_LINE: usize = 4096;

/// Reads one request's body and stops at its end. A body that breaks off is an error, never an end.
pub(crate) struct Body<'w> {
    wire: &'w mut Wire,
    state: State,
    /// Sent before the first read, when the client waits for it.
    announce: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Known {
        left: u64,
    },
    /// Inside a chunk, with so much of it left.
    InChunk {
        left: u64,
    },
    BeforeChunk {
        first: bool,
    },
    Ended,
}

impl<'w> Body<'w> {
    pub(crate) fn new(wire: &'w mut Wire, length: BodyLength, expects_continue: bool) -> Self {
        let state = match length {
            BodyLength::Known(0) => State::Ended,
            BodyLength::Known(left) => State::Known { left },
            BodyLength::Chunked => State::BeforeChunk { first: true },
        };
        Self {
            wire,
            state,
            announce: expects_continue,
        }
    }

    /// Whether everything was read, so that the next request follows.
    pub(crate) fn is_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Writes to the client, for answers that begin before the body has been read.
    pub(crate) fn wire(&mut self) -> &mut Wire {
        self.wire
    }

    /// Reads and forgets up to `limit` bytes, so that a client that still sends gets to read the answer.
    pub(crate) fn discard(&mut self, limit: usize) {
        if self.announce {
            return;
        }
        let mut sink = vec![0; 64 * 1024];
        let mut seen = 0;
        while seen < limit {
            match self.read(&mut sink) {
                Ok(0) | Err(_) => return,
                Ok(count) => seen += count,
            }
        }
    }

    fn next_chunk(&mut self, first: bool) -> io::Result<State> {
        if !first && !self.read_line()?.is_empty() {
            return Err(broken("a chunk of the body does not end where it should"));
        }
        let line = self.read_line()?;
        let digits = line
            .split(|&byte| byte == b';')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        let size = std::str::from_utf8(digits)
            .ok()
            .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .ok_or_else(|| broken("a chunk of the body has no size"))?;
        if size > 0 {
            return Ok(State::InChunk { left: size });
        }
        // Trailers carry nothing for us.
        while !self.read_line()?.is_empty() {}
        Ok(State::Ended)
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        loop {
            let buffered = self.wire.buffered();
            if let Some(end) = buffered.iter().position(|&byte| byte == b'\n') {
                let line = buffered[..end]
                    .strip_suffix(b"\r")
                    .unwrap_or(&buffered[..end])
                    .to_vec();
                self.wire.consume(end + 1);
                return Ok(line);
            }
            if buffered.len() > MAX_CHUNK_LINE {
                return Err(broken("a chunk of the body has no size"));
            }
            if self.wire.fill()? == 0 {
                return Err(cut_off());
            }
        }
    }

    fn read_some(&mut self, out: &mut [u8], left: u64) -> io::Result<usize> {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        match self.wire.read(&mut out[..most])? {
            0 => Err(cut_off()),
            count => Ok(count),
        }
    }
}

impl Read for Body<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        if std::mem::take(&mut self.announce) && !self.is_ended() {
            self.wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::BeforeChunk { first } => self.state = self.next_chunk(first)?,
                State::Known { left } => {
                    let count = self.read_some(out, left)?;
                    let left = left - count as u64;
                    self.state = if left == 0 {
                        State::Ended
                    } else {
                        State::Known { left }
                    };
                    return Ok(count);
                }
                State::InChunk { left } => {
                    let count = self.read_some(out, left)?;
                    let left = left - count as u64;
                    self.state = if left == 0 {
                        State::BeforeChunk { first: false }
                    } else {
                        State::InChunk { left }
                    };
                    return Ok(count);
                }
            }
        }
    }
}

fn broken(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

fn cut_off() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the connection closed before the end of the body",
    )
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    fn wire_with(bytes: &[u8]) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(bytes).unwrap();
        drop(client);
        Wire::new(listener.accept().unwrap().0)
    }

    fn read(wire: &mut Wire, length: BodyLength) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        Body::new(wire, length, false)
            .read_to_end(&mut all)
            .map(|_| all)
    }

    #[test]
    fn a_body_ends_where_it_was_said_to_end() {
        let mut wire = wire_with(b"abcdef");
        assert_eq!(read(&mut wire, BodyLength::Known(4)).unwrap(), b"abcd");
        assert_eq!(wire.buffered(), b"ef");
    }

    #[test]
    fn chunks_are_put_together() {
        let mut wire = wire_with(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\nnext");
        assert_eq!(read(&mut wire, BodyLength::Chunked).unwrap(), b"abcde");
        assert_eq!(wire.buffered(), b"next");
    }

    #[test]
    fn a_body_that_breaks_off_is_an_error() {
        for (bytes, length) in [
            (b"abc".as_slice(), BodyLength::Known(4)),
            (b"3\r\nabc\r\n", BodyLength::Chunked),
            (b"3\r\nab", BodyLength::Chunked),
            (b"", BodyLength::Chunked),
        ] {
            let error = read(&mut wire_with(bytes), length).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn chunks_without_a_size_are_an_error() {
        for bytes in [
            b"xyz\r\nabc".as_slice(),
            b"3\r\nabcd\r\n",
            b"\r\n\r\n",
            b"+3\r\nabc\r\n",
        ] {
            assert_eq!(
                read(&mut wire_with(bytes), BodyLength::Chunked)
                    .unwrap_err()
                    .kind(),
                io::ErrorKind::InvalidData
            );
        }
    }
}
