"""A Langfuse that notes what came again, and what it has of a round."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from langfuse_server import LangfuseServer

from chaos.store import Span, Stored, marker_of


class Langfuse(LangfuseServer):
    """Takes spans again and stores them twice, as Langfuse does, or refuses them; notes the exchanges they were in."""

    def __init__(self) -> None:
        super().__init__()
        self.takes_repeats = False
        # Spans that were stored more than once.
        self.doubled: list[str] = []
        # Exchanges whose spans came again in another.
        self.repeated: set[int] = set()
        self._taken_in: dict[str, int] = {}

    def forget(self) -> None:
        """Begins anew."""
        with self._lock:
            self.spans, self.scores, self._taken_in = {}, {}, {}
            self.doubled, self.repeated, self.refusals = [], set(), []

    def _keep_spans(self, batch: list[dict[str, Any]], headers: Any) -> None:
        again = [span["span_id"] for span in batch if span["span_id"] in self.spans]
        self.repeated.update(self._taken_in[span_id] for span_id in again)
        if self.takes_repeats:
            self.doubled += again
            batch = [span for span in batch if span["span_id"] not in self.spans]
        super()._keep_spans(batch, headers)
        self._taken_in.update({span["span_id"]: int(headers["X-Exchange"]) for span in batch})

    def stored(self) -> Stored:
        """What it has, each identity once."""
        with self._lock:
            return Stored([span_from(span) for span in self.spans.values()])

    def score_values(self) -> dict[str, float]:
        """Values of scores, by what the grades were noted as."""
        with self._lock:
            return {str(score.get("comment")): score["value"] for score in self.scores.values()}


def span_from(span: dict[str, Any]) -> Span:
    """An observation as what is compared."""
    attributes = span["attributes"]
    kind = attributes["langfuse.observation.type"]
    item_type = {"agent": "rollout", "evaluator": "grade"}.get(kind, "message")
    score = None
    text = ""
    if item_type == "grade":
        output = json.loads(attributes["langfuse.observation.output"])
        score, text = output["score"], output["reasoning"]
    elif item_type == "message":
        text = said(attributes, "output" if kind == "generation" else "input")
    return Span(
        trace_id=span["trace_id"],
        span_id=span["span_id"],
        item_type=item_type,
        text=marker_of(text),
        input_tokens=attributes.get("gen_ai.usage.input_tokens", 0),
        output_tokens=attributes.get("gen_ai.usage.output_tokens", 0),
        score=score,
        order=("", span["started_ms"]),
        ended=attributes.get("langfuse.observation.metadata.state") != "lost",
    )


def said(attributes: dict[str, Any], side: str) -> str:
    return str(json.loads(attributes[f"langfuse.observation.{side}"])["content"])


def unexplained(repeated: Iterable[int], unanswered: set[int], kills: int) -> int:
    """How many requests came again although their answer arrived. Each process that was killed explains one: the one
    under way."""
    return max(0, len(set(repeated) - unanswered) - kills)
