"""Rounds as lines and as a table."""

from __future__ import annotations

from chaos.round import Result
from chaos.tally import Tally

COLUMNS = ("rounds", "items", "promised", "lost", "doubled", "set aside", "damaged", "resent", "late", "oldest")
EXPLANATION = """\
Every item counts once for each destination of its program.
lost: of what was promised. late: logged in the last moments before a kill and lost with it, the oldest so many
milliseconds before. resent: rows that were stored twice, not merged yet, and count once. damaged: records by hand.
doubled and set aside in Langfuse, which does not know a span again: what a request held that was under way at a kill
or whose answer was lost, and which was therefore sent again, or that the network sent twice. The Langfuse of half of
the rounds stores it twice, that of the others refuses it."""


def line_of(result: Result) -> str:
    outcome = "FAILED" if result.failed else "ok"
    begin = f"{result.number:4} {result.fault:24} {result.programs} programs"
    return f"{begin}; {'; '.join(map(part_of, result.tallies))}; {result.seconds:4.1f} s {outcome}"


def part_of(tally: Tally) -> str:
    return (
        f"{tally.destination}: {tally.items} items, {tally.promised} promised, lost {len(tally.lost)}, "
        f"doubled {len(tally.doubled)}, set aside {tally.set_aside}, damaged {tally.damaged}, resent {tally.copies}, "
        f"late {tally.unpromised} (at most {tally.oldest_lost_ms} ms)"
    )


def table(results: list[Result], seconds: float) -> str:
    """Sums by fault and by destination."""
    lines = [f"\n{'fault':24} " + " ".join(f"{column:>9}" for column in COLUMNS)]
    for name in sorted({result.fault for result in results}):
        of_fault = [result for result in results if result.fault == name]
        lines.append(row(name, len(of_fault), tallies_of(of_fault)))
    tallies = tallies_of(results)
    lines.append(f"\n{'destination':24}")
    for name in sorted({tally.destination for tally in tallies}):
        at_it = [tally for tally in tallies if tally.destination == name]
        lines.append(row(name, len(at_it), at_it))
    lines += ["", row("all", len(results), tallies), EXPLANATION]
    failed = sum(result.failed for result in results)
    lines.append(f"{len(results)} rounds in {seconds / 60:.1f} minutes, {failed} failed")
    return "\n".join(lines)


def tallies_of(results: list[Result]) -> list[Tally]:
    return [tally for result in results for tally in result.tallies]


def row(name: str, rounds: int, tallies: list[Tally]) -> str:
    numbers = (
        rounds,
        sum(tally.items for tally in tallies),
        sum(tally.promised for tally in tallies),
        sum(len(tally.lost) for tally in tallies),
        sum(len(tally.doubled) for tally in tallies),
        sum(tally.set_aside for tally in tallies),
        sum(tally.damaged for tally in tallies),
        sum(tally.copies for tally in tallies),
        sum(tally.unpromised for tally in tallies),
        max((tally.oldest_lost_ms for tally in tallies), default=0),
    )
    return f"{name:24} " + " ".join(f"{number:9}" for number in numbers)
