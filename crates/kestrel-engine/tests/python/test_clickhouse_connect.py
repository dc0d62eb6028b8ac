"""The official Python client, used as its documentation uses it."""

import datetime
import threading

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

TABLE = """
CREATE TABLE items (
    id UInt64, text String, kind LowCardinality(String), score Nullable(Float64), tags Array(String),
    meta Map(String, String), at DateTime64(9, 'UTC'), doc JSON
) ENGINE = MergeTree ORDER BY id
"""
COLUMNS = ["id", "text", "kind", "score", "tags", "meta", "at", "doc"]


def row(number: int) -> list[object]:
    at = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(seconds=number)
    return [
        number,
        f"text {number} ünïcödé",
        f"kind {number % 3}",
        number / 7 if number % 5 else None,
        [f"tag {tag}" for tag in range(number % 3)],
        {"key": str(number)},
        at,
        {"a": {"b": number}},
    ]


@pytest.mark.parametrize("compression", [False, "lz4", "zstd", "gzip"])
def test_rows_come_back_as_they_were_inserted(engine, client: Client, compression) -> None:
    client.command(TABLE)
    with engine.client(database=client.database, compress=compression) as compressed:
        summary = compressed.insert("items", [row(number) for number in range(2000)], column_names=COLUMNS)
        assert summary.written_rows == 2000
        result = compressed.query(f"SELECT {', '.join(COLUMNS)} FROM items ORDER BY id")
    expected = [tuple(row(number)) for number in range(2000)]
    assert [r[:6] for r in result.result_rows] == [r[:6] for r in expected]
    # The client keeps nanoseconds as far as Python's datetime does, with or without a zone.
    assert [r[6].replace(tzinfo=datetime.timezone.utc) for r in result.result_rows] == [r[6] for r in expected]
    assert [r[7] for r in result.result_rows] == [r[7] for r in expected]


def test_two_hundred_thousand_rows_are_counted_and_all_there(client: Client) -> None:
    client.command("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id")
    rows = [[number, f"text {number}"] for number in range(200_000)]
    assert client.insert("t", rows, column_names=["id", "text"]).written_rows == 200_000
    assert client.query("SELECT count(), sum(id) FROM t").first_row == (200_000, 19_999_900_000)
    seen = 0
    with client.query_row_block_stream("SELECT id FROM t ORDER BY id") as stream:
        for block in stream:
            assert block[0][0] == seen
            seen += len(block)
    assert seen == 200_000


def test_an_empty_result_is_empty(client: Client) -> None:
    assert client.query("SELECT 1 AS one WHERE 0").result_rows == []


def test_parameters_are_bound_by_the_server(client: Client) -> None:
    text = "it's \\ \" ` {x} ünïcödé \n"
    result = client.query("SELECT {text:String}, {ids:Array(UInt64)}", parameters={"text": text, "ids": [1, 2]})
    assert result.first_row == (text, [1, 2])


def test_settings_hold_for_one_query(client: Client) -> None:
    sql = "SELECT toUInt64(getSetting('max_block_size'))"
    assert client.query(sql, settings={"max_block_size": 777}).first_row == (777,)
    assert client.query(sql).first_row != (777,)


def test_a_session_keeps_temporary_tables(engine, client: Client) -> None:
    with engine.client(session_id="python") as session:
        session.command("CREATE TEMPORARY TABLE kept (id UInt8)")
        session.insert("kept", [[1], [2]], column_names=["id"])
        assert session.query("SELECT sum(id) FROM kept").first_row == (3,)
    with pytest.raises(DatabaseError, match="UNKNOWN_TABLE"):
        client.query("SELECT * FROM kept")


def test_errors_have_numbers_and_names(engine, client: Client) -> None:
    for sql, code, name in [
        ("SELECT * FROM nowhere", 60, "UNKNOWN_TABLE"),
        ("SELECT throwIf(number = 100) FROM numbers(200)", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
        ("SELECT file('/etc/hostname')", 497, "ACCESS_DENIED"),
    ]:
        with pytest.raises(DatabaseError, match=f"{code}.*{name}"):
            client.query(sql)
    engine.password, right = "wrong", engine.password
    try:
        with pytest.raises(DatabaseError, match="516"):
            engine.client()
    finally:
        engine.password = right


def test_an_error_in_the_middle_of_a_result_is_raised(client: Client) -> None:
    sql = "SELECT number, throwIf(number = 4000000, 'in the middle') FROM numbers(8000000)"
    with pytest.raises(Exception, match="in the middle"), client.query_row_block_stream(sql) as stream:
        for _ in stream:
            pass


def test_a_wrong_insert_is_refused_whole(client: Client) -> None:
    client.command("CREATE TABLE t (id UInt64) ENGINE = MergeTree ORDER BY id")
    with pytest.raises(DatabaseError):
        client.raw_insert("t", ["id"], "1\n2\nthree\n", fmt="TSV")
    assert client.query("SELECT count() FROM t").first_row == (0,)


def test_raw_data_in_many_formats(client: Client) -> None:
    client.command("CREATE TABLE t (id UInt64, text String) ENGINE = MergeTree ORDER BY id")
    client.raw_insert("t", ["id", "text"], b"1,a\n2,b\n", fmt="CSV")
    client.raw_insert("t", None, b'{"id":3,"text":"c"}\n', fmt="JSONEachRow")
    parquet = client.raw_query("SELECT number + 4 AS id, 'p' AS text FROM numbers(10)", fmt="Parquet")
    client.raw_insert("t", None, parquet, fmt="Parquet")
    assert client.query("SELECT count(), sum(id) FROM t").first_row == (13, 91)
    assert client.raw_query("SELECT max(id) FROM t", fmt="JSONCompactEachRow") == b"[13]\n"


def test_many_threads_each_with_a_client(engine) -> None:
    failures = []

    def work(number: int) -> None:
        with engine.client() as own:
            for _ in range(20):
                if own.query(f"SELECT {number}, count() FROM numbers(10000)").first_row != (number, 10000):
                    failures.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
