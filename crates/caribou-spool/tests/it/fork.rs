//! Forked children.

#![expect(
    unsafe_code,
    reason = "a fork without exec is what is tested, and libc gives it as an unsafe function"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use caribou_spool::{AppendError, SpoolError};

use crate::role::{lines, say, start, wait_for_end_of_input};
use crate::support::{append, drain, drain_claim, open, record};

/// Runs a function in a forked child and leaves it without any cleaning up; gives the child's pid to the parent.
fn fork(child: impl FnOnce()) -> i32 {
    // SAFETY: the role process runs this one test thread; the harness' other thread only waits for it.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // A panic must not unwind into a test harness whose other threads are not there.
        catch_unwind(AssertUnwindSafe(child)).ok();
        // SAFETY: ends the process at once, so that nothing of the parent's is dropped twice.
        unsafe { libc::_exit(0) };
    }
    pid
}

/// A parent with an open file and a claim is killed while its child lives on.
pub(crate) fn fork_and_stay(folder: &Path, closes: bool) {
    let (spool, mut destination) = open(folder);
    append(&mut destination, &["claimed 0 "]);
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    claim.next_batch(1, 1).unwrap().unwrap();
    append(&mut destination, &["open 0 "]);
    let child = fork(|| {
        if closes {
            spool.after_fork();
        }
        say("forked");
        wait_for_end_of_input();
    });
    assert!(child > 0);
    wait_for_end_of_input();
}

/// The child tries its parent's spool and claim, then opens its own; the parent goes on with both.
pub(crate) fn fork_and_write(folder: &Path) {
    let (spool, mut destination) = open(folder);
    append(&mut destination, &["claimed"]);
    let mut claim = destination.claim_oldest().unwrap().unwrap();
    let batch = claim.next_batch(1, 1).unwrap().unwrap();
    append(&mut destination, &["parent before"]);
    let child = fork(|| {
        let refused = destination.append(&[record(b"child into the parent's file")]);
        assert!(matches!(
            refused,
            Err(AppendError::Failed {
                source: SpoolError::Forked { .. },
                ..
            })
        ));
        spool.after_fork();
        assert!(matches!(
            claim.acknowledge(&batch),
            Err(SpoolError::Forked { .. })
        ));
        assert!(matches!(
            claim.set_aside(&batch, "no"),
            Err(SpoolError::Forked { .. })
        ));
        assert!(matches!(
            destination.rotate(),
            Err(SpoolError::Forked { .. })
        ));
        let (_spool, mut own) = open(folder);
        append(&mut own, &["child"]);
        say("refused");
    });
    // SAFETY: waits for the child that was just made, without a place for its status.
    let ended = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    assert_eq!(ended, child);
    claim.acknowledge(&batch).unwrap();
    append(&mut destination, &["parent after"]);
    say("done");
}

/// In the child, what it inherited is dropped before the parent goes on with it.
pub(crate) fn fork_and_drop(folder: &Path) {
    let (spool, mut destination) = open(folder);
    append(&mut destination, &["claimed"]);
    let mut inherited = Some((
        destination.claim_oldest().unwrap().unwrap(),
        destination,
        spool,
    ));
    append(&mut inherited.as_mut().unwrap().1, &["open"]);
    let child = fork(|| drop(inherited.take()));
    // SAFETY: waits for the child that was just made, without a place for its status.
    let ended = unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
    assert_eq!(ended, child);
    say("dropped");
    wait_for_end_of_input();
    let (mut claim, mut destination, _spool) = inherited.unwrap();
    say(&drain_claim(&mut claim).join(","));
    say(&drain(&mut destination).join(","));
}

#[test]
fn a_child_that_closed_the_spool_does_not_keep_its_dead_parents_files() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = start("fork and close", folder.path());
    // The child lives until its input ends, which this end of the pipe decides.
    let input = parent.stdin.take();
    assert_eq!(lines(&mut parent).next().as_deref(), Some("forked"));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let (_spool, mut destination) = open(folder.path());
    assert_eq!(drain(&mut destination), ["claimed 0 ", "open 0 "]);
    drop(input);
}

#[test]
fn a_child_that_did_not_delays_them_until_it_ends_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = start("fork and stay", folder.path());
    let input = parent.stdin.take();
    let mut output = lines(&mut parent);
    assert_eq!(output.next().as_deref(), Some("forked"));
    parent.kill().unwrap();
    parent.wait().unwrap();
    let (_spool, mut destination) = open(folder.path());
    assert!(
        drain(&mut destination).is_empty(),
        "in doubt the files wait"
    );
    drop(input);
    assert_eq!(output.next(), None, "the child has ended");
    // What a process has open is closed one after the other; its output may be the first.
    let delivered = loop {
        let delivered = drain(&mut destination);
        if !delivered.is_empty() {
            break delivered;
        }
        std::thread::yield_now();
    };
    assert_eq!(delivered, ["claimed 0 ", "open 0 "]);
}

#[test]
fn a_child_writes_files_of_its_own_and_leaves_its_parents_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = start("fork and write", folder.path());
    let said: Vec<String> = lines(&mut parent).collect();
    assert_eq!(said, ["refused", "done"]);
    assert!(parent.wait().unwrap().success());
    let (_spool, mut destination) = open(folder.path());
    let mut delivered = drain(&mut destination);
    delivered.sort();
    assert_eq!(delivered, ["child", "parent after", "parent before"]);
}

#[test]
fn a_child_that_drops_what_it_inherited_takes_nothing_from_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let mut parent = start("fork and drop", folder.path());
    let input = parent.stdin.take();
    let mut output = lines(&mut parent);
    assert_eq!(output.next().as_deref(), Some("dropped"));
    let (_spool, mut destination) = open(folder.path());
    assert!(
        drain(&mut destination).is_empty(),
        "the parent still has both files"
    );
    drop(input);
    assert_eq!(output.collect::<Vec<_>>(), ["claimed", "open"]);
}
