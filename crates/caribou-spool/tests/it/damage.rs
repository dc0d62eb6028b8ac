//! Files that somebody damaged.

use std::io::Cursor;
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};

use caribou_spool::{DamageKind, Entry, SegmentReader};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{append, drain, drain_claim, files_ending, open, record};

/// A folder with one closed file of ten records.
fn ten_records() -> (tempfile::TempDir, caribou_spool::DestinationSpool, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    for number in 0..10 {
        append(&mut destination, &[&format!("record {number}")]);
    }
    destination.rotate().unwrap();
    let path = files_ending(destination.directory(), ".ready").remove(0);
    (folder, destination, path)
}

fn flip(path: &Path, needle: &[u8]) {
    let bytes = std::fs::read(path).unwrap();
    let at = bytes
        .windows(needle.len())
        .position(|window| window == needle)
        .unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&[bytes[at] ^ 0x40], at as u64).unwrap();
}

#[test]
fn a_flipped_bit_costs_one_record_which_is_kept_for_a_look() {
    let (_folder, mut destination, path) = ten_records();
    flip(&path, b"record 4");
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    let delivered = drain_claim(&mut claim);
    assert_eq!(delivered.len(), 9);
    assert!(!delivered.contains(&"record 4".to_owned()));
    let damage = &claim.damage()[0];
    assert_eq!(damage.damage.kind, DamageKind::Bytes);
    let kept = std::fs::read(damage.moved_to.as_ref().unwrap()).unwrap();
    assert!(kept.windows(7).any(|window| window == b"ecord 4"));
    drop(claim);
    let stats = destination.stats().unwrap();
    assert_eq!((stats.files, stats.damaged), (0, 1));
}

#[test]
fn a_damaged_first_line_costs_the_context_and_no_record() {
    let (_folder, mut destination, path) = ten_records();
    flip(&path, b"created_unix_micros");
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    assert_eq!(claim.context(), None);
    assert_eq!(drain_claim(&mut claim).len(), 10);
    assert_eq!(claim.damage()[0].damage.kind, DamageKind::Header);
}

#[test]
fn a_torn_tail_costs_the_tail() {
    let (_folder, mut destination, path) = ten_records();
    let length = std::fs::metadata(&path).unwrap().len();
    std::fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(length - 3)
        .unwrap();
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    assert_eq!(drain_claim(&mut claim).len(), 9);
    assert_eq!(claim.damage()[0].damage.kind, DamageKind::TornTail);
}

#[test]
fn whatever_else_lies_there_does_not_hold_up_the_rest() {
    let (folder, mut destination, path) = ten_records();
    let odd = |number: u32, suffix: &str| {
        destination.directory().join(format!(
            "100000000000000{number}-1-00000000-00000001.{suffix}"
        ))
    };
    std::fs::write(odd(0, "5.ready"), "").unwrap();
    std::fs::write(odd(1, "5.ready"), vec![0xFE; 200_000]).unwrap();
    std::fs::create_dir(odd(2, "5.ready")).unwrap();
    symlink("/dev/zero", odd(3, "5.ready")).unwrap();
    symlink(&path, odd(4, "open")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(odd(5, "5.ready"))
        .status()
        .unwrap();
    assert!(pipe.success());
    std::fs::write(odd(6, "open"), "{}\n").unwrap();
    std::fs::write(odd(7, "acked"), "garbage").unwrap();
    std::fs::write(destination.directory().join("notes.txt"), "mine").unwrap();
    std::fs::write(folder.path().join("loose"), "mine").unwrap();

    assert_eq!(drain(&mut destination).len(), 10);
    let stats = destination.stats().unwrap();
    assert_eq!((stats.records, stats.damaged, stats.unreadable), (0, 2, 4));
    assert!(destination.directory().join("notes.txt").exists());
}

#[test]
fn a_copy_of_another_spool_file_inside_a_damaged_record_is_not_taken_for_records() {
    let (_folder, _destination, path) = ten_records();
    let inner = std::fs::read(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    let mut payload = b"a spool file: ".to_vec();
    payload.extend_from_slice(&inner);
    destination
        .append(&[record(b"a"), record(&payload), record(b"c")])
        .unwrap();
    destination.rotate().unwrap();
    flip(
        &files_ending(destination.directory(), ".ready")[0],
        b"a spool file",
    );
    assert_eq!(drain(&mut destination), ["a", "c"]);
}

#[derive(Clone, Debug)]
enum Change {
    Overwrite {
        at: prop::sample::Index,
        bytes: Vec<u8>,
    },
    Remove {
        at: prop::sample::Index,
        count: usize,
    },
    Insert {
        at: prop::sample::Index,
        bytes: Vec<u8>,
    },
    Truncate {
        at: prop::sample::Index,
    },
}

fn change() -> impl Strategy<Value = Change> {
    // Bytes of a magic now and then, so that false beginnings of records occur.
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\xFECSR\n".to_vec())];
    let bytes = vec(byte, 1..80);
    let at = any::<prop::sample::Index>;
    prop_oneof![
        (at(), bytes.clone()).prop_map(|(at, bytes)| Change::Overwrite { at, bytes }),
        (at(), 1..200_usize).prop_map(|(at, count)| Change::Remove { at, count }),
        (at(), bytes).prop_map(|(at, bytes)| Change::Insert { at, bytes }),
        at().prop_map(|at| Change::Truncate { at }),
    ]
}

/// Applies a change and gives the span of the original that it touched.
fn apply(bytes: &mut Vec<u8>, change: &Change) -> (usize, usize) {
    match change {
        Change::Overwrite { at, bytes: new } => {
            let start = at.index(bytes.len());
            let end = (start + new.len()).min(bytes.len());
            bytes[start..end].copy_from_slice(&new[..end - start]);
            (start, end)
        }
        Change::Remove { at, count } => {
            let start = at.index(bytes.len());
            let end = (start + count).min(bytes.len());
            bytes.drain(start..end);
            (start, end)
        }
        Change::Insert { at, bytes: new } => {
            let start = at.index(bytes.len());
            bytes.splice(start..start, new.iter().copied());
            // Between two records it touches neither: only a record that spans the place is lost.
            (start, start)
        }
        Change::Truncate { at } => {
            let start = at.index(bytes.len());
            let end = bytes.len();
            bytes.truncate(start);
            (start, end)
        }
    }
}

fn spool_file(payloads: &[Vec<u8>]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    let records: Vec<_> = payloads.iter().map(|payload| record(payload)).collect();
    destination.append(&records).unwrap();
    destination.rotate().unwrap();
    std::fs::read(&files_ending(destination.directory(), ".ready")[0]).unwrap()
}

/// Payloads in order, with the spans of their records, which must follow each other to the end of the file.
fn read_all(bytes: Vec<u8>) -> Vec<(usize, usize, Vec<u8>)> {
    let length = bytes.len();
    let mut reader = SegmentReader::new(Cursor::new(bytes)).unwrap();
    let (mut found, mut position) = (Vec::new(), usize::try_from(reader.position()).unwrap());
    while let Some(entry) = reader.next_entry().unwrap() {
        let end = usize::try_from(reader.position()).unwrap();
        assert!(position < end && end <= length, "reading always gets on");
        if let Entry::Record(record) = entry {
            found.push((position, end, record.payload));
        }
        position = end;
    }
    assert_eq!(position, length);
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_yields_a_changed_record_or_costs_one_outside_it(
        payloads in vec(vec(any::<u8>(), 0..300), 1..12),
        change in change(),
    ) {
        let mut bytes = spool_file(&payloads);
        let original = read_all(bytes.clone());
        prop_assert_eq!(original.len(), payloads.len());

        let (from, to) = apply(&mut bytes, &change);
        let found: Vec<Vec<u8>> = read_all(bytes).into_iter().map(|(_, _, payload)| payload).collect();
        let mut untouched = original.iter().filter(|(start, end, _)| *end <= from || *start >= to).map(|(_, _, payload)| payload);
        // What is found is a subsequence of what was written, and what was not touched is a subsequence of that.
        let mut written = payloads.iter();
        for payload in &found {
            prop_assert!(written.any(|one| one == payload), "a record that was never written");
        }
        let mut rest = found.iter();
        prop_assert!(untouched.all(|payload| rest.any(|one| one == payload)), "an untouched record is lost");
    }

    #[test]
    fn any_bytes_can_be_read(bytes in vec(prop_oneof![any::<u8>(), prop::sample::select(b"\xFECSR\n{}".to_vec())], 0..1000)) {
        prop_assert!(read_all(bytes).is_empty());
    }
}
