//! What the engine refuses to everybody: reaching files, processes and the network from SQL.
//!
//! Read-only mode does not cover these (`file()` reads any file even then), and nothing here needs them. This is a
//! second wall: SQL of users is checked by the server before it comes here.

use super::token::{Kind, Lexer, Token};

/// Functions, table functions, table and database engines, and dictionary sources, in lower case.
const REFUSED: &[&str] = &[
    "arrowstream",
    "azureblobstorage",
    "azureblobstoragecluster",
    "azurequeue",
    "cassandra",
    "catboostevaluate",
    "cosn",
    "datalakecatalog",
    "deltalake",
    "deltalakeazure",
    "deltalakeazurecluster",
    "deltalakecluster",
    "deltalakelocal",
    "deltalakes3",
    "deltalakes3cluster",
    "eval",
    "executable",
    "executablepool",
    "file",
    "filecluster",
    "filelog",
    "filesystem",
    "gcs",
    "hdfs",
    "hdfscluster",
    "http",
    "hudi",
    "hudicluster",
    "iceberg",
    "icebergazure",
    "icebergazurecluster",
    "icebergcluster",
    "iceberghdfs",
    "iceberghdfscluster",
    "iceberglocal",
    "iceberglocalcluster",
    "icebergs3",
    "icebergs3cluster",
    "jdbc",
    "kafka",
    "library",
    "materializedmysql",
    "materializedpostgresql",
    "mongodb",
    "mysql",
    "nats",
    "odbc",
    "oss",
    "paimon",
    "paimonazure",
    "paimonazurecluster",
    "paimoncluster",
    "paimonhdfs",
    "paimonhdfscluster",
    "paimonlocal",
    "paimons3",
    "paimons3cluster",
    "postgresql",
    "python",
    "queryrunner",
    "rabbitmq",
    "redis",
    "remote",
    "remotesecure",
    "s3",
    "s3cluster",
    "s3queue",
    "sqlite",
    "url",
    "urlcluster",
    "ytsaurus",
];

/// Why a statement is refused, or `None` when it is not. For an INSERT this is the part before its data.
pub(crate) fn refusal(sql: &[u8]) -> Option<String> {
    // A backup goes to `File(…)` below the one allowed folder, which the engine checks itself.
    let mut tokens = Lexer::new(sql).peekable();
    let first = *tokens.peek()?;
    let is_backup = first.is_word(sql, "BACKUP") || first.is_word(sql, "RESTORE");
    let is_create = first.is_word(sql, "CREATE");
    let mut before: [Option<Token>; 3] = [None; 3];
    while let Some(token) = tokens.next() {
        let next = tokens.peek();
        let [_, second_last, last] = before;
        let after = |word: &str| last.is_some_and(|last| last.is_word(sql, word));
        if token.is_word(sql, "OUTFILE") && after("INTO") {
            return Some("INTO OUTFILE is not allowed".into());
        }
        if token.is_word(sql, "INFILE") && after("FROM") {
            return Some("FROM INFILE is not allowed".into());
        }
        if after("SYSTEM")
            && second_last.is_none()
            && ["SHUTDOWN", "KILL"]
                .iter()
                .any(|word| token.is_word(sql, word))
        {
            return Some("SYSTEM SHUTDOWN is not allowed; stop the server instead".into());
        }
        let called = next.is_some_and(|next| next.kind == Kind::Mark(b'('));
        let is_engine = last
            .is_some_and(|last| last.kind == Kind::Mark(b'=') || last.is_word(sql, "ENGINE"))
            && before
                .iter()
                .flatten()
                .any(|token| token.is_word(sql, "ENGINE"));
        let is_name = after("INTO")
            || last.is_some_and(|last| last.kind == Kind::Mark(b'.'))
            || (is_create && (after("TABLE") || after("EXISTS") || after("VIEW")));
        if (called && !is_name || is_engine)
            && !is_backup
            && let Some(name) = refused_name(token, sql)
        {
            return Some(format!(
                "{name} is not allowed: the embedded engine reaches no files, processes or hosts"
            ));
        }
        before = [second_last, last, Some(token)];
    }
    None
}

fn refused_name(token: Token, sql: &[u8]) -> Option<String> {
    let text = token.bytes(sql);
    let name = match token.kind {
        Kind::Word => text,
        // An escape could spell any name; no honest caller needs one in a function's name.
        Kind::Quoted if text.contains(&b'\\') => return Some("an escaped function name".into()),
        Kind::Quoted => unquoted(text),
        _ => return None,
    };
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    REFUSED
        .binary_search(&name.as_str())
        .is_ok()
        .then_some(name)
}

/// What stands between the quotes, which are one byte long, or three where they are curly.
fn unquoted(text: &[u8]) -> &[u8] {
    let width = if text.starts_with("“".as_bytes()) {
        "“".len()
    } else {
        1
    };
    text.get(width..text.len() - width).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_for_the_search() {
        assert!(REFUSED.is_sorted());
    }

    #[test]
    fn files_processes_and_hosts_are_out_of_reach() {
        for sql in [
            "SELECT file('/etc/shadow')",
            "SELECT file/**/('/etc/shadow')",
            "SELECT `file`('/x')",
            "SELECT `fi\\x6ce`('/x')",
            "SELECT “file”('/x')",
            "SELECT 1 // '\n, file('/x')",
            "SELECT 1 # '\n, file('/x')",
            "SELECT * FROM url('http://x', CSV)",
            "SELECT * FROM (SELECT * FROM s3('x'))",
            "INSERT INTO FUNCTION file('x', 'TSV') SELECT 1",
            "INSERT INTO TABLE FUNCTION url('http://x') SELECT 1",
            "DESCRIBE TABLE file('/x')",
            "CREATE TABLE t (a Int8) ENGINE = File(TSV)",
            "CREATE TABLE t (a Int8) ENGINE File(TSV)",
            "CREATE TABLE t (a Int8) ENGINE = URL('http://x', CSV)",
            "CREATE TABLE t AS file('/x')",
            "CREATE DATABASE d ENGINE = Filesystem",
            "CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id' FORMAT 'TSV'))",
            "SELECT 1 INTO OUTFILE '/x'",
            "SELECT 1 INTO/**/outfile '/x'",
            "INSERT INTO t FROM INFILE '/x' FORMAT CSV",
            "SYSTEM SHUTDOWN",
        ] {
            assert!(refusal(sql.as_bytes()).is_some(), "{sql}");
        }
    }

    #[test]
    fn names_and_texts_that_look_alike_are_allowed() {
        for sql in [
            "SELECT file, url FROM t WHERE url = 'file(x)'",
            "SELECT 'INTO OUTFILE' -- file('x')",
            "INSERT INTO t (file, url)",
            "INSERT INTO url (a, b)",
            "CREATE TABLE IF NOT EXISTS file (a Int8) ENGINE = MergeTree ORDER BY a",
            "CREATE TABLE db.url (a Int8) ENGINE = MergeTree ORDER BY a",
            "SELECT url IN ('a'), mysql.file FROM t",
            "SELECT a = (file) FROM t",
            "BACKUP DATABASE d TO File('/backups/x')",
            "SYSTEM FLUSH LOGS",
        ] {
            assert_eq!(refusal(sql.as_bytes()), None, "{sql}");
        }
    }
}
