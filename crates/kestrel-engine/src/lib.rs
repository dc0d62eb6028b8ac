//! The embedded ClickHouse as a supervised child process that speaks ClickHouse's HTTP protocol.
//!
//! Two halves live here. The *parent* half, [`Engine`], finds nothing and decides nothing: it starts the child it is told
//! to start, restarts it when it crashes, and ends it. The *child* half, [`run_child`], loads `libchdb.so` and serves one
//! data folder on loopback, so that every official ClickHouse client can be used against it.
//!
//! The child ends when its parent is gone, however that died: it watches the pipe on which it got its configuration.
//!
//! # Example
//!
//! ```no_run
//! use kestrel_engine::{ChildCommand, Engine, EngineOptions, LibrarySearch};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::start(EngineOptions {
//!     data_dir: "kestrel-data".into(),
//!     library: LibrarySearch::from_environment().find()?,
//!     password: None,
//!     max_memory_bytes: kestrel_engine::DEFAULT_MAX_MEMORY_BYTES,
//!     child_command: ChildCommand::this_executable("engine-child")?,
//! })?;
//! println!("{} {}", engine.url(), engine.user());
//! # Ok(())
//! # }
//! ```

mod child;
mod handshake;
mod http;
mod library;
mod sql;
mod supervisor;

pub use child::run_child;
pub use library::{INTEGRITY, LibraryError, LibrarySearch, PACKAGE, VERSION};
pub use supervisor::{ChildCommand, Engine, EngineError, EngineOptions, EngineState};

/// The one user the engine knows.
pub const USER: &str = "kestrel";

/// What the engine may use of memory when nothing else is asked for.
pub const DEFAULT_MAX_MEMORY_BYTES: u64 = 2 << 30;
