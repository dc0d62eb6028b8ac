//! An engine on a folder of its own, and HTTP without a client library in between.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use kestrel_engine::{ChildCommand, Engine, EngineError, EngineOptions, LibrarySearch};
use tempfile::TempDir;

/// An engine and the folder it uses, which goes with it.
pub(crate) struct TestEngine {
    pub(crate) engine: Engine,
    pub(crate) folder: TempDir,
}

impl TestEngine {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine =
            Engine::start(options(folder.path())).unwrap_or_else(|error| panic!("{error}"));
        Self { engine, folder }
    }

    /// The official client of the engine.
    pub(crate) fn client(&self) -> clickhouse::Client {
        client(&self.engine)
    }

    /// Runs a statement that must succeed and returns its result.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let answer = self.post("", sql);
        assert_eq!(answer.status, 200, "{sql}: {}", answer.text());
        answer.text()
    }

    /// Sends a statement with more parameters in the URL.
    pub(crate) fn post(&self, params: &str, body: impl AsRef<[u8]>) -> Answer {
        let body = body.as_ref();
        let headers = format!("{}Content-Length: {}\r\n", self.auth(), body.len());
        let head =
            format!("POST /?{params} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n");
        Answer::to(&self.engine, &[head.as_bytes(), body].concat())
    }

    pub(crate) fn get(&self, target: &str) -> Answer {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\n\r\n",
            self.auth()
        );
        Answer::to(&self.engine, head.as_bytes())
    }

    pub(crate) fn auth(&self) -> String {
        let (user, password) = (self.engine.user(), self.engine.password());
        format!("X-ClickHouse-User: {user}\r\nX-ClickHouse-Key: {password}\r\n")
    }
}

pub(crate) fn client(engine: &Engine) -> clickhouse::Client {
    clickhouse::Client::default()
        .with_url(engine.url())
        .with_user(engine.user())
        .with_password(engine.password())
}

pub(crate) fn options(folder: &Path) -> EngineOptions {
    EngineOptions {
        data_dir: folder.to_owned(),
        library: LibrarySearch::from_environment()
            .find()
            .unwrap_or_else(|error| panic!("{error}")),
        password: None,
        max_memory_bytes: kestrel_engine::DEFAULT_MAX_MEMORY_BYTES,
        child_command: ChildCommand::program(env!("CARGO_BIN_EXE_kestrel-engine-child")),
    }
}

/// Starts an engine on a folder that may just have lost another.
pub(crate) fn start_on(folder: &Path) -> Result<Engine, EngineError> {
    Engine::start(options(folder))
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// Sends bytes as they are and reads until the server closes.
    pub(crate) fn to(engine: &Engine, request: &[u8]) -> Self {
        let mut stream = connect(engine);
        stream.write_all(request).unwrap();
        Self::read(stream)
    }

    pub(crate) fn read(stream: TcpStream) -> Self {
        Self::read_after(Vec::new(), stream)
    }

    /// Reads the rest of an answer whose beginning has been read.
    pub(crate) fn read_after(beginning: Vec<u8>, mut stream: TcpStream) -> Self {
        let mut all = beginning;
        // A reset after the answer is still an answer.
        stream.read_to_end(&mut all).ok();
        let end = all
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap_or(all.len());
        let head = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        let body = all.get(end + 4..).unwrap_or_default().to_vec();
        let body = if head.contains("Transfer-Encoding: chunked") {
            without_chunks(&body)
        } else {
            body
        };
        Self { status, head, body }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// A number of `X-ClickHouse-Summary`.
    pub(crate) fn summary(&self, field: &str) -> u64 {
        let summary = self
            .header("X-ClickHouse-Summary")
            .unwrap_or_else(|| panic!("no summary: {}", self.head));
        let (_, rest) = summary.split_once(&format!("\"{field}\":\"")).unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    }
}

pub(crate) fn connect(engine: &Engine) -> TcpStream {
    TcpStream::connect(engine.url().trim_start_matches("http://")).unwrap()
}

fn without_chunks(mut body: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        let data = &body[end + 2..];
        out.extend_from_slice(&data[..size.min(data.len())]);
        body = data.get(size + 2..).unwrap_or_default();
    }
    out
}
