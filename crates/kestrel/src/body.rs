//! Reads the body of a request within its limits: size as sent and after decompression, time, and memory of all.

use std::io::{self, Read};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http_body_util::BodyExt as _;

use crate::budget::{Charge, OverBudget};

/// How long a client may pause inside a body.
const PAUSE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a body may take in all: the largest one over a slow home connection.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(300);

/// How long, and how much, is read of a body that has been refused.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_DRAINED_BYTES: usize = 256 << 20;

/// Reserved ahead on the word of `Content-Length`, which costs a liar nothing.
const MAX_RESERVED_BYTES: usize = 4 << 20;

/// Window of zstd that is accepted, as a power of two: what `zstd --long` never exceeds without being told.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// Compressions that are understood, as a client is told them.
pub(crate) const ACCEPTED_ENCODINGS: &str = "gzip, deflate, zstd";

/// Why a body was not read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum BodyError {
    /// It is larger than is taken.
    #[error(
        "the body is larger than {limit} bytes; send smaller batches or raise KESTREL_MAX_BODY_BYTES"
    )]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// Too much is in memory already.
    #[error(transparent)]
    OverBudget(#[from] OverBudget),
    /// It did not arrive in time.
    #[error("the body did not arrive in time")]
    Timeout,
    /// The client went away, or broke the protocol.
    #[error("the body ended early")]
    Aborted(#[source] axum::Error),
    /// Its compression is not known.
    #[error(
        "the content encoding {0:?} is not supported; use one of {ACCEPTED_ENCODINGS}, or none"
    )]
    UnknownEncoding(String),
    /// It is not what its compression says.
    #[error("the body is not valid {encoding}: {source}")]
    Corrupt {
        /// The compression.
        encoding: &'static str,
        /// What the decompressor found.
        source: io::Error,
    },
}

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// zlib, or bare deflate as some clients send it.
    Deflate,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// Reads `Content-Encoding`.
    ///
    /// # Errors
    /// When it is unknown, or there are several.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, BodyError> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(value) = values.next() else {
            return Ok(Self::None);
        };
        let name = String::from_utf8_lossy(value.as_bytes())
            .trim()
            .to_ascii_lowercase();
        match name.as_str() {
            _ if values.next().is_some() => Err(BodyError::UnknownEncoding("several".to_owned())),
            "" | "identity" => Ok(Self::None),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            "zstd" => Ok(Self::Zstd),
            _ => Err(BodyError::UnknownEncoding(name)),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "data",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
        }
    }

    /// Decompresses `sent` to at most `limit` bytes, charging for them as they appear.
    ///
    /// # Errors
    /// When it is not valid, larger than `limit`, or the budget is spent.
    pub(crate) fn decompress(
        self,
        sent: Vec<u8>,
        limit: usize,
        charge: &mut Charge,
    ) -> Result<Vec<u8>, BodyError> {
        let sent_bytes = sent.as_slice();
        match self {
            Self::None => return Ok(sent),
            Self::Gzip => inflate(MultiGzDecoder::new(sent_bytes), sent.len(), limit, charge),
            // RFC 9110 means zlib; bare deflate has no header to tell, so the first byte decides.
            Self::Deflate if is_zlib(sent_bytes) => {
                inflate(ZlibDecoder::new(sent_bytes), sent.len(), limit, charge)
            }
            Self::Deflate => inflate(DeflateDecoder::new(sent_bytes), sent.len(), limit, charge),
            Self::Zstd => zstd_decoder(sent_bytes)
                .map_err(InflateError::Corrupt)
                .and_then(|decoder| inflate(decoder, sent.len(), limit, charge)),
        }
        .map_err(|error| match error {
            InflateError::TooLarge => BodyError::TooLarge { limit },
            InflateError::OverBudget(error) => BodyError::OverBudget(error),
            InflateError::Corrupt(source) => BodyError::Corrupt {
                encoding: self.name(),
                source,
            },
        })
    }
}

fn is_zlib(sent: &[u8]) -> bool {
    matches!(sent, [method, flags, ..]
        if method & 15 == 8 && (u16::from(*method) << 8 | u16::from(*flags)) % 31 == 0)
}

fn zstd_decoder(sent: &[u8]) -> io::Result<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(sent)?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
    Ok(decoder)
}

enum InflateError {
    TooLarge,
    OverBudget(OverBudget),
    Corrupt(io::Error),
}

fn inflate(
    mut decoder: impl Read,
    sent_len: usize,
    limit: usize,
    charge: &mut Charge,
) -> Result<Vec<u8>, InflateError> {
    let mut plain = Vec::with_capacity(sent_len.saturating_mul(4).min(MAX_RESERVED_BYTES));
    let mut piece = vec![0; 64 << 10];
    loop {
        match decoder.read(&mut piece) {
            Ok(0) => return Ok(plain),
            Ok(read) if plain.len() + read > limit => return Err(InflateError::TooLarge),
            Ok(read) => {
                charge.grow(read).map_err(InflateError::OverBudget)?;
                plain.extend_from_slice(&piece[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(InflateError::Corrupt(error)),
        }
    }
}

/// Reads a body as it was sent.
///
/// # Errors
/// When it is larger than `limit`, slower than may be, or the budget is spent.
pub(crate) async fn read(
    mut body: Body,
    headers: &HeaderMap,
    limit: usize,
    charge: &mut Charge,
) -> Result<Vec<u8>, BodyError> {
    let announced = content_length(headers);
    let result = if announced.is_some_and(|announced| announced > limit) {
        Err(BodyError::TooLarge { limit })
    } else {
        let mut sent = Vec::with_capacity(announced.unwrap_or(0).min(MAX_RESERVED_BYTES));
        let reading = read_frames(&mut body, limit, charge, &mut sent);
        match tokio::time::timeout(TOTAL_TIMEOUT, reading).await {
            Ok(read) => read.map(|()| sent),
            Err(_) => Err(BodyError::Timeout),
        }
    };
    if matches!(
        result,
        Err(BodyError::TooLarge { .. } | BodyError::OverBudget(_))
    ) {
        charge.clear();
        drain(body).await;
    }
    result
}

/// Reads on and forgets, for a moment: a client that is still sending does not see an answer before it is done, and
/// would take a closed connection for something that passes.
pub(crate) async fn drain(mut body: Body) {
    let mut left = MAX_DRAINED_BYTES;
    let draining = async {
        while let Some(Ok(frame)) = body.frame().await {
            let read = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(read) {
                Some(rest) => left = rest,
                None => return,
            }
        }
    };
    // Whoever sends for longer than that gets the closed connection after all.
    drop(tokio::time::timeout(DRAIN_TIMEOUT, draining).await);
}

async fn read_frames(
    body: &mut Body,
    limit: usize,
    charge: &mut Charge,
    sent: &mut Vec<u8>,
) -> Result<(), BodyError> {
    loop {
        let Ok(frame) = tokio::time::timeout(PAUSE_TIMEOUT, body.frame()).await else {
            return Err(BodyError::Timeout);
        };
        let Some(frame) = frame.transpose().map_err(BodyError::Aborted)? else {
            return Ok(());
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if sent.len() + data.len() > limit {
            return Err(BodyError::TooLarge { limit });
        }
        charge.grow(data.len())?;
        sent.extend_from_slice(data);
    }
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;
    use crate::budget::ByteBudget;

    fn decompressed(
        compression: Compression,
        sent: Vec<u8>,
        limit: usize,
    ) -> Result<Vec<u8>, BodyError> {
        let budget = ByteBudget::new(1 << 20);
        compression.decompress(sent, limit, &mut budget.open())
    }

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_compression_gives_back_what_was_sent() {
        let plain = b"a span, a span, a span".repeat(100);
        let mut zlib = ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        zlib.write_all(&plain).unwrap();
        let mut deflate = DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        deflate.write_all(&plain).unwrap();
        for (compression, sent) in [
            (Compression::None, plain.clone()),
            (Compression::Gzip, gzip(&plain)),
            (Compression::Deflate, zlib.finish().unwrap()),
            (Compression::Deflate, deflate.finish().unwrap()),
            (
                Compression::Zstd,
                zstd::encode_all(plain.as_slice(), 1).unwrap(),
            ),
        ] {
            assert_eq!(
                decompressed(compression, sent, 1 << 20).unwrap(),
                plain,
                "{compression:?}"
            );
        }
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let bomb = gzip(&vec![0; 10 << 20]);
        let error = decompressed(Compression::Gzip, bomb, 1 << 19).unwrap_err();
        assert!(
            matches!(error, BodyError::TooLarge { limit: 524_288 }),
            "{error}"
        );
    }

    #[test]
    fn a_body_beyond_the_budget_is_told_from_one_beyond_the_limit() {
        let error = decompressed(Compression::Gzip, gzip(&vec![0; 2 << 20]), 1 << 30).unwrap_err();
        assert!(matches!(error, BodyError::OverBudget(_)), "{error}");
    }

    #[test]
    fn a_truncated_body_is_corrupt() {
        let mut sent = gzip(b"hello hello hello");
        sent.truncate(sent.len() - 9);
        let error = decompressed(Compression::Gzip, sent, 1 << 20).unwrap_err();
        assert!(
            matches!(
                error,
                BodyError::Corrupt {
                    encoding: "gzip",
                    ..
                }
            ),
            "{error}"
        );
    }
}
