//! One child process, from its start to its end.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::thread::{self, JoinHandle};

use super::command::ChildCommand;
use crate::handshake::{ChildConfig, Report};

/// How many lines of stderr are kept to explain an unexpected end.
const KEPT_LINES: usize = 5;

/// What is read from a child while it lives.
pub(super) struct Pipes {
    stdout: BufReader<ChildStdout>,
    stderr: JoinHandle<VecDeque<String>>,
}

/// Starts a child and sends it its configuration.
///
/// The child's stdin stays open within `Child`: its end is how the child learns that we are gone.
pub(super) fn spawn(command: &ChildCommand, config: &ChildConfig) -> io::Result<(Child, Pipes)> {
    let mut child = Command::new(&command.program)
        .arg0("kestrel-engine")
        .args(&command.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
    let stderr = child.stderr.take().expect("stderr was asked to be a pipe");
    let stdin = child.stdin.as_mut().expect("stdin was asked to be a pipe");
    if let Err(error) = config.write_to(stdin) {
        // It ended before it read anything; how it ended says more than this broken pipe.
        tracing::debug!(%error, "the engine process did not take its configuration");
    }
    let stderr = thread::Builder::new()
        .name("engine-stderr".into())
        .spawn(move || forward(stderr))?;
    Ok((
        child,
        Pipes {
            stdout: BufReader::new(stdout),
            stderr,
        },
    ))
}

impl Pipes {
    /// The child's report, or `None` when it ended without one.
    pub(super) fn report(&mut self) -> Option<Report> {
        let mut line = String::new();
        loop {
            line.clear();
            match self.stdout.read_line(&mut line) {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            if let Some(report) = Report::parse(&line) {
                return Some(report);
            }
            tracing::info!(target: "kestrel_engine::child", "{}", line.trim_end());
        }
    }

    /// Waits until the child has closed its stdout, which it does by ending. Returns its last words on stderr.
    pub(super) fn wait_for_end(mut self) -> String {
        while self.report().is_some() {}
        let lines = self.stderr.join().unwrap_or_default();
        Vec::from(lines).join(" / ")
    }
}

fn forward(stderr: ChildStderr) -> VecDeque<String> {
    let mut kept = VecDeque::new();
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { break };
        tracing::warn!(target: "kestrel_engine::child", "{line}");
        if kept.len() == KEPT_LINES {
            kept.pop_front();
        }
        kept.push_back(line);
    }
    kept
}
