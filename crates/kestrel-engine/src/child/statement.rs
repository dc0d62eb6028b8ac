//! The statement of a request: its text comes from the `query` parameter, the body, or both.

use std::io::{self, Read};

use super::error::{ServerError, code};
use crate::sql::{self, InsertSource, Statement, StatementKind};

/// So much of a body is read at first while looking for the end of the statement.
const STEP_BYTES: usize = 64 << 10;
/// A statement that is not an INSERT with data is read whole, up to here.
const MAX_STATEMENT_BYTES: usize = 16 << 20;

/// A statement as it was read.
pub(super) struct StatementText {
    pub(super) text: Vec<u8>,
    pub(super) statement: Statement,
}

/// Reads as much of the body as belongs to the statement.
///
/// For an INSERT with data, `text` ends with the first bytes of the data, and the body goes on with the rest of it.
pub(super) fn read(query: &str, body: &mut dyn Read) -> Result<StatementText, ServerError> {
    let mut text = query.as_bytes().to_vec();
    if let Some(statement) = insert_with_data(&text) {
        // The data may begin within the parameter; what is in the body follows on a line of its own.
        let has_data = data_start(&statement).is_some_and(|start| start < text.len());
        if has_data {
            text.push(b'\n');
        }
        return Ok(StatementText { text, statement });
    }
    if !text.is_empty() {
        text.push(b'\n');
    }
    while read_step(&mut text, body)? {
        // Where the text ends with the statement, its last word may go on.
        let reached =
            insert_with_data(&text).filter(|statement| data_start(statement) < Some(text.len()));
        if let Some(statement) = reached {
            return Ok(StatementText { text, statement });
        }
        check_length(&text)?;
    }
    let statement = sql::analyse(&text)?;
    Ok(StatementText { text, statement })
}

/// Reads a body that is not data.
pub(super) fn read_to_end(body: &mut dyn Read) -> Result<Vec<u8>, ServerError> {
    let mut text = Vec::new();
    while read_step(&mut text, body)? {
        check_length(&text)?;
    }
    Ok(text)
}

fn check_length(text: &[u8]) -> Result<(), ServerError> {
    if text.len() <= MAX_STATEMENT_BYTES {
        return Ok(());
    }
    let message = format!("the statement is longer than {MAX_STATEMENT_BYTES} bytes");
    Err(ServerError::new(
        code::QUERY_IS_TOO_LARGE,
        "QUERY_IS_TOO_LARGE",
        &message,
    ))
}

/// The statement, when the text reaches to the data of an INSERT. More of the body could turn any other into another.
fn insert_with_data(text: &[u8]) -> Option<Statement> {
    // Without a format, or where the text is no statement, it may just not go far enough.
    sql::analyse(text).ok().filter(names_format)
}

fn names_format(statement: &Statement) -> bool {
    let StatementKind::Insert(insert) = &statement.kind else {
        return false;
    };
    matches!(
        insert.source,
        InsertSource::Data {
            format: Some(_),
            ..
        }
    )
}

fn data_start(statement: &Statement) -> Option<usize> {
    let StatementKind::Insert(insert) = &statement.kind else {
        return None;
    };
    let InsertSource::Data { data_start, .. } = insert.source else {
        return None;
    };
    Some(data_start)
}

fn read_step(text: &mut Vec<u8>, body: &mut dyn Read) -> Result<bool, ServerError> {
    let filled = text.len();
    // Growing steps, because the text is looked at anew after each.
    text.resize(filled + STEP_BYTES.max(filled), 0);
    let read = body.read(&mut text[filled..]);
    text.truncate(filled + *read.as_ref().unwrap_or(&0));
    read.map(|count| count > 0)
        .map_err(|error| body_error(&error))
}

/// A body that cannot be read, told as ClickHouse tells it.
pub(super) fn body_error(error: &io::Error) -> ServerError {
    let message = format!("cannot read the body of the request: {error}");
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            ServerError::new(code::CANNOT_READ_ALL_DATA, "CANNOT_READ_ALL_DATA", &message)
        }
        _ => ServerError::new(code::INCORRECT_DATA, "INCORRECT_DATA", &message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(query: &str, body: &str) -> (String, String) {
        let mut body = body.as_bytes();
        let read = read(query, &mut body).unwrap();
        let text = String::from_utf8(read.text).unwrap();
        let data = data_start(&read.statement)
            .map(|start| text[start..].to_owned() + std::str::from_utf8(body).unwrap());
        (
            text[read.statement.sql].trim_end().to_owned(),
            data.unwrap_or_default(),
        )
    }

    #[test]
    fn the_statement_may_come_in_the_parameter_the_body_or_both() {
        let expected = ("INSERT INTO t".to_owned(), "1\n2\n".to_owned());
        assert_eq!(parts("INSERT INTO t FORMAT TSV", "1\n2\n"), expected);
        assert_eq!(parts("", "INSERT INTO t FORMAT TSV\n1\n2\n"), expected);
        assert_eq!(parts("INSERT INTO t FORMAT TSV 1", "2\n"), expected);
        assert_eq!(parts("INSERT INTO t", "FORMAT TSV\n1\n2\n"), expected);
        assert_eq!(parts("SELECT 1", "+ 1").0, "SELECT 1\n+ 1");
    }

    #[test]
    fn a_format_that_arrives_in_two_pieces_is_one_word() {
        let mut body = b"INSERT INTO t FORMAT TS".chain(b"V\n1\n".as_slice());
        let read = read("", &mut body).unwrap();
        assert_eq!(
            data_start(&read.statement),
            Some("INSERT INTO t FORMAT TSV\n".len())
        );
        assert_eq!(read.text, b"INSERT INTO t FORMAT TSV\n1\n");
    }

    #[test]
    fn a_statement_longer_than_a_step_is_read_whole() {
        let long = format!("SELECT '{}'", "x".repeat(3 * STEP_BYTES));
        assert_eq!(parts("", &long).0, long);
        let insert = format!("INSERT INTO t SELECT '{}'", "VALUES ".repeat(STEP_BYTES));
        assert_eq!(parts("", &insert).0, insert);
    }
}
