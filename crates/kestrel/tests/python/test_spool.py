"""`kestrel spool`: what a program could not deliver is shown and delivered."""

import os
import pathlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).parents[4]
BINARY = pathlib.Path(os.environ.get("KESTREL_TEST_BINARY", ROOT / "target" / "debug" / "kestrel"))

PROGRAM = """
import caribou
with caribou.trace_run(trace_id="{trace_id:032x}", datapoint_id="d", phase="eval"):
    for number in range(50):
        caribou.log(caribou.Event(str(number)))
"""


@pytest.fixture
def url() -> Iterator[str]:
    """An address where nobody answers: it is taken, and nobody listens."""
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{placeholder.getsockname()[1]}"


def record_without_server(url: str, folder: pathlib.Path, trace_id: int) -> None:
    """Runs a program whose server is away."""
    environment = {**os.environ, "KESTREL_API_URL": url, "CARIBOU_SPOOL_DIR": str(folder)}
    source = PROGRAM.format(trace_id=trace_id)
    subprocess.run([sys.executable, "-c", source], env=environment, check=True, timeout=60)


def spool(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [str(BINARY), "spool", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_what_waits_is_listed_and_delivered_to_another_kestrel(kestrel: Any, url: str, tmp_path: pathlib.Path) -> None:
    trace_id = 0x5B001
    record_without_server(url, tmp_path, trace_id)
    listed = spool("list", tmp_path)
    assert f"kestrel {url}/v1/traces: 52 spans wait" in listed.stdout

    away = spool("drain", tmp_path, "--timeout", 5)
    assert away.returncode != 0
    assert "52 spans stay" in away.stdout
    assert "does not take spans now" in away.stdout

    done = spool("drain", tmp_path, "--to", kestrel.url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "52 spans delivered" in done.stdout
    assert len(kestrel.spans(trace_id)) == 51, "two revisions of the root are one span"
    assert "0 spans wait" in spool("list", tmp_path).stdout
    assert spool("drain", tmp_path).returncode == 0


@pytest.mark.parametrize("command", ["list", "drain"])
def test_a_folder_that_is_named_and_not_there_is_an_error(command: str, tmp_path: pathlib.Path) -> None:
    done = spool(command, tmp_path / "none")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{tmp_path / 'none'}: there is no such folder" in done.stderr


@pytest.mark.parametrize("command", ["list", "drain"])
def test_where_no_folder_is_named_the_usual_one_may_be_absent(
    command: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CARIBOU_SPOOL_DIR", str(tmp_path / "none"))
    done = spool(command)
    assert done.returncode == 0
    assert "nothing waits" in done.stdout
    assert "there is no such folder" in done.stdout
