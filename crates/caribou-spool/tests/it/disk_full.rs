//! A disk that takes no more.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use caribou_spool::{AppendError, SpoolOptions};

use crate::role::{BATCH, append_numbered, deliver, lines, say, start_with_file_limit};
use crate::support::{append, drain, files_ending, open, open_with, record};

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

/// Delivers although no note of it can be written.
pub(crate) fn drain_without_room(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    assert!(destination.append(&[record(b"no room")]).is_err());
    while let Some(mut claim) = destination.claim_oldest().unwrap() {
        deliver(&mut claim, |claim, batch| drop(claim.acknowledge(batch)));
    }
}

/// What a failed write leaves where it cannot be cut off.
fn tear(directory: &Path) {
    let path = files_ending(directory, ".open").remove(0);
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(b"\xFECSR a part of a record").unwrap();
}

/// Appends behind a part of a record, then too much.
pub(crate) fn fill_torn_file(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    append(&mut destination, &["before"]);
    tear(destination.directory());
    append(&mut destination, &["behind"]);
    assert!(destination.append(&[record(&vec![0; 60_000])]).is_err());
    say("failed");
}

/// As [`fill_torn_file`], for a journal.
pub(crate) fn fill_torn_journal(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    let mut journal = destination.begin_journal(serde_json::Value::Null).unwrap();
    journal.append(&[record(b"before")]).unwrap();
    tear(destination.directory());
    journal.append(&[record(b"behind")]).unwrap();
    assert!(journal.append(&[record(&vec![0; 60_000])]).is_err());
    say("failed");
}

#[test]
fn what_was_appended_behind_a_part_of_a_record_is_not_cut_off_by_a_later_failure() {
    for role in ["fill a torn file", "fill a torn journal"] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = start_with_file_limit(100, role, folder.path());
        assert_eq!(lines(&mut child).collect::<Vec<_>>(), ["failed"], "{role}");
        assert!(child.wait().unwrap().success());
        let (_spool, mut destination) = open(folder.path());
        assert_eq!(drain(&mut destination), ["before", "behind"], "{role}");
        assert_eq!(destination.stats().unwrap().damaged, 1);
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

#[test]
fn what_is_there_is_delivered_although_the_disk_is_full_and_damage_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut destination) =
        open_with(SpoolOptions::new(folder.path()).with_segment_bytes(20_000));
    for batch in 0..20 {
        append_numbered(&mut destination, 1, batch * BATCH);
    }
    let directory = destination.directory().to_owned();
    drop((destination, spool));
    let first = files_ending(&directory, ".ready").remove(0);
    let mut bytes = std::fs::read(&first).unwrap();
    bytes.truncate(bytes.len() - 1);
    std::fs::write(&first, bytes).unwrap();

    let mut child = start_with_file_limit(0, "drain without room", folder.path());
    let delivered: BTreeSet<String> = lines(&mut child)
        .flat_map(|line| line.split(',').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert!(child.wait().unwrap().success());
    assert_eq!(delivered.len(), 20 * BATCH - 1);
    assert_eq!(
        files_ending(&directory, ".ready"),
        Vec::<std::path::PathBuf>::new()
    );
    assert_eq!(
        files_ending(&directory.join("damaged"), ".damaged").len(),
        1
    );
}
