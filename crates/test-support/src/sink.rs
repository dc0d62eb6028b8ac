//! An OTLP server within the test's process: decodes what it is sent as Kestrel does, and keeps it.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Display};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use caribou_model::{ItemType, SpanRecord};
use caribou_otlp::{Defaults, decode_protobuf};
use tokio::net::TcpSocket;

/// Takes spans at any path by `POST`; ends with the process.
#[derive(Clone, Debug)]
pub struct Sink {
    url: String,
    state: Arc<Mutex<SinkState>>,
    let_go: Arc<Condvar>,
}

#[derive(Debug, Default)]
struct SinkState {
    received: Vec<SpanRecord<'static>>,
    headers: Vec<BTreeMap<String, String>>,
    replies: VecDeque<Reply>,
    holds: bool,
    refused_name: Option<String>,
}

/// An address where nobody answers, kept from everybody but a [`Sink`] that is started there.
///
/// It is kept for as long as the process lives: what a test recorded may go on looking for a server there after the
/// test, and would bring its spans to whoever had the address next.
#[derive(Debug)]
pub struct ReservedAddress {
    address: String,
}

impl ReservedAddress {
    /// An address of the loopback interface.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn new() -> Self {
        let bound = TcpSocket::new_v4().expect("a socket");
        // Who listens may then bind to it as well, and nobody is given it who asks for any port.
        bound
            .set_reuseaddr(true)
            .expect("an option of every socket");
        bound
            .bind(SocketAddr::from(([127, 0, 0, 1], 0)))
            .expect("a free port on the loopback interface");
        let address = bound.local_addr().expect("a bound socket has an address");
        std::mem::forget(bound);
        Self {
            address: address.to_string(),
        }
    }
}

impl Default for ReservedAddress {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for ReservedAddress {
    type Target = str;

    fn deref(&self) -> &str {
        &self.address
    }
}

impl Display for ReservedAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.address)
    }
}

/// What to answer instead of success.
#[derive(Clone, Debug, Default)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Further header lines, each ended by `\r\n`.
    pub headers: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Sink {
    /// Listens on a free port of the loopback interface.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// Listens on an address, such as one where nobody listened before.
    ///
    /// # Panics
    /// When the address cannot be had.
    pub fn start_at(address: &str) -> Self {
        let listener = TcpListener::bind(address).expect("a free port on the loopback interface");
        let address = listener
            .local_addr()
            .expect("a bound listener has an address");
        let sink = Self {
            url: format!("http://{address}"),
            state: Arc::default(),
            let_go: Arc::default(),
        };
        let serving = sink.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let sink = serving.clone();
                std::thread::spawn(move || serve(connection, &sink));
            }
        });
        sink
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next request with this instead of taking it.
    pub fn reply_once(&self, reply: Reply) {
        self.state().replies.push_back(reply);
    }

    /// From now on answers nothing until [`Sink::let_go`], but takes what comes.
    pub fn hold_answers(&self) {
        self.state().holds = true;
    }

    /// Answers what was held, and whatever comes, at once.
    pub fn let_go(&self) {
        self.state().holds = false;
        self.let_go.notify_all();
    }

    /// Refuses every request that holds a span of this name.
    pub fn refuse_requests_with(&self, name: &str) {
        self.state().refused_name = Some(name.to_owned());
    }

    /// Everything that was taken, each revision of its own.
    pub fn received(&self) -> Vec<SpanRecord<'static>> {
        self.state().received.clone()
    }

    /// The headers of each request, names in lower case.
    pub fn request_headers(&self) -> Vec<BTreeMap<String, String>> {
        self.state().headers.clone()
    }

    /// The latest revision of each span in the order of logging.
    pub fn spans(&self) -> Vec<SpanRecord<'static>> {
        let mut latest: BTreeMap<_, SpanRecord<'static>> = BTreeMap::new();
        for span in self.received() {
            let identity = (span.project.clone(), span.trace_id, span.span_id);
            match latest.get(&identity) {
                Some(known) if known.revision >= span.revision => {}
                _ => {
                    latest.insert(identity, span);
                }
            }
        }
        let mut spans: Vec<_> = latest.into_values().collect();
        spans.sort_by_key(|span| (span.logged_at, span.sequence));
        spans
    }

    /// Like [`Sink::spans`], of one type.
    pub fn spans_of(&self, item_type: ItemType) -> Vec<SpanRecord<'static>> {
        let mut spans = self.spans();
        spans.retain(|span| span.item_type == item_type);
        spans
    }

    fn state(&self) -> MutexGuard<'_, SinkState> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<SinkState>) -> MutexGuard<'_, SinkState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(connection: TcpStream, sink: &Sink) {
    let Ok(read_half) = connection.try_clone() else {
        return;
    };
    let mut reader = BufReader::new(read_half);
    let mut writer = connection;
    while let Some((headers, body)) = read_request(&mut reader) {
        let reply = {
            let mut state = sink.state();
            state.headers.push(headers);
            state.replies.pop_front()
        };
        let reply = reply.unwrap_or_else(|| take(body, &sink.state));
        let held = sink.let_go.wait_while(sink.state(), |state| state.holds);
        drop(held);
        let head = format!(
            "HTTP/1.1 {} -\r\nContent-Length: {}\r\n{}\r\n",
            reply.status,
            reply.body.len(),
            reply.headers
        );
        let mut answer = head.into_bytes();
        answer.extend(reply.body);
        if writer.write_all(&answer).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<(BTreeMap<String, String>, Vec<u8>)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut headers = BTreeMap::from([(String::new(), line.trim().to_owned())]);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((headers, body))
}

fn take(body: Vec<u8>, state: &Mutex<SinkState>) -> Reply {
    // Records borrow from their request, and a test's memory ends with the test.
    let body: &'static [u8] = body.leak();
    match decode_protobuf(body, &Defaults::default()) {
        Ok(decoded) if decoded.rejected.is_empty() => {
            let mut state = lock(state);
            let refused =
                |span: &SpanRecord<'_>| Some(&*span.name) == state.refused_name.as_deref();
            if decoded.spans.iter().any(refused) {
                return bad_request("a span of a name that nobody wants");
            }
            state.received.extend(decoded.spans);
            Reply {
                status: 200,
                ..Reply::default()
            }
        }
        Ok(decoded) => bad_request(&format!("{:?}", decoded.rejected)),
        Err(error) => bad_request(&error.to_string()),
    }
}

fn bad_request(message: &str) -> Reply {
    Reply {
        status: 400,
        body: message.as_bytes().to_vec(),
        ..Reply::default()
    }
}
