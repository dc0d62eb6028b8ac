"""Where in the conversation items stand."""

from __future__ import annotations

from otlp_sink import OtlpSink

import caribou
from caribou import Event, Grade, Message, ToolExecution


def positions(sink: OtlpSink, trace_id: str) -> list[tuple[str, int, int]]:
    """Name, turn and place of every item."""
    assert caribou.flush()
    items = [span for span in sink.items() if trace_id in (span.trace_id, span.trace_id_text)]
    return [(span.name, span.turn_index, span.intra_index) for span in items]


def test_turns_advance_by_themselves(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.log(Event("start"))
        caribou.log(Message("system", "s"))
        caribou.log(Message("user", "u"))
        caribou.log(Message("assistant", "a"))
        caribou.log(ToolExecution("t"))
        caribou.log(Message("tool", "r"))
        caribou.log(Event("note"))
        caribou.log(Message("assistant", "b"))
        caribou.log(Message("assistant", "score", grader_name="G"))
        caribou.log(Grade(1.0, criteria=[{"type": "c"}]))
        caribou.log(Message("user", "u2"))
    assert positions(recorded, trace_id) == [
        ("event.start", 0, 0),
        ("message.system", 0, 0),
        ("message.user", 0, 1),
        ("message.assistant", 0, 2),
        ("tool.t", 0, 3),
        ("message.tool", 0, 4),
        ("event.note", 0, 4),
        ("message.assistant", 1, 0),
        ("grader.G", 1, 0),
        ("grader", 1, 0),
        ("grader.criterion", 1, 0),
        ("message.user", 2, 0),
    ]


def test_turns_can_be_set(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.increment_intra()
        caribou.log(Message("user", "a"))
        caribou.increment_turn()
        caribou.log(Message("user", "b"))
        caribou.set_turn_index(7)
        caribou.log(ToolExecution("c"))
        caribou.set_intra_index(5)
        caribou.log(ToolExecution("d"))
    assert [place[1:] for place in positions(recorded, trace_id)] == [(0, 1), (1, 0), (7, 1), (7, 5)]


def test_segments_of_one_process_go_on(recorded: OtlpSink) -> None:
    for text in ("one", "two"):
        with caribou.trace_run(datapoint_id="d", trace_id="trc_turns"):
            caribou.log(Message("user", text))
            caribou.log(Message("assistant", text))
    assert caribou.flush()
    assert [place[1:] for place in positions(recorded, recorded.items()[0].trace_id)] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]
