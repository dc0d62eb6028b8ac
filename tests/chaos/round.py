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
from chaos.langfuse import unexplained
from chaos.notes import Item, Notes
from chaos.proxy import Behaviour, FaultProxy
from chaos.tally import Tally, compared
from chaos.world import Clock, World

# Of no round that is well; so long because others may have the processors.
STARTED_WITHIN_SECONDS = 300.0
ENDED_WITHIN_SECONDS = 300.0
DELIVERED_WITHIN_SECONDS = 300.0


@dataclass
class Result:
    """What came of a round, at each destination of its programs."""

    number: int
    fault: str
    destinations: tuple[str, ...]
    programs: int = 0
    tallies: list[Tally] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    sums: dict[str, tuple[object, ...]] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        return bool(self.problems) or any(tally.failed for tally in self.tallies)


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
    # Ends only once nothing is in memory.
    patient: bool
    # How many messages of a rollout at most are calls of a model.
    model_calls: float


@dataclass
class Program:
    process: subprocess.Popen[bytes]
    notes: Path
    errors: Path
    forks: int = 0
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

    def __init__(self, world: World, result: Result, seed: str, patient: bool) -> None:
        number, destinations = result.number, result.destinations
        self.world = world
        self.result = result
        self.random = random.Random(f"{seed}/{number}")
        self.folder = world.folder / f"round-{number}"
        self.folder.mkdir()
        self.spool = self.folder / "spool"
        self.project = f"chaos-{number}"
        self.programs: list[Program] = []
        self.clock = Clock(world.clock_library, self.folder / "clock")
        self.destination = destinations[0]
        self.spoilt: dict[str, set[str]] = {name: set() for name in destinations}
        self.damaged_records = dict.fromkeys(destinations, 0)
        self.expects_damage = False
        self.by_age = not patient
        self.patient = patient
        self.at_end: list[Callable[[], object]] = []
        self.environment = {
            **world.clean,
            **self.clock.environment,
            "CARIBOU_SPOOL_DIR": str(self.spool),
            "CARIBOU_PROJECT": self.project,
            "PYTHONPATH": str(world.packages),
            "OTEL_EXPORTER_OTLP_TIMEOUT": "3000",
        }
        for name in destinations:
            self.environment |= world.destination(name)
        world.langfuse.forget()
        world.langfuse.takes_repeats = self.random.random() < 0.5

    @property
    def network(self) -> list[FaultProxy]:
        """The proxies between the programs and their destinations."""
        return [self.world.way_to(name) for name in self.result.destinations]

    def spoil(self, behaviour: Behaviour) -> None:
        """Has the network of the programs behave."""
        for proxy in self.network:
            proxy.behave(behaviour)

    def cut_off(self) -> None:
        """Leaves the programs alone: nobody answers, or a Kestrel that has lost its store does."""
        proxies = self.network
        if self.destination == "far-kestrel" and self.random.random() < 0.5:
            proxies[0] = self.world.to_clickhouse
        for proxy in proxies:
            proxy.behave(Behaviour("gone"))

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
            patient=self.patient,
            model_calls=3 if "langfuse" in self.result.destinations else 1e9,
        )
        errors = self.folder / f"{name}.stderr"
        with errors.open("wb") as stderr:
            process = subprocess.Popen(
                self.world.python("program.py", json.dumps(plan.__dict__)),
                env=self.environment,
                stderr=stderr,
                start_new_session=True,
            )
        program = Program(process, notes, errors, plan.forks)
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
                drain.wait(DELIVERED_WITHIN_SECONDS + 60)

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
        age_seconds = 0.2 if self.by_age else None
        stored = store.read(self.world.near, self.project)
        tally = compared(self.destination, stored, notes, age_seconds, self.spoilt[self.destination])
        tally.copies = store.copies(self.world.near, self.project) - len(stored.spans)
        self.result.programs = len(self.programs)
        self.result.sums = store.expected_sums(stored)
        self.result.tallies = [tally]
        if "langfuse" in self.result.destinations:
            self.result.tallies.append(self.compare_langfuse(notes, age_seconds))
        for tally in self.result.tallies:
            self.look_into_spool(tally, notes)

    def compare_langfuse(self, notes: Notes, age_seconds: float | None) -> Tally:
        langfuse = self.world.langfuse
        stored = langfuse.stored()
        spoilt = self.spoilt["langfuse"]
        tally = compared("langfuse", stored, notes, age_seconds, spoilt)
        tally.problems += [f"{marker} has two spans" for marker in tally.doubled]
        tally.doubled = list(langfuse.doubled)
        scores = langfuse.score_values()
        for item in notes.promised(age_seconds):
            if item.kind == "G" and item.marker not in spoilt and scores.get(item.marker) != item.value:
                tally.lost.append(f"{item.marker} as a score: {scores.get(item.marker)}")
        kills = sum(1 + program.forks for program in self.programs if program.killed_at is not None)
        count = unexplained(langfuse.repeated, self.world.to_langfuse.unanswered, kills)
        # Where others have the processors, a request may have been given up as too slow.
        if count and not self.patient:
            tally.problems.append(f"{count} requests more came again than {kills} kills and lost answers explain")
        return tally

    def look_into_spool(self, tally: Tally, notes: Notes) -> None:
        """What is not on its way any more."""
        folder = f"{tally.destination.removeprefix('far-')}-*"
        aside = list(self.spool.glob(f"{folder}/set-aside/*"))
        tally.set_aside = len(aside)
        tally.problems += [f"set aside: {path}" for path in aside if not was_sent_before(path)]
        kept = len(list(self.spool.glob(f"{folder}/damaged/*")))
        tally.damaged = self.damaged_records[tally.destination]
        if self.expects_damage and kept == 0 and tally.damaged:
            tally.problems.append("damage was not kept")
        # A process that is killed while it appends leaves a torn record, which nobody was promised; what goes to
        # Langfuse is appended to two files at a time.
        killed = sum(process.killed_at is not None for process in notes.processes.values())
        torn = 2 * killed if tally.destination == "langfuse" else killed
        if not self.expects_damage and kept > torn:
            tally.problems.append(f"{kept} pieces of damage that nobody did")

    def damage_spool(self) -> None:
        """Damages some of what dead programs left, at least one file."""
        files = spool_files.data_files(self.spool)
        chosen = [path for path in files if self.random.random() < 0.5] or files[:1]
        self.expects_damage = True
        for path in chosen:
            _, broken, count = spool_files.damage(path, self.random)
            is_of_langfuse = path.parent.name.startswith("langfuse")
            destination = "langfuse" if is_of_langfuse else self.destination
            self.spoilt[destination] |= broken
            self.damaged_records[destination] += count
            if count > len(broken):
                self.spoilt[destination] |= {item.marker for item in self.rollouts()}

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


def was_sent_before(path: Path) -> bool:
    """Whether that is why it was set aside. Of an answer that was cut off only the status is known; what such a span
    says counts as lost unless Langfuse has it."""
    reason = json.loads(path.read_bytes().split(b"\n", 1)[0])["reason"]
    return "was sent before" in reason or reason == "HTTP 400: "
