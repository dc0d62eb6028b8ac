//! The engine as a whole: one connection that keeps it running, and short-lived ones for requests.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Mutex;

use super::StartError;
use super::connection::Connection;
use super::default_database;
use super::error::{ServerError, code};
use super::ffi::Api;
use super::turns::{Turn, Turns};

/// So many queries run at a time, and as many inserts; more wait for their turn.
const MAX_CONCURRENT: usize = 16;

/// A setting of one request: name and value.
pub(super) type Setting = (String, String);

/// An open data folder.
pub(super) struct Database {
    api: &'static Api,
    /// Arguments of every connection: the folder, and our defaults of settings.
    args: Vec<String>,
    known_settings: HashSet<String>,
    timezone: String,
    queries: Turns,
    inserts: Turns,
    /// Keeps the engine running: closing the last connection shuts it down.
    _anchor: Mutex<Connection>,
}

impl Database {
    pub(super) fn open(
        library: &Path,
        data_dir: &Path,
        config_file: &Path,
        max_memory_bytes: u64,
    ) -> Result<Self, StartError> {
        let path = library.display().to_string();
        let api = Api::load(library).map_err(|source| StartError::Library { path, source })?;
        let clickhouse_dir = data_dir.join("clickhouse");
        default_database::complete_link(&clickhouse_dir)?;
        let mut args = vec![
            format!("--path={}", clickhouse_dir.display()),
            format!("--config-file={}", config_file.display()),
        ];
        args.extend(default_settings(max_memory_bytes));
        let mut anchor = Connection::open(api, &args)
            .ok_or_else(|| StartError::Open(data_dir.display().to_string()))?;
        default_database::fence(&mut anchor)?;
        let known_settings = text_lines(&mut anchor, "SELECT name FROM system.settings")?
            .into_iter()
            .collect();
        let timezone = text_lines(&mut anchor, "SELECT timezone()")?
            .pop()
            .unwrap_or_default();
        Ok(Self {
            api,
            args,
            known_settings,
            timezone,
            queries: Turns::new(MAX_CONCURRENT),
            inserts: Turns::new(MAX_CONCURRENT),
            _anchor: Mutex::new(anchor),
        })
    }

    pub(super) fn timezone(&self) -> &str {
        &self.timezone
    }

    /// Waits for a turn to run a query.
    pub(super) fn query_turn(&self) -> Turn<'_> {
        self.queries.wait()
    }

    /// Waits for a turn to insert: readers that are slow to take their results do not hold up writers.
    pub(super) fn insert_turn(&self) -> Turn<'_> {
        self.inserts.wait()
    }

    /// A connection of its own, so that nothing of a request can leak into the next.
    pub(super) fn connect(&self, settings: &[Setting]) -> Result<Connection, ServerError> {
        self.check_known(settings)?;
        let mut args = self.args.clone();
        args.extend(
            settings
                .iter()
                .map(|(name, value)| format!("--{name}={value}")),
        );
        match Connection::open(self.api, &args) {
            Some(connection) => Ok(connection),
            None => Err(self.explain_refusal(settings)),
        }
    }

    /// Cancels a query that runs with the marker of that number.
    pub(super) fn cancel(&self, id: u64) {
        let kill = format!(
            "KILL QUERY WHERE endsWith(query, {}) ASYNC",
            quoted(&marker(id))
        );
        if let Some(mut connection) = Connection::open(self.api, &self.args) {
            // A query that has ended meanwhile needs no cancelling.
            connection.query(kill.as_bytes(), "Null", &[]).ok();
        }
    }

    pub(super) fn check_known(&self, settings: &[Setting]) -> Result<(), ServerError> {
        match settings
            .iter()
            .find(|(name, _)| !self.known_settings.contains(name))
        {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!(
                    "Setting {name} is neither a builtin setting nor started with the prefix 'SQL_' registered for user-defined settings"
                );
                Err(ServerError::new(
                    code::UNKNOWN_SETTING,
                    "UNKNOWN_SETTING",
                    &message,
                ))
            }
        }
    }

    /// The engine refuses a connection without a word; setting the same by a statement gets one.
    fn explain_refusal(&self, settings: &[Setting]) -> ServerError {
        let Some(mut plain) = Connection::open(self.api, &self.args) else {
            return ServerError::new(
                code::UNKNOWN_EXCEPTION,
                "UNKNOWN_EXCEPTION",
                "the engine takes no connections",
            );
        };
        match plain.query(set_statement(settings).as_bytes(), "Null", &[]) {
            Err(error) => error,
            Ok(_) => ServerError::bad_arguments("the engine does not accept these settings"),
        }
    }
}

/// What a query's text ends with, so that it can be found among those that run.
pub(super) fn marker(id: u64) -> String {
    format!("\n-- kestrel:{id}")
}

/// `SET` for all of them. The names are known settings, so that only values need quoting.
pub(super) fn set_statement(settings: &[Setting]) -> String {
    let all: Vec<String> = settings
        .iter()
        .map(|(name, value)| format!("{name} = {}", quoted(value)))
        .collect();
    format!("SET {}", all.join(", "))
}

/// A text as a literal of SQL.
pub(super) fn quoted(text: &str) -> String {
    format!(
        "'{}'",
        text.replace('\\', "\\\\")
            .replace('\'', "\\'")
            .replace('\n', "\\n")
    )
}

/// A name as an identifier of SQL.
pub(super) fn quoted_name(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// What differs from the defaults of the embedded engine: those of a server where it deviates, and bounds on memory.
fn default_settings(max_memory_bytes: u64) -> [String; 7] {
    [
        // An insert is on disk when it returns. Asynchronous inserts would gather them for a while first.
        "--async_insert=0".into(),
        "--implicit_select=0".into(),
        "--allow_introspection_functions=0".into(),
        // One query leaves room for inserts and merges.
        format!("--max_memory_usage={}", max_memory_bytes / 5 * 3),
        // Large inserts are written in parts of this size; the default of 256 MiB takes several times that to sort.
        "--min_insert_block_size_bytes=67108864".into(),
        "--max_bytes_before_external_sort=536870912".into(),
        // Documents formatted by several threads come a third faster and hold 1.3 GB in buffers meanwhile.
        "--output_format_parallel_formatting=0".into(),
    ]
}

fn text_lines(connection: &mut Connection, sql: &str) -> Result<Vec<String>, ServerError> {
    let result = connection.query(sql.as_bytes(), "TSV", &[])?;
    Ok(String::from_utf8_lossy(result.data())
        .lines()
        .map(str::to_owned)
        .collect())
}
