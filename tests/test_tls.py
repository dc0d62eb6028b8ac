"""Servers behind TLS: the program and Kestrel trust the certificate they are told, and no other."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kestrel_server import ENGINE_PASSWORD, KestrelServer
from tls_front import TlsFront, make_certificate

PROGRAM = """
import caribou, sys
with caribou.trace_run(datapoint_id="d", phase="eval", run_id=sys.argv[1]) as trace_id:
    caribou.log(caribou.Message(role="user", content="over TLS"))
print(trace_id, caribou.flush(float(sys.argv[2])), caribou.stats()["spooled"])
"""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    return make_certificate(tmp_path)


@pytest.fixture
def engine(kestrel: KestrelServer, certificate: tuple[Path, Path]) -> Iterator[TlsFront]:
    """The ClickHouse behind Kestrel, as a cloud would offer it."""
    with TlsFront(*certificate, int((kestrel.folder / "data" / "engine" / "port").read_text())) as front:
        yield front


def clickhouse(front: TlsFront) -> dict[str, str]:
    return {"CLICKHOUSE_URL": front.url, "CLICKHOUSE_USER": "kestrel", "CLICKHOUSE_PASSWORD": ENGINE_PASSWORD}


def record(run_id: str, environment: dict[str, str], patience: float = 50.0) -> tuple[list[str], str]:
    """What the program prints, and what it says."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, run_id, str(patience)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


def test_spans_go_to_a_clickhouse_behind_tls(
    kestrel: KestrelServer, engine: TlsFront, certificate: tuple[Path, Path]
) -> None:
    (trace_id, flushed, _), said = record("tls-direct", {**clickhouse(engine), "SSL_CERT_FILE": str(certificate[0])})
    assert flushed == "True", said
    assert engine.connections > 0
    kestrel.wait_until(lambda: kestrel.get(f"/api/v1/traces/{trace_id}")["state"] == "ended")


def test_spans_go_to_a_kestrel_behind_tls(kestrel: KestrelServer, certificate: tuple[Path, Path]) -> None:
    with TlsFront(*certificate, kestrel.port) as front:
        environment = {"KESTREL_API_URL": front.url, "SSL_CERT_FILE": str(certificate[0])}
        (trace_id, flushed, _), said = record("tls-kestrel", environment)
    assert flushed == "True", said
    kestrel.wait_until(lambda: kestrel.get(f"/api/v1/traces/{trace_id}")["state"] == "ended")


def test_a_certificate_that_is_not_trusted_leaves_everything_on_disk_and_says_why(
    engine: TlsFront, tmp_path: Path
) -> None:
    environment = {**clickhouse(engine), "CARIBOU_SPOOL_DIR": str(tmp_path / "spool")}
    (_, flushed, spooled), said = record("tls-stranger", environment, patience=10.0)
    assert (flushed, spooled) == ("False", "3"), said
    assert "certificate" in said.lower(), said
    assert engine.connections == 0


def test_kestrel_reads_and_writes_a_clickhouse_behind_tls(
    engine: TlsFront, certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in clickhouse(engine).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with KestrelServer(tmp_path) as front:
        for name in clickhouse(engine):
            monkeypatch.delenv(name)
        (trace_id, flushed, _), said = record("tls-server", {"KESTREL_API_URL": front.url})
        assert flushed == "True", said
        front.wait_until(lambda: front.get(f"/api/v1/traces/{trace_id}")["state"] == "ended")
    assert engine.connections > 0
