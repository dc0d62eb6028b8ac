"""What programs noted, and what must therefore be stored."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

NANOS = 1_000_000_000


@dataclass(frozen=True)
class Item:
    """Something logged: a message, a grade, or the end of a rollout."""

    process: int
    at: int
    kind: str
    trace_id: str
    marker: str
    value: float


@dataclass
class Process:
    """One process: what it logged, and up to when that is known to be safe."""

    items: list[Item] = field(default_factory=list)
    confirmed_until: int = 0
    ended_well: bool = False
    killed_at: int | None = None


@dataclass
class Notes:
    processes: dict[int, Process] = field(default_factory=lambda: defaultdict(Process))

    def read(self, path: Path) -> None:
        """The notes of a program and of its children; none where it did not come to write any."""
        for part in path.parent.glob(f"{path.name}*"):
            for line in part.read_text().splitlines():
                kind, process, at, *fields = line.split(" ")
                self.note(kind, int(process), int(at), fields)

    def note(self, kind: str, pid: int, at: int, fields: list[str]) -> None:
        process = self.processes[pid]
        if kind in "FS":
            process.confirmed_until = max(process.confirmed_until, int(fields[0]))
        elif kind == "X":
            process.ended_well = True
        elif kind in "OE":
            process.items.append(Item(pid, at, kind, fields[0], f"{kind} {fields[0]}", 0.0))
        elif kind in "LG":
            process.items.append(Item(pid, at, kind, fields[0], fields[1], float(fields[2])))

    def items(self) -> list[Item]:
        return [item for process in self.processes.values() for item in process.items]

    def promised(self, age_seconds: float | None) -> list[Item]:
        """What must be stored; `age_seconds` before a kill is early enough, none where only confirmations count."""
        promised = []
        for process in self.processes.values():
            for item in process.items:
                old_enough = (
                    age_seconds is not None
                    and process.killed_at is not None
                    and item.at <= process.killed_at - age_seconds * NANOS
                )
                if process.ended_well or old_enough or item.at <= process.confirmed_until:
                    promised.append(item)
        return promised
