//! The tables as numbered migrations: templates, and the statements that come of them.

use crate::connection::{Cluster, Connection};

/// One migration: number, name, and its statements as a template.
pub(crate) struct Migration {
    pub(crate) version: u32,
    pub(crate) name: &'static str,
    template: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal)*) => {
        &[$(Migration {
            version: $version,
            name: $name,
            template: include_str!(concat!("../migrations/", $name, ".sql")),
        }),*]
    };
}

pub(crate) const MIGRATIONS: &[Migration] = migrations! {
    1 "0001_spans"
    2 "0002_traces"
    3 "0003_entity_metadata"
    4 "0004_registry"
    5 "0005_search"
    6 "0006_images"
    7 "0007_light_columns"
};

/// The migration that adds the full-text index.
const SEARCH_MIGRATION: u32 = 5;

/// The version of the tables that this program makes.
pub const SCHEMA_VERSION: u32 = 7;

/// The oldest version of the tables that spans and summaries can be written to.
pub const OLDEST_WRITABLE_SCHEMA: u32 = 3;

pub(crate) const RECORD: &str =
    "CREATE TABLE IF NOT EXISTS {database}.schema_migrations{on_cluster}
(
    version UInt32,
    name String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = {replacing}(applied_at)
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1";

/// All statements that a migration would send to an empty server, in order.
///
/// For people who apply them by hand, and for looking at what a cluster would be told.
pub fn schema_statements(connection: &Connection) -> Vec<String> {
    let mut statements = vec![create_database(connection), rendered(RECORD, connection)];
    for migration in wanted(connection) {
        statements.extend(statements_of(migration, connection));
    }
    statements
}

/// Everything that makes the tables in an empty database and says that they are there, in order.
///
/// For writers that create what they need where nothing is yet. Each may be sent twice.
pub fn creation_statements(connection: &Connection) -> Vec<String> {
    let mut statements = vec![create_database(connection), rendered(RECORD, connection)];
    for migration in wanted(connection) {
        statements.extend(statements_of(migration, connection));
        let record = format!(
            "INSERT INTO {{database}}.schema_migrations (version, name) VALUES ({}, '{}')",
            migration.version, migration.name
        );
        statements.push(rendered(&record, connection));
    }
    statements
}

pub(crate) fn wanted(connection: &Connection) -> impl Iterator<Item = &'static Migration> {
    let full_text_index = connection.full_text_index;
    MIGRATIONS
        .iter()
        .filter(move |migration| full_text_index || migration.version != SEARCH_MIGRATION)
}

pub(crate) fn create_database(connection: &Connection) -> String {
    rendered(
        "CREATE DATABASE IF NOT EXISTS {database}{on_cluster}",
        connection,
    )
}

pub(crate) fn statements_of(migration: &Migration, connection: &Connection) -> Vec<String> {
    // No statement holds a semicolon, not even in a comment: a test renders them all.
    rendered(migration.template, connection)
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

pub(crate) fn rendered(template: &str, connection: &Connection) -> String {
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
