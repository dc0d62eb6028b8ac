"""`kestrel spool drain` delivers what programs could not, to whomever it was meant for."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from kestrel_server import BINARY, ENGINE_PASSWORD, KestrelServer, free_port
from langfuse_server import PUBLIC_KEY, SECRET_KEY, LangfuseServer, RefusedError

RECORD = """
import os, time, caribou
from caribou import Grade, Message
whole = 3
for rollout in range(whole):
    with caribou.trace_run({"datapoint_id": f"d{rollout}", "phase": "eval", "run_id": "drained"}):
        for number in range(10):
            caribou.log(Message(role="user", content=f"message {number}"))
        caribou.log(Grade(score=1.0, grader_type="g"))
caribou.trace_run({"datapoint_id": "open", "phase": "eval", "run_id": "drained"}).__enter__()
caribou.log(Message(role="user", content="open"))
deadline = time.monotonic() + 60
while any(counts["spooled"] < whole * 13 + 2 for counts in caribou.stats()["destinations"].values()):
    assert time.monotonic() < deadline, caribou.stats()
    time.sleep(0.01)
print("recorded", flush=True)
time.sleep(600)
"""


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


def record_and_kill(spool: Path, **variables: str) -> None:
    """A program that records what nobody takes, and is killed."""
    environment = {**os.environ, "CARIBOU_SPOOL_DIR": str(spool), **variables}
    command = [sys.executable, "-c", RECORD]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "recorded\n"
        killed.send_signal(signal.SIGKILL)


def start_drain(spool: Path, *arguments: str, **variables: str) -> subprocess.Popen[str]:
    command = [str(BINARY), "spool", "drain", str(spool), *arguments]
    environment = {**os.environ, **variables}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def drain(spool: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Exit code and output."""
    started = start_drain(spool, *arguments, **variables)
    printed, _ = started.communicate(timeout=120)
    return started.returncode, printed


def waiting(spool: Path) -> list[Path]:
    return [path for path in spool.glob("*-*/*-*") if path.is_file()]


def test_what_waits_for_langfuse_needs_its_secret_and_is_tried_until_the_server_takes_it(spool: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    nobody = f"http://127.0.0.1:{free_port()}"
    keys = {"LANGFUSE_PUBLIC_KEY": PUBLIC_KEY, "LANGFUSE_SECRET_KEY": SECRET_KEY}
    record_and_kill(spool, KESTREL_API_URL=nobody, LANGFUSE_HOST=url, **keys)

    code, printed = drain(spool, "--timeout", "1")
    assert code != 0
    assert "set LANGFUSE_PUBLIC_KEY to that and LANGFUSE_SECRET_KEY" in printed
    assert f"{nobody}/v1/traces: 41 spans stay" in printed

    with LangfuseServer(port) as langfuse:
        langfuse.answer_with = RefusedError(503, "away", {"Retry-After": "1"})
        interrupted = start_drain(spool, **keys)
        while langfuse.requests < 1:
            assert interrupted.poll() is None
            time.sleep(0.02)
        interrupted.send_signal(signal.SIGINT)
        interrupted.communicate(timeout=60)
        assert interrupted.returncode != 0
        draining = start_drain(spool, "--timeout", "60", "--to", url + "/kestrel", **keys)
        while langfuse.requests < 2:
            assert draining.poll() is None
            time.sleep(0.02)
        langfuse.answer_with = None
        printed, _ = draining.communicate(timeout=120)
        assert draining.returncode == 0, printed
    delivered = re.search(rf"^{url}: (\d+) spans delivered$", printed, re.MULTILINE)
    assert delivered is not None, printed
    # What was gathered may lie where it came from as well at a kill: it is counted twice then, and sent once.
    assert 41 <= int(delivered[1]) <= 82, printed
    assert len(langfuse.spans) == 3 * 12 + 2
    assert len(langfuse.scores) == 3
    levels = [span["attributes"].get("langfuse.observation.level") for span in langfuse.spans.values()]
    assert sorted(level for level in levels if level) == ["DEFAULT"] * 3 + ["ERROR"]
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    assert waiting(spool) == []


def test_two_drains_at_once_send_everything_once(spool: Path) -> None:
    port = free_port()
    variables = {
        "KESTREL_API_URL": f"http://127.0.0.1:{port}/kestrel",
        "LANGFUSE_HOST": f"http://127.0.0.1:{port}",
        "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
        "LANGFUSE_SECRET_KEY": SECRET_KEY,
    }
    threads = [threading.Thread(target=record_and_kill, args=(spool,), kwargs=variables) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with LangfuseServer(port) as langfuse:
        both = [start_drain(spool, "--timeout", "60", **variables) for _ in range(2)]
        printed = [started.communicate(timeout=120)[0] for started in both]
        code, _ = drain(spool, **variables)
    assert code == 0, printed
    assert len(langfuse.spans) == 3 * (3 * 12 + 2)
    assert len(langfuse.scores) == 9
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    assert waiting(spool) == []


def test_what_waits_for_clickhouse_needs_its_password(kestrel: KestrelServer, spool: Path) -> None:
    port = int((kestrel.folder / "data" / "engine" / "port").read_text())
    url = f"http://127.0.0.1:{port}"
    record_and_kill(spool, CLICKHOUSE_URL=url, CLICKHOUSE_USER="kestrel", CLICKHOUSE_PASSWORD="wrong")

    code, printed = drain(spool, "--timeout", "1")
    assert code != 0
    assert f"set CLICKHOUSE_USER=kestrel and CLICKHOUSE_PASSWORD and set CLICKHOUSE_URL={url}" in printed
    code, printed = drain(spool, "--timeout", "5", CLICKHOUSE_USER="kestrel", CLICKHOUSE_PASSWORD="wrong")
    assert code != 0
    assert "41 spans stay" in printed and "Authentication" in printed

    code, printed = drain(spool, CLICKHOUSE_USER="kestrel", CLICKHOUSE_PASSWORD=ENGINE_PASSWORD)
    assert code == 0, printed
    assert f"{url}: 41 spans delivered" in printed
    kestrel.wait_until(lambda: len(kestrel.every("/api/v1/traces", run_id="drained")) == 4)
    assert waiting(spool) == []
