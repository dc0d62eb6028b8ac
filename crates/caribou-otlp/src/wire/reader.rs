//! Reads protobuf fields one by one, without copying and without trusting any length.

use std::borrow::Cow;

use crate::DecodeError;

/// What a field holds, by its wire type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FieldValue<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32,
    Bytes(Message<'a>),
}

/// The bytes of one message, together with where they stand in the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    pub(crate) bytes: &'a [u8],
    offset: usize,
}

impl<'a> Message<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(crate) const fn fields(self) -> Fields<'a> {
        Fields {
            message: self,
            position: 0,
        }
    }

    /// Splits off a length-delimited field of a tag from the start; `None` where there is none of a sound length.
    #[inline]
    pub(crate) fn split_field(self, tag: u8) -> Option<(Self, Self)> {
        let (length, start) = match self.bytes {
            [first, length @ 0..0x80, ..] if *first == tag => (usize::from(*length), 2),
            [first, low, high @ 0..0x80, ..] if *first == tag => {
                (usize::from(*low & 0x7f) | usize::from(*high) << 7, 3)
            }
            _ => return None,
        };
        let (content, rest) = self.bytes[start..].split_at_checked(length)?;
        let part = |bytes, from| Self {
            bytes,
            offset: self.offset + from,
        };
        Some((part(content, start), part(rest, start + length)))
    }

    /// The number of a message that is nothing but one number of a tag.
    #[inline]
    pub(crate) fn split_varint(self, tag: u8) -> Option<u64> {
        const LONGEST: usize = 10;
        let [first, digits @ .., last] = self.bytes else {
            return None;
        };
        if *first != tag || *last >= 0x80 || digits.len() >= LONGEST {
            return None;
        }
        let mut number = 0;
        for (place, byte) in digits.iter().chain([last]).enumerate() {
            if place < digits.len() && *byte < 0x80 {
                return None;
            }
            number |= u64::from(byte & 0x7f) << (7 * place);
        }
        Some(number)
    }

    /// The text of a string field; bytes that are no UTF-8 are replaced, so that one bad field costs no neighbour.
    pub(crate) fn text(self) -> Cow<'a, str> {
        // The check of the whole is several times as fast as the replacing walk.
        match std::str::from_utf8(self.bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(self.bytes),
        }
    }
}

/// Walks over the fields of a message.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    message: Message<'a>,
    position: usize,
}

const TRUNCATED: &str = "message ends too early";

impl<'a> Fields<'a> {
    /// The next field's number and value; `None` at the end.
    #[inline]
    pub(crate) fn next(&mut self) -> Result<Option<(u64, FieldValue<'a>)>, DecodeError> {
        if self.position >= self.message.bytes.len() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let number = tag >> 3;
        if number == 0 {
            return Err(self.error("field number 0"));
        }
        let value = match tag & 7 {
            0 => FieldValue::Varint(self.varint()?),
            1 => FieldValue::Fixed64(u64::from_le_bytes(self.array()?)),
            2 => FieldValue::Bytes(self.length_delimited()?),
            5 => {
                self.array::<4>()?;
                FieldValue::Fixed32
            }
            3 | 4 => return Err(self.error("group, which OTLP does not use,")),
            _ => return Err(self.error("unknown wire type")),
        };
        Ok(Some((number, value)))
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, DecodeError> {
        let rest = &self.message.bytes[self.position..];
        if let [byte, ..] = rest
            && *byte < 0x80
        {
            self.position += 1;
            return Ok(u64::from(*byte));
        }
        self.long_varint()
    }

    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        const LONGEST: usize = 10;
        let mut number = 0;
        for (place, byte) in self.message.bytes[self.position..]
            .iter()
            .take(LONGEST)
            .enumerate()
        {
            number |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                self.position += place + 1;
                return Ok(number);
            }
        }
        let left = self.message.bytes.len() - self.position;
        Err(self.error(if left < LONGEST {
            TRUNCATED
        } else {
            "number longer than 64 bits"
        }))
    }

    fn length_delimited(&mut self) -> Result<Message<'a>, DecodeError> {
        let length = self.varint()?;
        let left = self.message.bytes.len() - self.position;
        let length = usize::try_from(length)
            .ok()
            .filter(|length| *length <= left)
            .ok_or_else(|| self.error("length beyond the end of its message"))?;
        let start = self.position;
        self.position += length;
        Ok(Message {
            bytes: &self.message.bytes[start..self.position],
            offset: self.message.offset + start,
        })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let bytes = self.message.bytes[self.position..]
            .first_chunk()
            .copied()
            .ok_or_else(|| self.error(TRUNCATED))?;
        self.position += N;
        Ok(bytes)
    }

    const fn error(&self, problem: &'static str) -> DecodeError {
        DecodeError::Protobuf {
            problem,
            offset: self.message.offset + self.position,
        }
    }
}
