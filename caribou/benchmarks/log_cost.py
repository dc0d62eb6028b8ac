"""What recording costs: `caribou.log(Message)` of 1 KB against opentelemetry-python with the same data, in one run.

Both export for real, over HTTP, to a server in another process that reads and acknowledges; caribou also to a real
Kestrel and straight into its ClickHouse. Each sender runs in a process of its own, with a spool on disk of its own.

The two take turns, and the next round begins with the one that ended this one, so that a moment in which the machine is
busy or hot meets both. A ratio is that of the two neighbours of a round; what is printed is the median over the rounds,
and the lowest and the highest. Printed as JSON lines:

    python caribou/benchmarks/log_cost.py [--messages 20000] [--rounds 9]
"""

from __future__ import annotations

import argparse
import json
import os
import socketserver
import statistics
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Callable, Optional

ROOT = Path(__file__).parents[2]
TEXT = "The quick brown fox jumps over the lazy dog, and nobody knows why. " * 15 + "0123456789abcdefghi"
SLICE = 500
BUDGET_MICROS = 2.5
BUDGET_RATIO = 1 / 10
BUDGET_CPU_RATIO = 1 / 6
FIELDS: dict[str, Any] = {
    "role": "assistant",
    "content": TEXT,
    "model": "gpt-4o",
    "provider": "openai",
    "input_tokens": 1000,
    "output_tokens": 250,
    "cost_usd": 0.005,
    "duration_ms": 1500,
}


def serve(connection: Connection) -> None:
    """Acknowledges whatever it is sent."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        connection.send(server.server_address[1])
        server.serve_forever()


def measure_caribou(url: str, messages: int) -> dict[str, float]:
    """Cost of a message, made and logged; and of logging one that is made already."""
    import caribou
    from caribou import Message

    caribou.configure(run_id="bench", phase="eval", kestrel_api_url=url)
    message = Message(**FIELDS)

    def made_and_logged(count: int) -> None:
        for _ in range(count):
            caribou.log(
                Message(
                    role="assistant",
                    content=TEXT,
                    model="gpt-4o",
                    provider="openai",
                    input_tokens=1000,
                    output_tokens=250,
                    cost_usd=0.005,
                    duration_ms=1500,
                )
            )

    def logged(count: int) -> None:
        for _ in range(count):
            caribou.log(message)

    def made(count: int) -> None:
        for _ in range(count):
            Message(
                role="assistant",
                content=TEXT,
                model="gpt-4o",
                provider="openai",
                input_tokens=1000,
                output_tokens=250,
                cost_usd=0.005,
                duration_ms=1500,
            )

    with caribou.trace_run(datapoint_id="bench"):
        caribou.log(message)
        caribou.flush()
        figures = timed(made_and_logged, caribou.flush, messages)
        figures["logged"] = timed(logged, caribou.flush, messages)["caller"]
        figures["made"] = timed(made, lambda: True, messages)["caller"]
    caribou.flush()
    counts = caribou.stats()
    assert counts["dropped"] == counts["refused"] == counts["queued"] == 0, counts
    return figures


def measure_opentelemetry(url: str, messages: int) -> dict[str, float]:
    """Cost of a span with the same data, started and ended."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces"), max_queue_size=1_000_000)
    provider = TracerProvider()
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("bench")

    def logged(count: int) -> None:
        for _ in range(count):
            span = tracer.start_span("message.assistant")
            span.set_attributes(FIELDS)
            span.end()

    with tracer.start_as_current_span("rollout"):
        tracer.start_span("warm").end()
        provider.force_flush()
        return timed(logged, lambda: provider.force_flush(120_000), messages)


def timed(work: Callable[[int], None], flush: Callable[[], bool], messages: int) -> dict[str, float]:
    """Microseconds per message: on the caller's thread, and CPU of all threads until everything is delivered.

    The caller's cost is that of the middle one of many short slices, so that a moment in which another program had the
    processor does not count; `caller_cpu` is the processor time of the caller's thread over all of them.
    """
    slices = max(messages // SLICE, 1)
    walls = []
    cpu_before, thread_before = time.process_time(), time.thread_time()
    for _ in range(slices):
        before = time.perf_counter()
        work(SLICE)
        walls.append(time.perf_counter() - before)
    thread = time.thread_time() - thread_before
    assert flush()
    cpu = time.process_time() - cpu_before
    return {
        "caller": statistics.median(walls) / SLICE * 1e6,
        "caller_cpu": thread / slices / SLICE * 1e6,
        "cpu": cpu / slices / SLICE * 1e6,
    }


def in_own_process(sender: str, url: str, messages: int, environment: dict[str, str] | None = None) -> dict[str, float]:
    """One round of one sender."""
    command = [sys.executable, __file__, "--sender", sender, "--url", url, "--messages", str(messages)]
    others = ("OTEL_", "CARIBOU_", "KESTREL_", "CLICKHOUSE_", "LANGFUSE_")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(others)}
    with tempfile.TemporaryDirectory() as spool:
        clean |= {"CARIBOU_SPOOL_DIR": spool, **(environment or {})}
        done = subprocess.run(command, env=clean, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Runs the senders in turn and prints the median of each figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--sender", choices=["caribou", "opentelemetry"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    refuse_debug_build()
    if arguments.sender:
        measure = measure_caribou if arguments.sender == "caribou" else measure_opentelemetry
        print(json.dumps(measure(arguments.url, arguments.messages)))
        return
    against_the_peer(arguments.messages, arguments.rounds)
    into_a_real_store(arguments.messages, arguments.rounds)


def refuse_debug_build() -> None:
    """Its figures would pass for slow ones of a release build."""
    from caribou import _native

    if _native.DEBUG_BUILD:
        sys.exit("caribou is a debug build, several times as slow: run `maturin develop --release` in its folder first")


def against_the_peer(messages: int, rounds: int) -> None:
    """Both senders in turn, to a server that acknowledges."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    figures: dict[str, list[dict[str, float]]] = {"caribou": [], "opentelemetry": []}
    for number in range(rounds):
        for sender in sorted(figures, reverse=number % 2 == 1):
            figures[sender].append(in_own_process(sender, url, messages))
    server.terminate()
    report(figures["caribou"], figures["opentelemetry"])


def into_a_real_store(messages: int, rounds: int) -> None:
    """To Kestrel and to the ClickHouse behind it, which share the processors with the program."""
    os.environ.setdefault("KESTREL_TEST_BINARY", str(ROOT / "target" / "release" / "kestrel"))
    sys.path.insert(0, str(ROOT / "tests"))
    from kestrel_server import ENGINE_PASSWORD, KestrelServer

    with tempfile.TemporaryDirectory() as folder, KestrelServer(Path(folder)) as server:
        port = (server.folder / "data" / "engine" / "port").read_text().strip()
        direct = {"CLICKHOUSE_URL": f"http://127.0.0.1:{port}", "CLICKHOUSE_USER": "kestrel"}
        direct["CLICKHOUSE_PASSWORD"] = ENGINE_PASSWORD
        for name, environment in (("Kestrel", {}), ("ClickHouse", direct)):
            figures = [in_own_process("caribou", server.url, messages, environment) for _ in range(rounds)]
            figure(f"caller's cost, exporting to {name}, spool on", figures, "caller", most=BUDGET_MICROS)
            figure(f"CPU of all threads per message, exporting to {name}", figures, "cpu")


def report(caribou: list[dict[str, float]], peer: list[dict[str, float]]) -> None:
    """Prints the figures."""
    figure("log(Message) of 1 KB, Message made, caller's cost", caribou, "caller", peer, most=BUDGET_MICROS)
    figure("the same against the peer", caribou, "caller", peer, most_of_peer=BUDGET_RATIO)
    figure("CPU of all threads per message, delivered", caribou, "cpu", peer, most_of_peer=BUDGET_CPU_RATIO)
    figure("processor time of the caller's thread", caribou, "caller_cpu", peer)
    figure("of it: log() alone", caribou, "logged")
    figure("of it: making the Message", caribou, "made")


def figure(
    name: str,
    ours: list[dict[str, float]],
    key: str,
    peer: Optional[list[dict[str, float]]] = None,
    *,
    most: Optional[float] = None,
    most_of_peer: Optional[float] = None,
) -> None:
    """Prints one figure as a JSON line, with the budget for it or for its ratio to the peer's."""
    values = [each[key] for each in ours]
    line: dict[str, Any] = {"name": name, **median_of(values, "value", 3), "unit": "µs"}
    if peer is not None:
        peer_values = [each[key] for each in peer]
        ratios = [value / peer_value for value, peer_value in zip(values, peer_values)]
        line |= {
            "peer": "opentelemetry-python",
            **median_of(peer_values, "peer_value", 3),
            **median_of(ratios, "ratio", 4),
        }
    if most is not None:
        line |= {"budget": f"≤ {most} µs", "met": line["value"] <= most}
    if most_of_peer is not None:
        line |= {"budget": f"≤ 1/{1 / most_of_peer:.0f}", "met": line["ratio"] <= most_of_peer}
    print(json.dumps(line, ensure_ascii=False))


def median_of(values: list[float], name: str, digits: int) -> dict[str, Any]:
    """The middle value, which one slow round does not move, and beside it what the rounds spread over."""
    spread = [round(min(values), digits), round(max(values), digits)]
    return {name: round(statistics.median(values), digits), f"{name}_spread": spread}


if __name__ == "__main__":
    main()
