"""What came of a round at one destination."""

from __future__ import annotations

from dataclasses import dataclass, field

from chaos.notes import Item, Notes
from chaos.store import Stored

EXACTLY_ONCE = ("kestrel", "far-kestrel", "clickhouse")


@dataclass
class Tally:
    """Counts, and what is wrong."""

    destination: str
    items: int = 0
    promised: int = 0
    lost: list[str] = field(default_factory=list)
    unpromised: int = 0
    oldest_lost_ms: int = 0
    doubled: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    set_aside: int = 0
    damaged: int = 0
    copies: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Langfuse does not know a span again: what came twice has to be explained there, which `problems` tells."""
        is_twice = self.destination in EXACTLY_ONCE and (self.doubled or self.set_aside)
        return bool(self.lost or self.changed or self.problems or is_twice)


def compared(destination: str, stored: Stored, notes: Notes, age_seconds: float | None, spoilt: set[str]) -> Tally:
    """What is stored against what was noted; `spoilt` is what was damaged by hand."""
    items = notes.items()
    promised = notes.promised(age_seconds)
    missing = stored.lost(items)
    ages = [age_ms(item, notes) for item in missing if item.marker not in spoilt]
    return Tally(
        destination,
        items=len(items),
        promised=len(promised),
        lost=[describe(item, notes) for item in stored.lost(promised) if item.marker not in spoilt],
        unpromised=len(missing) - len(stored.lost(promised)),
        oldest_lost_ms=max(ages, default=0),
        doubled=stored.doubled(),
        changed=[item.marker for item in stored.changed(items)],
    )


def age_ms(item: Item, notes: Notes) -> int:
    """How long before the kill of its process it was logged; nothing where none was killed."""
    killed_at = notes.processes[item.process].killed_at
    return 0 if killed_at is None else (killed_at - item.at) // 1_000_000


def describe(item: Item, notes: Notes) -> str:
    process = notes.processes[item.process]
    if process.ended_well:
        return f"{item.marker} of a program that ended by itself"
    if item.at <= process.confirmed_until:
        return f"{item.marker} confirmed before"
    return f"{item.marker} {age_ms(item, notes)} ms before the kill"
