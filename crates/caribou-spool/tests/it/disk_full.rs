//! A disk that takes no more.

use std::path::Path;

use caribou_spool::{AppendError, SpoolOptions};

use crate::role::{lines, say, start_with_file_limit};
use crate::support::{drain, open, open_with, record};

/// Appends large batches against the limit of file sizes, which cuts a write in the middle as a full disk does.
pub(crate) fn fill(folder: &Path) {
    let (_spool, mut destination) = open_with(SpoolOptions::new(folder).with_segment_bytes(60_000));
    for round in 0..20 {
        let payloads: Vec<String> = (0..30)
            .map(|number| format!("{round} {number} {}", "x".repeat(1_000)))
            .collect();
        let records: Vec<_> = payloads
            .iter()
            .map(|payload| record(payload.as_bytes()))
            .collect();
        match destination.append(&records) {
            Ok(_) => say(&format!("{round} ok")),
            Err(error @ AppendError::DiskFull { .. }) => {
                say(&format!("{round} full {}", error.settled_records()));
            }
            Err(error) => say(&format!("{round} {error}")),
        }
        if round == 9 {
            destination.rotate().unwrap();
        }
    }
}

#[test]
fn a_full_disk_is_told_and_costs_nothing_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    // 51,200 bytes: one batch of 31,000 fits into a file, the second is cut.
    let mut child = start_with_file_limit(100, "fill", folder.path());
    let said: Vec<String> = lines(&mut child).collect();
    assert!(child.wait().unwrap().success());
    let full = said.iter().filter(|line| line.ends_with(" full 0")).count();
    let kept: Vec<String> = said
        .iter()
        .filter_map(|line| line.strip_suffix(" ok"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        (full, kept.as_slice()),
        (18, ["0".to_owned(), "10".to_owned()].as_slice()),
        "{said:?}"
    );

    let (_spool, mut destination) = open(folder.path());
    let delivered = drain(&mut destination);
    let expected = kept
        .iter()
        .flat_map(|round| (0..30).map(move |number| format!("{round} {number} ")));
    assert!(
        delivered
            .iter()
            .map(|payload| payload.trim_end_matches('x').to_owned())
            .eq(expected)
    );
    assert_eq!(
        destination.stats().unwrap().damaged,
        0,
        "the part that was written was cut off again"
    );
}
