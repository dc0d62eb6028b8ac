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
    "disk",
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

/// Settings that name files.
const REFUSED_SETTINGS: &[&str] = &["format_schema", "format_template_"];

/// Whether nobody may set this.
pub(crate) fn is_refused_setting(name: &str) -> bool {
    REFUSED_SETTINGS
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Why a statement is refused, or `None` when it is not. For an INSERT this is the part before its data.
pub(crate) fn refusal(sql: &[u8]) -> Option<String> {
    let mut tokens = Lexer::new(sql).peekable();
    let first = *tokens.peek()?;
    let mut around = Around {
        sql,
        first,
        before: [None; 3],
        next: None,
    };
    while let Some(token) = tokens.next() {
        around.next = tokens.peek().copied();
        let refusal = around
            .clause_refusal(token)
            .or_else(|| around.name_refusal(token));
        if refusal.is_some() {
            return refusal;
        }
        let [_, second_last, last] = around.before;
        around.before = [second_last, last, Some(token)];
    }
    None
}

/// The tokens around the one that is looked at.
struct Around<'s> {
    sql: &'s [u8],
    first: Token,
    /// The last one last.
    before: [Option<Token>; 3],
    next: Option<Token>,
}

impl Around<'_> {
    fn starts_with(&self, word: &str) -> bool {
        self.first.is_word(self.sql, word)
    }

    fn follows(&self, word: &str) -> bool {
        self.before[2].is_some_and(|last| last.is_word(self.sql, word))
    }

    fn follows_mark(&self, mark: u8) -> bool {
        self.before[2].is_some_and(|last| last.kind == Kind::Mark(mark))
    }

    fn precedes_mark(&self, mark: u8) -> bool {
        self.next.is_some_and(|next| next.kind == Kind::Mark(mark))
    }

    fn clause_refusal(&self, token: Token) -> Option<String> {
        let is = |word: &str| token.is_word(self.sql, word);
        let refusal = if is("OUTFILE") && self.follows("INTO") {
            "INTO OUTFILE is not allowed"
        } else if is("INFILE") && self.follows("FROM") {
            "FROM INFILE is not allowed"
        } else if self.starts_with("ATTACH") && self.follows("FROM") && token.kind == Kind::Text {
            "ATTACH from a path is not allowed"
        } else if self.starts_with("SYSTEM")
            && self.before[1].is_none()
            && (is("SHUTDOWN") || is("KILL"))
        {
            "SYSTEM SHUTDOWN is not allowed; stop the server instead"
        } else if self.precedes_mark(b'=')
            && name_of(token, self.sql).is_some_and(|name| is_refused_setting(&name))
        {
            "settings that name files are not allowed"
        } else {
            return None;
        };
        Some(refusal.to_owned())
    }

    fn name_refusal(&self, token: Token) -> Option<String> {
        // A backup goes to `File(…)` below the one allowed folder, which the engine checks itself.
        if self.starts_with("BACKUP") || self.starts_with("RESTORE") {
            return None;
        }
        let is_defined = self.starts_with("CREATE")
            && ["TABLE", "EXISTS", "VIEW"]
                .iter()
                .any(|word| self.follows(word));
        let is_table = self.follows("INTO") || self.follows_mark(b'.') || is_defined;
        let is_called = self.precedes_mark(b'(') && !is_table;
        let after_engine = self
            .before
            .iter()
            .flatten()
            .any(|token| token.is_word(self.sql, "ENGINE"));
        let is_engine = after_engine && (self.follows_mark(b'=') || self.follows("ENGINE"));
        if !is_called && !is_engine {
            return None;
        }
        // An escape could spell any name; no honest caller needs one in a function's name.
        let is_escaped = token.kind == Kind::Quoted && token.bytes(self.sql).contains(&b'\\');
        let name = name_of(token, self.sql)?.to_ascii_lowercase();
        if !is_escaped && REFUSED.binary_search(&name.as_str()).is_err() {
            return None;
        }
        Some(format!(
            "{name} is not allowed: the embedded engine reaches no files, processes or hosts"
        ))
    }
}

fn name_of(token: Token, sql: &[u8]) -> Option<String> {
    matches!(token.kind, Kind::Word | Kind::Quoted).then(|| token.to_text(sql))
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
            "ATTACH TABLE t FROM '/x' (a Int8) ENGINE = MergeTree ORDER BY a",
            "CREATE TABLE t (a Int8) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = 'local', path = '/x/')",
            "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '/x'",
            "SELECT 1 FORMAT Template SETTINGS `format_template_row` = '/x'",
            "SET format_schema = '/x'",
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
            "SELECT format_schema FROM t",
        ] {
            assert_eq!(refusal(sql.as_bytes()), None, "{sql}");
        }
    }
}
