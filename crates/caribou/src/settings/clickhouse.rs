//! ClickHouse, in place of Kestrel.

use std::time::Duration;

use caribou_clickhouse::{Cluster, Connection};

use super::given_or;
use super::url::{Address, address};
use crate::config::Config;
use crate::environment::{self as variable, Environment};
use crate::{ConfigureError, Secret};

/// An insert is answered once it is stored, on replicas everywhere.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A database of a ClickHouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClickHouseTarget {
    /// Base URL without a slash at its end.
    pub url: String,
    /// Database.
    pub database: String,
    /// Cluster on which the tables are made.
    pub cluster: Option<String>,
    /// User; the server's default where nobody says.
    pub user: Option<String>,
    /// Password.
    pub password: Option<Secret>,
    /// How long one request may take.
    pub timeout: Duration,
    /// Certificates to trust instead of the built-in ones, a PEM file.
    pub certificates: Option<String>,
}

impl ClickHouseTarget {
    /// Where the tables are, as those who make them want to know it.
    pub(crate) fn tables(&self) -> Connection {
        let tables = Connection::new(&self.url).with_database(&self.database);
        match &self.cluster {
            Some(name) => tables.with_cluster(Cluster { name: name.clone() }),
            None => tables,
        }
    }
}

impl Config {
    pub(super) fn resolve_clickhouse(
        &self,
        environment: &dyn Environment,
    ) -> Result<Option<ClickHouseTarget>, ConfigureError> {
        let given = &self.clickhouse;
        let text = |given: &Option<String>, name| given_or(given.as_deref(), environment, name);
        let Some(url) = text(&given.url, variable::CLICKHOUSE_URL) else {
            return Ok(None);
        };
        let Address { url, credentials } = address(variable::CLICKHOUSE_URL, &url)?;
        let (url_user, url_password) = credentials.unzip();
        let database = text(&given.database, variable::CLICKHOUSE_DATABASE);
        Ok(Some(ClickHouseTarget {
            url,
            database: database.unwrap_or_else(|| caribou_clickhouse::DEFAULT_DATABASE.to_owned()),
            cluster: environment.non_empty(variable::CLICKHOUSE_CLUSTER),
            user: text(&given.user, variable::CLICKHOUSE_USER).or(url_user),
            password: given
                .password
                .clone()
                .or_else(|| {
                    environment
                        .non_empty(variable::CLICKHOUSE_PASSWORD)
                        .map(Secret::from)
                })
                .or(url_password),
            timeout: REQUEST_TIMEOUT,
            certificates: environment.non_empty(variable::SSL_CERT_FILE),
        }))
    }
}
