"""What is stored of a round, read from the engine itself, and compared with what was noted."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from chaos.notes import Item
from chaos.servers import Server

SUMS_WITHIN_SECONDS = 300.0
MARKER = re.compile(r"<[a-zA-Z0-9_-]+\.[0-9]+>")


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    item_type: str
    text: str
    input_tokens: int
    output_tokens: int
    score: float | None
    order: tuple[str, int]
    ended: bool


@dataclass
class Stored:
    """The spans of a project, each identity once."""

    spans: list[Span]
    count: Counter[str] = field(default_factory=Counter)
    by_marker: dict[str, Span] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for span in self.spans:
            for marker in markers(span):
                self.count[marker] += 1
                self.by_marker[marker] = span

    def lost(self, promised: list[Item]) -> list[Item]:
        return [item for item in promised if self.count[item.marker] == 0]

    def doubled(self) -> list[str]:
        return [marker for marker, count in self.count.items() if count > 1]

    def changed(self, items: list[Item]) -> list[Item]:
        """Items that are stored with other values than were logged."""
        changed = []
        for item in items:
            span = self.by_marker.get(item.marker)
            if span is None or item.kind in "OE":
                continue
            value = (item.value, item.value + 1) if item.kind == "L" else item.value
            stored = (span.input_tokens, span.output_tokens) if item.kind == "L" else span.score
            if stored != value:
                changed.append(item)
        return changed


def markers(span: Span) -> list[str]:
    """The identities that notes know a span by."""
    if span.item_type == "rollout":
        return [f"O {span.trace_id}"] + ([f"E {span.trace_id}"] if span.ended else [])
    found = marker_of(span.text)
    return [found] if found else []


def marker_of(text: str) -> str:
    """What a text of a program begins with; empty where it is none."""
    found = MARKER.match(text)
    return found.group() if found else ""


def read(server: Server, project: str) -> Stored:
    rows = server.sql(
        "SELECT trace_id, span_id, item_type, "
        "splitByChar(' ', content || reasoning)[1], ifNull(input_tokens, 0), ifNull(output_tokens, 0), score, "
        "toString(logged_at), sequence, isNotNull(ended_at) "
        f"FROM spans FINAL WHERE project = '{project}'"
    )
    spans = []
    for trace, span, item_type, text, tokens_in, tokens_out, score, logged, sequence, ended in rows:
        number = None if score == "\\N" else float(score)
        order = (logged, int(sequence))
        spans.append(Span(trace, span, item_type, text, int(tokens_in), int(tokens_out), number, order, ended == "1"))
    return Stored(spans)


def copies(server: Server, project: str) -> int:
    """Rows as they were written, those sent twice included, as far as they have not been merged."""
    return int(server.sql(f"SELECT count() FROM spans WHERE project = '{project}'")[0][0])


def expected_sums(stored: Stored) -> dict[str, tuple[object, ...]]:
    traces: dict[str, list[Span]] = defaultdict(list)
    for span in stored.spans:
        traces[span.trace_id].append(span)
    return {trace: sums_of(spans) for trace, spans in traces.items()}


def sums_of(spans: list[Span]) -> tuple[object, ...]:
    grades = sorted((span for span in spans if span.item_type == "grade"), key=lambda span: (span.order, span.span_id))
    roots = [span for span in spans if span.item_type == "rollout"]
    messages = [span for span in spans if span.item_type == "message"]
    return (
        len(spans),
        sum(span.input_tokens for span in messages),
        sum(span.output_tokens for span in messages),
        grades[-1].score if grades else None,
        # Of a rollout whose root was damaged on disk nobody knows whether it ended.
        sum(not root.ended for root in roots) if roots else 1,
    )


def stored_sums(server: Server, projects: list[str]) -> dict[str, dict[str, tuple[object, ...]]]:
    names = ", ".join(f"'{project}'" for project in projects)
    rows = server.sql(
        "SELECT project, trace_id, span_count, input_tokens, output_tokens, score, open_segments "
        f"FROM traces FINAL WHERE project IN ({names})"
    )
    sums: dict[str, dict[str, tuple[object, ...]]] = {project: {} for project in projects}
    for project, trace, spans, tokens_in, tokens_out, score, open_segments in rows:
        number = None if score == "\\N" else float(score)
        sums[project][trace] = (int(spans), int(tokens_in), int(tokens_out), number, int(open_segments))
    return sums


def wrong_sums(server: Server, expected: dict[str, dict[str, tuple[object, ...]]]) -> dict[str, list[str]]:
    """Traces whose summary is not what follows from their spans, by project, once there was time to compute it."""
    deadline = time.monotonic() + SUMS_WITHIN_SECONDS
    while True:
        found = stored_sums(server, list(expected))
        wrong = {
            project: [
                f"{trace}: {found[project].get(trace)} instead of {sums}"
                for trace, sums in traces.items()
                if found[project].get(trace) != sums
            ]
            for project, traces in expected.items()
        }
        wrong = {project: traces for project, traces in wrong.items() if traces}
        if not wrong or time.monotonic() > deadline:
            return wrong
        time.sleep(0.5)
