//! The child's dealings with the operating system: its standard streams, signals, and the life of its parent.

#![expect(
    unsafe_code,
    reason = "descriptors, signals and process control are C interfaces"
)]

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::thread;

/// The event of a peer that closed its side.
#[cfg(target_os = "linux")]
const CLOSED: libc::c_short = libc::POLLRDHUP;
#[cfg(not(target_os = "linux"))]
const CLOSED: libc::c_short = libc::POLLHUP;

/// The exit code when the parent was gone before we were told to stop.
const ORPHANED: i32 = 3;

/// Takes stdin and stdout away from the library, which may read and write them, and returns them for our own use.
pub(super) fn take_standard_streams() -> io::Result<(File, File)> {
    let config = duplicate(libc::STDIN_FILENO)?;
    let report = duplicate(libc::STDOUT_FILENO)?;
    let nothing = File::open("/dev/null")?;
    replace(libc::STDIN_FILENO, nothing.as_raw_fd())?;
    replace(libc::STDOUT_FILENO, libc::STDERR_FILENO)?;
    Ok((config, report))
}

fn duplicate(fd: RawFd) -> io::Result<File> {
    // SAFETY: plain descriptor numbers; the new descriptor is owned by the file that is made of it.
    unsafe {
        let copy = libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3);
        if copy < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(File::from_raw_fd(copy))
        }
    }
}

fn replace(fd: RawFd, with: RawFd) -> io::Result<()> {
    // SAFETY: plain descriptor numbers; nothing else owns the standard streams.
    let result = unsafe { libc::dup2(with, fd) };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Ends this process when the pipe from the parent ends, however the parent ended. What is acknowledged is on disk.
pub(super) fn end_with_parent(mut pipe: File) -> io::Result<()> {
    // SAFETY: a plain system call. It covers a parent that dies before the thread below runs; the thread covers
    // parents whose pipe ends but whose spawning thread lives on.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
    thread::Builder::new()
        .name("parent-watch".into())
        .stack_size(64 * 1024)
        .spawn(move || {
            let mut byte = [0_u8];
            loop {
                match pipe.read(&mut byte) {
                    Ok(0) => exit_now(ORPHANED),
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => exit_now(ORPHANED),
                    _ => {}
                }
            }
        })?;
    Ok(())
}

/// Ends the process at once. A normal exit would run the library's global destructors under its running threads.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process without running anything of it.
    unsafe { libc::_exit(code) }
}

/// Which of these sockets their peers have closed.
pub(super) fn hung_up(sockets: &[RawFd]) -> Vec<bool> {
    let polled = |&fd| libc::pollfd {
        fd,
        events: CLOSED,
        revents: 0,
    };
    let mut sockets: Vec<libc::pollfd> = sockets.iter().map(polled).collect();
    // SAFETY: the pointer and the length are those of the vector; a timeout of 0 does not wait.
    unsafe { libc::poll(sockets.as_mut_ptr(), sockets.len() as libc::nfds_t, 0) };
    sockets
        .iter()
        .map(|socket| socket.revents & (CLOSED | libc::POLLHUP | libc::POLLERR) != 0)
        .collect()
}

/// The request to stop, as a signal that is waited for instead of handled.
pub(super) struct StopSignal(libc::sigset_t);

impl StopSignal {
    /// To be called before any thread is made: threads inherit what is blocked here.
    ///
    /// Ctrl-C reaches every process of a terminal; whether that ends the engine is for the parent to decide.
    pub(super) fn claim() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `sigemptyset` initialises the set; the other calls take it as it is.
        unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            let mut set = set.assume_init();
            libc::sigaddset(&raw mut set, libc::SIGTERM);
            libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
            libc::signal(libc::SIGINT, libc::SIG_IGN);
            libc::signal(libc::SIGHUP, libc::SIG_IGN);
            Self(set)
        }
    }

    /// Returns when the process is asked to stop.
    pub(super) fn wait(&self) {
        let mut signal = 0;
        // SAFETY: the set is initialised and `signal` is a valid place for the result.
        while unsafe { libc::sigwait(&raw const self.0, &raw mut signal) } != 0 {}
    }
}
