//! The spool as its users see it: one process, several, dying ones, and files that somebody damaged.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bounds;
mod damage;
mod delivery;
mod disk_full;
mod fork;
mod inspection;
mod journal;
mod kill;
mod role;
mod support;
mod trouble;
