//! Where waits what a destination has not acknowledged.

use std::path::{Path, PathBuf};

use caribou_spool::account_from_headers;

use super::otlp::OtlpTarget;
use crate::environment::{self as variable, Environment};

const DEFAULT_MAX_BYTES: u64 = 4 << 30;

/// The folder of the spool, and its bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolSettings {
    /// The folder; none where neither a setting nor a home directory names one, and then nothing is kept on disk.
    pub directory: Option<PathBuf>,
    /// How much may wait there, over all programs and destinations; 0 keeps nothing on disk.
    pub max_bytes: u64,
}

impl SpoolSettings {
    pub(crate) fn resolve(given: Option<&Path>, environment: &dyn Environment) -> Self {
        let named = |name| environment.non_empty(name).map(PathBuf::from);
        let state = || {
            // The standard has relative paths ignored.
            named(variable::XDG_STATE_HOME)
                .filter(|path| path.is_absolute())
                .or_else(|| Some(named("HOME")?.join(".local/state")))
        };
        Self {
            directory: given
                .filter(|path| !path.as_os_str().is_empty())
                .map(Path::to_owned)
                .or_else(|| named(variable::CARIBOU_SPOOL_DIR))
                .or_else(|| Some(state()?.join("caribou/spool"))),
            max_bytes: environment
                .non_empty(variable::CARIBOU_SPOOL_MAX_BYTES)
                .and_then(|text| bytes(&text))
                .unwrap_or(DEFAULT_MAX_BYTES),
        }
    }

    /// What is wrong with the variables.
    pub(super) fn notice(environment: &dyn Environment) -> Option<String> {
        let given = environment
            .non_empty(variable::CARIBOU_SPOOL_MAX_BYTES)
            .filter(|text| bytes(text).is_none())?;
        Some(format!(
            "CARIBOU_SPOOL_MAX_BYTES is {given:?}, which is not a number of bytes: the default of {DEFAULT_MAX_BYTES} (4 \
             GiB) is used; write plain digits, such as 1000000000"
        ))
    }

    /// Whether anything is kept on disk.
    pub(crate) fn is_used(&self) -> bool {
        self.directory.is_some() && self.max_bytes > 0
    }

    pub(crate) fn shown_directory(&self) -> String {
        let directory = self
            .directory
            .as_deref()
            .unwrap_or_else(|| Path::new("the spool"));
        directory.display().to_string()
    }
}

fn bytes(text: &str) -> Option<u64> {
    text.trim().replace('_', "").parse().ok()
}

impl OtlpTarget {
    /// What parts one account at this address from another, without telling its key: what waits for one project must
    /// not be sent with the key of another.
    pub(crate) fn account(&self) -> String {
        let headers = self.headers.iter();
        account_from_headers(headers.map(|(name, value)| (name.as_str(), value.expose())))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn resolve(given: Option<&str>, variables: &[(&str, &str)]) -> SpoolSettings {
        let environment: BTreeMap<String, String> = variables
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        SpoolSettings::resolve(given.map(Path::new), &environment)
    }

    #[test]
    fn the_folder_is_the_one_given_or_named_or_in_the_state_folder() {
        let all = [
            ("CARIBOU_SPOOL_DIR", "/s"),
            ("XDG_STATE_HOME", "/x"),
            ("HOME", "/h"),
        ];
        let directory = |given, variables: &[(&str, &str)]| {
            resolve(given, variables).directory.unwrap_or_default()
        };
        assert_eq!(directory(Some("/g"), &all), Path::new("/g"));
        assert_eq!(directory(None, &all), Path::new("/s"));
        assert_eq!(directory(None, &all[1..]), Path::new("/x/caribou/spool"));
        assert_eq!(
            directory(None, &all[2..]),
            Path::new("/h/.local/state/caribou/spool")
        );
        assert_eq!(resolve(None, &[]).directory, None);
    }

    #[test]
    fn a_bound_of_nothing_turns_it_off() {
        assert_eq!(resolve(None, &[]).max_bytes, 4 << 30);
        assert!(!resolve(Some("/g"), &[("CARIBOU_SPOOL_MAX_BYTES", "0")]).is_used());
    }

    #[test]
    fn a_bound_that_is_no_number_of_bytes_is_told_with_what_is_used_instead() {
        let notices = |value: &str| {
            let variables = [
                ("CARIBOU_SPOOL_MAX_BYTES", value),
                ("KESTREL_API_URL", "http://k"),
            ];
            let environment: BTreeMap<String, String> = variables
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let settings = crate::Config::new().resolve(&environment).unwrap();
            (settings.spool.max_bytes, settings.notices)
        };
        for wrong in ["4GiB", "-1", "abc", "1e9"] {
            let (used, told) = notices(wrong);
            assert_eq!(used, DEFAULT_MAX_BYTES);
            let [told] = &told[..] else {
                panic!("{wrong}: {told:?}")
            };
            for part in [wrong, "CARIBOU_SPOOL_MAX_BYTES", "4294967296", "digits"] {
                assert!(told.contains(part), "{told}");
            }
        }
        assert_eq!(notices(" 1_000 "), (1000, Vec::new()));
        assert_eq!(notices(""), (DEFAULT_MAX_BYTES, Vec::new()));
    }
}
