//! Sessions that clients name: a connection kept between requests, with its settings and temporary tables.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connection::Connection;
use super::database::{Setting, quoted, quoted_name, set_statement};
use super::error::{ServerError, code};
use super::request::SessionRequest;

/// Kept sessions; the one that was idle for longest makes room for the next.
const MAX_SESSIONS: usize = 256;

/// All sessions.
#[derive(Default)]
pub(super) struct Sessions {
    slots: Mutex<HashMap<String, Slot>>,
}

enum Slot {
    InUse,
    Idle {
        connection: Connection,
        timeout: Duration,
        since: Instant,
    },
}

/// A session for the time of one request. What the request sets for itself is taken back when it ends.
pub(super) struct Session<'s> {
    sessions: &'s Sessions,
    id: String,
    timeout: Duration,
    connection: Option<Connection>,
    /// Statements that take back what the request has set for itself.
    restore: Vec<String>,
}

impl Sessions {
    /// Takes a session, or makes it with `connect`.
    pub(super) fn take(
        &self,
        request: &SessionRequest,
        connect: impl FnOnce() -> Result<Connection, ServerError>,
    ) -> Result<Session<'_>, ServerError> {
        self.expire();
        let mut slots = self.lock();
        let connection = match slots.remove(&request.id) {
            Some(Slot::Idle { connection, .. }) => connection,
            Some(Slot::InUse) => {
                slots.insert(request.id.clone(), Slot::InUse);
                let message = format!("Session {} is locked by a concurrent client", request.id);
                return Err(ServerError::new(
                    code::SESSION_IS_LOCKED,
                    "SESSION_IS_LOCKED",
                    &message,
                ));
            }
            None if request.must_exist => {
                let message = format!("Session {} not found", request.id);
                return Err(ServerError::new(
                    code::SESSION_NOT_FOUND,
                    "SESSION_NOT_FOUND",
                    &message,
                ));
            }
            None => connect()?,
        };
        slots.insert(request.id.clone(), Slot::InUse);
        drop(slots);
        Ok(Session {
            sessions: self,
            id: request.id.clone(),
            timeout: request.timeout,
            connection: Some(connection),
            restore: Vec::new(),
        })
    }

    /// Closes sessions whose time is over, and the longest idle ones beyond the limit.
    fn expire(&self) {
        let now = Instant::now();
        let mut slots = self.lock();
        slots.retain(|_, slot| match slot {
            Slot::InUse => true,
            Slot::Idle { timeout, since, .. } => now.duration_since(*since) <= *timeout,
        });
        while slots.len() >= MAX_SESSIONS {
            let idle = slots.iter().filter_map(|(id, slot)| match slot {
                Slot::InUse => None,
                Slot::Idle { since, .. } => Some((*since, id.clone())),
            });
            let Some((_, oldest)) = idle.min() else { break };
            slots.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session<'_> {
    pub(super) fn connection(&mut self) -> &mut Connection {
        self.connection
            .as_mut()
            .expect("a session has its connection until it is dropped")
    }

    /// Sets what the request asks for, for this request alone.
    pub(super) fn prepare(
        &mut self,
        settings: &[Setting],
        database: Option<&str>,
    ) -> Result<(), ServerError> {
        if let Some(database) = database {
            let current = self.text("SELECT currentDatabase()")?;
            self.run(&format!("USE {}", quoted_name(database)))?;
            self.restore.push(format!("USE {}", quoted_name(&current)));
        }
        if settings.is_empty() {
            return Ok(());
        }
        if settings.iter().any(|(name, _)| name == "readonly") {
            let message =
                "readonly cannot be set for one request of a session; leave out session_id";
            return Err(ServerError::bad_arguments(message));
        }
        let names: Vec<String> = settings.iter().map(|(name, _)| quoted(name)).collect();
        // `SET name = DEFAULT` for what was not set, else the value as it was.
        let before = self.text(&format!(
            "SELECT arrayStringConcat(groupArray(name || ' = ' || if(changed, \
             '\\'' || replaceAll(replaceAll(value, '\\\\', '\\\\\\\\'), '\\'', '\\\\\\'') || '\\'', 'DEFAULT')), ', ') \
             FROM system.settings WHERE name IN ({})",
            names.join(", ")
        ))?;
        self.run(&set_statement(settings))?;
        self.restore.push(format!("SET {before}"));
        Ok(())
    }

    fn run(&mut self, sql: &str) -> Result<(), ServerError> {
        self.connection()
            .query(sql.as_bytes(), "Null", &[])
            .map(|_| ())
    }

    fn text(&mut self, sql: &str) -> Result<String, ServerError> {
        let result = self.connection().query(sql.as_bytes(), "RawBLOB", &[])?;
        Ok(String::from_utf8_lossy(result.data()).into_owned())
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // The engine hands what a failed statement had put out to the next one; this takes it.
        let mut usable = self.run("SELECT 1").is_ok();
        for statement in std::mem::take(&mut self.restore).iter().rev() {
            usable &= self.run(statement).is_ok();
        }
        let connection = self.connection.take();
        let mut slots = self.sessions.lock();
        slots.remove(&self.id);
        // A session that cannot be put back as it was is better gone than wrong.
        if let Some(connection) = connection.filter(|_| usable) {
            let idle = Slot::Idle {
                connection,
                timeout: self.timeout,
                since: Instant::now(),
            };
            slots.insert(std::mem::take(&mut self.id), idle);
        }
    }
}
