"""A list over a million rollouts and a rollout of 100,000 spans, made by a command of the server, in a real browser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from kestrel_server import BINARY, ENGINE_PASSWORD, ROOT, KestrelServer

TRACES = 1_000_000
SPANS = 100_000

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KestrelServer]:
    server = KestrelServer(tmp_path_factory.mktemp("large"))
    for amount in (["--traces", str(TRACES), "--spans-per-trace", "2"], ["--spans", str(SPANS)]):
        environment = {**os.environ, "KESTREL_ENGINE_PASSWORD": ENGINE_PASSWORD}
        sample = [BINARY, "sample", "--data", server.folder / "data", *amount]
        subprocess.run(sample, env=environment, check=True, timeout=400, capture_output=True)
    with server:
        yield server


def test_the_list_counts_pages_and_filters(large: KestrelServer) -> None:
    first: dict[str, Any] = large.get("/api/v1/traces", limit=100, count="true", project="sample")
    assert first["total"] == TRACES
    second = large.get("/api/v1/traces", limit=100, project="sample", cursor=first["next_cursor"])
    starts = [trace["started_at"] for trace in first["items"] + second["items"]]
    assert starts == sorted(starts, reverse=True)
    assert len({trace["trace_id"] for trace in first["items"] + second["items"]}) == 200
    failed = large.get("/api/v1/traces", limit=100, project="sample", status="ERROR")
    assert {trace["status"] for trace in failed["items"]} == {"ERROR"}


def test_the_long_rollout_is_whole(large: KestrelServer) -> None:
    trace = large.get("/api/v1/traces", sort="-span_count", limit=1)["items"][0]
    assert trace["span_count"] >= SPANS
    window = large.get(f"/api/v1/traces/{trace['trace_id']}/spans", offset=SPANS // 2, limit=50)
    assert (window["offset"], len(window["items"])) == (SPANS // 2, 50)


def test_both_work_in_a_browser(large: KestrelServer) -> None:
    config = ["--root", "ui", "--config", "vitest.e2e.config.ts", "e2e/real.spec.ts"]
    command = ["node", "ui/node_modules/vitest/vitest.mjs", "run", *config]
    environment = {**os.environ, "KESTREL_URL": large.url}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=400)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
