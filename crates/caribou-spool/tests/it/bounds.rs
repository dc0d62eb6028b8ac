//! The bound over the folder.

use caribou_spool::{AppendError, DestinationIdentity, SpoolOptions};

use crate::support::{append, drain, open_with, record};

#[test]
fn a_full_spool_refuses_without_writing_and_takes_again_after_delivery() {
    let folder = tempfile::tempdir().unwrap();
    let (_spool, mut destination) =
        open_with(SpoolOptions::new(folder.path()).with_max_bytes(10_000));
    let payload = vec![b'x'; 1_000];
    let mut kept = 0;
    let refusal = loop {
        match destination.append(&[record(&payload)]) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refusal, AppendError::Full { limit: 10_000, .. }),
        "{refusal}"
    );
    assert_eq!(refusal.settled_records(), 0);
    assert!((6..=9).contains(&kept), "{kept}");
    assert_eq!(destination.stats().unwrap().records, kept);
    assert_eq!(drain(&mut destination).len() as u64, kept);
    append(&mut destination, &["again"]);
}

#[test]
fn a_destination_can_have_a_lower_bound_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (spool, mut silent) = open_with(SpoolOptions::new(folder.path()));
    let mut answering = spool
        .destination(&DestinationIdentity::new(
            "clickhouse",
            "http://db:8123",
            "",
        ))
        .unwrap();
    silent.set_max_bytes(Some(2_000));
    let payload = vec![b'x'; 1_500];
    assert!(
        silent
            .append(&[record(&payload), record(&payload)])
            .is_err()
    );
    answering
        .append(&[record(&payload), record(&payload)])
        .unwrap();
    silent.set_max_bytes(None);
    silent
        .append(&[record(&payload), record(&payload)])
        .unwrap();
}

#[test]
fn what_others_wrote_counts() {
    let folder = tempfile::tempdir().unwrap();
    let options = SpoolOptions::new(folder.path()).with_max_bytes(100_000);
    let (_first_spool, mut first) = open_with(options.clone());
    let (_second_spool, mut second) = open_with(options);
    let payload = vec![b'x'; 1_000];
    let mut kept = 0;
    for _ in 0..100 {
        for destination in [&mut first, &mut second] {
            kept += u64::from(destination.append(&[record(&payload)]).is_ok());
        }
    }
    let written = first.stats().unwrap().bytes;
    assert!(
        written <= 100_000 + 2 * 100_000 / 64 + 4_000,
        "{written} bytes, {kept} records"
    );
    assert!(kept > 80, "{kept}");
}
