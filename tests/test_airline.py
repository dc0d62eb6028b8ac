"""200 rollouts of an airline agent, recorded by a program of a user, agree with their source everywhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

import clickhouse_connect
import pytest
from airline import airline_rollouts
from kestrel_server import ENGINE_PASSWORD, ROOT, KestrelServer

RUN_ID = "airline-run"
PROJECT = "tau-bench"
CONVERTER = ROOT / "examples" / "convert" / "tau_bench.py"

Rollout = dict[str, Any]


def fingerprint(texts: list[str]) -> str:
    """One hash over texts in their order."""
    return hashlib.sha256("\x1f".join(texts).encode()).hexdigest()


def source_texts(rollout: Rollout) -> list[str]:
    return [f"{message['role']}:{message['content'] or ''}" for message in rollout["traj"]]


def source_tokens(rollout: Rollout) -> int:
    return sum(index for index, message in enumerate(rollout["traj"]) if message["role"] != "tool")


@pytest.fixture(scope="module")
def rollouts() -> list[Rollout]:
    return airline_rollouts()


@pytest.fixture(scope="module")
def recorded(
    kestrel: KestrelServer, rollouts: list[Rollout], tmp_path_factory: pytest.TempPathFactory
) -> KestrelServer:
    """The converter, run as a user runs it."""
    file = tmp_path_factory.mktemp("airline") / "rollouts.json"
    file.write_text(json.dumps(rollouts))
    environment = {**os.environ, "KESTREL_API_URL": kestrel.url}
    ran = subprocess.run(
        [sys.executable, CONVERTER, file, "--run-id", RUN_ID],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert f"{len(rollouts)} rollouts recorded" in ran.stdout, ran.stdout + ran.stderr
    kestrel.wait_until(
        lambda: len([trace for trace in summaries(kestrel).values() if trace["state"] == "ended"]) == len(rollouts)
    )
    return kestrel


def key_of(rollout: Rollout) -> tuple[str, int]:
    return f"task-{rollout['task_id']}", rollout["trial"]


def summaries(server: KestrelServer) -> dict[tuple[str, int], dict[str, Any]]:
    traces = server.every("/api/v1/traces", run_id=RUN_ID, limit=100)
    return {(trace["datapoint_id"], trace["sample_index"]): trace for trace in traces}


def test_the_api_lists_every_rollout_with_exact_sums(recorded: KestrelServer, rollouts: list[Rollout]) -> None:
    found = summaries(recorded)
    assert len(found) == len(rollouts)
    for rollout in rollouts:
        trace = found[key_of(rollout)]
        assert trace["input_tokens"] == source_tokens(rollout)
        assert trace["score"] == rollout["reward"]
        assert trace["status"] == "COMPLETED"
        assert trace["state"] == "ended"
        assert trace["project"] == PROJECT
        assert trace["span_count"] == len(rollout["traj"]) + 2
    mean = sum(trace["score"] for trace in found.values()) / len(found)
    assert round(mean, 6) == round(sum(rollout["reward"] for rollout in rollouts) / len(rollouts), 6)


def test_the_api_gives_every_message_whole_and_in_order(recorded: KestrelServer, rollouts: list[Rollout]) -> None:
    found = summaries(recorded)
    message_count = 0
    for rollout in rollouts:
        trace_id = found[key_of(rollout)]["trace_id"]
        spans = recorded.every(f"/api/v1/traces/{trace_id}/spans", limit=500)
        texts = []
        for span in spans:
            if span["item_type"] == "message":
                texts.append(f"{span['role']}:{span.get('content') or ''}")
            elif span["item_type"] == "tool":
                texts.append(f"tool:{span.get('result') or ''}")
        assert fingerprint(texts) == fingerprint(source_texts(rollout)), key_of(rollout)
        message_count += len(texts)
    assert message_count == sum(len(rollout["traj"]) for rollout in rollouts)
    if "CARIBOU_REAL_DATA" in os.environ:
        assert message_count == 5308


def test_clickhouse_holds_the_same(recorded: KestrelServer, rollouts: list[Rollout]) -> None:
    client = engine_client(recorded)
    rows = client.query(
        """
        SELECT root.datapoint_id, root.sample_index,
               arrayMap(item -> item.3, arraySort(item -> (item.1, item.2), groupArray((logged_at, sequence,
                   if(item_type = 'tool', concat('tool:', output), concat(role, ':', content)))))) AS texts,
               sum(coalesce(input_tokens, 0)) AS tokens
        FROM caribou.spans FINAL
        INNER JOIN (
            SELECT trace_id, datapoint_id, sample_index FROM caribou.spans FINAL
            WHERE item_type = 'rollout' AND run_id = {run_id:String}
        ) AS root USING (trace_id)
        WHERE item_type IN ('message', 'tool')
        GROUP BY 1, 2
        """,
        parameters={"run_id": RUN_ID},
    ).result_rows
    found = {(datapoint, sample): (texts, tokens) for datapoint, sample, texts, tokens in rows}
    for rollout in rollouts:
        texts, tokens = found[key_of(rollout)]
        assert fingerprint(texts) == fingerprint(source_texts(rollout))
        assert tokens == source_tokens(rollout)


def engine_client(server: KestrelServer) -> Any:
    """The official ClickHouse client on the server's embedded engine."""
    port = int((server.folder / "data" / "engine" / "port").read_text())
    return clickhouse_connect.get_client(host="127.0.0.1", port=port, username="kestrel", password=ENGINE_PASSWORD)


def letters(text: str) -> str:
    """What is left of a text when markdown is rendered: its letters."""
    return "".join(character for character in text if character.isalpha())


@pytest.mark.timeout(900)
def test_the_screen_shows_the_same(recorded: KestrelServer, rollouts: list[Rollout]) -> None:
    """Every row of the list and every fifth transcript, read off a real browser."""
    reader = ROOT / "tests" / "browser" / "read_rollouts.mjs"
    ran = subprocess.run(["node", reader, recorded.url, RUN_ID], capture_output=True, text=True, timeout=880)
    assert ran.returncode == 0, ran.stderr
    screen = json.loads(ran.stdout)
    rows = {row["href"].rsplit("/", 1)[1]: row["titles"] for row in screen["rows"]}
    found = summaries(recorded)
    assert len(rows) == len(rollouts)
    for rollout in rollouts:
        trace_id = found[key_of(rollout)]["trace_id"]
        titles = rows[trace_id]
        assert float(titles[1]) == rollout["reward"]
        assert titles[8].startswith(f"{source_tokens(rollout):,} tokens in"), titles
        if trace_id in screen["transcripts"]:
            check_transcript(rollout, screen["transcripts"][trace_id])
    assert len(screen["transcripts"]) == len(rollouts) / 5


def check_transcript(rollout: Rollout, articles: list[dict[str, str]]) -> None:
    """The articles of a page are the messages of the rollout, in their order, then its grade."""
    assert [article["label"] for article in articles] == [message["role"] for message in rollout["traj"]] + ["grade"]
    for message, article in zip(rollout["traj"], articles):
        if message["role"] == "tool":
            assert message["name"] in article["text"]
        else:
            assert letters(message["content"] or "")[:40] in letters(article["text"])
