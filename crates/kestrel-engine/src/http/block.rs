//! ClickHouse's own compression framing, for `compress=1` and `decompress=1`.
//!
//! A block is a checksum (`CityHash128` v1.0.2, 16 bytes), a method byte, the compressed size including these nine bytes of
//! header, the size of the content, both as little-endian `u32`, and the compressed content.

use std::io::{self, Read};

const CHECKSUM_BYTES: usize = 16;
const HEADER_BYTES: usize = 9;
const METHOD_NONE: u8 = 0x02;
const METHOD_LZ4: u8 = 0x82;
const METHOD_ZSTD: u8 = 0x90;
/// As in ClickHouse; what a client sends is not trusted with more memory.
const MAX_BLOCK_BYTES: usize = 1 << 30;
/// Responses are cut into blocks of this size.
const WRITE_BLOCK_BYTES: usize = 1 << 20;

/// Appends `content` to `out` as LZ4 blocks.
pub(crate) fn compress(content: &[u8], out: &mut Vec<u8>) {
    for part in content.chunks(WRITE_BLOCK_BYTES) {
        let start = out.len();
        out.resize(start + CHECKSUM_BYTES + HEADER_BYTES, 0);
        let compressed = lz4_flex::block::compress(part);
        out.extend_from_slice(&compressed);
        let (checksum, framed) = out[start..].split_at_mut(CHECKSUM_BYTES);
        framed[0] = METHOD_LZ4;
        framed[1..5].copy_from_slice(&size(HEADER_BYTES + compressed.len()));
        framed[5..9].copy_from_slice(&size(part.len()));
        checksum.copy_from_slice(&checksum_of(framed));
    }
}

fn size(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes)
        .expect("blocks are cut to a mebibyte")
        .to_le_bytes()
}

fn checksum_of(framed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    cityhash_rs::cityhash_102_128(framed)
        .rotate_right(64)
        .to_le_bytes()
}

/// Reads the content of blocks.
pub(crate) struct Decompress<R> {
    input: R,
    content: Vec<u8>,
    start: usize,
}

impl<R: Read> Decompress<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            content: Vec::new(),
            start: 0,
        }
    }

    /// Reads the next block. `false` at the end of the input between blocks.
    fn next_block(&mut self) -> io::Result<bool> {
        let mut head = [0_u8; CHECKSUM_BYTES + HEADER_BYTES];
        let first = self.input.read(&mut head)?;
        if first == 0 {
            return Ok(false);
        }
        self.input.read_exact(&mut head[first..])?;
        let (checksum, header) = head.split_at(CHECKSUM_BYTES);
        let number = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (compressed, plain) = (number(1) as usize, number(5) as usize);
        if !(HEADER_BYTES..=MAX_BLOCK_BYTES).contains(&compressed) || plain > MAX_BLOCK_BYTES {
            return Err(invalid(
                "a compressed block of the body claims an impossible size",
            ));
        }
        let mut framed = header.to_vec();
        let rest = (compressed - HEADER_BYTES) as u64;
        // Grows with what really comes, not with what the header claims.
        let got = (&mut self.input).take(rest).read_to_end(&mut framed)?;
        if got as u64 != rest {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the body ends within a compressed block",
            ));
        }
        if checksum_of(&framed) != checksum {
            return Err(invalid(
                "the checksum of a compressed block of the body is wrong",
            ));
        }
        self.content = decompress(framed[0], &framed[HEADER_BYTES..], plain)?;
        self.start = 0;
        Ok(true)
    }
}

fn decompress(method: u8, data: &[u8], plain: usize) -> io::Result<Vec<u8>> {
    let content = match method {
        METHOD_NONE => data.to_vec(),
        // LZ4 at best shrinks to 1/255, so that a small block cannot ask for a large buffer.
        METHOD_LZ4 if plain / 255 <= data.len() => lz4_flex::block::decompress(data, plain)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?,
        METHOD_LZ4 => {
            return Err(invalid(
                "a compressed block of the body claims an impossible size",
            ));
        }
        METHOD_ZSTD => {
            let mut content = Vec::new();
            zstd::stream::read::Decoder::new(data)?
                .take(plain as u64 + 1)
                .read_to_end(&mut content)?;
            content
        }
        _ => {
            return Err(invalid(
                "a block of the body is compressed by a method other than LZ4 and ZSTD",
            ));
        }
    };
    if content.len() == plain {
        Ok(content)
    } else {
        Err(invalid("a compressed block of the body has a wrong size"))
    }
}

impl<R: Read> Read for Decompress<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.start == self.content.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let count = out.len().min(self.content.len() - self.start);
        out[..count].copy_from_slice(&self.content[self.start..self.start + count]);
        self.start += count;
        Ok(count)
    }
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Vec<u8> {
        (0..3_000_000_u32)
            .flat_map(|number| (number / 7).to_le_bytes())
            .collect()
    }

    #[test]
    fn what_is_compressed_can_be_read_again() {
        let mut framed = Vec::new();
        compress(&content(), &mut framed);
        let mut read = Vec::new();
        Decompress::new(framed.as_slice())
            .read_to_end(&mut read)
            .unwrap();
        assert!(read == content());
    }

    #[test]
    fn damage_is_noticed() {
        let mut framed = Vec::new();
        compress(&content()[..1000], &mut framed);
        let read = |bytes: &[u8]| {
            Decompress::new(bytes)
                .read_to_end(&mut Vec::new())
                .unwrap_err()
                .kind()
        };
        for at in [0, 16, 17, 21, 40] {
            let mut damaged = framed.clone();
            damaged[at] ^= 1;
            assert!(
                matches!(
                    read(&damaged),
                    io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
                ),
                "{at}"
            );
        }
        assert_eq!(
            read(&framed[..framed.len() - 1]),
            io::ErrorKind::UnexpectedEof
        );
        assert_eq!(read(&framed[..10]), io::ErrorKind::UnexpectedEof);
    }
}
