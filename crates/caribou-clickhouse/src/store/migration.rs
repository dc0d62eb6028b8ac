//! Creates the tables and brings them up to date, forward only.
//!
//! Every statement of a migration can be applied twice, so two appliers at once, or one that was killed half way, end
//! with the same tables; a migration is recorded after its last statement.

use clickhouse::{Client, Row};
use serde::{Deserialize, Serialize};

use super::error::{Result, StoreError};
use crate::connection::Connection;
use crate::schema::{
    MIGRATIONS, Migration, RECORD, create_database, rendered, statements_of, wanted,
};

#[derive(Row, Serialize, Deserialize)]
struct Applied {
    version: u32,
    name: String,
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
