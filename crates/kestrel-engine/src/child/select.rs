//! Statements with a result.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::thread;

use super::connection::{Connection, Param, Stats};
use super::error::ServerError;
use super::format::{self, Join};
use super::output::{Output, OutputError};
use super::request::Request;

const PIECE_BYTES: usize = 256 << 10;

/// A SELECT on its way to the engine.
pub(super) struct Select<'a> {
    pub(super) sql: &'a [u8],
    /// Where the FORMAT clause begins, or would.
    pub(super) format_at: usize,
    pub(super) format: &'a str,
    pub(super) params: &'a [Param],
    /// Ends the text of the query, so that it can be found among those that run.
    pub(super) marker: &'a str,
}

/// Runs a statement whose result is small.
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

/// How the result of a SELECT may be joined from blocks, if it may.
pub(super) fn join(format: &str, has_totals: bool, request: &Request) -> Option<Join> {
    // Totals and extremes are documents of their own, which have their place in a whole result only.
    if has_totals || request.asks_for_extremes() {
        None
    } else {
        format::join(format)
    }
}

/// Runs a SELECT whose blocks can be joined: the cheapest way, and neither side has to hold the result.
pub(super) fn run_joined(
    connection: &mut Connection,
    select: &Select<'_>,
    join: Join,
    output: &mut Output<'_, '_>,
) -> Result<Stats, OutputError> {
    let sql = [select.sql, select.marker.as_bytes()].concat();
    let mut stream = connection.stream(&sql, select.format, select.params)?;
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

/// Runs a SELECT whose result is one document, such as `JSON`: the engine writes it into a pipe.
///
/// The engine ignores a pipe that nobody reads any more, so that `cancel` has to end the query then.
pub(super) fn run_piped(
    connection: &mut Connection,
    select: &Select<'_>,
    output: &mut Output<'_, '_>,
    cancel: impl FnOnce(),
) -> Result<Stats, OutputError> {
    let (mut reader, writer) = io::pipe()?;
    let (head, tail) = select.sql.split_at(select.format_at);
    let target = format!(
        "\nINTO OUTFILE '/proc/self/fd/{}' TRUNCATE ",
        writer.as_raw_fd()
    );
    let clause = if tail.is_empty() {
        format!("FORMAT {}", select.format)
    } else {
        String::new()
    };
    let sql = [
        head,
        target.as_bytes(),
        clause.as_bytes(),
        tail,
        select.marker.as_bytes(),
    ]
    .concat();
    thread::scope(|scope| {
        let query = thread::Builder::new()
            .name("piped-query".into())
            .spawn_scoped(scope, move || {
                let result = connection.query(&sql, select.format, select.params);
                // The last writer: this is what ends the pipe.
                drop(writer);
                result.map(|result| result.stats())
            })?;
        let copied = copy(&mut reader, output);
        drop(reader);
        if copied.is_err() {
            cancel();
        }
        let ran = query
            .join()
            .unwrap_or_else(|_panic| Err(ServerError::engine("the query's thread panicked")));
        copied?;
        Ok(ran?)
    })
}

fn copy(reader: &mut impl Read, output: &mut Output<'_, '_>) -> Result<(), OutputError> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match reader.read(&mut piece)? {
            0 => return Ok(()),
            count => output.write(&piece[..count])?,
        }
    }
}
