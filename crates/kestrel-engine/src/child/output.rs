//! The answer to a statement: compressed, sent whole when it is small, in chunks when it is not.

use std::io;

use super::connection::Stats;
use super::error::ServerError;
use crate::http::body::Body;
use crate::http::encoding::{Encoder, Encoding};
use crate::http::response::{Framing, ResponseHead};

/// Answers up to this size are sent whole, with the final numbers in the head and errors as a status.
const WHOLE_BYTES: usize = 1 << 20;
/// What `wait_end_of_query=1` may gather.
const MAX_WAITING_BYTES: usize = 256 << 20;
/// How much of an unread request is read so that the client gets to read the answer.
const DISCARD_BYTES: usize = 64 << 20;

/// How an answer is to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    pub(super) encoding: Encoding,
    pub(super) keep_alive: bool,
    /// How an answer is framed whose length is not known when it begins.
    pub(super) open_end: Framing,
    /// Sends nothing before the statement has ended.
    pub(super) wait_for_end: bool,
    /// For `HEAD`: everything but the body.
    pub(super) without_body: bool,
}

/// An answer in the making.
pub(super) struct Output<'b, 'w> {
    request: &'b mut Body<'w>,
    head: ResponseHead,
    delivery: Delivery,
    encoder: Encoder,
    started: bool,
    tag: String,
    began: std::time::Instant,
}

/// Why an answer cannot be continued.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutputError {
    #[error(transparent)]
    Client(#[from] io::Error),
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl<'b, 'w> Output<'b, 'w> {
    pub(super) fn new(
        request: &'b mut Body<'w>,
        mut head: ResponseHead,
        delivery: Delivery,
        tag: String,
    ) -> io::Result<Self> {
        if let Some(name) = delivery.encoding.name() {
            head.set("Content-Encoding", name);
        }
        head.set("X-ClickHouse-Exception-Tag", tag.clone());
        let encoder = Encoder::new(delivery.encoding)?;
        let began = std::time::Instant::now();
        Ok(Self {
            request,
            head,
            delivery,
            encoder,
            started: false,
            tag,
            began,
        })
    }

    pub(super) fn request(&mut self) -> &mut Body<'w> {
        self.request
    }

    pub(super) fn head(&mut self) -> &mut ResponseHead {
        &mut self.head
    }

    /// Adds a piece of the result.
    pub(super) fn write(&mut self, data: &[u8]) -> Result<(), OutputError> {
        self.encoder.push(data)?;
        let gathered = self.encoder.output().len();
        if self.delivery.wait_for_end && gathered > MAX_WAITING_BYTES {
            let message = "the result is too large for wait_end_of_query=1; read it as it comes";
            return Err(ServerError::new(
                super::error::code::TOO_LARGE_RESULT,
                "TOO_MANY_ROWS_OR_BYTES",
                message,
            )
            .into());
        }
        if self.started || (!self.delivery.wait_for_end && gathered > WHOLE_BYTES) {
            self.send_gathered()?;
        }
        Ok(())
    }

    /// Ends the answer. Returns whether the connection can be used again.
    pub(super) fn finish(mut self, stats: Stats) -> io::Result<bool> {
        if self.started {
            let rest = self.encoder.finish()?;
            let framing = self.delivery.open_end;
            send_piece(self.request, framing, &rest)?;
            if framing == Framing::Chunked {
                self.request.wire().write_all(b"0\r\n\r\n")?;
            }
            return Ok(self.delivery.keep_alive && self.request.is_ended());
        }
        self.head
            .set("X-ClickHouse-Summary", summary(stats, self.began));
        let body = self.encoder.finish()?;
        send_whole(self.request, &self.head, self.delivery, &body)
    }

    /// Ends the answer with an error: as a status where nothing was sent yet, else as ClickHouse marks it in the data.
    pub(super) fn fail(mut self, error: &ServerError) -> io::Result<bool> {
        if !self.started {
            return send_error(self.request, self.head, self.delivery, error);
        }
        let text = format!("{}\n", error.text);
        let marked = format!(
            "\r\n__exception__\r\n{tag}\r\n{text}{length} {tag}\r\n__exception__\r\n",
            tag = self.tag,
            length = text.len()
        );
        self.encoder.push(marked.as_bytes())?;
        self.encoder.flush()?;
        self.send_gathered()?;
        // Without its last chunk the answer is visibly not whole.
        Ok(false)
    }

    fn send_gathered(&mut self) -> io::Result<()> {
        if !self.started {
            self.delivery.keep_alive &= self.delivery.open_end == Framing::Chunked;
            let head = self
                .head
                .to_bytes(self.delivery.open_end, self.delivery.keep_alive);
            self.request.wire().write_all(&head)?;
            self.started = true;
        }
        self.encoder.flush()?;
        let piece = std::mem::take(self.encoder.output());
        send_piece(self.request, self.delivery.open_end, &piece)
    }
}

fn send_piece(request: &mut Body<'_>, framing: Framing, piece: &[u8]) -> io::Result<()> {
    if piece.is_empty() {
        return Ok(());
    }
    if framing != Framing::Chunked {
        return request.wire().write_all(piece);
    }
    let wire = request.wire();
    wire.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
    wire.write_all(piece)?;
    wire.write_all(b"\r\n")
}

/// Sends head and body at once, after reading what the client may still be sending.
pub(super) fn send_whole(
    request: &mut Body<'_>,
    head: &ResponseHead,
    delivery: Delivery,
    body: &[u8],
) -> io::Result<bool> {
    request.discard(DISCARD_BYTES);
    let keep_alive = delivery.keep_alive && request.is_ended();
    let mut message = head.to_bytes(Framing::Length(body.len()), keep_alive);
    if !delivery.without_body {
        message.extend_from_slice(body);
    }
    request.wire().write_all(&message)?;
    Ok(keep_alive)
}

/// Sends an error as an answer of its own.
pub(super) fn send_error(
    request: &mut Body<'_>,
    mut head: ResponseHead,
    delivery: Delivery,
    error: &ServerError,
) -> io::Result<bool> {
    head.set_status(error.status());
    head.remove("Content-Encoding");
    head.set("Content-Type", "text/plain; charset=UTF-8");
    head.set("X-ClickHouse-Exception-Code", error.code.to_string());
    if error.status() == 401 {
        head.set(
            "WWW-Authenticate",
            "Basic realm=\"ClickHouse server HTTP API\"",
        );
    }
    send_whole(
        request,
        &head,
        delivery,
        format!("{}\n", error.text).as_bytes(),
    )
}

fn summary(stats: Stats, began: std::time::Instant) -> String {
    format!(
        "{{\"read_rows\":\"{}\",\"read_bytes\":\"{}\",\"written_rows\":\"{}\",\"written_bytes\":\"{}\",\
         \"total_rows_to_read\":\"{}\",\"result_rows\":\"{}\",\"result_bytes\":\"{}\",\"elapsed_ns\":\"{}\"}}",
        stats.read_rows,
        stats.read_bytes,
        stats.written_rows,
        stats.written_bytes,
        stats.read_rows,
        // As ClickHouse tells it: what an INSERT wrote is its result.
        stats.result_rows.max(stats.written_rows),
        stats.result_bytes.max(stats.written_bytes),
        began.elapsed().as_nanos(),
    )
}
