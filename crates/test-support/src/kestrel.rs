//! A real `kestrel serve` process on a data folder of its own.
#![expect(
    clippy::panic,
    reason = "a fixture that cannot do its work fails the test"
)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::reaper;

/// How long a start may take on a loaded machine.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// How long an orderly end may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);

/// How long a request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct KestrelOptions {
    /// The binary; the one of this workspace's debug build where not given.
    pub binary: Option<PathBuf>,
    /// Further arguments of `kestrel serve`.
    pub args: Vec<String>,
    /// Environment variables. Nothing but `HOME`, `PATH` and the cache folder is inherited.
    pub env: Vec<(String, String)>,
}

impl KestrelOptions {
    /// Options for a binary.
    pub fn with_binary(binary: impl Into<PathBuf>) -> Self {
        Self {
            binary: Some(binary.into()),
            ..Self::default()
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn with_arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server with embedded storage; killed when dropped.
#[derive(Debug)]
pub struct KestrelProcess {
    options: KestrelOptions,
    data: TempDir,
    child: Child,
    ready_line: String,
    log: Arc<Mutex<String>>,
}

/// An answer to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; panics with the body where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text()))
    }
}

impl KestrelProcess {
    /// Starts a server on a new data folder and a free port, and waits until it is ready.
    ///
    /// Panics with the server's own words where it does not start.
    pub fn start(options: KestrelOptions) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        let (child, ready_line, log) = spawn(&options, data.path());
        Self {
            options,
            data,
            child,
            ready_line,
            log,
        }
    }

    /// Starts a server on the same data folder again, after the last one has ended.
    pub fn restart(&mut self) {
        let (child, ready_line, log) = spawn(&self.options, self.data.path());
        (self.child, self.ready_line, self.log) = (child, ready_line, log);
    }

    /// Address of the API, such as `http://127.0.0.1:40001`.
    pub fn url(&self) -> &str {
        let url = self
            .ready_line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        url.expect("the ready line holds the address")
    }

    /// The line that the server printed when it was ready.
    pub fn ready_line(&self) -> &str {
        &self.ready_line
    }

    /// Address of OTLP over gRPC, where it was asked for.
    pub fn grpc_address(&self) -> Option<&str> {
        let (_, address) = self.ready_line.split_once("OTLP gRPC on ")?;
        address.split([',', ')']).next()
    }

    /// What the server has written to standard error.
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits until the server has written a text to standard error, which is read a moment after it was written.
    pub fn wait_for_log(&self, text: &str) {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        while !self.log().contains(text) {
            assert!(Instant::now() < deadline, "no {text} in {}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The data folder.
    pub fn data_dir(&self) -> &Path {
        self.data.path()
    }

    /// Process id of the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Process id of the server's engine, if one runs.
    pub fn engine_pid(&self) -> Option<u32> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.pid())).ok()?;
        tasks
            .filter_map(Result::ok)
            .filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok())
            .find_map(|children| children.split_ascii_whitespace().next()?.parse().ok())
    }

    /// Kills the server, as `kill -9` does, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Kills the server's engine, as `kill -9` does.
    pub fn kill_engine(&self) {
        if let Some(pid) = self.engine_pid() {
            signal("-KILL", pid);
        }
    }

    /// Asks the server to end, as a service manager does, and waits until it has.
    pub fn terminate(&mut self) -> ExitStatus {
        signal("-TERM", self.pid());
        let deadline = Instant::now() + STOP_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "the server did not end: {}",
                self.log()
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends a GET.
    pub fn get(&self, path: &str) -> Answer {
        request("GET", &format!("{}{path}", self.url()), &[], None).expect("the server answers")
    }

    /// Sends a GET and reads JSON; panics where the answer is no success.
    pub fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text());
        answer.json()
    }

    /// Sends a POST.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_post(path, headers, body)
            .expect("the server answers")
    }

    /// Sends a POST to a server that may be gone.
    ///
    /// # Errors
    /// When there is no answer, with the reason.
    pub fn try_post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, String> {
        request(
            "POST",
            &format!("{}{path}", self.url()),
            headers,
            Some(body),
        )
    }

    /// Asks again until `done` is content; panics with the last value after a minute.
    pub fn wait_for_json(&self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            let answer = self.get(path);
            if answer.status == 200 {
                let value = answer.json();
                if done(&value) {
                    return value;
                }
            }
            assert!(
                Instant::now() < deadline,
                "GET {path} stays at {}",
                answer.text()
            );
            thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for KestrelProcess {
    fn drop(&mut self) {
        // Already ended is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn signal(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .arg(signal)
        .arg(pid.to_string())
        .status();
    sent.expect("the command kill exists");
}

fn spawn(options: &KestrelOptions, data: &Path) -> (Child, String, Arc<Mutex<String>>) {
    let binary = options.binary.clone().unwrap_or_else(default_binary);
    let mut command = Command::new(&binary);
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(&options.args)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| {
            ["HOME", "PATH", "XDG_CACHE_HOME", "KESTREL_ENGINE_LIBRARY"]
                .iter()
                .any(|kept| name == kept)
        }))
        .envs(options.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "cannot run {}: {error}; run `cargo build -p kestrel`",
            binary.display()
        )
    });
    let log = collect_log(&mut child);
    let stdout = child.stdout.take().expect("stdout is piped");
    let (sender, receiver) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut line = String::new();
        let mut stdout = BufReader::new(stdout);
        if stdout.read_line(&mut line).is_ok() && sender.send(line).is_ok() {
            // Kept open and read, so that the server never meets a closed pipe.
            drop(stdout.read_to_end(&mut Vec::new()));
        }
    });
    let line = receiver.recv_timeout(START_TIMEOUT).unwrap_or_default();
    if !line.contains("http://") {
        drop(child.kill());
        drop(child.wait());
        thread::sleep(Duration::from_millis(100));
        let log = log.lock().unwrap_or_else(PoisonError::into_inner);
        panic!("kestrel did not start: {line}{log}");
    }
    (child, line.trim().to_owned(), log)
}

fn collect_log(child: &mut Child) -> Arc<Mutex<String>> {
    let log = Arc::new(Mutex::new(String::new()));
    let collected = Arc::clone(&log);
    let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
    thread::spawn(move || {
        for line in stderr.lines().map_while(Result::ok) {
            let mut log = collected.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
    log
}

/// Beside the folder of test binaries, where `cargo build` puts it.
fn default_binary() -> PathBuf {
    let named = std::env::var_os("KESTREL_TEST_BINARY").map(PathBuf::from);
    named.unwrap_or_else(|| {
        let test = std::env::current_exe().expect("a process knows its executable");
        let folder = test.parent().and_then(Path::parent);
        folder
            .expect("test binaries are in target/debug/deps")
            .join("kestrel")
    })
}

/// Sends one request on a connection of its own.
///
/// # Errors
/// When there is no answer, with the reason.
pub fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Result<Answer, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(REQUEST_TIMEOUT))
        .max_idle_connections(0)
        .proxy(None)
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answered = match body {
        Some(body) => agent.run(request.body(body).map_err(|error| error.to_string())?),
        None => agent.run(request.body(()).map_err(|error| error.to_string())?),
    };
    let mut response = answered.map_err(|error| error.to_string())?;
    let headers = response.headers().iter();
    let headers = headers
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    Ok(Answer {
        status: response.status().as_u16(),
        headers,
        body: response
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .map_err(|error| error.to_string())?,
    })
}

/// A server that all tests of a process share; each test uses a project and trace ids of its own.
///
/// It ends with the process, however that ends.
pub fn shared_kestrel(binary: &str) -> &'static KestrelProcess {
    static SHARED: OnceLock<KestrelProcess> = OnceLock::new();
    SHARED.get_or_init(|| {
        let options = KestrelOptions::with_binary(binary).with_arg("--otlp-grpc=127.0.0.1:0");
        let server = KestrelProcess::start(options);
        reaper::remove_with_this_process(server.data_dir(), Some(server.pid()));
        server
    })
}
