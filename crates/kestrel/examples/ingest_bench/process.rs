//! What the system tells of a process.

use std::fs;

/// CPU time that a process and its threads have used so far.
pub(crate) struct Cpu {
    ticks: u64,
}

/// Ticks per second of `/proc/*/stat`, on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;

impl Cpu {
    pub(crate) fn of(pid: u32) -> Self {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
        let (_, fields) = stat.rsplit_once(')').expect("a name in parentheses");
        let times = fields.split_ascii_whitespace().skip(11).take(2);
        Self {
            ticks: times
                .map(|ticks| ticks.parse::<u64>().expect("a number"))
                .sum(),
        }
    }

    /// Seconds since an earlier look.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        (self.ticks - earlier.ticks) as f64 / TICKS_PER_SECOND
    }
}

/// Resident memory in MiB.
pub(crate) fn resident_mib(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the process runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_ascii_whitespace().next()?.parse::<f64>().ok());
    kibibytes.expect("a number") / 1024.0
}
