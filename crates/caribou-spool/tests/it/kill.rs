//! Processes that are killed at any moment, and several at once.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;

use crate::role::{BATCH, append_numbered, identity_of, lines, start};
use crate::support::{drain, open, open_with};

/// Lets writers run for a while, kills them without warning, and gives what each said it had appended.
fn write_and_kill(folder: &Path, rounds: usize) -> BTreeMap<String, usize> {
    let mut last_appended = BTreeMap::new();
    for round in 0..rounds {
        let mut writers = [start("write", folder), start("write", folder)];
        let mut outputs = writers.each_mut().map(lines);
        // How far it has come decides when it is killed, which falls anywhere within its next append.
        let mut said = Vec::new();
        for output in &mut outputs {
            said.extend(output.by_ref().take(1 + round * 13 % 40));
        }
        for writer in &mut writers {
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
        said.extend(outputs.into_iter().flatten());
        for line in said {
            let (pid, number) = line.split_once(' ').unwrap();
            let last = last_appended.entry(pid.to_owned()).or_default();
            *last = number.parse::<usize>().unwrap().max(*last);
        }
    }
    last_appended
}

#[test]
fn what_was_appended_survives_a_kill_of_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let last_appended = write_and_kill(folder.path(), 8);
    assert_eq!(last_appended.len(), 16, "{last_appended:?}");

    let (_spool, mut destination) = open(folder.path());
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for payload in drain(&mut destination) {
        let name = identity_of(payload.as_bytes());
        let (pid, number) = name.split_once(' ').unwrap();
        found
            .entry(pid.to_owned())
            .or_default()
            .push(number.parse().unwrap());
    }
    for (pid, last) in last_appended {
        let numbers = &found[&pid];
        assert!(
            numbers.iter().copied().eq(0..numbers.len()),
            "process {pid}: all, once, in order"
        );
        assert!(
            numbers.len() > last,
            "process {pid}: {} records, {last} was appended",
            numbers.len()
        );
    }
    assert_eq!(destination.stats().unwrap().files, 0);
}

fn fill(folder: &Path, batches: usize) {
    let (_spool, mut destination) =
        open_with(caribou_spool::SpoolOptions::new(folder).with_segment_bytes(5_000));
    for batch in 0..batches {
        append_numbered(&mut destination, 1, batch * BATCH);
    }
}

fn names(line: &str) -> Vec<String> {
    line.split(',').map(str::to_owned).collect()
}

#[test]
fn a_kill_while_delivering_repeats_one_batch_at_most_and_skips_none() {
    let folder = tempfile::tempdir().unwrap();
    let batches = 200;
    fill(folder.path(), batches);
    let mut times_sent: BTreeMap<String, usize> = BTreeMap::new();
    let kills = 15;
    for kill in 0..=kills {
        let mut drainer = start("drain", folder.path());
        let mut output = lines(&mut drainer);
        let mut said: Vec<String> = output
            .by_ref()
            .take(if kill == kills {
                usize::MAX
            } else {
                1 + kill % 5
            })
            .collect();
        drainer.kill().unwrap();
        drainer.wait().unwrap();
        said.extend(output);
        for name in said.iter().flat_map(|line| names(line)) {
            *times_sent.entry(name).or_default() += 1;
        }
    }
    assert_eq!(times_sent.len(), batches * BATCH, "every record is sent");
    let repeated: usize = times_sent.values().map(|times| times - 1).sum();
    assert!(
        repeated <= kills * BATCH,
        "{repeated} repeated after {kills} kills"
    );
    let (_spool, destination) = open(folder.path());
    assert_eq!(destination.stats().unwrap().files, 0);
}

#[test]
fn processes_that_deliver_at_once_never_send_the_same_record() {
    let folder = tempfile::tempdir().unwrap();
    let batches = 400;
    fill(folder.path(), batches);
    let mut drainers: Vec<_> = (0..3)
        .map(|_| start("claim, wait and drain", folder.path()))
        .collect();
    let mut outputs: Vec<_> = drainers.iter_mut().map(lines).collect();
    for output in &mut outputs {
        assert_eq!(output.next().as_deref(), Some("claimed"));
    }
    for drainer in &mut drainers {
        drainer.stdin = None;
    }
    let readers: Vec<_> = outputs
        .into_iter()
        .map(|output| {
            std::thread::spawn(move || output.flat_map(|line| names(&line)).collect::<Vec<_>>())
        })
        .collect();
    let outputs: Vec<Vec<String>> = readers
        .into_iter()
        .map(|reader| reader.join().unwrap())
        .collect();
    for drainer in &mut drainers {
        assert!(drainer.wait().unwrap().success());
    }
    let sent: usize = outputs.iter().map(Vec::len).sum();
    let distinct: BTreeSet<&String> = outputs.iter().flatten().collect();
    assert_eq!((sent, distinct.len()), (batches * BATCH, batches * BATCH));
    assert!(
        outputs.iter().all(|output| !output.is_empty()),
        "all of them took part"
    );
}

#[test]
fn a_living_writers_open_file_is_left_alone_until_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = start("write and wait", folder.path());
    assert_eq!(lines(&mut writer).next().as_deref(), Some("waiting"));
    let (_spool, mut destination) = open(folder.path());
    assert!(drain(&mut destination).is_empty());
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!(drain(&mut destination).len(), BATCH);
}
