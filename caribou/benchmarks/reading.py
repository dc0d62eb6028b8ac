"""How long lists of rollouts take to read, over a million of them and ten million spans, kind by kind.

Makes the rollouts (`kestrel sample`), starts a server on them, and asks for each kind of list again and again, every
kind once a round, so that what else the machine does meets all of them alike. Says how long answers took and what CPU
time the engine spent on one, which depends less on the machine's load. Printed as JSON lines:

    python caribou/benchmarks/reading.py [--traces 1000000] [--rounds 20] [--only score] [--data FOLDER]
"""

from __future__ import annotations

import argparse
import http.client
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

LIST = "/api/v1/traces"
BUDGET_LIST_MS = 50
BUDGET_TEXT_MS = 300
LATER_PAGE = 4
COUNTS = "counts to filter by"
TICKS = os.sysconf("SC_CLK_TCK")

# What is asked for. `{middle}` and `{after}` are times in the middle of the rollouts.
KINDS: list[tuple[str, str, int]] = [
    ("newest", "", 1),
    ("newest, page 4", "", LATER_PAGE),
    ("oldest", "sort=started_at", 1),
    ("oldest, page 4", "sort=started_at", LATER_PAGE),
    ("from a time to a time", "from={middle}&to={after}", 1),
    ("before a time", "to={middle}", 1),
    ("project", "project=sample", 1),
    ("project, page 4", "project=sample", LATER_PAGE),
    ("run", "run_id=sample-run-7", 1),
    ("run and step", "run_id=sample-run-7&step_number=3", 1),
    ("run, page 4", "run_id=sample-run-7", LATER_PAGE),
    ("run by score", "run_id=sample-run-7&sort=-score", 1),
    ("status", "status=TRUNCATED", 1),
    ("status, page 4", "status=TRUNCATED", LATER_PAGE),
    ("model", "model=qwen3-32b", 1),
    ("model, page 4", "model=qwen3-32b", LATER_PAGE),
    ("model that nothing has", "model=nothing", 1),
    ("tag", "tags=ablation_v2", 1),
    ("two tags", "tags=ablation_v2&tags=batch-3", 1),
    ("any of two tags", "any_tags=batch-3&any_tags=batch-4", 1),
    ("tag that nothing has", "tags=nothing", 1),
    ("phase", "phase=eval", 1),
    ("environment", "env_name=coding", 1),
    ("grader", "grader_name=exact_match", 1),
    ("datapoint", "datapoint_id=task-77", 1),
    ("datapoint, page 4", "datapoint_id=task-77", LATER_PAGE),
    ("session that nothing has", "session_id=nothing", 1),
    ("user that nothing has", "user_id=nothing", 1),
    ("running ones, where none is", "state=running", 1),
    ("ended ones", "state=ended", 1),
    ("score of 0.99 and more", "min_score=0.99", 1),
    ("scores of 0.2 to 0.3", "min_score=0.2&max_score=0.3", 1),
    ("metadata that many have", "metadata=split%3Dtest", 1),
    ("metadata that few have", "metadata=tool_call_count%3E10", 1),
    ("metadata that nothing has", "metadata=split%3Dnothing", 1),
    ("status, phase and model", "status=ERROR&phase=train&model=policy-7b", 1),
    ("highest score", "sort=-score", 1),
    ("highest score, page 4", "sort=-score", LATER_PAGE),
    ("lowest score", "sort=score", 1),
    ("highest cost", "sort=-cost_usd", 1),
    ("highest cost, page 4", "sort=-cost_usd", LATER_PAGE),
    ("lowest cost", "sort=cost_usd", 1),
    ("most tokens read", "sort=-input_tokens", 1),
    ("most tokens read, page 4", "sort=-input_tokens", LATER_PAGE),
    ("most tokens written", "sort=-output_tokens", 1),
    ("longest", "sort=-duration_ms", 1),
    ("longest, page 4", "sort=-duration_ms", LATER_PAGE),
    ("most turns", "sort=-turn_count", 1),
    ("most spans", "sort=-span_count", 1),
    ("status by score", "status=TRUNCATED&sort=-score", 1),
    ("model by cost", "model=qwen3-32b&sort=-cost_usd", 1),
    ("model by tokens, page 4", "model=qwen3-32b&sort=-input_tokens", LATER_PAGE),
    ("tag by score", "tags=ablation_v2&sort=-score", 1),
    ("tag that nothing has by cost", "tags=nothing&sort=-cost_usd", 1),
    ("text", "q=gold+member+delayed", 1),
    ("text that nothing has", "q=zebra", 1),
]


class Asker:
    """One connection to the server, kept open as a browser does."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def get(self, target: str) -> Any:
        """What the server answers; anything but success is an error."""
        self.connection.request("GET", target)
        answer = self.connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{target} was answered with {answer.status}: {body[:500]!r}")
        return json.loads(body)

    def page(self, query: str, number: int) -> str:
        """The target of a page of a list, which the pages before it lead to."""
        target = f"{LIST}?{query}"
        for _ in range(number - 1):
            cursor = self.get(target)["next_cursor"]
            if cursor is None:
                raise RuntimeError(f"{target} has no next page: make more rollouts")
            target = f"{LIST}?{query}&cursor={urllib.parse.quote(cursor)}"
        return target


def cpu_ms(pid: int) -> float:
    """CPU time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1e3 / TICKS


def engine_of(pid: int) -> int:
    """The engine that this server has started."""
    children = " ".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return int(children.split()[0])


def targets(asker: Asker, only: str) -> dict[str, str]:
    """What to ask for, by the name of its kind."""
    newest, oldest = (
        asker.get(f"{LIST}?limit=1&sort={sort}")["items"][0]["started_at"] for sort in ("-started_at", "started_at")
    )
    first, last = (datetime.fromisoformat(text[:19]) for text in (oldest, newest))
    middle = first + (last - first) / 2
    times = {"middle": f"{middle:%FT%T}Z", "after": f"{middle + timedelta(hours=1):%FT%T}Z"}
    asked = {name: asker.page(query.format(**times), page) for name, query, page in KINDS if only in name}
    middle_one = asker.get(f"{LIST}?limit=1&to={times['middle']}")["items"][0]["trace_id"]
    others = {COUNTS: "/api/v1/facets", "one rollout": f"{LIST}/{middle_one}"}
    others["spans of one rollout"] = f"{LIST}/{middle_one}/spans"
    return asked | {name: target for name, target in others.items() if only in name}


def measure(asker: Asker, engine: int, asked: dict[str, str], rounds: int) -> None:
    """Asks round by round; the first round warms up."""
    millis: dict[str, list[float]] = {name: [] for name in asked}
    cpu: dict[str, float] = dict.fromkeys(asked, 0.0)
    for turn in range(rounds + 1):
        for name, target in asked.items():
            cpu_before, before = cpu_ms(engine), time.perf_counter()
            asker.get(target)
            if turn > 0:
                millis[name].append((time.perf_counter() - before) * 1e3)
                cpu[name] += cpu_ms(engine) - cpu_before
    for name, took in millis.items():
        took.sort()
        budget = BUDGET_TEXT_MS if name.startswith("text") else BUDGET_LIST_MS
        figure: dict[str, Any] = {"name": f"read: {name}, p95", "value": round(took[math.ceil(rounds * 0.95) - 1], 1)}
        figure |= {
            "unit": "ms",
            "median": round(statistics.median(took), 1),
            "engine_cpu_ms": round(cpu[name] / rounds, 1),
        }
        if name != COUNTS:
            figure |= {"budget": f"≤ {budget} ms", "met": figure["value"] <= budget}
        print(json.dumps(figure, ensure_ascii=False), flush=True)


def settle(engine: int) -> None:
    """Waits until no merge has run for a moment, two minutes at most."""
    quiet = 0
    deadline = time.monotonic() + 120
    while quiet < 3 and time.monotonic() < deadline:
        before = cpu_ms(engine)
        time.sleep(1)
        quiet = quiet + 1 if cpu_ms(engine) - before < 50 else 0


def run(arguments: argparse.Namespace, folder: Path) -> None:
    """Makes the rollouts where there are none yet, and measures."""
    os.environ.setdefault("KESTREL_TEST_BINARY", str(ROOT / "target" / "release" / "kestrel"))
    from kestrel_server import BINARY, KestrelServer

    if not (folder / "data").exists():
        command = [BINARY, "sample", "--data", folder / "data", "--traces", str(arguments.traces)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with KestrelServer(folder) as server:
        assert server.process is not None
        engine = engine_of(server.process.pid)
        settle(engine)
        asker = Asker(server.port)
        measure(asker, engine, targets(asker, arguments.only), arguments.rounds)


def main() -> None:
    """Measures over a folder that is kept, or over one that goes away."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=1_000_000, help="how many to make, 400000 or more")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="kinds whose name holds this text")
    parser.add_argument("--data", type=Path, help="a folder to keep the rollouts in, and to find them in again")
    arguments = parser.parse_args()
    if arguments.data is not None:
        arguments.data.mkdir(parents=True, exist_ok=True)
        return run(arguments, arguments.data)
    with tempfile.TemporaryDirectory(prefix="kestrel-reading-") as folder:
        return run(arguments, Path(folder))


if __name__ == "__main__":
    main()
