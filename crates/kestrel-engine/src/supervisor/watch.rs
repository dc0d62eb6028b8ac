//! The supervisor thread: one child after the other, until it is told to stop.

use std::process::{Child, ExitStatus};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::command::ChildCommand;
use super::process::{self, Pipes};
use super::{EngineError, EngineState};
use crate::handshake::{ChildConfig, Report};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A child that served this long crashed for a new reason: the pauses start small again.
const SETTLED: Duration = Duration::from_secs(30);
/// So many failed replacements in a row are told as [`EngineState::Failed`].
const FAILED_AFTER: u32 = 5;

/// What [`Engine`](super::Engine) and its supervisor thread share.
#[derive(Default)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    stopped: Condvar,
}

struct Inner {
    /// The child, as long as it has not been waited for: only then may its pid be signalled.
    child: Option<Child>,
    state: EngineState,
    stopping: bool,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            child: None,
            state: EngineState::Starting,
            stopping: false,
        }
    }
}

impl Shared {
    pub(super) fn pid(&self) -> Option<u32> {
        self.lock().child.as_ref().map(Child::id)
    }

    pub(super) fn state(&self) -> EngineState {
        self.lock().state.clone()
    }

    /// Asks the child to finish and keeps it from being replaced.
    pub(super) fn stop(&self) {
        let mut inner = self.lock();
        inner.stopping = true;
        if let Some(child) = &inner.child {
            terminate(child);
        }
        drop(inner);
        self.stopped.notify_all();
    }

    pub(super) fn kill(&self) {
        if let Some(child) = &mut self.lock().child {
            // An error means that it has ended already.
            child.kill().ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: EngineState) {
        self.lock().state = state;
    }

    /// Takes the child over, unless we are stopping already.
    fn adopt(&self, child: Child) {
        let mut inner = self.lock();
        if inner.stopping {
            terminate(&child);
        }
        inner.child = Some(child);
    }

    /// Waits for the end of the child, whose pipes are closed already. The lock is held only in moments, so that
    /// [`Shared::kill`] can come in between.
    fn reap(&self) -> Option<ExitStatus> {
        loop {
            let mut inner = self.lock();
            let child = inner.child.as_mut()?;
            match child.try_wait() {
                Ok(None) => {}
                Ok(status) => {
                    inner.child = None;
                    return status;
                }
                Err(_) => {
                    inner.child = None;
                    return None;
                }
            }
            drop(inner);
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn pause(&self, duration: Duration) -> bool {
        let inner = self.lock();
        let waited = self
            .stopped
            .wait_timeout_while(inner, duration, |inner| !inner.stopping);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        !inner.stopping
    }

    fn is_stopping(&self) -> bool {
        self.lock().stopping
    }
}

/// Asks a child to finish its requests and end.
#[expect(unsafe_code, reason = "the standard library can only kill")]
fn terminate(child: &Child) {
    let Ok(pid) = libc::pid_t::try_from(child.id()) else {
        return;
    };
    // SAFETY: `child` has not been waited for, so the pid is still its own.
    unsafe { libc::kill(pid, libc::SIGTERM) };
}

/// The supervisor thread's own things.
pub(super) struct Watch {
    shared: Arc<Shared>,
    command: ChildCommand,
    config: ChildConfig,
}

impl Watch {
    pub(super) fn new(shared: Arc<Shared>, command: ChildCommand, config: ChildConfig) -> Self {
        Self {
            shared,
            command,
            config,
        }
    }

    /// Runs children until told to stop, and reports how the first one started. A first child that cannot start is
    /// not replaced: whoever started the engine is there to be told.
    pub(super) fn run(mut self, report: &Sender<Result<u16, EngineError>>) {
        let mut pipes = match self.start_child() {
            Ok(pipes) => pipes,
            Err(error) => {
                self.shared.set(EngineState::Failed {
                    last_error: error.to_string(),
                });
                // Nobody listens any more when the start timed out.
                report.send(Err(error)).ok();
                return;
            }
        };
        report.send(Ok(self.config.port)).ok();
        loop {
            let since = Instant::now();
            let last_error = self.wait_for_crash(pipes);
            let pause = if since.elapsed() > SETTLED {
                FIRST_PAUSE
            } else {
                FIRST_PAUSE * 4
            };
            let Some(replaced) = last_error.and_then(|error| self.replace(error, pause)) else {
                break;
            };
            pipes = replaced;
        }
        self.shared.set(EngineState::Stopped);
    }

    fn start_child(&mut self) -> Result<Pipes, EngineError> {
        let (child, mut pipes) =
            process::spawn(&self.command, &self.config).map_err(|source| EngineError::Spawn {
                program: self.command.program.clone(),
                source,
            })?;
        self.shared.adopt(child);
        match pipes.report() {
            Some(Report::Ready { port }) => {
                self.config.port = port;
                self.shared.set(EngineState::Ready);
                Ok(pipes)
            }
            Some(Report::Failed { message }) => {
                self.end(pipes);
                Err(EngineError::Refused { message })
            }
            None => {
                let (status, stderr) = self.end(pipes);
                Err(EngineError::Died { status, stderr })
            }
        }
    }

    fn end(&self, pipes: Pipes) -> (String, String) {
        let stderr = pipes.wait_for_end();
        let status = self.shared.reap();
        (
            status.map_or_else(|| "end not known".into(), |status| status.to_string()),
            stderr,
        )
    }

    /// Returns how the child ended, or `None` when that was asked for.
    fn wait_for_crash(&self, pipes: Pipes) -> Option<String> {
        let (status, stderr) = self.end(pipes);
        if self.shared.is_stopping() {
            return None;
        }
        let error = EngineError::Died { status, stderr }
            .to_string()
            .replace(" while starting", "");
        tracing::error!(
            error,
            "the engine process ended by itself, starting another"
        );
        Some(error)
    }

    /// Starts children until one serves. `None` when told to stop.
    fn replace(&mut self, mut last_error: String, mut pause: Duration) -> Option<Pipes> {
        for failures in 0_u32.. {
            self.shared.set(if failures < FAILED_AFTER {
                EngineState::Restarting { last_error }
            } else {
                EngineState::Failed { last_error }
            });
            if !self.shared.pause(pause) {
                return None;
            }
            match self.start_child() {
                Ok(pipes) => return Some(pipes),
                Err(error) => last_error = error.to_string(),
            }
            if self.shared.is_stopping() {
                return None;
            }
            tracing::error!(
                error = last_error,
                "the engine process could not be replaced"
            );
            pause = LONGEST_PAUSE.min(pause * 2);
        }
        None
    }
}
