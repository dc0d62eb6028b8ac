//! `kestrel spool list`.

use std::path::Path;

use anyhow::Context as _;
use caribou_spool::{DestinationIdentity, DestinationReport, FileState, inspect};

/// Says what waits for whom, and what was refused.
pub(super) fn list(directory: &Path, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let inspection =
        inspect(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    if inspection.destinations.is_empty() {
        say(&super::nothing_waits(directory));
    }
    for destination in &inspection.destinations {
        list_destination(destination, say);
    }
    Ok(())
}

fn list_destination(report: &DestinationReport, say: &dyn Fn(&str)) {
    // Counts come from the files' names, which may say anything.
    let (waiting, bytes) = report.files.iter().fold((0_u64, 0_u64), |sums, file| {
        let (waiting, bytes) = sums;
        (
            waiting.saturating_add(file.records),
            bytes.saturating_add(file.bytes),
        )
    });
    let name = report.identity.as_ref().map_or_else(
        || {
            format!(
                "{} (destination.json is missing)",
                report.directory.display()
            )
        },
        |identity| format!("{} {} {}", identity.kind, identity.url, identity.account),
    );
    let is_scores = |identity: &DestinationIdentity| identity.kind == "langfuse-scores";
    let what = if report.identity.as_ref().is_some_and(is_scores) {
        "scores"
    } else {
        "spans"
    };
    say(&format!(
        "{}: {waiting} {what} wait, {bytes} bytes",
        name.trim_end()
    ));
    for file in &report.files {
        let state = match file.state {
            FileState::Writing => "being written",
            FileState::Delivering => "being delivered",
            _ => "waits",
        };
        let problem = file.problem.as_deref().unwrap_or_default();
        say(&format!(
            "  {} {} {what}, {state} {problem}",
            file.path.display(),
            file.records
        ));
    }
    for aside in report.set_aside.iter().chain(&report.damaged) {
        let reason = aside
            .header
            .as_ref()
            .and_then(|header| header.reason.as_deref());
        say(&format!(
            "  {} {} {what}, not delivered: {}",
            aside.path.display(),
            aside.records,
            reason.unwrap_or("unknown")
        ));
    }
}
