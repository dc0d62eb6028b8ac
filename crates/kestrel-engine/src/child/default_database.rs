//! The database `default`, which the embedded engine makes differently from a server.
//!
//! Its own one also holds every file of the machine as a table (`SELECT * FROM '/etc/…'`). Detaching it and attaching it
//! as an `Atomic` database leaves the tables and takes the files away.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::connection::Connection;
use super::error::{ServerError, code};

/// To be called before the engine opens the folder.
///
/// The engine knows the database again by a link that it makes with the first table only. A kill before that would leave
/// a definition without a link, under which it cannot be attached.
pub(super) fn complete_link(clickhouse_dir: &Path) -> io::Result<()> {
    let metadata = clickhouse_dir.join("metadata");
    remove_unfinished(&metadata)?;
    let link = metadata.join("default");
    let definition = match std::fs::read_to_string(metadata.join("default.sql")) {
        Ok(definition) => definition,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let uuid = definition
        .split('\'')
        .nth(1)
        .filter(|uuid| uuid.len() == 36);
    match (
        uuid.and_then(|uuid| Some((uuid, uuid.get(..3)?))),
        link.is_symlink(),
    ) {
        (Some((uuid, prefix)), false) => symlink(format!("../store/{prefix}/{uuid}"), link),
        _ => Ok(()),
    }
}

/// A kill while a database is created leaves a definition that was not renamed yet, and with it in the way the same
/// database cannot be created again.
fn remove_unfinished(metadata: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(metadata) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "tmp") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Replaces the database as the engine made it at its start.
pub(super) fn fence(anchor: &mut Connection) -> Result<(), ServerError> {
    anchor.query(b"DETACH DATABASE default", "Null", &[])?;
    // On a new folder there is nothing to attach.
    if let Err(not_attached) = anchor.query(b"ATTACH DATABASE default", "Null", &[])
        && anchor
            .query(b"CREATE DATABASE default ENGINE = Atomic", "Null", &[])
            .is_err()
    {
        return Err(not_attached);
    }
    let engine = anchor.query(
        b"SELECT engine FROM system.databases WHERE name = 'default'",
        "TSV",
        &[],
    )?;
    if engine.data() == b"Atomic\n" {
        return Ok(());
    }
    let message = "the database 'default' is not of the engine Atomic and may reach files";
    Err(ServerError::new(
        code::ACCESS_DENIED,
        "ACCESS_DENIED",
        message,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_that_was_not_finished_is_out_of_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let metadata = folder.path().join("metadata");
        std::fs::create_dir(&metadata).unwrap();
        let unfinished = metadata.join("default.sql.tmp");
        std::fs::write(&unfinished, "ATTACH DATABASE _ UUI").unwrap();
        complete_link(folder.path()).unwrap();
        assert!(!unfinished.exists());
    }

    #[test]
    fn a_definition_without_a_link_gets_one() {
        let folder = tempfile::tempdir().unwrap();
        complete_link(folder.path()).unwrap();
        let metadata = folder.path().join("metadata");
        std::fs::create_dir(&metadata).unwrap();
        let uuid = "54369bbd-28bf-4a48-bf5d-62dd54979edf";
        let definition = format!("ATTACH DATABASE _ UUID '{uuid}'\nENGINE = Atomic\n");
        std::fs::write(metadata.join("default.sql"), definition).unwrap();
        for _ in 0..2 {
            complete_link(folder.path()).unwrap();
            let target = std::fs::read_link(metadata.join("default")).unwrap();
            assert_eq!(target, Path::new("../store/543").join(uuid));
        }
    }
}
