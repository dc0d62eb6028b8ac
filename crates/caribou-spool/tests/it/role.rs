//! Other processes: this test program, started again in a role.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use caribou_spool::{Batch, Claim, DestinationSpool};

use crate::support::{open, open_with, record};

const ROLE: &str = "CARIBOU_SPOOL_TEST_ROLE";
const FOLDER: &str = "CARIBOU_SPOOL_TEST_FOLDER";
/// Records of a batch, in writing and in delivering.
pub(crate) const BATCH: usize = 7;

/// Starts a process in a role; what it prints can be read line by line.
pub(crate) fn start(role: &str, folder: &Path) -> Child {
    start_program(Command::new(std::env::current_exe().unwrap()), role, folder)
}

/// Starts a process whose files may not grow beyond so many blocks of 512 bytes.
pub(crate) fn start_with_file_limit(blocks: u32, role: &str, folder: &Path) -> Child {
    // An ignored signal stays ignored in the program: writing too far is then an error and not the end.
    start_behind(&format!("trap '' XFSZ; ulimit -f {blocks}"), role, folder)
}

/// Starts a process that may have so many files open.
pub(crate) fn start_with_descriptor_limit(files: u32, role: &str, folder: &Path) -> Child {
    start_behind(&format!("ulimit -n {files}"), role, folder)
}

fn start_behind(script: &str, role: &str, folder: &Path) -> Child {
    let mut command = Command::new("sh");
    command
        .args(["-c", &format!("{script}; exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe().unwrap());
    start_program(command, role, folder)
}

fn start_program(mut command: Command, role: &str, folder: &Path) -> Child {
    command
        .args([
            "--exact",
            "role::in_another_process",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines that a role printed, without those of the test harness.
pub(crate) fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let output = BufReader::new(child.stdout.take().unwrap());
    output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("> ").map(|(_, line)| line.to_owned()))
}

pub(crate) fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    // A whole line in one write: a kill leaves all of it or nothing.
    output
        .write_all(format!("\n> {line}\n").as_bytes())
        .unwrap();
    output.flush().unwrap();
}

#[test]
#[ignore = "is started by the tests of several processes"]
fn in_another_process() {
    let (Some(role), Some(folder)) = (std::env::var_os(ROLE), std::env::var_os(FOLDER)) else {
        return;
    };
    let folder = Path::new(&folder);
    match role.to_str().unwrap() {
        "write" => write_until_killed(folder),
        "write and wait" => write_and_wait(folder),
        "claim, wait and drain" => claim_wait_and_drain(folder),
        "drain without room" => crate::disk_full::drain_without_room(folder),
        "drain" => drain_to_the_end(folder),
        "fork and stay" => crate::fork::fork_and_stay(folder, false),
        "fork and close" => crate::fork::fork_and_stay(folder, true),
        "fork and write" => crate::fork::fork_and_write(folder),
        "fork and drop" => crate::fork::fork_and_drop(folder),
        "fill" => crate::disk_full::fill(folder),
        "fill a torn file" => crate::disk_full::fill_torn_file(folder),
        "fill a torn journal" => crate::disk_full::fill_torn_journal(folder),
        "without descriptors" => crate::trouble::claim_without_descriptors(folder),
        role => panic!("no role {role}"),
    }
}

/// Appends numbered records and says each batch's last number once it is appended.
fn write_until_killed(folder: &Path) {
    let pid = std::process::id();
    let (_spool, mut destination) =
        open_with(caribou_spool::SpoolOptions::new(folder).with_segment_bytes(20_000));
    for number in (0..).step_by(BATCH) {
        append_numbered(&mut destination, pid, number);
        say(&format!("{pid} {}", number + BATCH - 1));
    }
}

fn write_and_wait(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    append_numbered(&mut destination, std::process::id(), 0);
    say("waiting");
    wait_for_end_of_input();
}

pub(crate) fn wait_for_end_of_input() {
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

pub(crate) fn append_numbered(destination: &mut DestinationSpool, pid: u32, first: usize) {
    let padding = "x".repeat(first % 500);
    let payloads: Vec<String> = (first..first + BATCH)
        .map(|number| format!("{pid} {number} {padding}"))
        .collect();
    let records: Vec<_> = payloads
        .iter()
        .map(|payload| record(payload.as_bytes()))
        .collect();
    destination.append(&records).unwrap();
}

fn drain_to_the_end(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    while let Some(mut claim) = destination.claim_oldest().unwrap() {
        deliver(&mut claim, |claim, batch| claim.acknowledge(batch).unwrap());
    }
}

/// Holds a file when it says so, and delivers that and others once its input ends.
fn claim_wait_and_drain(folder: &Path) {
    let (_spool, mut destination) = open(folder);
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    say("claimed");
    wait_for_end_of_input();
    deliver(&mut claim, |claim, batch| claim.acknowledge(batch).unwrap());
    drop((claim, destination));
    drain_to_the_end(folder);
}

/// Says each record before it settles its batch.
pub(crate) fn deliver(claim: &mut Claim, settle: impl Fn(&mut Claim, &Batch)) {
    while let Some(batch) = claim.next_batch(1 << 20, BATCH).unwrap() {
        let said: Vec<String> = batch
            .records()
            .iter()
            .map(|record| identity_of(&record.payload))
            .collect();
        say(&said.join(","));
        settle(claim, &batch);
    }
}

/// The part of a numbered payload that names it.
pub(crate) fn identity_of(payload: &[u8]) -> String {
    let text = String::from_utf8_lossy(payload);
    text.rsplit_once(' ').unwrap().0.to_owned()
}
