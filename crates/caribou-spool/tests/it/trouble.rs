//! Files that cannot be had, names that say anything, and a process that has nothing left to open them with.

use std::fs::{File, rename};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use caribou_spool::SpoolError;
use serde_json::Value;

use crate::role::{lines, say, start_with_descriptor_limit};
use crate::support::{append, drain, drain_claim, files_ending, open, record};

/// Gives a file so long a name that it cannot get that of a claim.
fn make_untakeable(path: &Path) {
    const LONGEST_NAME: usize = 255;
    let name = path.file_name().unwrap().to_str().unwrap();
    let (stem, state) = name.split_once('.').unwrap();
    let padding = "0".repeat(LONGEST_NAME - name.len());
    rename(
        path,
        path.with_file_name(format!("{stem}{padding}.{state}")),
    )
    .unwrap();
}

/// A folder that a process has left with three files of one record each.
fn three_files(folder: &Path) -> Vec<PathBuf> {
    let (_spool, mut destination) = open(folder);
    for payload in ["first", "second", "third"] {
        append(&mut destination, &[payload]);
        destination.rotate().unwrap();
    }
    files_ending(destination.directory(), ".ready")
}

/// Puts a count into a file's name.
fn count_to(path: &Path, count: u64) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let parts: Vec<&str> = name.split('.').collect();
    let name = format!("{}.{count}.{}", parts[0], parts[2]);
    rename(path, path.with_file_name(name)).unwrap();
}

/// Claims while every descriptor is taken, and once they are free again.
pub(crate) fn claim_without_descriptors(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    let mut first = destination.claim_oldest().unwrap().unwrap();
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    let claimed = destination.claim_oldest();
    drop(taken);
    assert!(claimed.is_err_and(|error| error.is_passing()));
    say(&drain_claim(&mut first).join(","));
    say(&drain(&mut destination).join(","));
}

#[test]
fn a_process_without_descriptors_passes_no_file_over() {
    let folder = tempfile::tempdir().unwrap();
    three_files(folder.path());
    let mut child = start_with_descriptor_limit(64, "without descriptors", folder.path());
    let said: Vec<String> = lines(&mut child).collect();
    assert_eq!(said, ["first", "second,third"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_file_that_cannot_be_taken_holds_up_no_other() {
    let folder = tempfile::tempdir().unwrap();
    make_untakeable(&three_files(folder.path())[0]);
    let (_spool, mut destination) = open(folder.path());
    assert_eq!(drain(&mut destination), ["second", "third"]);
    assert_eq!(destination.stats().unwrap().files, 1);
}

#[test]
fn a_journal_that_cannot_be_taken_over_keeps_none_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    {
        let (_spool, mut destination) = open(folder.path());
        for payload in ["first", "second", "third"] {
            let mut journal = destination.begin_journal(Value::Null).unwrap();
            journal.append(&[record(payload.as_bytes())]).unwrap();
        }
        make_untakeable(&files_ending(destination.directory(), ".open")[1]);
    }
    let (_spool, mut destination) = open(folder.path());
    let adopted = destination.adopt_journals().unwrap();
    assert_eq!(adopted.len(), 2);
    for journal in adopted {
        journal.remove().unwrap();
    }
    assert_eq!(destination.stats().unwrap().files, 1);
}

#[test]
fn names_may_count_more_than_any_sum_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    for payload in ["first", "second"] {
        append(&mut destination, &[payload]);
        destination.rotate().unwrap();
        destination.set_aside(&[record(b"bad")], "no").unwrap();
    }
    let directory = destination.directory().to_owned();
    let aside = files_ending(&directory.join("set-aside"), ".set-aside");
    for path in files_ending(&directory, ".ready").iter().chain(&aside) {
        count_to(path, u64::MAX);
    }
    let stats = destination.stats().unwrap();
    assert_eq!(
        (stats.records, stats.set_aside_records),
        (u64::MAX, u64::MAX)
    );
    let left = destination.left().look().unwrap();
    assert_eq!((left.waiting, left.set_aside), (u64::MAX, u64::MAX));
    assert_eq!(destination.own_records().unwrap(), u64::MAX);
    assert_eq!(drain(&mut destination), ["first", "second"]);
}

#[test]
fn a_claim_that_is_given_back_is_the_next_again() {
    let folder = tempfile::tempdir().unwrap();
    three_files(folder.path());
    let (_spool, mut destination) = open(folder.path());
    let claim = destination.claim_oldest().unwrap().unwrap();
    claim.release().unwrap();
    assert_eq!(drain(&mut destination), ["first", "second", "third"]);
}

#[test]
fn what_cannot_be_swept_up_keeps_nobody_from_recording() {
    let folder = tempfile::tempdir().unwrap();
    let path = three_files(folder.path()).remove(0);
    // Looks like what a delivery left long ago, and cannot be removed as a file.
    let orphan = path.with_file_name("1764000000123456-1-9f8e7d6c-00000001.acked");
    std::fs::create_dir(&orphan).unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(86_400);
    File::open(&orphan).unwrap().set_modified(long_ago).unwrap();
    let (_spool, mut destination) = open(folder.path());
    assert_eq!(drain(&mut destination), ["first", "second", "third"]);
}

#[test]
fn only_what_passes_is_said_to_pass() {
    let refused = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    assert!(!SpoolError::from(refused).is_passing());
}
