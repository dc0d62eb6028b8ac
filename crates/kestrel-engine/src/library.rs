//! Where `libchdb.so` is: named explicitly, beside the executable, or in the user's cache folder.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The pin as the install script reads it too, so that there is one place to change.
const PIN: &str = include_str!("../library.pin");

/// The npm package that holds the library.
pub const PACKAGE: &str = pinned("package ");
/// The pinned version of [`PACKAGE`].
pub const VERSION: &str = pinned("version ");
/// The hash of the pinned package, in npm's notation.
pub const INTEGRITY: &str = pinned("integrity ");

const FILE_NAME: &str = "libchdb.so";

/// Why there is no engine library to load.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// The library is in none of the places.
    #[error(
        "the engine library {FILE_NAME} was not found; looked for {}; run `make build` to fetch it, \
         or set KESTREL_ENGINE_LIBRARY to its path, or CLICKHOUSE_URL to use a ClickHouse server",
        display_all(looked_at)
    )]
    Missing {
        /// The paths that were tried, in order.
        looked_at: Vec<PathBuf>,
    },
    /// There is no pinned library for this operating system and processor.
    #[error(
        "there is no engine library for {platform}; set CLICKHOUSE_URL to use a ClickHouse server, \
         or KESTREL_ENGINE_LIBRARY to a {FILE_NAME} built for it"
    )]
    UnsupportedPlatform {
        /// Operating system and processor, as Rust names them.
        platform: String,
    },
}

/// The places where the library may be.
#[derive(Debug, Clone, Default)]
pub struct LibrarySearch {
    /// The value of `KESTREL_ENGINE_LIBRARY`. When set, nothing else is tried.
    pub explicit: Option<PathBuf>,
    /// The folder of the running executable.
    pub executable_dir: Option<PathBuf>,
    /// The user's cache folder: `$XDG_CACHE_HOME`, else `~/.cache`.
    pub cache_home: Option<PathBuf>,
}

impl LibrarySearch {
    /// The search as the environment of this process describes it.
    pub fn from_environment() -> Self {
        let set = |name| {
            env::var_os(name)
                .filter(|value: &OsString| !value.is_empty())
                .map(PathBuf::from)
        };
        Self {
            explicit: set("KESTREL_ENGINE_LIBRARY"),
            executable_dir: env::current_exe()
                .ok()
                .and_then(|exe| exe.parent().map(Path::to_owned)),
            cache_home: set("XDG_CACHE_HOME")
                .or_else(|| set("HOME").map(|home| home.join(".cache"))),
        }
    }

    /// Finds the library, or says where it was looked for and what to do.
    ///
    /// # Errors
    ///
    /// [`LibraryError::UnsupportedPlatform`] where no library is pinned and none is named explicitly,
    /// [`LibraryError::Missing`] when no place has it.
    pub fn find(&self) -> Result<PathBuf, LibraryError> {
        if self.explicit.is_none() && !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            let platform = format!("{}-{}", env::consts::OS, env::consts::ARCH);
            return Err(LibraryError::UnsupportedPlatform { platform });
        }
        let looked_at = self.candidates();
        match looked_at.iter().find(|path| path.is_file()) {
            Some(path) => Ok(path.clone()),
            None => Err(LibraryError::Missing { looked_at }),
        }
    }

    fn candidates(&self) -> Vec<PathBuf> {
        if let Some(path) = &self.explicit {
            return vec![path.clone()];
        }
        let beside = self
            .executable_dir
            .iter()
            .map(|folder| folder.join(FILE_NAME));
        let cached = self
            .cache_home
            .iter()
            .map(|cache| cache.join("kestrel/engine").join(VERSION).join(FILE_NAME));
        beside.chain(cached).collect()
    }
}

fn display_all(paths: &[PathBuf]) -> String {
    let all: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    all.join(", ")
}

/// The value of one line of [`PIN`]; a missing line does not compile.
#[expect(clippy::panic, reason = "runs at compile time only")]
const fn pinned(key: &str) -> &'static str {
    let (text, key) = (PIN.as_bytes(), key.as_bytes());
    let mut start = 0;
    while start < text.len() {
        let mut end = start;
        while end < text.len() && text[end] != b'\n' {
            end += 1;
        }
        let mut same = 0;
        while same < key.len() && start + same < end && text[start + same] == key[same] {
            same += 1;
        }
        if same == key.len() {
            let (_, rest) = PIN.split_at(start + same);
            let (value, _) = rest.split_at(end - start - same);
            return value;
        }
        start = end + 1;
    }
    panic!("library.pin lacks a line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pin_is_complete() {
        assert_eq!(PACKAGE, "@chdb/lib-linux-x64-gnu");
        assert!(VERSION.starts_with(|c: char| c.is_ascii_digit()));
        assert!(INTEGRITY.starts_with("sha512-"));
    }

    #[test]
    fn a_missing_library_says_where_it_was_looked_for_and_what_to_run() {
        let search = LibrarySearch {
            explicit: None,
            executable_dir: Some("/nowhere/bin".into()),
            cache_home: Some("/nowhere/cache".into()),
        };
        let message = search.find().unwrap_err().to_string();
        assert!(message.contains("/nowhere/bin/libchdb.so"), "{message}");
        assert!(
            message.contains("/nowhere/cache/kestrel/engine/"),
            "{message}"
        );
        assert!(message.contains("make build"), "{message}");
    }

    #[test]
    fn a_named_library_is_the_only_candidate() {
        let search = LibrarySearch {
            explicit: Some("/nowhere/x.so".into()),
            ..LibrarySearch::from_environment()
        };
        let LibraryError::Missing { looked_at } = search.find().unwrap_err() else {
            panic!("expected missing")
        };
        assert_eq!(looked_at, [PathBuf::from("/nowhere/x.so")]);
    }
}
