"""A program that writes to ClickHouse itself shows in the Kestrel that reads the same ClickHouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kestrel_server import ENGINE_PASSWORD, KestrelServer

PROGRAM = """
import caribou
from caribou import Grade, Message
with caribou.trace_run({"datapoint_id": "d", "phase": "eval", "run_id": "direct-run"}) as trace_id:
    caribou.log(Message(role="user", content="Straight into the store"))
    caribou.log(Message(role="assistant", content="Yes", model="gpt-4o", input_tokens=10, output_tokens=5))
    caribou.log(Grade(score=0.5, grader_type="g"))
    caribou.add_meta({"customer": "c-1"})
assert caribou.flush(30), caribou.stats()
assert set(caribou.stats()["destinations"]) == {"clickhouse"}
print(trace_id)
"""


def test_rollouts_written_directly_show_in_kestrel(kestrel: KestrelServer, tmp_path: Path) -> None:
    port = int((kestrel.folder / "data" / "engine" / "port").read_text())
    environment = {
        **os.environ,
        "CLICKHOUSE_URL": f"http://127.0.0.1:{port}",
        "CLICKHOUSE_USER": "kestrel",
        "CLICKHOUSE_PASSWORD": ENGINE_PASSWORD,
        "CARIBOU_SPOOL_DIR": str(tmp_path / "spool"),
    }
    ran = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    trace_id = ran.stdout.strip()
    kestrel.wait_until(lambda: kestrel.get(f"/api/v1/traces/{trace_id}")["state"] == "ended")
    trace = kestrel.get(f"/api/v1/traces/{trace_id}")
    assert (trace["run_id"], trace["score"], trace["input_tokens"]) == ("direct-run", 0.5, 10)
    assert trace["metadata"] == {"customer": "c-1"}
    assert trace["span_count"] == 4
    spans = kestrel.every(f"/api/v1/traces/{trace_id}/spans")
    assert [span["content"] for span in spans if span["item_type"] == "message"] == ["Straight into the store", "Yes"]
    listed = kestrel.every("/api/v1/traces", run_id="direct-run")
    assert [item["trace_id"] for item in listed] == [trace_id]
