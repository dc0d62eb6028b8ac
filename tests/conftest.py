"""Fixtures of the end-to-end tests: a real server on a folder of its own, and programs that record into it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from kestrel_server import KestrelServer


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Programs that tests start hear Ctrl-C, also where a shell runs the tests in the background and ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def kestrel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KestrelServer]:
    """One server for all tests that only add to it; each uses a project or run of its own."""
    with KestrelServer(tmp_path_factory.mktemp("kestrel")) as server:
        yield server


@pytest.fixture(autouse=True)
def no_outside_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Tests see no settings of the person who runs them."""
    for name in list(os.environ):
        # A proxy could not reach the servers of the tests.
        is_proxy = name.upper().endswith("_PROXY")
        if is_proxy or name.startswith(("KESTREL_", "CLICKHOUSE_", "LANGFUSE_", "OPENAI_", "OTEL_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CARIBOU_SPOOL_DIR", str(tmp_path_factory.getbasetemp() / "spool"))
