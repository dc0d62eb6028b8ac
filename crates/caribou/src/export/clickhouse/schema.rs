//! Whether the tables are there and of a version that can be written to.

use caribou_clickhouse::{Connection, OLDEST_WRITABLE_SCHEMA, SCHEMA_VERSION, creation_statements};

use super::http::{Failed, Http};

const UNKNOWN_TABLE: u32 = 60;
const UNKNOWN_DATABASE: u32 = 81;

/// Makes sure of the tables: creates them where the database is empty or absent, and never changes any that are there.
/// The version that they are at.
pub(super) fn ensure_tables(http: &Http, tables: &Connection) -> Result<u32, Failed> {
    let database = tables.database();
    match http.run("SELECT max(version) FROM schema_migrations", &[]) {
        Ok(done) => check_version(database, done.text.trim().parse().unwrap_or(0)),
        Err(failed) if failed.code == Some(UNKNOWN_DATABASE) => create(http, tables),
        Err(failed) if failed.code == Some(UNKNOWN_TABLE) => {
            let count = "SELECT count() FROM system.tables WHERE database = currentDatabase()";
            if http.run(count, &[])?.text.trim() == "0" {
                create(http, tables)
            } else {
                Err(refusal(format!(
                    "the database {database} holds tables of something else: set CLICKHOUSE_DATABASE to one of its own"
                )))
            }
        }
        Err(failed) => Err(failed),
    }
}

fn check_version(database: &str, found: u32) -> Result<u32, Failed> {
    if found < OLDEST_WRITABLE_SCHEMA {
        return Err(refusal(format!(
            "the database {database} is at schema version {found}, and {OLDEST_WRITABLE_SCHEMA} is needed: run `kestrel \
             migrate` on it"
        )));
    }
    if found > SCHEMA_VERSION {
        return Err(refusal(format!(
            "the database {database} is at schema version {found}, and this program knows up to {SCHEMA_VERSION}: \
             install a newer caribou"
        )));
    }
    Ok(found)
}

fn create(http: &Http, tables: &Connection) -> Result<u32, Failed> {
    for statement in creation_statements(tables) {
        http.run_on_server(&statement).map_err(|failed| Failed {
            reason: format!(
                "the tables cannot be created, so let `kestrel migrate` do it: {}",
                failed.reason
            ),
            ..failed
        })?;
    }
    tracing::info!(target: "caribou", "created the tables in the database {}", tables.database());
    Ok(SCHEMA_VERSION)
}

/// Somebody can put it right while the program runs, so that it is asked again.
fn refusal(reason: String) -> Failed {
    Failed {
        code: None,
        unreachable: false,
        after: None,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_within_the_range_are_written_to() {
        assert!(check_version("d", OLDEST_WRITABLE_SCHEMA - 1).is_err());
        assert!(check_version("d", OLDEST_WRITABLE_SCHEMA).is_ok());
        assert!(check_version("d", SCHEMA_VERSION).is_ok());
        let newer = check_version("d", SCHEMA_VERSION + 1).unwrap_err();
        assert!(newer.reason.contains("newer caribou"), "{}", newer.reason);
    }
}
