//! What a test process leaves, removed when it is gone.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Ends its server, then removes the folder, which somebody may be writing to for a moment longer.
const SCRIPT: &str = r#"read _
[ -z "$2" ] || kill -9 "$2"
tries=0
while [ -e "$1" ] && [ $tries -lt 50 ]; do
  rm -rf "$1"
  tries=$((tries + 1))
  sleep 0.2
done"#;

/// A static is never dropped. A shell that reads from a pipe notices the end of this process, however that ends, and does
/// what dropping would: removes a folder and, before that, ends the process that works in it.
pub(crate) fn remove_with_this_process(folder: &Path, server: Option<u32>) {
    let reaper = Command::new("sh")
        .args(["-c", SCRIPT, "reaper"])
        .arg(folder)
        .arg(server.map(|pid| pid.to_string()).unwrap_or_default())
        // Ctrl-C in a terminal is for its foreground group.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell exists");
    // Its end of the pipe must stay open for as long as this process lives.
    std::mem::forget(reaper);
}
