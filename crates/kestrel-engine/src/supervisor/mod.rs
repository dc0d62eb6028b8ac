//! The parent's half: starts the child, restarts it when it crashes, ends it.

mod command;
mod password;
mod process;
mod watch;

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

pub use self::command::ChildCommand;
use self::watch::{Shared, Watch};
use crate::USER;
use crate::handshake::ChildConfig;

/// A large data folder takes its time to load; a start that takes longer than this hangs.
const START_TIMEOUT: Duration = Duration::from_secs(300);
/// How long dropping an [`Engine`] waits for running requests.
const DROP_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the engine could not be started.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The child process could not be run at all.
    #[error("cannot run the engine process {}: {source}", program.display())]
    Spawn {
        /// The executable that was to be the child.
        program: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The child ran and said why it cannot serve.
    #[error("the engine did not start: {message}")]
    Refused {
        /// The child's own words.
        message: String,
    },
    /// The child ended without a word.
    #[error("the engine process ended while starting ({status}){}", tail(stderr))]
    Died {
        /// How it ended.
        status: String,
        /// The last lines it wrote to stderr.
        stderr: String,
    },
    /// The child did not become ready in time.
    #[error("the engine did not become ready within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// The password cannot be sent to the child or by clients.
    #[error("the engine's password must not be empty or hold control characters")]
    UnusablePassword,
    /// This process cannot make a random password or another thread.
    #[error("cannot prepare the engine's supervisor: {0}")]
    Prepare(#[source] std::io::Error),
}

fn tail(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!(": {stderr}")
    }
}

/// What an engine is started with.
#[derive(Clone)]
pub struct EngineOptions {
    /// The folder that holds all data; made when it does not exist. One engine at a time can use it.
    pub data_dir: PathBuf,
    /// The `libchdb.so` to load, see [`LibrarySearch`](crate::LibrarySearch).
    pub library: PathBuf,
    /// The password of [`USER`]; `None` for a new random one.
    pub password: Option<String>,
    /// What the engine may use of memory, see [`DEFAULT_MAX_MEMORY_BYTES`](crate::DEFAULT_MAX_MEMORY_BYTES).
    pub max_memory_bytes: u64,
    /// How to run a process that calls [`run_child`](crate::run_child).
    pub child_command: ChildCommand,
}

impl fmt::Debug for EngineOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EngineOptions")
            .field("data_dir", &self.data_dir)
            .field("library", &self.library)
            .field("max_memory_bytes", &self.max_memory_bytes)
            .field("child_command", &self.child_command)
            .finish_non_exhaustive()
    }
}

/// How the engine is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineState {
    /// The first child is starting.
    Starting,
    /// A child serves requests.
    Ready,
    /// The child ended by itself and is being replaced.
    Restarting {
        /// How the last child ended, or why it could not start.
        last_error: String,
    },
    /// Several replacements in a row could not start. It is still tried, every few seconds.
    Failed {
        /// Why the last one could not start.
        last_error: String,
    },
    /// Shut down on request.
    Stopped,
}

/// A running engine. Dropping it shuts it down.
///
/// URL, user and password stay the same over crashes and restarts of the child, so clients only need to try again.
pub struct Engine {
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
    port: u16,
    password: String,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("port", &self.port)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Starts the child and waits until it serves requests.
    ///
    /// # Errors
    ///
    /// When the child cannot be run, or says that it cannot serve: a missing library, a data folder in use.
    pub fn start(options: EngineOptions) -> Result<Self, EngineError> {
        let password = match options.password {
            Some(password) if password.is_empty() || password.contains(char::is_control) => {
                return Err(EngineError::UnusablePassword);
            }
            Some(password) => password,
            None => password::random().map_err(EngineError::Prepare)?,
        };
        let config = ChildConfig {
            data_dir: options.data_dir,
            library: options.library,
            password: password.clone(),
            max_memory_bytes: options.max_memory_bytes,
            port: 0,
        };
        let shared = Arc::new(Shared::default());
        let (report, started) = mpsc::channel();
        let watch = Watch::new(Arc::clone(&shared), options.child_command, config);
        let supervisor = thread::Builder::new()
            .name("engine-supervisor".into())
            .spawn(move || watch.run(&report))
            .map_err(EngineError::Prepare)?;
        let mut engine = Self {
            shared,
            supervisor: Some(supervisor),
            port: 0,
            password,
        };
        // An early return drops `engine`, which ends the child.
        engine.port = started
            .recv_timeout(START_TIMEOUT)
            .map_err(|_no_report| EngineError::TimedOut(START_TIMEOUT))??;
        Ok(engine)
    }

    /// The base URL of ClickHouse's HTTP protocol, without credentials.
    pub fn url(&self) -> String {
        format!("http://{}:{}", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The user to authenticate as: [`USER`].
    pub fn user(&self) -> &str {
        USER
    }

    /// The password to authenticate with.
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The process id of the child that runs now, if one does.
    pub fn pid(&self) -> Option<u32> {
        self.shared.pid()
    }

    /// How the engine is doing now.
    pub fn state(&self) -> EngineState {
        self.shared.state()
    }

    /// Ends the child: it finishes the requests that run, for at most `timeout`, and is killed after that.
    ///
    /// Nothing that was acknowledged is lost either way. Returns whether it ended by itself.
    pub fn shutdown(&mut self, timeout: Duration) -> bool {
        let Some(supervisor) = self.supervisor.take() else {
            return true;
        };
        self.shared.stop();
        let deadline = Instant::now() + timeout;
        while !supervisor.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        let ended_by_itself = supervisor.is_finished();
        if !ended_by_itself {
            self.shared.kill();
        }
        if supervisor.join().is_err() {
            tracing::error!("the engine's supervisor panicked");
        }
        ended_by_itself
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown(DROP_TIMEOUT);
    }
}
