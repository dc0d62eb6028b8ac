"""The example agent records a rollout that shows what it did."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
from kestrel_server import ROOT, KestrelServer

AGENT = ROOT / "examples" / "agent" / "agent.py"


@pytest.fixture(scope="module")
def rollout(kestrel: KestrelServer) -> dict[str, Any]:
    environment = {**os.environ, "KESTREL_API_URL": kestrel.url}
    ran = subprocess.run([sys.executable, AGENT], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    url = next(line.split()[-1] for line in ran.stdout.splitlines() if line.startswith("The rollout:"))
    assert url.startswith(kestrel.url + "/traces/"), url
    trace_id = url.rsplit("/", 1)[1]
    kestrel.wait_until(lambda: kestrel.get(f"/api/v1/traces/{trace_id}")["state"] == "ended")
    return {
        "trace": kestrel.get(f"/api/v1/traces/{trace_id}"),
        "spans": kestrel.every(f"/api/v1/traces/{trace_id}/spans"),
    }


def test_the_rollout_is_complete_and_graded(rollout: dict[str, Any]) -> None:
    trace = rollout["trace"]
    assert (trace["status"], trace["state"], trace["phase"]) == ("COMPLETED", "ended", "prod")
    assert (trace["project"], trace["run_id"]) == ("checkout-agent", "checkout-agent")
    assert trace["turn_count"] == 4
    assert trace["score"] == pytest.approx(5 / 6)
    assert trace["metadata"]["tool_call_count"] == 7
    assert set(trace["tags"]) == {"example", "on-call"}


def test_tool_calls_stand_beside_their_executions(rollout: dict[str, Any]) -> None:
    spans = rollout["spans"]
    called = [call["id"] for span in spans for call in span.get("tool_calls") or []]
    executed = [span["call_id"] for span in spans if span["item_type"] == "tool"]
    assert called == executed
    failed = [span for span in spans if span["item_type"] == "tool" and span["status"] == "error"]
    assert [span["call_id"] for span in failed] == ["call_4"]


def test_the_scripted_model_streams_what_it_also_says_whole() -> None:
    program = """
import sys; sys.path.insert(0, sys.argv[1])
from openai import OpenAI
from scripted_model import ANSWER, serve_scripted_model
with serve_scripted_model() as url:
    client = OpenAI(base_url=url, api_key="x")
    said = [{"role": "assistant", "content": ""}] * 3
    usage = {"include_usage": True}
    stream = client.chat.completions.create(model="m", messages=said, stream=True, stream_options=usage)
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == ANSWER
    assert chunks[-1].usage.total_tokens > 0
"""
    ran = subprocess.run([sys.executable, "-c", program, str(AGENT.parent)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
