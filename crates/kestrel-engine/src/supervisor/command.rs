//! How the child process is run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, io};

/// An executable, with arguments, that calls [`run_child`](crate::run_child) and nothing else.
#[derive(Debug, Clone)]
pub struct ChildCommand {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
}

impl ChildCommand {
    /// The running executable again, with a subcommand that leads it to [`run_child`](crate::run_child).
    ///
    /// # Errors
    ///
    /// When the operating system does not say what the running executable is.
    pub fn this_executable(subcommand: impl Into<OsString>) -> io::Result<Self> {
        // Not `current_exe`: a binary replaced during an upgrade must not become the child of the old parent.
        let own_image = PathBuf::from("/proc/self/exe");
        let program = if own_image.exists() {
            own_image
        } else {
            env::current_exe()?
        };
        Ok(Self {
            program,
            args: vec![subcommand.into()],
        })
    }

    /// Another executable, without arguments.
    pub fn program(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
        }
    }
}
