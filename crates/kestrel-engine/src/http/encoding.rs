//! Compression of bodies, both HTTP's and ClickHouse's own.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use lz4_flex::frame::{FrameDecoder, FrameEncoder};

use super::block;

/// Answers are compressed for a client on the same machine: speed is what counts.
const GZIP_LEVEL: u32 = 3;
const ZSTD_LEVEL: i32 = 1;

/// A `Content-Encoding` that is not supported.
#[derive(Debug, thiserror::Error)]
#[error("the content encoding {0:?} is not supported; use lz4, zstd, gzip or deflate")]
pub(crate) struct UnknownEncoding(String);

/// What a request's body holds once its compression is undone.
pub(crate) fn decoded<'b>(
    body: impl Read + 'b,
    content_encoding: Option<&str>,
    in_blocks: bool,
) -> Result<Box<dyn Read + 'b>, UnknownEncoding> {
    let plain: Box<dyn Read + 'b> = match content_encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => Box::new(body),
        Some("gzip" | "x-gzip") => Box::new(flate2::read::MultiGzDecoder::new(body)),
        Some("deflate") => Box::new(flate2::read::ZlibDecoder::new(body)),
        Some("lz4") => Box::new(FrameDecoder::new(body)),
        Some("zstd") => match zstd::stream::read::Decoder::new(body) {
            Ok(decoder) => Box::new(decoder),
            Err(error) => return Err(UnknownEncoding(format!("zstd ({error})"))),
        },
        Some(other) => return Err(UnknownEncoding(other.to_owned())),
    };
    Ok(if in_blocks {
        Box::new(block::Decompress::new(plain))
    } else {
        plain
    })
}

/// How an answer is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    /// ClickHouse's own framing, asked for with `compress=1`.
    Blocks,
    Gzip,
    Deflate,
    Lz4,
    Zstd,
}

impl Encoding {
    /// Chooses among what the client accepts, the cheapest first.
    pub(crate) fn accepted(header: &str) -> Self {
        let accepts = |name: &str| {
            header.split(',').any(|item| {
                let mut parts = item.split(';').map(str::trim);
                let named = parts
                    .next()
                    .is_some_and(|found| found.eq_ignore_ascii_case(name));
                named && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
            })
        };
        [
            ("lz4", Self::Lz4),
            ("zstd", Self::Zstd),
            ("gzip", Self::Gzip),
            ("deflate", Self::Deflate),
        ]
        .into_iter()
        .find(|(name, _)| accepts(name))
        .map_or(Self::Plain, |(_, encoding)| encoding)
    }

    /// The value of `Content-Encoding`.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain | Self::Blocks => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
            Self::Lz4 => Some("lz4"),
            Self::Zstd => Some("zstd"),
        }
    }
}

/// Compresses an answer piece by piece into a buffer.
pub(crate) enum Encoder {
    Plain(Vec<u8>),
    Blocks(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
    Deflate(ZlibEncoder<Vec<u8>>),
    Lz4(Box<FrameEncoder<Vec<u8>>>),
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
}

impl Encoder {
    pub(crate) fn new(encoding: Encoding) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Plain => Self::Plain(Vec::new()),
            Encoding::Blocks => Self::Blocks(Vec::new()),
            Encoding::Gzip => Self::Gzip(GzEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL))),
            Encoding::Deflate => {
                Self::Deflate(ZlibEncoder::new(Vec::new(), Compression::new(GZIP_LEVEL)))
            }
            Encoding::Lz4 => Self::Lz4(Box::new(FrameEncoder::new(Vec::new()))),
            Encoding::Zstd => {
                Self::Zstd(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?)
            }
        })
    }

    pub(crate) fn push(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(out) => out.extend_from_slice(data),
            Self::Blocks(out) => block::compress(data, out),
            Self::Gzip(encoder) => encoder.write_all(data)?,
            Self::Deflate(encoder) => encoder.write_all(data)?,
            Self::Lz4(encoder) => encoder.write_all(data)?,
            Self::Zstd(encoder) => encoder.write_all(data)?,
        }
        Ok(())
    }

    /// Makes everything pushed so far come out.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) | Self::Blocks(_) => Ok(()),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Deflate(encoder) => encoder.flush(),
            Self::Lz4(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }

    /// What has come out and was not taken yet.
    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Plain(out) | Self::Blocks(out) => out,
            Self::Gzip(encoder) => encoder.get_mut(),
            Self::Deflate(encoder) => encoder.get_mut(),
            Self::Lz4(encoder) => encoder.get_mut(),
            Self::Zstd(encoder) => encoder.get_mut(),
        }
    }

    /// Ends the compressed stream and returns the rest of the output.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Plain(out) | Self::Blocks(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Deflate(encoder) => encoder.finish(),
            Self::Lz4(encoder) => encoder.finish().map_err(io::Error::other),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_accepted_encoding_is_chosen() {
        assert_eq!(
            Encoding::accepted("gzip, deflate, br, zstd"),
            Encoding::Zstd
        );
        assert_eq!(Encoding::accepted("lz4, br, gzip"), Encoding::Lz4);
        assert_eq!(Encoding::accepted("br;q=1.0, gzip;q=0"), Encoding::Plain);
        assert_eq!(Encoding::accepted(""), Encoding::Plain);
    }

    #[test]
    fn every_encoding_can_be_read_again() {
        let content: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for encoding in [
            Encoding::Plain,
            Encoding::Blocks,
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Lz4,
            Encoding::Zstd,
        ] {
            let mut encoder = Encoder::new(encoding).unwrap();
            let mut encoded = Vec::new();
            for part in content.chunks(100_000) {
                encoder.push(part).unwrap();
                encoder.flush().unwrap();
                encoded.append(encoder.output());
            }
            encoded.extend(encoder.finish().unwrap());
            let mut read = Vec::new();
            let mut decoder = decoded(
                encoded.as_slice(),
                encoding.name(),
                encoding == Encoding::Blocks,
            )
            .unwrap();
            decoder.read_to_end(&mut read).unwrap();
            assert!(read == content, "{encoding:?}");
        }
    }
}
