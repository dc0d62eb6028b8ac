//! A real embedded engine for tests: there is no imitation of the store.

use std::env;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use kestrel_engine::{ChildCommand, Engine, EngineOptions, LibrarySearch};

use crate::reaper;

const CHILD: &str = "kestrel-engine-child";
const FOLDER_PREFIX: &str = "kestrel-test-engine-";

/// An engine that all tests of a process share. Each test makes a database of its own.
#[derive(Debug)]
pub struct TestEngine {
    engine: Engine,
    databases: AtomicU32,
}

impl TestEngine {
    /// The base URL of ClickHouse's HTTP protocol.
    pub fn url(&self) -> String {
        self.engine.url()
    }

    /// The user to authenticate as.
    pub fn user(&self) -> &str {
        self.engine.user()
    }

    /// The password to authenticate with.
    pub fn password(&self) -> &str {
        self.engine.password()
    }

    /// A name that no other test of this process uses for a database. The test makes the database itself.
    pub fn new_database_name(&self) -> String {
        format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed))
    }
}

/// The engine of this test process, started by its first user. It ends with the process, however that ends.
///
/// # Panics
///
/// When the engine cannot be started; the message says what to do.
pub fn shared_engine() -> &'static TestEngine {
    static SHARED: OnceLock<TestEngine> = OnceLock::new();
    SHARED.get_or_init(start)
}

#[expect(clippy::panic, reason = "a test without its engine cannot go on")]
fn start() -> TestEngine {
    let library = LibrarySearch::from_environment()
        .find()
        .unwrap_or_else(|error| panic!("{error}"));
    let options = EngineOptions {
        data_dir: new_folder(),
        library,
        password: None,
        max_memory_bytes: kestrel_engine::DEFAULT_MAX_MEMORY_BYTES,
        child_command: ChildCommand::program(child_executable()),
    };
    let engine = Engine::start(options).unwrap_or_else(|error| panic!("{error}"));
    TestEngine {
        engine,
        databases: AtomicU32::new(0),
    }
}

fn new_folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix(FOLDER_PREFIX).tempdir();
    let folder = folder.expect("a temporary folder can be made").keep();
    reaper::remove_with_this_process(&folder, None);
    folder
}

/// The executable lies two folders above the test: `target/debug/deps/test`. Cargo builds it for the tests of its own
/// package only.
fn child_executable() -> PathBuf {
    let test = env::current_exe().expect("the test knows its own executable");
    let path = test
        .ancestors()
        .nth(2)
        .map(|folder| folder.join(CHILD))
        .expect("tests are built into target/*/deps");
    if !path.is_file() {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let build = [
            "build",
            "--quiet",
            "--package",
            "kestrel-engine",
            "--bin",
            CHILD,
        ];
        let status = Command::new(cargo)
            .args(build)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "cargo build of {CHILD} failed"
        );
    }
    path
}
