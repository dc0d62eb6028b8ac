//! Trace and span ids: OpenTelemetry's 16 and 8 bytes, and the mapping from any text to a trace id.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// An id that is not the number of hex digits it must be, or all zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id must be {expected_digits} hex digits and not all zero")]
pub struct InvalidId {
    /// How many hex digits the id must have.
    pub expected_digits: usize,
}

/// The id of a trace, which is one rollout.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span within its trace.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub [u8; 8]);

impl TraceId {
    /// Maps any text to a trace id.
    ///
    /// 32 hex digits and UUIDs (with or without dashes, any case) are the id as they are; any other text is the
    /// first 16 bytes of its SHA-256. The same text gives the same id in every process and on every machine.
    ///
    /// ```
    /// use caribou_model::TraceId;
    ///
    /// let id = TraceId::from_text("0AF76519-16cd-43dd-8448-eb211c80319c");
    /// assert_eq!(id.to_string(), "0af7651916cd43dd8448eb211c80319c");
    /// assert_eq!(TraceId::from_text("trc_1").to_string().len(), 32);
    /// ```
    pub fn from_text(text: &str) -> Self {
        Self::from_hex_or_uuid(text).unwrap_or_else(|| {
            let digest = Sha256::digest(text.as_bytes());
            let mut bytes = [0; 16];
            bytes.copy_from_slice(&digest[..16]);
            Self(bytes)
        })
    }

    /// Reads 32 hex digits or a UUID; `None` for any other text and for an id of zeros.
    pub fn from_hex_or_uuid(text: &str) -> Option<Self> {
        let id = match text.len() {
            32 => decode_hex(text.as_bytes()).map(Self),
            36 => decode_uuid(text.as_bytes()).map(Self),
            _ => None,
        };
        id.filter(|id| id.is_valid())
    }

    /// False for the id of zeros, which OpenTelemetry reserves for "no trace".
    pub fn is_valid(self) -> bool {
        self.0 != [0; 16]
    }
}

impl SpanId {
    /// Reads 16 hex digits.
    ///
    /// # Errors
    /// When the text is anything else, or all zero.
    pub fn from_hex(text: &str) -> Result<Self, InvalidId> {
        decode_hex(text.as_bytes())
            .map(Self)
            .filter(|id| id.is_valid())
            .ok_or(InvalidId {
                expected_digits: 16,
            })
    }

    /// False for the id of zeros, which OpenTelemetry reserves for "no span".
    pub fn is_valid(self) -> bool {
        self.0 != [0; 8]
    }
}

fn decode_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let mut digits = [0; 32];
    let mut filled = 0;
    for (position, &byte) in text.iter().enumerate() {
        let dash_expected = matches!(position, 8 | 13 | 18 | 23);
        if dash_expected != (byte == b'-') {
            return None;
        }
        if !dash_expected {
            digits[filled] = byte;
            filled += 1;
        }
    }
    decode_hex(&digits)
}

fn decode_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_value(pair[0])? << 4 | hex_value(pair[1])?;
    }
    Some(bytes)
}

const fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const HEX_DIGITS: &[u8; 16] = b"0123456789abcdef";

/// Writes bytes as lower-case hex digits into a buffer twice their length.
pub(crate) fn encode_hex<'a>(bytes: &[u8], buffer: &'a mut [u8]) -> &'a str {
    for (pair, byte) in buffer.chunks_exact_mut(2).zip(bytes) {
        pair[0] = HEX_DIGITS[usize::from(byte >> 4)];
        pair[1] = HEX_DIGITS[usize::from(byte & 15)];
    }
    std::str::from_utf8(buffer).expect("hex digits are ASCII")
}

macro_rules! hex_id {
    ($id:ident, $bytes:literal) => {
        impl $id {
            /// The lower-case hex digits.
            pub fn hex(self) -> [u8; $bytes * 2] {
                let mut buffer = [0; $bytes * 2];
                encode_hex(&self.0, &mut buffer);
                buffer
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(encode_hex(&self.0, &mut [0; $bytes * 2]))
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
                decode_hex(text.as_bytes()).map(Self).ok_or_else(|| {
                    serde::de::Error::custom(InvalidId {
                        expected_digits: $bytes * 2,
                    })
                })
            }
        }
    };
}

hex_id!(TraceId, 16);
hex_id!(SpanId, 8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_uuid_forms_are_the_id_itself() {
        let hex = TraceId::from_text("0af7651916cd43dd8448eb211c80319c");
        assert_eq!(
            hex,
            TraceId::from_text("0af76519-16cd-43dd-8448-eb211c80319c")
        );
        assert_eq!(hex, TraceId::from_text("0AF7651916CD43DD8448EB211C80319C"));
        assert_eq!(hex.to_string(), "0af7651916cd43dd8448eb211c80319c");
    }

    #[test]
    fn other_text_is_hashed_and_stable() {
        assert_eq!(
            TraceId::from_text("trc_1").to_string(),
            TraceId::from_text("trc_1").to_string()
        );
        assert_ne!(TraceId::from_text("trc_1"), TraceId::from_text("trc_2"));
        assert!(TraceId::from_text("00000000000000000000000000000000").is_valid());
    }

    #[test]
    fn a_span_id_must_be_16_hex_digits() {
        assert_eq!(
            SpanId::from_hex("b7ad6b7169203331").map(|id| id.to_string()),
            Ok("b7ad6b7169203331".to_owned())
        );
        for wrong in [
            "",
            "b7ad6b716920333",
            "0000000000000000",
            "zzad6b7169203331",
        ] {
            assert!(SpanId::from_hex(wrong).is_err(), "{wrong}");
        }
    }
}
