//! Appending, claiming, settling in one process.

use std::os::unix::fs::PermissionsExt;

use caribou_spool::{DestinationIdentity, FsyncPolicy, SpoolError, SpoolOptions};
use serde_json::json;

use crate::support::{append, drain, drain_claim, files_ending, open, open_with, record};

#[test]
fn records_come_back_in_order_with_their_context_and_the_file_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    destination
        .set_context(json!({"service.name": "trainer"}))
        .unwrap();
    append(&mut destination, &["a", "b"]);
    append(&mut destination, &["c"]);
    assert_eq!(destination.stats().unwrap().records, 3);

    let mut claim = destination.claim_oldest().unwrap().unwrap();
    assert_eq!(claim.context(), Some(&json!({"service.name": "trainer"})));
    assert_eq!(drain_claim(&mut claim), ["a", "b", "c"]);
    drop(claim);
    let stats = destination.stats().unwrap();
    assert_eq!(
        (stats.files, stats.records, stats.bytes, stats.oldest),
        (0, 0, 0, None)
    );
    assert!(destination.claim_oldest().unwrap().is_none());
}

#[test]
fn the_next_process_finds_what_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut destination) = open(folder.path());
    append(&mut destination, &["a"]);
    drop((spool, destination));

    let (spool, mut destination) = open(folder.path());
    assert_eq!(
        spool.destinations().unwrap(),
        [destination.identity().clone()]
    );
    assert_eq!(drain(&mut destination), ["a"]);
}

#[test]
fn files_are_the_owners_alone_and_closed_at_their_size() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("state/spool");
    let (_spool, mut destination) = open_with(
        SpoolOptions::new(&root)
            .with_segment_bytes(2_000)
            .with_fsync(FsyncPolicy::OnRotate),
    );
    let payload = "x".repeat(500);
    for _ in 0..20 {
        append(&mut destination, &[&payload]);
    }
    let ready = files_ending(destination.directory(), ".ready");
    assert!(ready.len() >= 4, "{ready:?}");
    for path in &ready {
        let metadata = std::fs::metadata(path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert!(metadata.len() < 3_000);
    }
    for directory in [root.as_path(), destination.directory()] {
        assert_eq!(
            std::fs::metadata(directory).unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
    assert_eq!(drain(&mut destination).len(), 20);
}

#[test]
fn a_folder_that_others_use_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let (_spool, destination) = open(folder.path());
    assert_eq!(
        std::fs::metadata(folder.path())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o755
    );
    assert_eq!(
        std::fs::metadata(destination.directory())
            .unwrap()
            .permissions()
            .mode()
            & 0o777,
        0o700
    );
}

#[test]
fn a_file_is_sent_to_its_destination_only() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut kestrel) = open(folder.path());
    append(&mut kestrel, &["for kestrel"]);
    kestrel.rotate().unwrap();
    let other = DestinationIdentity::new("kestrel", "http://127.0.0.1:4700", "another project");
    let mut elsewhere = spool.destination(&other).unwrap();
    assert_eq!(drain(&mut elsewhere), Vec::<String>::new());

    let path = files_ending(kestrel.directory(), ".ready").remove(0);
    std::fs::rename(&path, elsewhere.directory().join(path.file_name().unwrap())).unwrap();
    assert_eq!(
        drain(&mut elsewhere),
        Vec::<String>::new(),
        "not even when moved by hand"
    );
    assert_eq!(elsewhere.stats().unwrap().unreadable, 1);
}

#[test]
fn a_redirected_destination_file_is_not_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut destination) = open(folder.path());
    append(&mut destination, &["a"]);
    let text = std::fs::read_to_string(destination.directory().join("destination.json")).unwrap();
    std::fs::write(
        destination.directory().join("destination.json"),
        text.replace("127.0.0.1", "evil.example"),
    )
    .unwrap();
    assert_eq!(spool.destinations().unwrap(), []);
}

#[test]
fn what_is_settled_is_not_read_again_after_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    append(&mut destination, &["a", "b", "c", "d"]);
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    let first = claim.next_batch(1, 100).unwrap().unwrap();
    assert_eq!(
        first.records().len(),
        1,
        "one record even if it exceeds the limit"
    );
    let second = claim.next_batch(1 << 20, 2).unwrap().unwrap();
    assert!(matches!(
        claim.acknowledge(&second),
        Err(SpoolError::OutOfOrder { .. })
    ));
    claim.acknowledge(&first).unwrap();
    assert!(
        destination.claim_oldest().unwrap().is_none(),
        "nobody else gets a claimed file"
    );
    assert_eq!(destination.stats().unwrap().records, 3);
    claim.rewind();
    assert_eq!(claim.next_batch(1 << 20, 2).unwrap().unwrap(), second);
    claim.release().unwrap();
    assert_eq!(drain(&mut destination), ["b", "c", "d"]);
    assert_eq!(files_ending(destination.directory(), ".acked").len(), 0);
}

#[test]
fn one_bad_record_is_set_aside_with_the_reason_and_the_rest_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    append(&mut destination, &["a", "bad", "c"]);
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    let batch = claim.next_batch(1 << 20, 100).unwrap().unwrap();
    let (first, rest) = batch.split_after(1);
    let (bad, last) = rest.unwrap().split_after(1);
    claim.acknowledge(&first).unwrap();
    let path = claim
        .set_aside(&bad, "400 Bad Request: span id is repeated")
        .unwrap();
    claim.acknowledge(&last.unwrap()).unwrap();
    drop(claim);

    let stats = destination.stats().unwrap();
    assert_eq!((stats.files, stats.set_aside_records), (0, 1));
    assert!(
        drain(&mut destination).is_empty(),
        "never retried by itself"
    );
    let line = std::fs::read(path).unwrap();
    let line: serde_json::Value =
        serde_json::from_slice(line.split(|byte| *byte == b'\n').next().unwrap()).unwrap();
    assert_eq!(line["reason"], "400 Bad Request: span id is repeated");
}

#[test]
fn a_record_that_is_too_large_is_set_aside_and_its_neighbours_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) =
        open_with(SpoolOptions::new(folder.path()).with_max_record_bytes(1_000));
    let large = vec![b'x'; 1_001];
    let appended = destination
        .append(&[record(b"a"), record(&large), record(b"c")])
        .unwrap();
    assert_eq!((appended.records, appended.set_aside), (2, 1));
    assert_eq!(destination.stats().unwrap().set_aside_records, 1);
    assert_eq!(drain(&mut destination), ["a", "c"]);
}

#[test]
fn the_largest_record_comes_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    let large: Vec<u8> = (0..caribou_spool::MAX_RECORD_BYTES)
        .map(|at| (at / 7).to_le_bytes()[0])
        .collect();
    destination
        .append(&[record(b"a"), record(&large), record(b"c")])
        .unwrap();
    let mut found = Vec::new();
    while let Some(mut claim) = destination.claim_oldest().unwrap() {
        while let Some(batch) = claim.next_batch(4 << 20, 100).unwrap() {
            claim.acknowledge(&batch).unwrap();
            found.extend(batch.records().iter().map(|record| record.payload.clone()));
        }
    }
    assert!(found == [b"a".to_vec(), large, b"c".to_vec()]);
}

#[test]
fn several_writers_in_one_process_do_not_share_files() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut first) = open(folder.path());
    let mut second = spool.destination(first.identity()).unwrap();
    append(&mut first, &["a"]);
    append(&mut second, &["b"]);
    assert_eq!(
        drain(&mut first),
        ["a"],
        "the other one's open file is its own"
    );
    second.rotate().unwrap();
    assert_eq!(drain(&mut first), ["b"]);
}

#[test]
fn records_are_kept_after_somebody_removed_the_whole_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("spool");
    let (_spool, mut destination) = open(&root);
    append(&mut destination, &["gone"]);
    std::fs::remove_dir_all(&root).unwrap();
    append(&mut destination, &["kept"]);
    let (_other, mut other) = open(&root);
    assert_eq!(
        drain(&mut other),
        Vec::<String>::new(),
        "its writer is alive"
    );
    assert_eq!(drain(&mut destination), ["kept"]);
}

#[test]
fn a_file_that_may_not_be_read_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    append(&mut destination, &["locked away"]);
    destination.rotate().unwrap();
    let path = files_ending(destination.directory(), ".ready").remove(0);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    append(&mut destination, &["behind it"]);
    // The superuser may read anything.
    let expected: &[&str] = if std::fs::File::open(&path).is_ok() {
        &["locked away", "behind it"]
    } else {
        &["behind it"]
    };
    assert_eq!(drain(&mut destination), expected);
}

#[test]
fn what_a_living_process_closed_is_left_to_it_until_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (first_spool, mut first) = open(folder.path());
    append(&mut first, &["a", "b"]);
    first.rotate().unwrap();
    let (_spool, mut second) = open(folder.path());
    append(&mut second, &["c"]);
    assert_eq!(second.own_records().unwrap(), 1);

    let mut claim = second.claim_own_or_abandoned().unwrap().unwrap();
    assert!(claim.is_own());
    assert_eq!(drain_claim(&mut claim), ["c"]);
    drop(claim);
    assert!(second.claim_own_or_abandoned().unwrap().is_none());
    assert_eq!(first.own_records().unwrap(), 2);

    drop((first_spool, first));
    let mut claim = second.claim_own_or_abandoned().unwrap().unwrap();
    assert!(!claim.is_own());
    assert_eq!(drain_claim(&mut claim), ["a", "b"]);
}

#[test]
fn what_was_refused_before_it_was_appended_is_kept_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) = open(folder.path());
    destination
        .set_aside(&[record(b"bad")], "no such project")
        .unwrap();
    let stats = destination.stats().unwrap();
    assert_eq!((stats.set_aside_records, stats.records), (1, 0));
    assert!(drain(&mut destination).is_empty());
}
