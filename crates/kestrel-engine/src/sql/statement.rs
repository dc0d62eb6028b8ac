//! What kind of statement a text holds, and where its parts are.

use std::ops::Range;

use super::token::{Kind, Lexer, Token};

/// Why a text is not one statement. The messages are ClickHouse's where it has one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SqlError {
    #[error("Empty query")]
    Empty,
    #[error("Syntax error: failed at position {}: {near}", .position + 1)]
    Syntax { position: usize, near: String },
    #[error("Syntax error (Multi-statements are not allowed): failed at position {} (end of query)", .position + 1)]
    Several { position: usize },
}

/// A statement, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) kind: StatementKind,
    /// The text that is SQL: all of it, but for an INSERT the part before its data, and without a final semicolon.
    pub(crate) sql: Range<usize>,
}

/// What a statement does, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StatementKind {
    Insert(Insert),
    /// A SELECT, whose result the engine can give block by block. `format` as named by the statement itself, whose
    /// FORMAT clause begins at `format_at`; without one this is the end of the statement.
    Select {
        format: Option<String>,
        format_at: usize,
        has_totals: bool,
    },
    /// Shows something and changes nothing.
    Show {
        format: Option<String>,
    },
    /// Changes data, schema or session.
    Other {
        format: Option<String>,
    },
}

/// An INSERT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Insert {
    pub(crate) source: InsertSource,
}

/// Where the rows of an INSERT come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InsertSource {
    /// A query within the statement.
    Select,
    /// Data in `format`, from `data_start` of the text on and then from the rest of the request.
    Data {
        format: Option<String>,
        data_start: usize,
    },
}

/// Takes a text apart. For an INSERT, `text` needs to reach to the beginning of the data only.
pub(crate) fn analyse(text: &[u8]) -> Result<Statement, SqlError> {
    let mut lexer = Lexer::new(text);
    let first = lexer.next().ok_or(SqlError::Empty)?;
    if first.kind == Kind::Mark(b';') {
        return Err(SqlError::Empty);
    }
    if first.is_word(text, "INSERT") {
        return analyse_insert(text, lexer);
    }
    let starts_a_statement = first.kind == Kind::Word && !is_client_command(&first, text);
    if !starts_a_statement && first.kind != Kind::Mark(b'(') {
        return Err(syntax_error(text, first.start));
    }
    analyse_query(text, first, lexer)
}

fn analyse_query(text: &[u8], first: Token, lexer: Lexer<'_>) -> Result<Statement, SqlError> {
    let mut depth = 0_usize;
    let mut leading = None;
    let mut has_totals = false;
    let mut end = None;
    let mut clause = FormatClause::default();
    for token in std::iter::once(first).chain(lexer) {
        if token.kind == Kind::Broken {
            return Err(syntax_error(text, token.start));
        }
        if let Some(end) = end {
            // Only more semicolons may follow the first.
            if token.kind != Kind::Mark(b';') {
                return Err(SqlError::Several { position: end });
            }
            continue;
        }
        match token.kind {
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => depth = depth.saturating_sub(1),
            Kind::Mark(b';') if depth == 0 => {
                end = Some(token.start);
                continue;
            }
            Kind::Word => {
                leading.get_or_insert(token);
                has_totals |= token.is_word(text, "TOTALS");
            }
            _ => {}
        }
        clause.see(token, text, depth);
    }
    let sql = 0..end.unwrap_or(text.len());
    let leading = leading.ok_or_else(|| syntax_error(text, first.start))?;
    let is_any = |words: &[&str]| words.iter().any(|word| leading.is_word(text, word));
    let format = clause.found.map(|(_, name)| name.to_text(text));
    let kind = if is_any(&["SELECT", "WITH", "FROM"]) {
        let format_at = clause.found.map_or(sql.end, |(keyword, _)| keyword.start);
        StatementKind::Select {
            format,
            format_at,
            has_totals,
        }
    } else if is_any(&["SHOW", "DESCRIBE", "DESC", "EXPLAIN", "EXISTS", "CHECK"]) {
        StatementKind::Show { format }
    } else {
        StatementKind::Other { format }
    };
    Ok(Statement { kind, sql })
}

/// Finds the FORMAT clause, which is hard to tell from a column of that name: it follows a complete expression, names
/// one word, and nothing but SETTINGS may come after it.
#[derive(Default)]
struct FormatClause {
    last: [Option<Token>; 2],
    /// The keyword and the name.
    found: Option<(Token, Token)>,
    in_settings: bool,
}

impl FormatClause {
    fn see(&mut self, token: Token, text: &[u8], depth: usize) {
        let [before, last] = self.last;
        self.last = [last, Some(token)];
        let keyword = last.filter(|last| last.is_word(text, "FORMAT") && depth == 0);
        if let Some(keyword) = keyword
            && matches!(token.kind, Kind::Word | Kind::Quoted)
            && before.is_some_and(|before| ends_expression(before, text))
        {
            self.found = Some((keyword, token));
            self.in_settings = false;
        } else if self.found.is_some() && !self.in_settings {
            self.in_settings = token.is_word(text, "SETTINGS");
            if !self.in_settings {
                self.found = None;
            }
        }
    }
}

/// Whether a clause may begin after this token.
fn ends_expression(token: Token, text: &[u8]) -> bool {
    const OPEN: &[&str] = &[
        "AND", "AS", "BETWEEN", "BY", "CASE", "DISTINCT", "ELSE", "HAVING", "ILIKE", "IN", "IS",
        "LIKE", "NOT", "ON", "OR", "PREWHERE", "SELECT", "THEN", "WHEN", "WHERE",
    ];
    match token.kind {
        Kind::Word => !OPEN.iter().any(|word| token.is_word(text, word)),
        Kind::Number | Kind::Text | Kind::Quoted => true,
        Kind::Mark(mark) => matches!(mark, b')' | b']' | b'}' | b'*'),
        Kind::Broken => false,
    }
}

/// `INSERT INTO [TABLE] [FUNCTION] target [(columns)] [SETTINGS …] {VALUES | FORMAT name | SELECT … | nothing}`
fn analyse_insert(text: &[u8], lexer: Lexer<'_>) -> Result<Statement, SqlError> {
    let tokens = &mut lexer.peekable();
    tokens.next_if(|token| token.is_word(text, "INTO"));
    tokens.next_if(|token| token.is_word(text, "TABLE"));
    tokens.next_if(|token| token.is_word(text, "FUNCTION"));
    // The target may be named like a keyword: `INSERT INTO format VALUES …`.
    let target = tokens.next().ok_or(SqlError::Several {
        position: text.len(),
    })?;
    let mut depth = 0_usize;
    let mut previous = target;
    while let Some(token) = tokens.next() {
        match token.kind {
            Kind::Broken => return Err(syntax_error(text, token.start)),
            Kind::Mark(b'(') => depth += 1,
            Kind::Mark(b')') => depth = depth.saturating_sub(1),
            Kind::Mark(b';') => return Ok(with_data(token.start, None, token.end)),
            Kind::Word if depth == 0 && previous.kind != Kind::Mark(b'.') => {
                if token.is_word(text, "VALUES") {
                    return Ok(with_data(token.start, Some("Values".into()), token.end));
                }
                if token.is_word(text, "FORMAT") {
                    return with_format(text, token, tokens.next());
                }
            }
            _ => {}
        }
        let starts_query = ["SELECT", "WITH", "FROM", "WATCH"]
            .iter()
            .any(|word| token.is_word(text, word));
        let opens_query = depth <= 1 && previous.kind == Kind::Mark(b'(');
        if starts_query && (depth == 0 || opens_query) {
            return insert_select(text);
        }
        previous = token;
    }
    Ok(with_data(text.len(), None, text.len()))
}

fn with_format(text: &[u8], keyword: Token, name: Option<Token>) -> Result<Statement, SqlError> {
    let name = name.ok_or_else(|| syntax_error(text, keyword.start))?;
    let format = word(name, text).ok_or_else(|| syntax_error(text, name.start))?;
    if format.eq_ignore_ascii_case("VALUES") {
        return Ok(with_data(keyword.start, Some("Values".into()), name.end));
    }
    // As ClickHouse does it: blanks, then at most one line end belong to the statement, all else to the data.
    let mut data = name.end;
    while matches!(text.get(data), Some(b' ' | b'\t' | 0x0c)) {
        data += 1;
    }
    for line_end in [b'\r', b'\n'] {
        if text.get(data) == Some(&line_end) {
            data += 1;
        }
    }
    Ok(with_data(keyword.start, Some(format), data))
}

fn with_data(end: usize, format: Option<String>, data_start: usize) -> Statement {
    Statement {
        kind: StatementKind::Insert(Insert {
            source: InsertSource::Data { format, data_start },
        }),
        sql: 0..end,
    }
}

fn insert_select(text: &[u8]) -> Result<Statement, SqlError> {
    let mut lexer = Lexer::new(text);
    let first = lexer.next().ok_or(SqlError::Empty)?;
    let statement = analyse_query(text, first, lexer)?;
    Ok(Statement {
        kind: StatementKind::Insert(Insert {
            source: InsertSource::Select,
        }),
        ..statement
    })
}

/// Words that the engine's own client takes for commands to itself, such as `exit`.
fn is_client_command(token: &Token, text: &[u8]) -> bool {
    ["exit", "quit", "logout", "q"]
        .iter()
        .any(|word| token.is_word(text, word))
}

fn word(token: Token, text: &[u8]) -> Option<String> {
    matches!(token.kind, Kind::Word | Kind::Quoted).then(|| token.to_text(text))
}

fn syntax_error(text: &[u8], position: usize) -> SqlError {
    let near: Vec<u8> = text[position..].iter().copied().take(60).collect();
    SqlError::Syntax {
        position,
        near: String::from_utf8_lossy(&near).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(text: &str) -> (String, Option<String>, String) {
        let statement = analyse(text.as_bytes()).unwrap();
        let StatementKind::Insert(Insert {
            source: InsertSource::Data { format, data_start },
        }) = statement.kind
        else {
            panic!("expected an insert with data: {text}")
        };
        (
            text[statement.sql].trim_end().to_owned(),
            format,
            text[data_start..].to_owned(),
        )
    }

    fn is_insert_select(text: &str) -> bool {
        let kind = analyse(text.as_bytes()).unwrap().kind;
        matches!(
            kind,
            StatementKind::Insert(Insert {
                source: InsertSource::Select
            })
        )
    }

    #[test]
    fn the_data_of_an_insert_is_split_off() {
        let expect = |head: &str, format: &str, data: &str| {
            (head.to_owned(), Some(format.to_owned()), data.to_owned())
        };
        assert_eq!(
            insert("INSERT INTO t VALUES (1)"),
            expect("INSERT INTO t", "Values", " (1)")
        );
        assert_eq!(
            insert("insert into t (a, b) format CSV\n1,2\n"),
            expect("insert into t (a, b)", "CSV", "1,2\n")
        );
        assert_eq!(
            insert("INSERT INTO `d b`.t SETTINGS x = 'FORMAT', y=1 FORMAT TSV \t\r\n\na"),
            expect(
                "INSERT INTO `d b`.t SETTINGS x = 'FORMAT', y=1",
                "TSV",
                "\na"
            )
        );
        assert_eq!(
            insert("INSERT INTO d.values VALUES (1)"),
            expect("INSERT INTO d.values", "Values", " (1)")
        );
        assert_eq!(
            insert("INSERT INTO format FORMAT Native"),
            expect("INSERT INTO format", "Native", "")
        );
        assert_eq!(
            insert("INSERT /* FORMAT x */ INTO t -- VALUES\nFORMAT A"),
            expect("INSERT /* FORMAT x */ INTO t -- VALUES", "A", "")
        );
        assert_eq!(
            insert("INSERT INTO t (a)"),
            ("INSERT INTO t (a)".into(), None, String::new())
        );
    }

    #[test]
    fn an_insert_from_a_query_is_not_an_insert_with_data() {
        for text in [
            "INSERT INTO t SELECT 1",
            "INSERT INTO t (a, b) SELECT 1, 2 FORMAT TSV",
            "INSERT INTO t WITH 1 AS x SELECT x",
            "INSERT INTO t (SELECT 1)",
            "INSERT INTO t (a) (SELECT 1)",
            "INSERT INTO t SETTINGS a=1 SELECT 'VALUES'",
        ] {
            assert!(is_insert_select(text), "{text}");
        }
    }

    #[test]
    fn a_query_is_told_from_a_change() {
        let kind = |text: &str| analyse(text.as_bytes()).unwrap().kind;
        let select = |format: Option<&str>, format_at| StatementKind::Select {
            format: format.map(str::to_owned),
            format_at,
            has_totals: false,
        };
        assert_eq!(
            kind("select 1 as format format JSON settings a=1"),
            select(Some("JSON"), 19)
        );
        assert_eq!(kind("((select 1)) format `TSV`;"), select(Some("TSV"), 13));
        assert_eq!(
            kind("-- x\nWITH 1 AS a SELECT (SELECT 'FORMAT x')"),
            select(None, 43)
        );
        assert_eq!(kind("SHOW TABLES"), StatementKind::Show { format: None });
        assert_eq!(
            kind("CREATE TABLE t (a Int8)"),
            StatementKind::Other { format: None }
        );
    }

    #[test]
    fn a_column_named_format_is_no_format() {
        for text in [
            "SELECT x AS format FROM t",
            "SELECT format FROM t",
            "SELECT format f FROM t",
            "SELECT x FROM t WHERE format = 1 ORDER BY format DESC",
            "SELECT x FROM t ORDER BY format LIMIT 5",
            "SELECT x FROM t WHERE format IN ('a') SETTINGS max_threads = 1",
            "SELECT t.format x FROM t",
            "SELECT format(JSONEachRow, 'x')",
            "SELECT * FROM (SELECT 1 FORMAT TSV) AS x",
        ] {
            let StatementKind::Select {
                format, format_at, ..
            } = analyse(text.as_bytes()).unwrap().kind
            else {
                panic!("expected a select: {text}")
            };
            assert_eq!((format, format_at), (None, text.len()), "{text}");
        }
    }

    #[test]
    fn one_statement_is_not_two() {
        assert!(analyse(b"SELECT 1;; -- done").is_ok());
        assert!(matches!(
            analyse(b"SELECT 1; SELECT 2"),
            Err(SqlError::Several { .. })
        ));
        assert!(matches!(
            analyse(b"INSERT INTO t SELECT 1; DROP TABLE t"),
            Err(SqlError::Several { .. })
        ));
        assert_eq!(analyse(b" ; "), Err(SqlError::Empty));
        assert_eq!(analyse(b"/* */"), Err(SqlError::Empty));
    }

    #[test]
    fn commands_of_the_interactive_client_are_no_statements() {
        for text in ["exit", "QUIT;", "\\d", "?"] {
            assert!(
                matches!(analyse(text.as_bytes()), Err(SqlError::Syntax { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn an_unclosed_quote_is_a_syntax_error() {
        assert!(matches!(
            analyse(b"SELECT 'a"),
            Err(SqlError::Syntax { .. })
        ));
    }
}
