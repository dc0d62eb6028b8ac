//! As much of ClickHouse's SQL as a server needs before it hands a statement on: where the data of an INSERT begins,
//! what kind of statement it is, and whether it reaches for files, processes or the network.

mod guard;
mod statement;
mod token;

pub(crate) use guard::refusal;
pub(crate) use statement::{InsertSource, SqlError, Statement, StatementKind, analyse};
