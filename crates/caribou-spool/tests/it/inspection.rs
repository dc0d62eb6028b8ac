//! What a person is shown.

use caribou_spool::{Entry, FileState, SegmentReader, inspect};

use crate::support::{append, identity, open};

#[test]
fn files_states_and_reasons_are_reported_without_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    append(&mut destination, &["waiting"]);
    destination.rotate().unwrap();
    append(&mut destination, &["refused", "delivering"]);
    destination.rotate().unwrap();
    append(&mut destination, &["writing"]);
    std::fs::write(destination.directory().join("notes.txt"), "mine").unwrap();
    let waiting = destination.claim_oldest().unwrap().unwrap();
    let mut delivering = destination.claim_oldest().unwrap().unwrap();
    let refused = delivering.next_batch(1, 1).unwrap().unwrap();
    delivering.set_aside(&refused, "413 too large").unwrap();
    waiting.release().unwrap();

    let report = inspect(folder.path()).unwrap().destinations.remove(0);
    assert_eq!(report.identity, Some(identity()));
    let states: Vec<(&FileState, u64)> = report
        .files
        .iter()
        .map(|file| (&file.state, file.records))
        .collect();
    assert_eq!(
        states,
        [
            (&FileState::Waiting, 1),
            (&FileState::Delivering, 1),
            (&FileState::Writing, 1)
        ]
    );
    assert!(
        report
            .files
            .iter()
            .all(|file| file.oldest_unix_nano == Some(1_764_000_000_000_000_000))
    );
    assert_eq!(report.foreign, [destination.directory().join("notes.txt")]);
    let aside = &report.set_aside[0];
    assert_eq!(
        (
            aside.records,
            aside.header.as_ref().unwrap().reason.as_deref()
        ),
        (1, Some("413 too large"))
    );
    let mut reader = SegmentReader::open(&aside.path).unwrap();
    let Some(Entry::Record(record)) = reader.next_entry().unwrap() else {
        panic!("a record")
    };
    assert_eq!(record.payload, b"refused");
    assert_eq!(inspect(folder.path()).unwrap().destinations[0], report);
}

#[test]
fn a_folder_that_is_not_there_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        inspect(&folder.path().join("none")).unwrap().destinations,
        []
    );
}
