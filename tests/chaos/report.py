"""Rounds as lines and as a table."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.round import Result

COLUMNS = ("rounds", "items", "promised", "lost", "doubled", "set aside", "damaged", "resent", "late", "oldest")
EXPLANATION = (
    "lost: of what was promised; late: logged in the last moments before a kill and lost with it, the oldest so many\n"
    "milliseconds before; resent: rows that were stored twice, not merged yet, and count once; damaged: records by hand"
)


def line_of(result: Result) -> str:
    outcome = "FAILED" if result.failed else "ok"
    return (
        f"{result.number:4} {result.fault:24} {result.destination:12} {result.programs} programs "
        f"{result.items:6} items {result.promised:6} promised, lost {len(result.lost)}, doubled {len(result.doubled)}, "
        f"set aside {result.set_aside}, damaged {result.damaged}, resent {result.copies}, "
        f"late {result.unpromised} (at most {result.oldest_lost_ms} ms); {result.seconds:4.1f} s {outcome}"
    )


def table(results: list[Result], seconds: float) -> str:
    """Sums by fault and by destination."""
    lines = [f"\n{'fault':24} " + " ".join(f"{column:>9}" for column in COLUMNS)]
    for key in ("fault", "destination"):
        for name in sorted({getattr(result, key) for result in results}):
            lines.append(row(name, [result for result in results if getattr(result, key) == name]))
        lines.append("")
    lines += [row("all", results), EXPLANATION]
    failed = sum(result.failed for result in results)
    lines.append(f"{len(results)} rounds in {seconds / 60:.1f} minutes, {failed} failed")
    return "\n".join(lines)


def row(name: str, results: Iterable[Result]) -> str:
    results = list(results)
    numbers = (
        len(results),
        sum(result.items for result in results),
        sum(result.promised for result in results),
        sum(len(result.lost) for result in results),
        sum(len(result.doubled) for result in results),
        sum(result.set_aside for result in results),
        sum(result.damaged for result in results),
        sum(result.copies for result in results),
        sum(result.unpromised for result in results),
        max((result.oldest_lost_ms for result in results), default=0),
    )
    return f"{name:24} " + " ".join(f"{number:9}" for number in numbers)
