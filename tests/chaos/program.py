"""A program under test: records rollouts, and notes what it recorded and when, until it is told to stop or killed.

Started as `python program.py PLAN`, a JSON object of the fields of `Plan` in round.py. A line of notes is kind, process
id, nanoseconds of the monotonic clock, and what the kind needs. It is written after the call it speaks of returned.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
import time
from typing import Any

import caribou
from caribou import Grade, Message


class Notes:
    """One `write` a line, so that a kill loses no line that was begun; files so short that no limit is reached."""

    LINES_PER_FILE = 1000

    def __init__(self, path: str) -> None:
        self.path = path
        self.lines = 0
        self.lock = threading.Lock()
        self.file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, kind: str, *fields: Any) -> None:
        line = " ".join([kind, str(os.getpid()), str(time.monotonic_ns()), *map(str, fields)])
        with self.lock:
            self.lines += 1
            if self.lines % self.LINES_PER_FILE == 0:
                os.close(self.file)
                self.file = os.open(f"{self.path}.{self.lines}", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            os.write(self.file, line.encode() + b"\n")


class Program:
    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan
        self.stopping = threading.Event()
        signal.signal(signal.SIGUSR1, lambda *_: self.stopping.set())
        # From here on it may be told to stop.
        self.notes = Notes(plan["notes"])
        self.next_number = 0
        self.lock = threading.Lock()

    def run(self) -> None:
        threads = [threading.Thread(target=self.record, args=(index,)) for index in range(self.plan["threads"])]
        for thread in threads:
            thread.start()
        rng = random.Random(self.plan["seed"])
        children = []
        for _ in range(self.plan["forks"]):
            self.stopping.wait(rng.uniform(0.1, 0.5))
            child = os.fork()
            if child == 0:
                self.be_child()
            children.append(child)
        parent = os.getppid()
        while not self.stopping.wait(0.02):
            self.look(rng)
            if os.getppid() != parent:
                # Whoever was to stop it is gone.
                self.stopping.set()
        for thread in threads:
            thread.join()
        for child in children:
            os.waitpid(child, 0)
        self.be_patient()
        if self.plan["flush_at_end"]:
            self.flush(5.0)
        self.notes.write("W")

    def be_child(self) -> None:
        """Ends as children of pools do: without the interpreter's own end, but with `shutdown`."""
        self.plan = {**self.plan, "name": f"{self.plan['name']}c{os.getpid()}", "flushes": 0.0}
        self.lock = threading.Lock()
        self.notes = Notes(f"{self.notes.path}.{os.getpid()}")
        ends_at = time.monotonic() + random.Random(os.getpid()).uniform(0.2, 0.8)
        while time.monotonic() < ends_at:
            self.rollout(random.Random(os.getpid()), 25)
        self.be_patient()
        caribou.shutdown()
        self.notes.write("X")
        os._exit(0)

    def be_patient(self) -> None:
        """An end waits for a disk or a processor for seconds only: too few where others have all of them."""
        while self.plan["patient"] and caribou.stats()["queued"]:
            time.sleep(0.01)

    def record(self, index: int) -> None:
        rng = random.Random(f"{self.plan['seed']}/{index}")
        while not self.stopping.is_set():
            if rng.random() < self.plan["bursts"]:
                self.rollout(rng, rng.randint(500, 2000), in_a_burst=True)
            else:
                self.rollout(rng, rng.randint(1, 60))

    def rollout(self, rng: random.Random, items: int, in_a_burst: bool = False) -> None:
        meta = {"datapoint_id": self.plan["name"], "phase": "eval", "run_id": self.plan["run"]}
        with caribou.trace_run(meta) as trace_id:
            self.notes.write("O", trace_id)
            for number in range(items):
                # A model call repeats what was said before it, in Langfuse.
                self.message(rng, trace_id, "m" if rng.random() * items < self.plan["model_calls"] else None)
                # Slower than the encoder, so that nothing has to be dropped.
                if not in_a_burst and (number % 10 == 9 or rng.random() < 0.05):
                    self.stopping.wait(rng.uniform(0, 20) / self.plan["rate"])
            score = rng.randrange(1, 1000) / 1000
            marker = self.marker()
            caribou.log(Grade(score=score, grader_type="chaos", reasoning=marker))
            self.notes.write("G", trace_id, marker, score)
        self.notes.write("E", trace_id)

    def message(self, rng: random.Random, trace_id: Any, model: str | None) -> None:
        tokens = rng.randrange(1, 2000)
        size = rng.randrange(20_000, 200_000) if rng.random() < 0.002 else rng.randrange(1, 1500)
        marker = self.marker()
        text = f"{marker} {rng.choice('abcdefgh') * size}"
        caribou.log(Message(role="assistant", content=text, model=model, input_tokens=tokens, output_tokens=tokens + 1))
        self.notes.write("L", trace_id, marker, tokens)

    def marker(self) -> str:
        with self.lock:
            self.next_number += 1
            return f"<{self.plan['name']}.{self.next_number}>"

    def look(self, rng: random.Random) -> None:
        """Notes from when on everything is said to be out of memory, or delivered."""
        before = time.monotonic_ns()
        if caribou.stats()["queued"] == 0:
            self.notes.write("S", before)
        if rng.random() < self.plan["flushes"]:
            self.flush(1.0)

    def flush(self, timeout: float) -> None:
        before = time.monotonic_ns()
        if caribou.flush(timeout):
            self.notes.write("F", before)


if __name__ == "__main__":
    Program(json.loads(sys.argv[1])).run()
