//! Journals: many files that are filled at once, each delivered whole, by this process or by one after it.

use caribou_spool::{AppendError, Entry, Journal, SpoolOptions, StoredRecord};
use serde_json::json;

use crate::support::{files_ending, open, open_with, record};

fn read(journal: &Journal) -> Vec<StoredRecord> {
    let mut reader = journal.reader().unwrap();
    let mut records = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        let Entry::Record(record) = entry else {
            unreachable!("nothing was damaged: {entry:?}");
        };
        records.push(record);
    }
    records
}

fn payloads(journal: &Journal) -> Vec<String> {
    let texts = read(journal).into_iter();
    texts
        .map(|record| String::from_utf8(record.payload).unwrap())
        .collect()
}

#[test]
fn journals_are_filled_in_turn_and_removed_each_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    let mut first = destination.begin_journal(json!({"n": 1})).unwrap();
    let mut second = destination.begin_journal(json!({"n": 2})).unwrap();
    for number in ["1", "2", "3"] {
        first.append(&[record(number.as_bytes())]).unwrap();
        second
            .append(&[record(b"x"), record(number.as_bytes())])
            .unwrap();
    }
    assert_eq!(payloads(&first), ["1", "2", "3"]);
    assert_eq!(payloads(&second), ["x", "1", "x", "2", "x", "3"]);
    assert_eq!(destination.stats().unwrap().records, 9);
    first.remove().unwrap();
    assert_eq!(destination.stats().unwrap().records, 6);
    assert_eq!(second.context(), &json!({"n": 2}));
}

#[test]
fn what_a_process_left_is_adopted_with_what_was_settled() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut destination) = open(folder.path());
    let mut journal = destination.begin_journal(json!({"n": 1})).unwrap();
    journal.append(&[record(b"a"), record(b"b")]).unwrap();
    journal.settle(1).unwrap();

    let (_next, mut next) = open(folder.path());
    assert!(next.adopt_journals().unwrap().is_empty(), "its owner lives");
    drop((journal, destination, spool));
    let adopted = next.adopt_journals().unwrap();
    assert_eq!(adopted.len(), 1);
    assert_eq!(payloads(&adopted[0]), ["a", "b"]);
    assert_eq!((adopted[0].settled(), adopted[0].records()), (1, 2));
    assert_eq!(adopted[0].context(), &json!({"n": 1}));
    assert!(!adopted[0].is_own());
    assert!(next.adopt_journals().unwrap().is_empty(), "it has them");
    let aside = adopted[0].set_aside(&read(&adopted[0])[1], "no").unwrap();
    assert!(aside.exists());
    for journal in adopted {
        journal.remove().unwrap();
    }
    assert_eq!(next.stats().unwrap().records, 0);
    assert_eq!(next.stats().unwrap().set_aside_records, 1);
}

#[test]
fn one_process_leads_until_it_lets_go_or_ends() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, destination) = open(folder.path());
    let mut locks = std::fs::read_dir(folder.path().join("processes")).unwrap();
    let lock = locks.next().unwrap().unwrap().path();
    let (_other_spool, other) = open(folder.path());
    let lead = destination.lead().unwrap();
    assert!(lead.is_some());
    assert!(destination.lead().unwrap().is_none(), "it has it already");
    assert!(other.lead().unwrap().is_none());
    drop(lead);
    let lead = other.lead().unwrap();
    assert!(lead.is_some() && destination.lead().unwrap().is_none());
    drop(lead);
    // Somebody who was killed leaves the mark behind.
    std::mem::forget(destination.lead().unwrap().unwrap());
    assert!(other.lead().unwrap().is_none());
    let marks = || {
        let files = std::fs::read_dir(other.directory()).unwrap();
        files
            .filter(|file| {
                file.as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|end| end == "leads")
            })
            .count()
    };
    assert_eq!(marks(), 1);
    drop((destination, spool));
    // The forgotten value keeps the process's lock, which a kill would not.
    std::fs::remove_file(lock).unwrap();
    assert!(other.lead().unwrap().is_some());
}

#[test]
fn a_process_that_could_not_remove_its_mark_may_lead_again() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, destination) = open(folder.path());
    let lead = destination.lead().unwrap();
    let marks = files_ending(destination.directory(), ".leads");
    assert_eq!(marks.len(), 1);
    std::fs::remove_file(&marks[0]).unwrap();
    std::fs::create_dir(&marks[0]).unwrap();
    drop(lead);
    assert!(destination.lead().unwrap().is_some());
}

#[test]
fn the_bound_holds_for_journals() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) =
        open_with(SpoolOptions::new(folder.path()).with_max_bytes(10_000));
    let mut journal = destination.begin_journal(json!(null)).unwrap();
    journal.append(&[record(&[0; 5_000])]).unwrap();
    let refused = journal.append(&[record(&[0; 5_000])]);
    assert!(
        matches!(refused, Err(AppendError::Full { .. })),
        "{refused:?}"
    );
    assert_eq!(read(&journal).len(), 1);
    journal.remove().unwrap();
    let mut journal = destination.begin_journal(json!(null)).unwrap();
    journal.append(&[record(&[0; 5_000])]).unwrap();
}

#[test]
fn a_journal_that_somebody_removed_does_not_come_back_without_its_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    let mut journal = destination.begin_journal(json!(null)).unwrap();
    std::fs::remove_file(journal.path()).unwrap();
    assert!(journal.append(&[record(b"a")]).is_err());
    assert!(!journal.path().exists());
}
