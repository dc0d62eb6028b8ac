//! INSERT with data: from the socket through one buffer into the engine.

use std::io::Read;

use super::connection::{Connection, Param, Stats};
use super::error::{ServerError, code};
use super::format::varint;
use super::statement::body_error;

/// So much is appended at a time. The engine queues a few of these and then makes us wait.
const PIECE_BYTES: usize = 1 << 20;
/// Enough for the head of the first block in `Native`.
const BLOCK_HEAD_BYTES: usize = 20;

/// An INSERT whose rows follow.
pub(super) struct InsertData<'a> {
    pub(super) sql: &'a [u8],
    pub(super) format: &'a str,
    pub(super) params: &'a [Param],
    /// What was read of the data together with the statement.
    pub(super) first: &'a [u8],
}

/// Appends all data and commits it. A body that breaks off cancels the insert.
pub(super) fn run(
    connection: &mut Connection,
    insert: &InsertData<'_>,
    rest: &mut dyn Read,
) -> Result<Stats, ServerError> {
    let mut stream = connection.insert(insert.sql, insert.format, insert.params)?;
    let mut begin = insert.first[..insert.first.len().min(BLOCK_HEAD_BYTES)].to_vec();
    let mut healthy = insert.first.is_empty() || stream.append(insert.first);
    let mut piece = vec![0; PIECE_BYTES];
    while healthy {
        let filled = match fill(rest, &mut piece) {
            Ok(filled) => filled,
            Err(error) => {
                stream.cancel();
                return Err(body_error(&error));
            }
        };
        if filled == 0 {
            break;
        }
        let missing = BLOCK_HEAD_BYTES.saturating_sub(begin.len());
        begin.extend_from_slice(&piece[..filled.min(missing)]);
        healthy = stream.append(&piece[..filled]);
    }
    let stats = stream.finish()?;
    if !healthy {
        return Err(unread(
            "the engine stopped reading before the end of the data",
        ));
    }
    check_rows(insert.format, &begin, stats)?;
    Ok(stats)
}

/// Fills the piece as far as the body goes: few large appends cost less than many small ones.
fn fill(rest: &mut dyn Read, piece: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < piece.len() {
        match rest.read(&mut piece[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// The first block of `Native` says how many rows it has, so that at least these must have been written. Later blocks
/// cannot be counted without taking all data apart; the engine itself fails on a block that is not whole.
fn check_rows(format: &str, begin: &[u8], stats: Stats) -> Result<(), ServerError> {
    if format != "Native" {
        return Ok(());
    }
    let mut rest = begin;
    let (Some(columns), Some(rows)) = (varint(&mut rest), varint(&mut rest)) else {
        return Ok(());
    };
    // A block without columns ends the data for the engine.
    if columns == 0 && !rest.is_empty() {
        return Err(unread("a block without columns is followed by more data"));
    }
    if stats.written_rows >= rows {
        return Ok(());
    }
    Err(unread(&format!(
        "only {} of {rows} rows sent were written",
        stats.written_rows
    )))
}

fn unread(message: &str) -> ServerError {
    ServerError::new(code::INCORRECT_DATA, "INCORRECT_DATA", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_rows_written_than_sent_is_an_error() {
        let written = |written_rows| Stats {
            written_rows,
            ..Stats::default()
        };
        let begin = b"\x02\xe8\x07\x01a";
        assert!(check_rows("Native", begin, written(1000)).is_ok());
        assert!(check_rows("Native", begin, written(2000)).is_ok());
        assert!(check_rows("Native", begin, written(999)).is_err());
        assert!(check_rows("RowBinary", begin, written(0)).is_ok());
        assert!(check_rows("Native", b"", written(0)).is_ok());
        assert!(check_rows("Native", b"\0\0", written(0)).is_ok());
        assert!(check_rows("Native", b"\0\0\x01", written(0)).is_err());
    }
}
