//! What the system tells of a process.

use std::fs;

/// CPU time that a process has used so far, in seconds.
#[derive(Clone, Copy)]
pub(crate) struct Cpu {
    /// Of all threads but those that merge.
    pub(crate) work: f64,
    /// Of the threads that merge parts in the background.
    pub(crate) merges: f64,
}

/// Ticks per second of `/proc/*/stat`, on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;

/// What ClickHouse calls the threads of its merges.
const MERGE_THREADS: &str = "MergeMutate";

impl Cpu {
    pub(crate) fn of(pid: u32) -> Self {
        let all = cpu_seconds(&format!("/proc/{pid}/stat")).unwrap_or_default();
        let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
        let merges = threads
            .filter_map(Result::ok)
            .filter(|thread| {
                fs::read_to_string(thread.path().join("comm"))
                    .is_ok_and(|name| name.trim() == MERGE_THREADS)
            })
            .filter_map(|thread| cpu_seconds(&thread.path().join("stat").to_string_lossy()))
            .sum();
        Self {
            work: all - merges,
            merges,
        }
    }

    /// What was used since an earlier look.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            work: self.work - earlier.work,
            merges: self.merges - earlier.merges,
        }
    }
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    let stat = fs::read_to_string(stat).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_ascii_whitespace().skip(11).take(2);
    Some(
        times
            .filter_map(|ticks| ticks.parse::<f64>().ok())
            .sum::<f64>()
            / TICKS_PER_SECOND,
    )
}

/// Resident memory in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<f64>().ok());
    kibibytes.expect("a number") / 1024.0
}
