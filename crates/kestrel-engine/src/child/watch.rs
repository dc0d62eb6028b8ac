//! Clients that go away while the engine still works on their query.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use super::process;

/// How often the clients of running queries are looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// The clients of running queries.
#[derive(Default)]
pub(super) struct ClientWatch {
    clients: Mutex<HashMap<u64, RawFd>>,
    changed: Condvar,
}

/// Watches one client until dropped. It borrows the socket, so that the descriptor stays the client's.
pub(super) struct Watched<'w, S> {
    watch: &'w ClientWatch,
    query: u64,
    _socket: &'w S,
}

impl ClientWatch {
    pub(super) fn watch<'w, S: AsRawFd>(&'w self, query: u64, socket: &'w S) -> Watched<'w, S> {
        self.lock().insert(query, socket.as_raw_fd());
        self.changed.notify_one();
        Watched {
            watch: self,
            query,
            _socket: socket,
        }
    }

    /// Calls `cancel` for every query whose client is gone, from a thread of its own.
    pub(super) fn start(self: &Arc<Self>, cancel: impl Fn(u64) + Send + 'static) -> io::Result<()> {
        let watch = Arc::clone(self);
        thread::Builder::new()
            .name("client-watch".into())
            .spawn(move || {
                loop {
                    watch.gone().into_iter().for_each(&cancel);
                    thread::sleep(INTERVAL);
                }
            })?;
        Ok(())
    }

    /// Waits until there are clients, and returns the queries of those that are gone.
    fn gone(&self) -> Vec<u64> {
        let clients = self
            .changed
            .wait_while(self.lock(), |clients| clients.is_empty());
        let clients = clients.unwrap_or_else(PoisonError::into_inner);
        let watched: Vec<(u64, RawFd)> = clients
            .iter()
            .map(|(query, socket)| (*query, *socket))
            .collect();
        // Under the lock, so that no descriptor is closed and used anew meanwhile.
        let sockets: Vec<RawFd> = watched.iter().map(|(_, socket)| *socket).collect();
        let hung_up = process::hung_up(&sockets);
        watched
            .into_iter()
            .zip(hung_up)
            .filter(|(_, hung_up)| *hung_up)
            .map(|((query, _), _)| query)
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, RawFd>> {
        self.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Drop for Watched<'_, S> {
    fn drop(&mut self) {
        self.watch.lock().remove(&self.query);
    }
}
