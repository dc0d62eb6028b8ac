//! Connections of clients: a thread for each, and an end that lets running requests finish.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::service::Service;
use crate::http::body::Body;
use crate::http::head::{Head, HeadError};
use crate::http::wire::Wire;

/// Clients on one machine; each costs a thread.
const MAX_CONNECTIONS: usize = 1024;
/// A client that sends or takes nothing for so long within a request is gone.
const STALLED: Duration = Duration::from_secs(300);
const STACK_BYTES: usize = 2 << 20;

/// A listening server.
pub(super) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    service: Arc<Service>,
    finishing: AtomicBool,
    next_id: AtomicU64,
    open: Mutex<HashMap<u64, Client>>,
    closed: Condvar,
}

struct Client {
    stream: TcpStream,
    /// Whether a request is being answered. An idle client is disconnected when the server finishes.
    busy: bool,
}

impl Server {
    pub(super) fn start(listener: TcpListener, service: Arc<Service>) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            service,
            finishing: AtomicBool::new(false),
            next_id: AtomicU64::new(0),
            open: Mutex::new(HashMap::new()),
            closed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        thread::Builder::new()
            .name("accept".into())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self { address, shared })
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Takes no more requests and waits for those that run. The parent's patience bounds how long.
    pub(super) fn finish(&self) {
        self.shared.finishing.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then closes the listener.
        drop(TcpStream::connect(self.address));
        let mut open = self.shared.lock();
        for client in open.values().filter(|client| !client.busy) {
            client.stream.shutdown(Shutdown::Both).ok();
        }
        while !open.is_empty() {
            open = self
                .shared
                .closed
                .wait(open)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Client>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_finishing(&self) -> bool {
        self.finishing.load(Ordering::SeqCst)
    }

    /// Marks a client as busy or idle. `false` when the server finishes and a new request comes too late.
    fn mark(&self, id: u64, busy: bool) -> bool {
        if let Some(client) = self.lock().get_mut(&id) {
            client.busy = busy;
        }
        !self.is_finishing()
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept() else {
            // Out of descriptors, or a client gone before its turn: both pass.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        if shared.is_finishing() {
            return;
        }
        let shared = Arc::clone(shared);
        let serve = move || serve(stream, &shared);
        // Without a thread the client is disconnected, which it takes for a reason to try again.
        thread::Builder::new()
            .name("client".into())
            .stack_size(STACK_BYTES)
            .spawn(serve)
            .ok();
    }
}

fn serve(stream: TcpStream, shared: &Shared) {
    let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
    let Ok(copy) = stream.try_clone() else { return };
    let full = {
        let mut open = shared.lock();
        open.insert(
            id,
            Client {
                stream: copy,
                busy: false,
            },
        );
        open.len() > MAX_CONNECTIONS
    };
    if full {
        refuse(&stream);
    } else if !shared.is_finishing() {
        // A client that breaks off needs no answer.
        converse(Wire::new(stream), id, shared).ok();
    }
    shared.lock().remove(&id);
    shared.closed.notify_all();
}

fn converse(mut wire: Wire, id: u64, shared: &Shared) -> io::Result<()> {
    wire.stream().set_nodelay(true)?;
    wire.stream().set_write_timeout(Some(STALLED))?;
    loop {
        wire.stream().set_read_timeout(None)?;
        if wire.buffered().is_empty() && wire.fill()? == 0 {
            return Ok(());
        }
        if !shared.mark(id, true) {
            return Ok(());
        }
        wire.stream().set_read_timeout(Some(STALLED))?;
        let head = match Head::read(&mut wire) {
            Ok(head) => head,
            Err(HeadError::Closed) => return Ok(()),
            Err(HeadError::Io(error)) => return Err(error),
            Err(error @ (HeadError::Malformed(_) | HeadError::TooLong)) => {
                return reject(wire.stream(), "400 Bad Request", &error.to_string());
            }
        };
        let mut body = Body::new(&mut wire, head.body, head.expects_continue);
        let reusable = shared.service.answer(&head, &mut body)?;
        if !reusable || !shared.mark(id, false) {
            return Ok(());
        }
    }
}

fn refuse(stream: &TcpStream) {
    reject(stream, "503 Service Unavailable", "too many connections").ok();
}

fn reject(mut stream: &TcpStream, status: &str, message: &str) -> io::Result<()> {
    let length = message.len() + 1;
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Length: {length}\r\nConnection: Close\r\n\r\n{message}\n"
    );
    stream.write_all(answer.as_bytes())?;
    stream.shutdown(Shutdown::Write)
}
