"""Rounds as lines and as a table."""

from __future__ import annotations

from collections.abc import Iterable

from chaos.round import Result

COLUMNS = ("rounds", "items", "promised", "lost", "doubled", "set aside", "damaged", "resent", "young")


def line_of(result: Result) -> str:
    outcome = "FAILED" if result.failed else "ok"
    return (
        f"{result.number:4} {result.fault:24} {result.destination:12} {result.programs} programs "
        f"{result.items:6} items {result.promised:6} promised, lost {len(result.lost)}, doubled {len(result.doubled)}, "
        f"set aside {result.set_aside}, damaged {result.damaged}, resent {result.copies}, "
        f"lost young {result.unpromised}; {result.seconds:4.1f} s {outcome}"
    )


def table(results: list[Result], seconds: float) -> str:
    """Sums by fault and by destination."""
    lines = [f"\n{'fault':24} " + " ".join(f"{column:>9}" for column in COLUMNS)]
    for key in ("fault", "destination"):
        for name in sorted({getattr(result, key) for result in results}):
            lines.append(row(name, [result for result in results if getattr(result, key) == name]))
        lines.append("")
    lines.append(row("all", results))
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
    )
    return f"{name:24} " + " ".join(f"{number:9}" for number in numbers)
