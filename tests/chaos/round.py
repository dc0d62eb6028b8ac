"""One round: programs that record, a fault, then everything is healed, delivered and counted."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chaos import spool_files, store
from chaos.notes import Item, Notes
from chaos.proxy import FaultProxy
from chaos.world import Clock, World

STARTED_WITHIN_SECONDS = 60.0
ENDED_WITHIN_SECONDS = 60.0
DELIVERED_WITHIN_SECONDS = 90.0


@dataclass
class Result:
    """What came of a round."""

    number: int
    fault: str
    destination: str
    programs: int = 0
    items: int = 0
    promised: int = 0
    copies: int = 0
    lost: list[str] = field(default_factory=list)
    unpromised: int = 0
    oldest_lost_ms: int = 0
    doubled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    set_aside: int = 0
    damaged: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    sums: dict[str, tuple[object, ...]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return bool(self.lost or self.doubled or self.changed or self.problems or self.set_aside)


@dataclass
class Plan:
    """What a program is told; see program.py."""

    name: str
    run: str
    notes: str
    seed: str
    threads: int
    forks: int
    rate: float
    bursts: float
    flushes: float
    flush_at_end: bool


@dataclass
class Program:
    process: subprocess.Popen[bytes]
    notes: Path
    errors: Path
    killed_at: int | None = None
    killing: threading.Lock = field(default_factory=threading.Lock)

    def kill(self) -> None:
        """With its forked children, at one moment."""
        with self.killing:
            if not self.is_alive:
                return
            now = time.monotonic_ns()
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self.killed_at = now
            self.process.wait(30)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGUSR1)

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None


class Round:
    """What faults work with."""

    def __init__(self, world: World, number: int, seed: str, fault: str, destination: str) -> None:
        self.world = world
        self.random = random.Random(f"{seed}/{number}")
        self.folder = world.folder / f"round-{number}"
        self.folder.mkdir()
        self.spool = self.folder / "spool"
        self.project = f"chaos-{number}"
        self.programs: list[Program] = []
        self.clock = Clock(world.clock_library, self.folder / "clock")
        self.result = Result(number, fault, destination)
        self.may_be_lost: set[str] = set()
        self.damaged_records = 0
        self.expects_damage = False
        self.by_age = True
        self.at_end: list[Callable[[], object]] = []
        self.environment = {
            **world.clean,
            **world.destination(destination),
            **self.clock.environment,
            "CARIBOU_SPOOL_DIR": str(self.spool),
            "CARIBOU_PROJECT": self.project,
            "PYTHONPATH": str(world.packages),
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3000",
        }

    @property
    def proxy(self) -> FaultProxy:
        """The one between the program and the store that it can be cut off by."""
        is_near = self.result.destination == "kestrel"
        return self.world.to_kestrel if is_near else self.world.to_clickhouse

    def pause(self, shortest: float, longest: float) -> None:
        time.sleep(self.random.uniform(shortest, longest))

    def start_programs(self, count: int | None = None, forks: bool = True) -> None:
        for _ in range(count or self.random.randint(1, 3)):
            self.start_program(forks)
        deadline = time.monotonic() + STARTED_WITHIN_SECONDS
        for program in self.programs:
            while not program.notes.exists() and program.is_alive and time.monotonic() < deadline:
                time.sleep(0.01)

    def start_program(self, forks: bool = True) -> Program:
        name = f"{self.result.number}-{len(self.programs)}"
        notes = self.folder / f"{name}.notes"
        plan = Plan(
            name=name,
            run=self.project,
            notes=str(notes),
            seed=f"{self.random.random()}",
            threads=self.random.randint(1, 3),
            forks=self.random.choice([0, 0, 1, 2]) if forks else 0,
            rate=self.random.choice([50, 200, 500]),
            bursts=self.random.choice([0.0, 0.0, 0.05, 0.2]),
            flushes=self.random.choice([0.0, 0.02, 0.1]),
            flush_at_end=self.random.random() < 0.5,
        )
        errors = self.folder / f"{name}.stderr"
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                self.world.python("program.py", json.dumps(plan.__dict__)),
                env=self.environment,
                stderr=stderr,
                start_new_session=True,
            )
        program = Program(process, notes, errors)
        self.programs.append(program)
        return program

    def end_programs(self, kill: float) -> None:
        """Kills some, asks the others to end, and waits for those."""
        for program in self.programs:
            if program.is_alive and self.random.random() < kill:
                program.kill()
                self.pause(0.0, 0.1)
            elif program.is_alive:
                program.stop()
        for program in self.programs:
            try:
                program.process.wait(ENDED_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                self.result.problems.append(f"{program.notes.stem} did not end within {ENDED_WITHIN_SECONDS} s")
                program.kill()
            if program.killed_at is None and program.process.returncode != 0:
                self.result.problems.append(f"{program.notes.stem} ended with {program.process.returncode}")

    def last_programs(self, count: int = 1) -> None:
        """Programs that deliver what was left, at the same time."""
        errors = [self.folder / f"last-{index}.stderr" for index in range(count)]
        running = []
        for path in errors:
            with path.open("wb") as stderr:
                command = self.world.python("last_program.py", str(DELIVERED_WITHIN_SECONDS), self.project)
                running.append(subprocess.Popen(command, env=self.environment, stderr=stderr))
        for process, path in zip(running, errors):
            if process.wait(DELIVERED_WITHIN_SECONDS + 60) != 0:
                self.result.problems.append(f"a last program could not deliver everything, see {path}")

    def drain_by_command(self, count: int) -> None:
        """`kestrel spool drain`, several times at once; the last program looks whether all of it is gone."""
        output = (self.folder / "drain.log").open("wb")
        with output:
            command = [self.world.binary, "spool", "drain", self.spool]
            drains = [
                subprocess.Popen(command, env=self.environment, stdout=output, stderr=output) for _ in range(count)
            ]
            for drain in drains:
                drain.wait(DELIVERED_WITHIN_SECONDS)

    def deliver(self) -> None:
        """Heals everything and has what is left delivered."""
        self.world.heal()
        if self.random.random() < 0.3:
            self.drain_by_command(1)
        self.last_programs()

    def count(self) -> None:
        notes = Notes()
        for program in self.programs:
            notes.read(program.notes)
            main = notes.processes[program.process.pid]
            main.ended_well = program.killed_at is None and program.process.returncode == 0
        for program in self.programs:
            if program.killed_at is not None:
                for pid, process in notes.processes.items():
                    if pid == program.process.pid or self.is_child(notes, pid, program):
                        process.killed_at = program.killed_at
        self.compare(notes)

    def is_child(self, notes: Notes, pid: int, program: Program) -> bool:
        prefix = f"<{program.notes.stem}c{pid}."
        return any(item.marker.startswith(prefix) for item in notes.processes[pid].items)

    def compare(self, notes: Notes) -> None:
        result = self.result
        stored = store.read(self.world.near, self.project)
        promised = notes.promised(0.2 if self.by_age else None)
        items = notes.items()
        lost = [item for item in stored.lost(promised) if item.marker not in self.may_be_lost]
        result.programs = len(self.programs)
        result.items = len(items)
        result.promised = len(promised)
        result.copies = store.copies(self.world.near, self.project) - len(stored.spans)
        result.lost = [self.describe(item, notes) for item in lost]
        result.unpromised = len(stored.lost(items)) - len(stored.lost(promised))
        result.oldest_lost_ms = max((self.age_ms(item, notes) for item in stored.lost(items)), default=0)
        result.doubled = stored.doubled()
        result.changed = [item.marker for item in stored.changed(items)]
        result.sums = store.expected_sums(stored)
        result.set_aside = len(list(self.spool.glob("*/set-aside/*")))
        kept = len(list(self.spool.glob("*/damaged/*")))
        result.damaged = self.damaged_records
        if self.expects_damage and kept == 0 and self.damaged_records:
            result.problems.append("damage was not kept")
        # A process that is killed while it appends leaves a torn record, which nobody was promised.
        torn = sum(process.killed_at is not None for process in notes.processes.values())
        if not self.expects_damage and kept > torn:
            result.problems.append(f"{kept} pieces of damage that nobody did")

    def age_ms(self, item: Item, notes: Notes) -> int:
        """How long before the kill of its process it was logged; nothing where none was killed."""
        killed_at = notes.processes[item.process].killed_at
        return 0 if killed_at is None or item.marker in self.may_be_lost else (killed_at - item.at) // 1_000_000

    def describe(self, item: Item, notes: Notes) -> str:
        process = notes.processes[item.process]
        if process.ended_well:
            return f"{item.marker} of a program that ended by itself"
        if item.at <= process.confirmed_until:
            return f"{item.marker} confirmed before"
        return f"{item.marker} {self.age_ms(item, notes)} ms before the kill"

    def damage_spool(self) -> None:
        """Damages some of what dead programs left, at least one file."""
        files = spool_files.data_files(self.spool)
        chosen = [path for path in files if self.random.random() < 0.5] or files[:1]
        self.expects_damage = True
        for path in chosen:
            _, broken, count = spool_files.damage(path, self.random)
            self.may_be_lost |= broken
            self.damaged_records += count
            if count > len(broken):
                self.may_be_lost |= {item.marker for item in self.rollouts()}

    def rollouts(self) -> list[Item]:
        notes = Notes()
        for program in self.programs:
            notes.read(program.notes)
        return [item for item in notes.items() if item.kind in "OE"]

    def clean_up(self) -> None:
        """Ends what an error left running, and keeps what tells of a failure."""
        for program in self.programs:
            program.kill()
        for undo in self.at_end:
            undo()
        if not self.result.failed:
            shutil.rmtree(self.folder, ignore_errors=True)
