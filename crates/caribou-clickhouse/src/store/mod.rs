//! The store: one ClickHouse over HTTP.

mod arrivals;
mod candidates;
mod error;
mod facets;
mod filter;
mod http;
mod images;
mod list;
mod migration;
mod outline;
mod projects;
mod recompute;
mod repair;
mod sample;
mod search;
mod sort;
mod span_row;
mod span_window;
mod statement;
mod summary;
mod time;
mod trace;
mod transport;

use std::sync::Arc;

use clickhouse::{Client, Compression};
use tokio::sync::RwLock;

pub use arrivals::{Arrival, ArrivalCursor};
pub use error::{Result, StoreError};
pub use filter::{Comparison, MetadataCondition, TraceFilter};
pub use list::Paging;
pub use sample::Sample;
pub use sort::{SortKey, TraceSort};
pub use span_window::SpanWindow;
pub use time::{rfc3339_from_unix_nanos, unix_nanos_from_rfc3339};

use crate::connection::Connection;
use crate::native::{SpanBlock, insert_spans_sql};
use crate::recompute::TraceKey;
use transport::Transport;

/// Everything Kestrel asks of its one ClickHouse, embedded or not. Cloning is cheap and shares connections.
#[derive(Clone)]
pub struct Store {
    /// Talks to the database.
    client: Client,
    /// Talks to the server, where the database may not exist yet.
    server: Client,
    transport: Transport,
    connection: Connection,
    insert_spans: String,
    /// Shared by those who write summaries, held alone by who deletes: a summary computed from spans that are deleted
    /// before it is written would stay.
    summaries: Arc<RwLock<()>>,
}

const INSERT_SETTINGS: &[(&str, &str)] = &[
    // Left to merges: building it at insert would double the cost of inserting.
    ("exclude_materialize_skip_indexes_on_insert", "search_text"),
    // Bringing revisions within one block together takes a third of the insert, and readers do it anyway.
    ("optimize_on_insert", "0"),
    ("async_insert", "0"),
];

const QUERY_SETTINGS: &[(&str, &str)] = &[
    // Lists of ids stand in the statement: 2,000 of them in projects with long names are half a megabyte.
    ("max_query_size", "16777216"),
    ("max_ast_elements", "1000000"),
    ("max_expanded_ast_elements", "1000000"),
    // What takes longer than anybody waits for it must not pile up.
    ("max_execution_time", "60"),
];

impl Store {
    /// Prepares to talk to a server; nothing is sent yet.
    ///
    /// # Errors
    /// When the URL is none, or it asks for TLS and there are no certificates to trust.
    pub fn connect(connection: &Connection) -> Result<Self> {
        let url = http::url_from_text(&connection.url)?;
        let connector = http::connector(&url)?;
        let queries = http::client_builder().build(connector.clone());
        let mut server = Client::with_http_client(queries)
            .with_url(&connection.url)
            .with_compression(Compression::None);
        if let Some(user) = &connection.user {
            server = server.with_user(user);
        }
        if let Some(password) = &connection.password {
            server = server.with_password(password);
        }
        let mut client = server.clone().with_database(&connection.database);
        for (name, value) in QUERY_SETTINGS.iter().chain(connection.replica_settings()) {
            client = client.with_setting(*name, *value);
        }
        Ok(Self {
            client,
            server,
            transport: Transport::new(connection, url, connector),
            connection: connection.clone(),
            insert_spans: insert_spans_sql(),
            summaries: Arc::default(),
        })
    }

    /// Creates the database and its tables, or brings them up to date. Safe to call by several at once.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or holds tables of a newer version.
    pub async fn migrate(&self) -> Result<()> {
        migration::apply(&self.server, &self.connection).await
    }

    /// Succeeds when the server answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        let _one: u8 = self.server.query("SELECT 1").fetch_one().await?;
        Ok(())
    }

    /// Inserts blocks in one durable commit.
    ///
    /// When it returns `Ok`, every row is on disk and can be read. When it fails, any part of them may be: sending them
    /// again, in whatever blocks, is always right.
    ///
    /// # Errors
    /// When the server cannot be reached or is overloaded ([`StoreError::is_retryable`]), or refuses the rows.
    pub async fn insert_blocks(&self, blocks: &[SpanBlock]) -> Result<()> {
        let rows: u64 = blocks.iter().map(|block| block.rows() as u64).sum();
        if rows == 0 {
            return Ok(());
        }
        let settings: Vec<_> = INSERT_SETTINGS
            .iter()
            .chain(self.connection.replica_settings())
            .copied()
            .collect();
        let bytes: Vec<_> = blocks.iter().map(|block| block.bytes().clone()).collect();
        let written = self
            .transport
            .insert(&self.insert_spans, &settings, &bytes)
            .await?;
        match written {
            // A server behind a proxy that strips the summary is trusted with its status.
            None => Ok(()),
            Some(written) if written == rows => Ok(()),
            Some(written) => Err(StoreError::RowsMissing {
                sent: rows,
                written,
            }),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Store")
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}
