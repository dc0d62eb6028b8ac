//! Which destination a file belongs to.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::name::TEMPORARY_PREFIX;
use crate::private_fs::write_atomically;

pub(crate) const DESTINATION_FILE: &str = "destination.json";
const DIGEST_DIGITS: usize = 16;

/// Where records go: the kind of destination, its address and the account there.
///
/// Two identities that differ in anything never share a file. Passwords and keys are no part of it, so that a
/// changed password still delivers what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DestinationIdentity {
    /// What speaks there, such as `kestrel`, `clickhouse` or `langfuse`.
    pub kind: String,
    /// The address, without user, password, query and fragment.
    pub url: String,
    /// What parts one account from another at the same address, such as a database or a public key; never a secret.
    pub account: String,
}

impl DestinationIdentity {
    /// Names a destination; secrets in the URL are left out.
    pub fn new(kind: impl Into<String>, url: &str, account: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            url: without_secrets(url),
            account: account.into(),
        }
    }

    /// Name of the destination's folder: readable, ending in the identity's digest.
    pub fn directory_name(&self) -> String {
        let address = self
            .url
            .split_once("://")
            .map_or(self.url.as_str(), |(_, address)| address);
        let readable = format!("{}-{address}", self.kind);
        let mut name = String::new();
        for character in readable.chars().take(60) {
            name.push(if character.is_ascii_alphanumeric() || character == '.' {
                character
            } else {
                '-'
            });
        }
        format!("{}-{}", name.trim_matches(['-', '.']), self.digest())
    }

    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.kind, &self.url, &self.account] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut digest = String::new();
        for byte in hash.finalize().iter().take(DIGEST_DIGITS / 2) {
            write!(digest, "{byte:02x}").expect("writing to a string cannot fail");
        }
        digest
    }

    /// Reads the identity from a destination's folder; none if it is unreadable or not the folder's own.
    pub(crate) fn load(directory: &Path) -> Option<Self> {
        let bytes = fs_err::read(directory.join(DESTINATION_FILE)).ok()?;
        let identity: Self = serde_json::from_slice(&bytes).ok()?;
        let name = directory.file_name()?.to_str()?;
        (identity.directory_name() == name).then_some(identity)
    }

    /// Writes the identity into the folder unless it stands there.
    pub(crate) fn store(&self, directory: &Path, token: &str) -> Result<()> {
        if Self::load(directory).as_ref() == Some(self) {
            return Ok(());
        }
        let mut text = serde_json::to_vec_pretty(self).map_err(std::io::Error::from)?;
        text.push(b'\n');
        let temporary = directory.join(format!("{TEMPORARY_PREFIX}{token}-destination"));
        Ok(write_atomically(
            &temporary,
            &directory.join(DESTINATION_FILE),
            |file| file.write_all(&text),
        )?)
    }
}

/// Whether a folder's name is that of a destination, so that folders of others are left alone.
pub(crate) fn is_directory_name(name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(_, digest)| {
        digest.len() == DIGEST_DIGITS && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// An account by the headers that a sender adds to its requests, without telling what is in them: what waits for one key
/// must not be sent with another. Empty where there are none.
pub fn account_from_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    const SHOWN_BYTES: usize = 6;
    let mut hash = Sha256::new();
    let mut is_empty = true;
    for (name, value) in headers {
        is_empty = false;
        for part in [name.to_ascii_lowercase().as_str(), value] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
    }
    if is_empty {
        return String::new();
    }
    let mut account = "key-".to_owned();
    for byte in hash.finalize().iter().take(SHOWN_BYTES) {
        write!(account, "{byte:02x}").expect("writing to a string cannot fail");
    }
    account
}

fn without_secrets(url: &str) -> String {
    let end = url.find(['?', '#']).unwrap_or(url.len());
    let (scheme, rest) = url[..end]
        .split_once("://")
        .map_or(("", &url[..end]), |(scheme, rest)| (scheme, rest));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let separator = if scheme.is_empty() { "" } else { "://" };
    format!(
        "{scheme}{separator}{}{}",
        host.to_ascii_lowercase(),
        path.trim_end_matches('/')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_a_url_are_left_out() {
        let urls = [
            (
                "https://me:pa%40ss@Db.example:8443/x/?password=y#z",
                "https://db.example:8443/x",
            ),
            ("http://127.0.0.1:4700/", "http://127.0.0.1:4700"),
            ("http://h?a=b@c", "http://h"),
            ("http://user:p@ss@host", "http://host"),
            ("host:1", "host:1"),
            ("", ""),
        ];
        for (url, expected) in urls {
            assert_eq!(without_secrets(url), expected);
        }
    }

    #[test]
    fn a_folder_name_is_readable_and_its_own() {
        let identity =
            DestinationIdentity::new("clickhouse", "https://u:p@db.example:8443/../é", "caribou");
        let name = identity.directory_name();
        assert!(is_directory_name(&name) && !is_directory_name("systemd-private-x"));
        assert!(name.starts_with("clickhouse-db.example-8443-"), "{name}");
        let other =
            DestinationIdentity::new("clickhouse", "https://u:p@db.example:8443/../é", "staging");
        assert_ne!(name, other.directory_name());
        let rotated = DestinationIdentity::new(
            "clickhouse",
            "https://u:new@db.example:8443/../é",
            "caribou",
        );
        assert_eq!(name, rotated.directory_name());
    }
}
