//! Input that no client should send, and clients that go away.

use std::io::Write as _;
use std::net::Shutdown;

use crate::fixture::{Answer, TestEngine, connect};

fn assert_serving(engine: &TestEngine) {
    assert_eq!(engine.sql("SELECT 1"), "1\n");
}

fn table(engine: &TestEngine) {
    engine.sql("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id");
}

#[test]
fn what_is_not_http_is_refused() {
    let engine = TestEngine::start();
    for garbage in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(),
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"GET /?a=%ff HTTP/1.1\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
    ] {
        assert_eq!(
            Answer::to(&engine.engine, garbage).status,
            400,
            "{garbage:?}"
        );
    }
    let mut endless = b"GET /?".to_vec();
    endless.resize(2 << 20, b'a');
    let mut stream = connect(&engine.engine);
    // The server may close before it has taken everything.
    stream.write_all(&endless).ok();
    drop(stream);
    assert_serving(&engine);
}

#[test]
fn garbage_instead_of_data_inserts_nothing() {
    let engine = TestEngine::start();
    table(&engine);
    let good = engine
        .post(
            "",
            "SELECT number AS id, 'x' AS text FROM numbers(1000) FORMAT Native",
        )
        .body;
    let garbage: Vec<u8> = (0..100_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    for format in [
        "Native",
        "RowBinary",
        "RowBinaryWithNamesAndTypes",
        "JSONEachRow",
        "CSV",
        "Values",
    ] {
        let answer = engine.post(&format!("query=INSERT+INTO+t+FORMAT+{format}"), &garbage);
        assert!(answer.status >= 400, "{format}: {}", answer.head);
        assert!(
            answer.header("X-ClickHouse-Exception-Code").is_some(),
            "{format}: {}",
            answer.head
        );
    }
    for cut in [1, 7, good.len() / 2, good.len() - 1] {
        let answer = engine.post("query=INSERT+INTO+t+FORMAT+Native", &good[..cut]);
        assert!(answer.status >= 400, "{cut}: {}", answer.head);
    }
    let answer = engine.post("query=INSERT+INTO+t+FORMAT+Native&decompress=1", &good);
    assert_eq!(
        answer.header("X-ClickHouse-Exception-Code"),
        Some("117"),
        "{}",
        answer.text()
    );
    assert_eq!(engine.sql("SELECT count() FROM t"), "0\n");
}

#[test]
fn a_body_that_breaks_off_inserts_nothing() {
    let engine = TestEngine::start();
    table(&engine);
    // Cut between two blocks: what came is valid as far as it goes, and only the length says that it is not whole.
    let block = engine
        .post(
            "",
            "SELECT number AS id, 'x' AS text FROM numbers(1000) FORMAT Native",
        )
        .body;
    let target = "/?query=INSERT+INTO+t+FORMAT+Native";
    let auth = engine.auth();
    let heads = [
        format!(
            "POST {target} HTTP/1.1\r\n{auth}Content-Length: {}\r\n\r\n",
            2 * block.len()
        ),
        format!(
            "POST {target} HTTP/1.1\r\n{auth}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n",
            block.len()
        ),
    ];
    for head in heads {
        let mut stream = connect(&engine.engine);
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(&block).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let answer = Answer::read(stream);
        assert_eq!(
            answer.header("X-ClickHouse-Exception-Code"),
            Some("33"),
            "{}",
            answer.head
        );
    }
    assert_eq!(engine.sql("SELECT count() FROM t"), "0\n");
}

#[test]
fn clients_that_go_away_in_the_middle_of_a_result_leave_room_for_others() {
    let engine = TestEngine::start();
    for _ in 0..40 {
        let mut stream = connect(&engine.engine);
        let sql = "SELECT number, repeat('x', 100) FROM numbers(1000000000)";
        let head = format!(
            "POST / HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{sql}",
            engine.auth(),
            sql.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        drop(stream);
    }
    assert_serving(&engine);
    let running = || {
        engine.sql("SELECT count() FROM system.processes WHERE query LIKE '%numbers(1000000000)%' AND query NOT LIKE '%system.processes%'")
    };
    while running() != "0\n" {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_query_ends_when_its_client_goes_away_before_there_is_a_result() {
    let engine = TestEngine::start();
    let sqls = [
        "SELECT count() FROM system.numbers WHERE sipHash64(number) = 0",
        "SELECT number FROM system.numbers FORMAT JSON",
    ];
    for sql in sqls {
        let mut stream = connect(&engine.engine);
        write!(
            stream,
            "POST / HTTP/1.1\r\n{}Content-Length: {}\r\n\r\n{sql}",
            engine.auth(),
            sql.len()
        )
        .unwrap();
        let count = || {
            engine.sql("SELECT count() FROM system.processes WHERE query LIKE '%system.numbers%' AND query NOT LIKE '%processes%'")
        };
        while count() == "0\n" {}
        drop(stream);
        while count() != "0\n" {}
    }
}

#[test]
fn a_small_body_cannot_ask_for_much_memory() {
    let engine = TestEngine::start();
    table(&engine);
    let zeros = vec![0_u8; 64 << 20];
    let mut bomb = flate_gzip(&zeros);
    bomb.truncate(bomb.len() - 8);
    let head = format!(
        "POST /?query=INSERT+INTO+t+FORMAT+Native HTTP/1.1\r\n{}Content-Encoding: gzip\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        engine.auth(),
        bomb.len()
    );
    let answer = Answer::to(&engine.engine, &[head.as_bytes(), &bomb].concat());
    assert!(answer.status >= 400, "{}", answer.head);
    assert_serving(&engine);
}

fn flate_gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}
