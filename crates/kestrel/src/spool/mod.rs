//! `kestrel spool`: what programs could not deliver and left on disk.

mod drain;
mod list;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::cli::SpoolCommand;
use crate::settings::Environment;

/// Folder of the spool, as the recorder reads it.
pub const CARIBOU_SPOOL_DIR: &str = "CARIBOU_SPOOL_DIR";

/// Lists or delivers what waits. False where something stays that ought to have been delivered.
///
/// # Errors
/// When the folder cannot be read, or was named and is not there.
pub fn run(
    command: &SpoolCommand,
    environment: Environment<'_>,
    say: &dyn Fn(&str),
) -> anyhow::Result<bool> {
    match command {
        SpoolCommand::List { directory } => {
            let directory = resolve(directory.as_ref(), environment)?;
            list::list(&directory, say)?;
            Ok(true)
        }
        SpoolCommand::Drain {
            directory,
            to,
            timeout,
        } => {
            let directory = resolve(directory.as_ref(), environment)?;
            let drain = drain::Drain {
                to: to.as_deref(),
                timeout: Duration::from_secs(*timeout),
                environment,
                say,
            };
            drain.run(&directory)
        }
    }
}

fn nothing_waits(directory: &Path) -> String {
    let absent = if directory.exists() {
        ""
    } else {
        ": there is no such folder"
    };
    format!("nothing waits in {}{absent}", directory.display())
}

fn resolve(given: Option<&PathBuf>, environment: Environment<'_>) -> anyhow::Result<PathBuf> {
    if let Some(given) = given
        && matches!(given.try_exists(), Ok(false))
    {
        // Who mistypes a name must not believe that everything is delivered.
        bail!("{}: there is no such folder", given.display());
    }
    let path = |name| non_empty(environment, name).map(PathBuf::from);
    given
        .cloned()
        .or_else(|| path(CARIBOU_SPOOL_DIR))
        .or_else(|| {
            let state = path("XDG_STATE_HOME").filter(|path| path.is_absolute());
            let state = state.or_else(|| Some(path("HOME")?.join(".local/state")));
            Some(state?.join("caribou/spool"))
        })
        .with_context(|| format!("no folder is known; name it, or set {CARIBOU_SPOOL_DIR}"))
}

fn non_empty(environment: Environment<'_>, name: &str) -> Option<String> {
    environment(name).filter(|value| !value.trim().is_empty())
}
