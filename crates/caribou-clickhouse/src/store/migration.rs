//! Creates the tables and brings them up to date, forward only.
//!
//! Every statement of a migration can be applied twice, so two appliers at once, or one that was killed half way, end
//! with the same tables; a migration is recorded after its last statement.

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

use super::connection::{Cluster, Connection};
use super::error::{Result, StoreError};

/// One migration: number, name, and its statements as a template.
struct Migration {
    version: u32,
    name: &'static str,
    template: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            template: include_str!(concat!("../../migrations/", $name, ".sql")),
        }),*]
    };
}

const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_spans"
    2 "0002_traces"
    3 "0003_entity_metadata"
    4 "0004_registry"
    5 "0005_search"
    6 "0006_images"
};

/// The migration that adds the full-text index.
const SEARCH_MIGRATION: u32 = 5;

const RECORD: &str = "CREATE TABLE IF NOT EXISTS {database}.schema_migrations{on_cluster}
(
    version UInt32,
    name String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = {replacing}(applied_at)
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1";

#[derive(Row, Serialize, Deserialize)]
struct Applied {
    version: u32,
    name: String,
}

/// All statements that [`crate::Store::migrate`] would send to an empty server, in order.
///
/// For people who apply them by hand, and for looking at what a cluster would be told.
pub fn schema_statements(connection: &Connection) -> Vec<String> {
    let mut statements = vec![create_database(connection), rendered(RECORD, connection)];
    for migration in wanted(connection) {
        statements.extend(statements_of(migration, connection));
    }
    statements
}

/// Applies what is missing. `server` must name no database: it may not exist yet.
pub(super) async fn apply(server: &Client, connection: &Connection) -> Result<()> {
    execute(server, &create_database(connection)).await?;
    execute(server, &rendered(RECORD, connection)).await?;
    let client = server.clone().with_database(&connection.database);
    let applied: Vec<u32> = client
        .query("SELECT DISTINCT version FROM schema_migrations")
        .fetch_all()
        .await?;
    let known = MIGRATIONS.last().map_or(0, |migration| migration.version);
    if let Some(&found) = applied.iter().max()
        && found > known
    {
        return Err(StoreError::NewerSchema { found, known });
    }
    for migration in wanted(connection) {
        if applied.contains(&migration.version) {
            continue;
        }
        for statement in statements_of(migration, connection) {
            execute(server, &statement).await?;
        }
        record(&client, migration).await?;
    }
    Ok(())
}

fn wanted(connection: &Connection) -> impl Iterator<Item = &'static Migration> {
    let full_text_index = connection.full_text_index;
    MIGRATIONS
        .iter()
        .filter(move |migration| full_text_index || migration.version != SEARCH_MIGRATION)
}

async fn execute(server: &Client, statement: &str) -> Result<()> {
    Ok(server.query_raw(statement).execute().await?)
}

async fn record(client: &Client, migration: &Migration) -> Result<()> {
    let mut insert = client.insert::<Applied>("schema_migrations").await?;
    insert
        .write(&Applied {
            version: migration.version,
            name: migration.name.to_owned(),
        })
        .await?;
    Ok(insert.end().await?)
}

fn create_database(connection: &Connection) -> String {
    rendered(
        "CREATE DATABASE IF NOT EXISTS {database}{on_cluster}",
        connection,
    )
}

fn statements_of(migration: &Migration, connection: &Connection) -> Vec<String> {
    // No statement holds a semicolon, not even in a comment: a test renders them all.
    rendered(migration.template, connection)
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

fn rendered(template: &str, connection: &Connection) -> String {
    let quoted_cluster = |Cluster { name }: &Cluster| format!(" ON CLUSTER {}", quoted(name));
    let on_cluster = connection.cluster.as_ref().map(quoted_cluster);
    let replacing = if connection.cluster.is_some() {
        // The path and name of a replica come from the server's default_replica_path.
        "ReplicatedReplacingMergeTree"
    } else {
        "ReplacingMergeTree"
    };
    template
        .replace("{database}", &quoted(&connection.database))
        .replace("{on_cluster}", on_cluster.as_deref().unwrap_or(""))
        .replace("{replacing}", replacing)
}

fn quoted(identifier: &str) -> String {
    format!("`{}`", identifier.replace('\\', "\\\\").replace('`', "\\`"))
}
