//! The first line of every file: JSON that a person can read, with a checksum as its last field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Longest first line that is read back.
pub(crate) const MAX_HEADER_BYTES: usize = 2 << 20;
/// Largest context, leaving room for the rest of the line.
pub(crate) const MAX_CONTEXT_BYTES: usize = 1 << 20;
/// Longest reason that goes into a line; JSON may take six bytes for one of text.
const MAX_REASON_BYTES: usize = 64 << 10;

const FORMAT: u32 = 1;
const CHECKSUM_FIELD: &str = ",\"crc32c\":\"";

/// What the first line of a file says about the records that follow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SegmentHeader {
    /// Version of the format.
    pub caribou_spool: u32,
    /// Digest of the destination's identity: the end of its folder's name.
    pub destination: String,
    /// When the file was begun, in microseconds since 1970.
    pub created_unix_micros: u64,
    /// The process that wrote it.
    pub pid: u32,
    /// The machine's name, where the system tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The machine's boot, where the system tells it: a pid means something within one boot only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// Salt of the records' heads.
    pub salt: u32,
    /// Why the records were set aside, or the bytes moved here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The file that set-aside records or damaged bytes come from, and where in it they began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What the caller needs to build requests from the records, such as resource and scope.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub context: Value,
}

/// Where set-aside records or damaged bytes were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Name of the file, without its state.
    pub segment: String,
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
}

impl SegmentHeader {
    pub(crate) fn for_destination(destination: &str, salt: u32, context: &Value) -> Self {
        Self {
            caribou_spool: FORMAT,
            destination: destination.to_owned(),
            pid: std::process::id(),
            host: system_text("/proc/sys/kernel/hostname"),
            boot_id: system_text("/proc/sys/kernel/random/boot_id"),
            salt,
            context: context.clone(),
            ..Self::default()
        }
    }

    pub(crate) fn with_reason(mut self, reason: &str, origin: Option<Origin>) -> Self {
        self.reason = Some(bounded(reason));
        self.origin = origin;
        self
    }

    pub(crate) fn encode(&self) -> std::io::Result<Vec<u8>> {
        let mut line = serde_json::to_vec(self)?;
        line.pop();
        let checksum = crc32c::crc32c(&line);
        line.extend_from_slice(format!("{CHECKSUM_FIELD}{checksum:08x}\"}}\n").as_bytes());
        Ok(line)
    }

    /// Reads a first line without its line feed; none if it is not one, or not as it was written.
    pub(crate) fn decode(line: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(line).ok()?;
        let checksum_at = text.rfind(CHECKSUM_FIELD)?;
        let checksum = text[checksum_at + CHECKSUM_FIELD.len()..].strip_suffix("\"}")?;
        if checksum != format!("{:08x}", crc32c::crc32c(&text.as_bytes()[..checksum_at])) {
            return None;
        }
        serde_json::from_str(text)
            .ok()
            .filter(|header: &Self| header.caribou_spool == FORMAT)
    }
}

fn system_text(path: &str) -> Option<String> {
    fs_err::read_to_string(path)
        .ok()
        .map(|text| text.trim().to_owned())
}

fn bounded(reason: &str) -> String {
    if reason.len() <= MAX_REASON_BYTES {
        return reason.to_owned();
    }
    let end = (0..=MAX_REASON_BYTES)
        .rev()
        .find(|at| reason.is_char_boundary(*at))
        .unwrap_or(0);
    format!(
        "{} (the first {end} of {} bytes)",
        &reason[..end],
        reason.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> SegmentHeader {
        SegmentHeader::for_destination(
            "0123456789ab",
            7,
            &serde_json::json!({"service.name": "trainer", "n": [1, 2]}),
        )
    }

    #[test]
    fn a_line_comes_back_and_is_plain_json() {
        let line = header().encode().unwrap();
        let line = line.strip_suffix(b"\n").unwrap();
        assert_eq!(SegmentHeader::decode(line), Some(header()));
        assert!(serde_json::from_slice::<Value>(line).unwrap().is_object());
    }

    #[test]
    fn any_changed_byte_is_noticed() {
        let line = header().encode().unwrap();
        let line = line.strip_suffix(b"\n").unwrap();
        for at in 0..line.len() {
            let mut changed = line.to_vec();
            changed[at] ^= 1;
            assert_eq!(SegmentHeader::decode(&changed), None, "byte {at}");
        }
    }

    #[test]
    fn a_server_message_without_end_still_fits() {
        let header = header().with_reason(&"\u{1}é".repeat(1 << 20), None);
        let line = header.encode().unwrap();
        assert!(line.len() < MAX_HEADER_BYTES);
        assert!(header.reason.unwrap().ends_with("of 3145728 bytes)"));
    }
}
