//! What several test files need.

use std::path::{Path, PathBuf};

use caribou_spool::{Claim, DestinationIdentity, DestinationSpool, Record, Spool, SpoolOptions};

pub(crate) fn identity() -> DestinationIdentity {
    DestinationIdentity::new("kestrel", "http://127.0.0.1:4700", "")
}

pub(crate) fn open(folder: &Path) -> (Spool, DestinationSpool) {
    open_with(SpoolOptions::new(folder))
}

pub(crate) fn open_with(options: SpoolOptions) -> (Spool, DestinationSpool) {
    let spool = Spool::open(options).unwrap();
    let destination = spool.destination(&identity()).unwrap();
    (spool, destination)
}

pub(crate) fn record(payload: &[u8]) -> Record<'_> {
    Record {
        kind: 1,
        time_unix_nano: 1_764_000_000_000_000_000,
        payload,
    }
}

pub(crate) fn append(destination: &mut DestinationSpool, payloads: &[&str]) {
    let records: Vec<Record<'_>> = payloads
        .iter()
        .map(|payload| record(payload.as_bytes()))
        .collect();
    let appended = destination.append(&records).unwrap();
    assert_eq!(appended.records, payloads.len());
}

/// Delivers all that is there and gives the payloads in their order.
pub(crate) fn drain(destination: &mut DestinationSpool) -> Vec<String> {
    let mut payloads = Vec::new();
    while let Some(mut claim) = destination.claim_oldest().unwrap() {
        payloads.extend(drain_claim(&mut claim));
    }
    payloads
}

pub(crate) fn drain_claim(claim: &mut Claim) -> Vec<String> {
    let mut payloads = Vec::new();
    while let Some(batch) = claim.next_batch(1 << 20, 100).unwrap() {
        payloads.extend(
            batch
                .records()
                .iter()
                .map(|record| String::from_utf8_lossy(&record.payload).into_owned()),
        );
        claim.acknowledge(&batch).unwrap();
    }
    payloads
}

/// Paths of the files in a folder whose name ends in `suffix`.
pub(crate) fn files_ending(directory: &Path, suffix: &str) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(suffix));
    paths.sort();
    paths
}
