"""Fixtures: a server that keeps what it is sent, and a recorder that sends to it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from otlp_sink import OtlpSink

import caribou

Program = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(autouse=True)
def no_outside_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see no settings of the person who runs them, and mistakes raise unless a test says otherwise."""
    for name in list(os.environ):
        if name.startswith(("KESTREL_", "CLICKHOUSE_", "LANGFUSE_", "CARIBOU_", "OTEL_")) or is_proxy(name):
            monkeypatch.delenv(name)
    # A loaded machine may need longer than a program waits when it does not say how long.
    monkeypatch.setattr(caribou.flush, "__defaults__", (60.0,))
    monkeypatch.setenv("CARIBOU_STRICT", "1")
    # One for all: another folder would be another destination, and what was logged to the former would be retired.
    monkeypatch.setenv("CARIBOU_SPOOL_DIR", str(tmp_path_factory.getbasetemp() / "spool"))


def is_proxy(name: str) -> bool:
    """Whether a variable names a proxy, which could not reach the servers of the tests."""
    return name.upper().endswith("_PROXY")


@pytest.fixture
def sink() -> Iterator[OtlpSink]:
    """A server of this test's own."""
    sink = OtlpSink()
    sink.start()
    yield sink
    sink.stop()


@pytest.fixture
def recorded(sink: OtlpSink) -> Iterator[OtlpSink]:
    """The server, and this process's recorder sending to it."""
    configure(sink)
    yield sink
    caribou.flush()


@pytest.fixture
def lenient(monkeypatch: pytest.MonkeyPatch, sink: OtlpSink) -> Iterator[OtlpSink]:
    """Like `recorded`, with mistakes told and counted instead of raised, as in production."""
    monkeypatch.delenv("CARIBOU_STRICT")
    configure(sink)
    yield sink
    caribou.flush()


def configure(sink: OtlpSink) -> None:
    """Sets everything that another test may have set."""
    caribou.configure(
        run_id="test-run",
        phase="eval",
        project="test-project",
        env_name="",
        model_name="",
        tags=[],
        kestrel_api_url=sink.url,
        redact=str,
    )


@pytest.fixture
def program(sink: OtlpSink, tmp_path: Path) -> Program:
    """Runs a program of its own that sends to the server."""

    def run(source: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "program.py"
        path.write_text(textwrap.dedent(source))
        settings = {"KESTREL_API_URL": sink.url, "CARIBOU_SPOOL_DIR": str(tmp_path / "spool"), **environment}
        clean = {key: value for key, value in os.environ.items() if not key.startswith("CARIBOU_")}
        return subprocess.run(
            [sys.executable, "-X", "dev", str(path)],
            env={**clean, **{key: value for key, value in settings.items() if value}},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def run_checked(source: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        done = run(source, **environment)
        assert not check or done.returncode == 0, done.stderr
        return done

    return run_checked
