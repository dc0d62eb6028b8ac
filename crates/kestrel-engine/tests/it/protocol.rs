//! ClickHouse's HTTP protocol, byte by byte where clients differ.

use std::io::{Read as _, Write as _};

use crate::fixture::{Answer, TestEngine, connect};

#[test]
fn the_health_check_needs_no_password() {
    let engine = TestEngine::start();
    let ping = Answer::to(
        &engine.engine,
        b"GET /ping HTTP/1.1\r\nConnection: close\r\n\r\n",
    );
    assert_eq!((ping.status, ping.text().as_str()), (200, "Ok.\n"));
    assert_eq!(engine.get("/nowhere").status, 404);
}

#[test]
fn credentials_come_in_three_ways_and_wrong_ones_are_refused() {
    let engine = TestEngine::start();
    let password = engine.engine.password().to_owned();
    let ask = |target: &str, headers: &str| {
        let request = format!("GET {target} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        Answer::to(&engine.engine, request.as_bytes())
    };
    let in_url = format!("/?query=SELECT+1&user=kestrel&password={password}");
    assert_eq!(ask(&in_url, "").text(), "1\n");
    let encoded = base64(&format!("kestrel:{password}"));
    assert_eq!(
        ask(
            "/?query=SELECT+1",
            &format!("Authorization: Basic {encoded}\r\n")
        )
        .text(),
        "1\n"
    );
    assert_eq!(ask("/?query=SELECT+1", &engine.auth()).text(), "1\n");

    for headers in [
        "",
        "X-ClickHouse-User: kestrel\r\nX-ClickHouse-Key: x\r\n",
        "Authorization: Basic !\r\n",
    ] {
        let refused = ask("/?query=SELECT+1", headers);
        assert_eq!(
            (
                refused.status,
                refused.header("X-ClickHouse-Exception-Code")
            ),
            (403, Some("516")),
            "{headers}"
        );
    }
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three
            .iter()
            .fold(0_usize, |bits, &byte| bits << 8 | usize::from(byte))
            << (8 * (3 - three.len()));
        for at in 0..4 {
            let letter = char::from(LETTERS[bits >> (18 - 6 * at) & 63]);
            out.push(if at <= three.len() { letter } else { '=' });
        }
    }
    out
}

#[test]
fn a_status_says_what_kind_of_error_it_is() {
    let engine = TestEngine::start();
    for (params, sql, status, code) in [
        ("", "SELECT * FROM nowhere", 404, "60"),
        ("database=nowhere", "SELECT 1", 404, "81"),
        ("", "SELECT 1 FORMAT Nonsense", 404, "73"),
        ("no_such_setting=1", "SELECT 1", 404, "115"),
        ("max_threads=many", "SELECT 1", 400, "27"),
        ("", "SELEC", 400, "62"),
        ("", "", 400, "62"),
        ("", "SELECT 1; SELECT 2", 400, "62"),
        ("", "exit", 400, "62"),
        (
            "max_execution_time=1",
            "SELECT count() FROM system.numbers WHERE sipHash64(number) = 0",
            408,
            "159",
        ),
        ("", "SELECT throwIf(1)", 500, "395"),
        (
            "max_memory_usage=1000000",
            "SELECT groupArray(number) FROM numbers(1e7)",
            500,
            "241",
        ),
    ] {
        let answer = engine.post(params, sql);
        assert_eq!(
            (answer.status, answer.header("X-ClickHouse-Exception-Code")),
            (status, Some(code)),
            "{sql}"
        );
        assert!(
            answer
                .text()
                .starts_with(&format!("Code: {code}. DB::Exception: ")),
            "{}",
            answer.text()
        );
    }
}

#[test]
fn requests_by_get_change_nothing() {
    let engine = TestEngine::start();
    let refused = engine.get("/?query=CREATE+TABLE+t+(a+Int8)+ENGINE=Memory");
    assert_eq!(refused.header("X-ClickHouse-Exception-Code"), Some("164"));
    assert_eq!(engine.sql("SHOW TABLES"), "");
    assert_eq!(engine.get("/?query=SELECT+1%2B1").text(), "2\n");
}

#[test]
fn an_insert_may_come_in_the_url_the_body_or_both_and_is_counted() {
    let engine = TestEngine::start();
    engine.sql("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id");
    let written = |answer: Answer| {
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.summary("written_rows")
    };
    assert_eq!(
        written(engine.post("query=INSERT+INTO+t+FORMAT+CSV", "1,a\n2,b\n")),
        2
    );
    assert_eq!(
        written(engine.post("", "INSERT INTO t FORMAT TSV\n3\tc\n")),
        1
    );
    assert_eq!(
        written(engine.post("", "INSERT INTO t (text, id) VALUES ('d;', 4), ('e', 5)")),
        2
    );
    assert_eq!(
        written(engine.post("query=INSERT+INTO+t+VALUES", "(6, 'f')")),
        1
    );
    assert_eq!(
        written(engine.post("query=INSERT+INTO+t+VALUES+(7,'g')", "")),
        1
    );
    assert_eq!(
        written(engine.post(
            "",
            "INSERT INTO t SETTINGS max_threads = 1 FORMAT JSONEachRow {\"id\":8}"
        )),
        1
    );
    assert_eq!(
        written(engine.post("", "INSERT INTO t SELECT number + 9, 'x' FROM numbers(11)")),
        11
    );
    assert_eq!(
        written(engine.post("", "INSERT INTO t VALUES (20, 'z')")),
        1
    );
    assert_eq!(
        written(engine.post("param_id=21", "INSERT INTO t SELECT {id:UInt64}, 'p'")),
        1
    );
    assert_eq!(
        written(engine.post("query=INSERT+INTO+t+FORMAT+Native", "")),
        0
    );
    assert_eq!(engine.sql("SELECT count(), sum(id) FROM t"), "21\t231\n");
}

#[test]
fn a_native_result_can_be_inserted_as_it_is() {
    let engine = TestEngine::start();
    engine.sql("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id");
    let blocks = engine.post(
        "",
        "SELECT number AS id, repeat('x', id % 100) AS text FROM numbers(300000) FORMAT Native",
    );
    let answer = engine.post("query=INSERT+INTO+t+FORMAT+Native", &blocks.body);
    assert_eq!(answer.summary("written_rows"), 300_000, "{}", answer.text());
    assert_eq!(
        engine.sql("SELECT count(), sum(id), sum(length(text)) FROM t"),
        "300000\t44999850000\t14850000\n"
    );
}

#[test]
fn an_insert_that_the_table_drops_as_repeated_is_no_error() {
    let engine = TestEngine::start();
    engine.sql("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id SETTINGS non_replicated_deduplication_window = 100");
    let block = engine
        .post("", "SELECT number AS id FROM numbers(10) FORMAT Native")
        .body;
    for _ in 0..2 {
        let answer = engine.post(
            "query=INSERT+INTO+t+FORMAT+Native&insert_deduplication_token=a",
            &block,
        );
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(engine.sql("SELECT count() FROM t"), "10\n");
}

#[test]
fn settings_temporary_tables_and_databases_do_not_leak_into_the_next_request() {
    let engine = TestEngine::start();
    engine.sql("CREATE DATABASE other");
    let sql = "SELECT getSetting('max_block_size'), getSetting('readonly'), currentDatabase()";
    for _ in 0..20 {
        let set = engine.post("max_block_size=777&readonly=1&database=other", sql);
        assert_eq!(set.text(), "777\t1\tother\n");
        engine.sql("SET max_block_size = 5");
        engine.sql("USE other");
        engine.sql("CREATE TEMPORARY TABLE leak (a Int8)");
        assert_eq!(engine.sql(sql), "65409\t0\tdefault\n");
    }
    assert_eq!(engine.post("", "SELECT * FROM leak").status, 404);
    let refused = engine.post("readonly=1", "CREATE TABLE t (a Int8) ENGINE = Memory");
    assert_eq!(refused.header("X-ClickHouse-Exception-Code"), Some("164"));
}

#[test]
fn a_session_keeps_what_is_set_in_it_but_not_what_one_request_sets() {
    let engine = TestEngine::start();
    engine.sql("CREATE DATABASE other");
    let in_session =
        |params: &str, sql: &str| engine.post(&format!("session_id=s&{params}"), sql).text();
    let shown = "SELECT getSetting('max_block_size'), getSetting('log_comment'), currentDatabase()";
    assert_eq!(
        in_session(
            "",
            "SET max_block_size = 5, log_comment = 'it''s \\\\ mine'"
        ),
        ""
    );
    assert_eq!(
        in_session("max_block_size=6&log_comment=x&database=other", shown),
        "6\tx\tother\n"
    );
    assert_eq!(in_session("", shown), "5\tit\\'s \\\\ mine\tdefault\n");
    // What a failed statement had put out does not come with the next answer.
    assert!(
        in_session(
            "",
            "SELECT number, throwIf(number = 100000) FROM numbers(200000) FORMAT JSON"
        )
        .contains("Code: 395")
    );
    assert_eq!(in_session("", "CREATE TEMPORARY TABLE kept (a Int8)"), "");
    assert_eq!(in_session("", "EXISTS TEMPORARY TABLE kept"), "1\n");
    let missing = engine.post("session_id=other&session_check=1", "SELECT 1");
    assert_eq!(missing.header("X-ClickHouse-Exception-Code"), Some("372"));
}

#[test]
fn a_session_is_for_one_request_at_a_time() {
    let engine = TestEngine::start();
    // A result without an end, which its client does not read on.
    let sql = "SELECT number FROM system.numbers";
    let mut stream = connect(&engine.engine);
    write!(
        stream,
        "POST /?session_id=s HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{sql}",
        engine.auth(),
        sql.len()
    )
    .unwrap();
    stream.read_exact(&mut [0; 1024]).unwrap();
    let locked = engine.post("session_id=s", "SELECT 1");
    assert_eq!(locked.header("X-ClickHouse-Exception-Code"), Some("373"));
    assert_eq!(engine.post("session_id=other", "SELECT 1").text(), "1\n");
    drop(stream);
    while engine.post("session_id=s", "SELECT 1").text() != "1\n" {}
}

#[test]
fn an_answer_tells_format_query_id_time_zone_and_true_numbers() {
    let engine = TestEngine::start();
    let answer = engine.post(
        "query_id=abc&default_format=JSONEachRow",
        "SELECT number FROM numbers(10) WHERE number % 4 = 0",
    );
    assert_eq!(
        answer.text(),
        "{\"number\":0}\n{\"number\":4}\n{\"number\":8}\n"
    );
    assert_eq!(answer.header("X-ClickHouse-Query-Id"), Some("abc"));
    assert_eq!(answer.header("X-ClickHouse-Format"), Some("JSONEachRow"));
    assert!(answer.header("X-ClickHouse-Timezone").is_some());
    assert!(answer.header("X-ClickHouse-Server-Display-Name").is_some());
    assert_eq!(
        (answer.summary("read_rows"), answer.summary("result_rows")),
        (10, 3)
    );
}

#[test]
fn a_large_result_is_one_document_in_every_format() {
    let engine = TestEngine::start();
    let rows = 300_000;
    let lines = |format: &str| {
        let answer = engine.post(
            "",
            format!("SELECT number, 'a\n\"b' AS text FROM numbers({rows}) FORMAT {format}"),
        );
        assert_eq!(answer.status, 200);
        answer.text().matches('\n').count()
    };
    assert_eq!(lines("TSV"), rows);
    assert_eq!(lines("TSVWithNames"), rows + 1);
    assert_eq!(lines("TSVWithNamesAndTypes"), rows + 2);
    assert_eq!(lines("CSVWithNames"), 2 * rows + 1);
    assert_eq!(lines("JSONEachRow"), rows);
    assert_eq!(lines("JSONCompactEachRowWithNamesAndTypes"), rows + 2);
    let json = engine.sql(&format!(
        "SELECT number FROM numbers({rows}) FORMAT JSONCompact"
    ));
    assert_eq!(
        (
            json.matches("\"meta\"").count(),
            json.contains("\"rows\": 300000")
        ),
        (1, true)
    );
    let totals = engine
        .sql("SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k");
    assert_eq!(totals, "0\t5\n1\t5\n\n0\t10\n");
}

#[test]
fn a_large_result_in_one_document_does_not_fill_the_memory() {
    let engine = TestEngine::start();
    let sql = "SELECT number, repeat('x', 1000) AS text FROM numbers(1000000)";
    let target = format!(
        "POST /?default_format=JSON HTTP/1.1\r\n{}Connection: close\r\n",
        engine.auth()
    );
    let mut stream = connect(&engine.engine);
    write!(stream, "{target}Content-Length: {}\r\n\r\n{sql}", sql.len()).unwrap();
    let mut piece = vec![0; 1 << 20];
    let mut seen = 0;
    let mut last = Vec::new();
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        seen += count;
        last = piece[..count].to_vec();
    }
    assert!(seen > 1_000_000_000);
    assert!(String::from_utf8_lossy(&last).contains("0\r\n\r\n"));
    let status =
        std::fs::read_to_string(format!("/proc/{}/status", engine.engine.pid().unwrap())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap()
        .trim()
        .trim_end_matches(" kB");
    assert!(peak.parse::<u64>().unwrap() < 800_000, "{peak} kB");
}

#[test]
fn totals_and_extremes_stand_in_their_place() {
    let engine = TestEngine::start();
    let totals =
        "SELECT number % 2 AS k, count() AS c FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k";
    assert!(
        engine
            .post("default_format=JSONCompact", totals)
            .text()
            .contains("\"totals\": [0, 10]")
    );
    let extremes = engine.post(
        "extremes=1",
        "SELECT number FROM numbers(3) -- a comment\n FORMAT JSONCompact",
    );
    assert!(
        extremes.text().contains("\"min\": [0]"),
        "{}",
        extremes.text()
    );
    let parameters = engine.post("param_a=7", "SELECT {a:UInt8} AS a SETTINGS max_threads = 1 FORMAT JSONCompact SETTINGS max_block_size = 5");
    assert!(parameters.text().contains("[7]"), "{}", parameters.text());
    assert_eq!(
        engine
            .sql("SELECT 1 AS format FORMAT JSONCompactColumns")
            .trim(),
        "[\n\t[1]\n]"
    );
}

#[test]
fn an_answer_that_waits_for_the_end_has_a_status_for_late_errors() {
    let engine = TestEngine::start();
    // One thread, so that what comes before the error is put out before it, on however many cores.
    let sql = "SELECT number, throwIf(number = 4000000, 'late') FROM numbers(8000000) SETTINGS max_threads = 1";
    let waited = engine.post("wait_end_of_query=1", sql);
    assert_eq!(
        (waited.status, waited.header("X-ClickHouse-Exception-Code")),
        (500, Some("395"))
    );
    let streamed = engine.post("", sql);
    let tag = streamed
        .header("X-ClickHouse-Exception-Tag")
        .unwrap()
        .to_owned();
    assert_eq!(streamed.status, 200);
    assert!(
        streamed
            .text()
            .ends_with(&format!(" {tag}\r\n__exception__\r\n"))
    );
}

#[test]
fn one_connection_serves_many_requests_one_after_the_other() {
    let engine = TestEngine::start();
    let mut stream = connect(&engine.engine);
    let request = format!(
        "POST / HTTP/1.1\r\n{}Content-Length: 8\r\n\r\nSELECT 1",
        engine.auth()
    );
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).unwrap();
        // Head and body may come one after the other.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n1\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            answer.extend(byte);
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }
}

#[test]
fn results_of_concurrent_requests_do_not_mix() {
    let engine = TestEngine::start();
    std::thread::scope(|scope| {
        for worker in 0..24 {
            let engine = &engine;
            scope.spawn(move || {
                for round in 0..15 {
                    let sql =
                        format!("SELECT '{worker}-{round}', number FROM numbers(2000) FORMAT TSV");
                    let lines: Vec<String> = (0..2000)
                        .map(|number| format!("{worker}-{round}\t{number}\n"))
                        .collect();
                    let expected = lines.concat();
                    assert!(engine.sql(&sql) == expected);
                    engine.post(
                        "",
                        "SELECT number, throwIf(number = 50000) FROM numbers(100000) FORMAT JSON",
                    );
                }
            });
        }
    });
}

#[test]
fn files_hosts_and_processes_are_out_of_reach() {
    let engine = TestEngine::start();
    let target = engine.folder.path().join("out");
    for sql in [
        "SELECT file('/etc/hostname')".to_owned(),
        "SELECT * FROM file('/etc/hostname', LineAsString)".into(),
        "SELECT * FROM '/etc/hostname'".into(),
        "SELECT * FROM default.`/etc/hostname`".into(),
        format!("SELECT 1 INTO OUTFILE '{}'", target.display()),
        "SELECT * FROM url('http://127.0.0.1:1/', CSV, 'a String')".into(),
        "SELECT * FROM executable('id', TSV, 'a String')".into(),
        "CREATE TABLE f (line String) ENGINE = File(LineAsString, '/etc/hostname')".into(),
        "CREATE DATABASE f ENGINE = Filesystem('/etc')".into(),
        "SELECT 1 FORMAT Template SETTINGS format_template_resultset = '/etc/hostname'".into(),
        "INSERT INTO FUNCTION file('/tmp/x', TSV, 'a Int8') VALUES (1)".into(),
    ] {
        let answer = engine.post("", &sql);
        assert!(
            matches!(
                answer.header("X-ClickHouse-Exception-Code"),
                Some("497" | "60")
            ),
            "{sql}: {}",
            answer.text()
        );
    }
    assert!(!target.exists());
}
