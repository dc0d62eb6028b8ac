//! How to reach the database.

use std::fmt;
use std::time::Duration;

/// Name of the database where nobody gave another.
pub const DEFAULT_DATABASE: &str = "caribou";

const DEFAULT_INSERT_TIMEOUT: Duration = Duration::from_secs(30);

/// How to reach the database: URL, user, password, name.
///
/// ```
/// use caribou_clickhouse::Connection;
///
/// let connection = Connection::new("http://127.0.0.1:8123").with_credentials("kestrel", "secret");
/// assert!(!format!("{connection:?}").contains("secret"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Connection {
    pub(crate) url: String,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    pub(crate) database: String,
    pub(crate) full_text_index: bool,
    pub(crate) cluster: Option<Cluster>,
    pub(crate) insert_timeout: Duration,
}

/// A cluster that the tables are made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name in the server's configuration.
    pub name: String,
}

/// What is acknowledged must be on most replicas, and what is read must hold everything acknowledged.
const REPLICA_SETTINGS: &[(&str, &str)] = &[
    ("insert_quorum", "auto"),
    ("insert_quorum_parallel", "0"),
    ("select_sequential_consistency", "1"),
];

impl Connection {
    /// A server at a URL, database [`DEFAULT_DATABASE`], the server's default user.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: None,
            password: None,
            database: DEFAULT_DATABASE.to_owned(),
            full_text_index: true,
            cluster: None,
            insert_timeout: DEFAULT_INSERT_TIMEOUT,
        }
    }

    /// Sets user and password.
    #[must_use]
    pub fn with_credentials(
        mut self,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        self.user = Some(user.into());
        self.password = Some(password.into());
        self
    }

    /// Sets the name of the database.
    #[must_use]
    pub fn with_database(mut self, database: impl Into<String>) -> Self {
        self.database = database.into();
        self
    }

    /// Says whether merges build the full-text index; without it search scans.
    #[must_use]
    pub const fn with_full_text_index(mut self, full_text_index: bool) -> Self {
        self.full_text_index = full_text_index;
        self
    }

    /// Sets how long an insert may take before it counts as not done.
    #[must_use]
    pub const fn with_insert_timeout(mut self, insert_timeout: Duration) -> Self {
        self.insert_timeout = insert_timeout;
        self
    }

    /// Makes the tables on every node of a cluster, replicated; writes with quorum and reads sequentially consistent.
    #[must_use]
    pub fn with_cluster(mut self, cluster: Cluster) -> Self {
        self.cluster = Some(cluster);
        self
    }

    /// Name of the database.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// Settings that every request needs where there is a cluster.
    #[must_use]
    pub const fn replica_settings(&self) -> &'static [(&'static str, &'static str)] {
        match self.cluster {
            Some(_) => REPLICA_SETTINGS,
            None => &[],
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Connection")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("password", &self.password.as_ref().map(|_| "***"))
            .field("database", &self.database)
            .field("full_text_index", &self.full_text_index)
            .field("cluster", &self.cluster)
            .field("insert_timeout", &self.insert_timeout)
            .finish()
    }
}
