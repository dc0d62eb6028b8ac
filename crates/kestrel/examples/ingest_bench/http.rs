//! Just enough of HTTP/1.1 to send bodies on one connection, so that the client's own work hardly counts.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// One kept connection.
pub(crate) struct Connection {
    address: String,
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_nodelay(true).expect("a socket takes options");
        Self {
            address: address.to_owned(),
            stream: BufReader::new(stream),
        }
    }

    /// Sends a body and reads the answer; returns its status.
    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> u16 {
        let mut head = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).expect("the server reads");
        stream.write_all(body).expect("the server reads");
        self.read_answer()
    }

    fn read_answer(&mut self) -> u16 {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .expect("the server answers");
        let status = line
            .split_whitespace()
            .nth(1)
            .and_then(|status| status.parse().ok())
            .expect("a status line");
        let mut length = 0;
        let mut chunked = false;
        loop {
            line.clear();
            self.stream
                .read_line(&mut line)
                .expect("the server answers");
            let header = line.trim().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
            chunked |= header.starts_with("transfer-encoding:");
        }
        if chunked {
            self.read_chunks();
        } else {
            self.read_bytes(length);
        }
        status
    }

    fn read_chunks(&mut self) {
        loop {
            let mut line = String::new();
            self.stream
                .read_line(&mut line)
                .expect("the server answers");
            let length = usize::from_str_radix(line.trim(), 16).expect("a length of a chunk");
            self.read_bytes(length + 2);
            if length == 0 {
                return;
            }
        }
    }

    fn read_bytes(&mut self, length: usize) {
        let mut body = vec![0; length];
        self.stream
            .read_exact(&mut body)
            .expect("the whole answer arrives");
    }
}
