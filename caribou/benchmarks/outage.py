"""What an absent server costs the program that records, and what is there once it is back.

A program logs at a steady pace to a real Kestrel. Kestrel is killed for a while and started again. Cost of `log()` and
memory of the program are compared between the time with and the time without a server; then every message is looked up
in the store. Printed as JSON lines:

    python caribou/benchmarks/outage.py [--outage-seconds 300] [--messages-per-second 2000]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

TEXT = "The quick brown fox jumps over the lazy dog, and nobody knows why. " * 15
ROLLOUT_MESSAGES = 200
WARM_SECONDS = 20
# What the program's memory may grow by: the spool takes over at 4 MiB, and requests of 4 MiB are on their way.
BUDGET_GROWTH_MIB = 32
BUDGET_COST_RATIO = 1.3


def write(pace: int, report: Path, stop: Path) -> None:
    """Logs until told to stop; a line a second says when, at what cost and with how much memory."""
    import caribou

    caribou.configure(run_id="outage", phase="eval")
    number = rollout = 0
    costs: list[float] = []
    started = time.monotonic()
    next_report = started + 1
    with report.open("a", buffering=1) as lines:
        while not stop.exists():
            with caribou.trace_run(datapoint_id=f"d{rollout}"):
                for _ in range(ROLLOUT_MESSAGES):
                    message = caribou.Message(
                        role="assistant", content=f"{number:08} {TEXT}", model="m", input_tokens=number, output_tokens=1
                    )
                    before = time.perf_counter()
                    caribou.log(message)
                    costs.append(time.perf_counter() - before)
                    number += 1
                    ahead = started + number / pace - time.monotonic()
                    if ahead > 0.002:
                        time.sleep(ahead)
            rollout += 1
            if time.monotonic() >= next_report:
                next_report += 1
                lines.write(json.dumps([time.monotonic(), statistics.median(costs) * 1e6, resident_mib()]) + "\n")
                costs.clear()
        before = time.monotonic()
        confirmed = caribou.flush(600)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([number, confirmed, time.monotonic() - before, peak, caribou.stats()]))


def resident_mib() -> float:
    """Memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def query(server: Any, sql: str) -> list[list[Any]]:
    """Rows of a SELECT, from the store itself."""
    import kestrel_server

    port = (server.folder / "data" / "engine" / "port").read_text().strip()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/?database=caribou",
        data=f"{sql} FORMAT JSONCompact".encode(),
        headers={"X-ClickHouse-User": "kestrel", "X-ClickHouse-Key": kestrel_server.ENGINE_PASSWORD},
    )
    with urllib.request.urlopen(request, timeout=120) as answer:
        rows: list[list[Any]] = json.load(answer)["data"]
        return rows


def measure(arguments: argparse.Namespace, folder: Path) -> None:
    """One outage, from the first message to the last one in the store."""
    os.environ.setdefault("KESTREL_TEST_BINARY", str(ROOT / "target" / "release" / "kestrel"))
    from kestrel_server import KestrelServer

    with KestrelServer(folder) as server:
        environment = {
            key: value for key, value in os.environ.items() if not key.startswith(("CARIBOU_", "CLICKHOUSE_"))
        }
        environment |= {"KESTREL_API_URL": server.url, "CARIBOU_SPOOL_DIR": str(folder / "spool")}
        report, stop = folder / "report.jsonl", folder / "stop"
        command = [sys.executable, __file__, "--write-to", str(report), "--stop-file", str(stop)]
        command += ["--messages-per-second", str(arguments.messages_per_second)]
        writer = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        time.sleep(WARM_SECONDS)
        down_at = time.monotonic()
        server.kill()
        time.sleep(arguments.outage_seconds)
        up_at = time.monotonic()
        server.start()
        time.sleep(5)
        stop.touch()
        number, confirmed, drained, peak, stats = json.loads(writer.communicate(timeout=900)[0])
        rows = [json.loads(line) for line in report.read_text().splitlines()]
        before = [row for row in rows if down_at - WARM_SECONDS + 5 < row[0] < down_at]
        during = [row for row in rows if down_at + 5 < row[0] < up_at]
        print_figures(arguments, before, during, peak, drained)
        check(server, number, confirmed, stats)


def print_figures(
    arguments: argparse.Namespace, before: list[list[float]], during: list[list[float]], peak: float, drained: float
) -> None:
    """Cost and memory with a server and without."""
    cost, cost_away = (statistics.median(row[1] for row in rows) for rows in (before, during))
    memory, memory_away = max(row[2] for row in before), max(row[2] for row in during)
    away = f"server away for {arguments.outage_seconds} s at {arguments.messages_per_second}/s"
    figure(f"log(Message) of 1 KB, {away}", cost_away, "µs", cost, BUDGET_COST_RATIO)
    growth = memory_away - memory
    line = {"name": f"memory of the program grows, {away}", "value": round(growth, 1), "unit": "MiB"}
    print(json.dumps(line | {"budget": f"≤ {BUDGET_GROWTH_MIB} MiB", "met": growth <= BUDGET_GROWTH_MIB}))
    print(json.dumps({"name": "peak memory of the program, catching up included", "value": round(peak), "unit": "MiB"}))
    print(
        json.dumps(
            {"name": "flush() until all is delivered, 5 s after the start", "value": round(drained, 1), "unit": "s"}
        )
    )


def figure(name: str, value: float, unit: str, peer: float, ratio: float) -> None:
    """A figure against the same with a server."""
    line: dict[str, Any] = {"name": name, "value": round(value, 2), "unit": unit, "peer": "with a server"}
    line |= {"peer_value": round(peer, 2), "ratio": round(value / peer, 3), "budget": f"≤ {ratio}"}
    show(line | {"met": value / peer <= ratio})


def show(line: dict[str, Any]) -> None:
    """Prints a figure as a JSON line."""
    print(json.dumps(line, ensure_ascii=False))


def check(server: Any, number: int, confirmed: bool, stats: dict[str, Any]) -> None:
    """Every message is stored once and in order, and the sums say so."""
    assert confirmed, stats
    assert stats["dropped"] == stats["refused"] == stats["queued"] == stats["spooled"] == 0, stats
    stored = "SELECT toUInt64(substring(content, 1, 8)) AS n FROM spans FINAL WHERE item_type = 'message'"
    (counts,) = query(server, f"SELECT count(), uniqExact(n), min(n), max(n) FROM ({stored})")
    assert [int(count) for count in counts] == [number, number, 0, number - 1], (counts, number)
    in_order = (
        "SELECT count() FROM (SELECT arraySort(x -> (x.1, x.2, x.3), groupArray((logged_at, sequence, span_id, "
        "toUInt64(substring(content, 1, 8))))).4 AS numbers FROM spans FINAL WHERE item_type = 'message' "
        "GROUP BY trace_id HAVING numbers != arraySort(numbers))"
    )
    assert int(query(server, in_order)[0][0]) == 0
    expected = [number, number * (number - 1) // 2, number]
    sums = "SELECT sum(span_count) - count(), sum(input_tokens), sum(output_tokens) FROM traces FINAL"
    wait_for_sums(lambda: [int(cell) for cell in query(server, sums)[0]], expected)
    show({"name": "messages stored, each once, in order, with correct sums", "value": number, "unit": ""})


def wait_for_sums(read: Callable[[], list[int]], expected: list[int]) -> None:
    """Summaries may follow an acknowledgement a moment later."""
    deadline = time.monotonic() + 60
    while (found := read()) != expected:
        assert time.monotonic() < deadline, (found, expected)
        time.sleep(0.2)


def main() -> None:
    """Measures, or writes where started by itself."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--outage-seconds", type=int, default=300)
    parser.add_argument("--messages-per-second", type=int, default=2000)
    parser.add_argument("--write-to", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stop-file", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write_to:
        write(arguments.messages_per_second, arguments.write_to, arguments.stop_file)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Path(folder))


if __name__ == "__main__":
    main()
