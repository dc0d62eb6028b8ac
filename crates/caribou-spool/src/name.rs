//! Names of the files: they carry order, owner, count and state, so that a listing tells everything.
//!
//! ```text
//! 1764000000123456-4711-9f8e7d6c-00000001.open                         being written by process 4711
//! 1764000000123456-4711-9f8e7d6c-00000001.250.ready                    closed, 250 records
//! 1764000000123456-4711-9f8e7d6c-00000001.250.claimed.4712-01234567    being delivered by process 4712
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Suffix of temporary files; nothing of this name is ever read.
pub(crate) const TEMPORARY_PREFIX: &str = ".tmp-";
pub(crate) const ACKNOWLEDGED_SUFFIX: &str = ".acked";

/// What a segment's name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) stem: Stem,
    pub(crate) state: SegmentState,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SegmentState {
    Open,
    Ready { records: u64 },
    Claimed { records: u64, claimant: String },
}

/// The part of a segment's name that it keeps for life; sorts by age.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stem(String);

impl Stem {
    pub(crate) fn new(created_unix_micros: u64, owner: &str, sequence: u64) -> Self {
        Self(format!("{created_unix_micros:016}-{owner}-{sequence:08}"))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('-').collect();
        let [created, pid, nonce, sequence] = parts[..] else {
            return None;
        };
        let is_stem = created.len() == 16
            && is_number(created)
            && is_token(pid, nonce)
            && is_number(sequence);
        is_stem.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Token of the process that wrote the file.
    pub(crate) fn owner(&self) -> &str {
        let end = self.0.rfind('-').unwrap_or(self.0.len());
        self.0.get(17..end).unwrap_or_default()
    }

    pub(crate) fn created_unix_micros(&self) -> u64 {
        self.0
            .get(..16)
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default()
    }

    pub(crate) fn created(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.created_unix_micros())
    }

    pub(crate) fn acknowledged_name(&self) -> String {
        format!("{}{ACKNOWLEDGED_SUFFIX}", self.0)
    }
}

impl SegmentName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let mut parts = name.splitn(4, '.');
        let stem = Stem::parse(parts.next()?)?;
        let state = match (parts.next()?, parts.next(), parts.next()) {
            ("open", None, None) => SegmentState::Open,
            (records, Some("ready"), None) => SegmentState::Ready {
                records: records.parse().ok()?,
            },
            (records, Some("claimed"), Some(claimant)) => {
                let (pid, nonce) = claimant.split_once('-')?;
                is_token(pid, nonce).then_some(())?;
                SegmentState::Claimed {
                    records: records.parse().ok()?,
                    claimant: claimant.to_owned(),
                }
            }
            _ => return None,
        };
        Some(Self { stem, state })
    }

    pub(crate) fn file_name(&self) -> String {
        let stem = &self.stem.0;
        match &self.state {
            SegmentState::Open => format!("{stem}.open"),
            SegmentState::Ready { records } => format!("{stem}.{records}.ready"),
            SegmentState::Claimed { records, claimant } => {
                format!("{stem}.{records}.claimed.{claimant}")
            }
        }
    }

    /// Token of the process that must be gone before another may take the file.
    pub(crate) fn holder(&self) -> Option<&str> {
        match &self.state {
            SegmentState::Open => Some(self.stem.owner()),
            SegmentState::Ready { .. } => None,
            SegmentState::Claimed { claimant, .. } => Some(claimant),
        }
    }
}

/// Count of records in the name of a set-aside file, `{stem}-{offset}.{records}.set-aside`.
pub(crate) fn set_aside_records(name: &str) -> Option<u64> {
    name.strip_suffix(".set-aside")?
        .rsplit_once('.')?
        .1
        .parse()
        .ok()
}

pub(crate) fn now_unix_micros() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_token(pid: &str, nonce: &str) -> bool {
    is_number(pid) && nonce.len() == 8 && nonce.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back() {
        let stem = Stem::new(1_764_000_000_123_456, "4711-9f8e7d6c", 1);
        let states = [
            SegmentState::Open,
            SegmentState::Ready { records: 250 },
            SegmentState::Claimed {
                records: 250,
                claimant: "1-00000000".to_owned(),
            },
        ];
        for state in states {
            let name = SegmentName {
                stem: stem.clone(),
                state,
            };
            assert_eq!(SegmentName::parse(&name.file_name()), Some(name));
        }
        assert_eq!(stem.owner(), "4711-9f8e7d6c");
    }

    #[test]
    fn foreign_names_are_not_ours() {
        for name in [
            "",
            "x.open",
            "notes.txt",
            "1764000000123456-1-9f8e7d6c-00000001",
            "1764000000123456-1-9f8e7d6c-00000001.x.ready",
            "1764000000123456-1-9f8e7d6c-00000001.1.claimed",
            "1764000000123456-1-9f8e7d6c-00000001.1.claimed.../x",
            "é-1-2-3.open",
        ] {
            assert_eq!(SegmentName::parse(name), None, "{name}");
        }
    }
}
