//! Statements with a result.

use super::connection::{Connection, Param, Stats};
use super::format::{self, Join};
use super::output::{Output, OutputError};
use super::request::Request;
use crate::sql::StatementKind;

/// Runs a statement whose result is made at once.
pub(super) fn run_whole(
    connection: &mut Connection,
    sql: &[u8],
    format: &str,
    params: &[Param],
    output: &mut Output<'_, '_>,
) -> Result<Stats, OutputError> {
    let result = connection.query(sql, format, params)?;
    output.write(result.data())?;
    Ok(result.stats())
}

/// Runs a SELECT whose result is sent block by block, so that neither side has to hold it.
pub(super) fn run_stream(
    connection: &mut Connection,
    sql: &[u8],
    format: (&str, Join),
    params: &[Param],
    output: &mut Output<'_, '_>,
) -> Result<Stats, OutputError> {
    let (format, join) = format;
    let mut stream = connection.stream(sql, format, params)?;
    let mut stats = Stats::default();
    let mut header: Option<Vec<u8>> = None;
    while let Some(block) = stream.next()? {
        stats.add(block.stats());
        let data = block.data();
        let repeated = header
            .as_deref()
            .filter(|header| data.starts_with(header))
            .map_or(0, <[u8]>::len);
        output.write(&data[repeated..])?;
        if let (Join::Header(shape), None) = (join, &header) {
            header = Some(data[..shape.length(data)].to_vec());
        }
    }
    Ok(stats)
}

/// How the result of a statement may be joined from blocks, if it may.
pub(super) fn join(kind: &StatementKind, request: &Request, format: &str) -> Option<Join> {
    match kind {
        // Totals and extremes are documents of their own, which only a whole result has in their place.
        StatementKind::Select {
            has_totals: false, ..
        } if !request.asks_for_extremes() => format::join(format),
        _ => None,
    }
}
