"""Each field of each type arrives as the attribute that the server reads."""

from __future__ import annotations

import datetime
import decimal
import enum
import math
from typing import Any

import pytest
from otlp_sink import OtlpSink, Span

import caribou
from caribou import Event, Grade, Message, ToolExecution

CALLS = [{"id": "call_1", "type": "function", "function": {"name": "search", "arguments": "{}"}}]
IDENTITY = {
    "project",
    "item_type",
    "span_kind",
    "revision",
    "sequence",
    "logged_at",
    "turn_index",
    "intra_index",
}


def logged(sink: OtlpSink, item: Any) -> Span:
    """Logs an item in a rollout of its own and returns its span."""
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.log(item)
    assert caribou.flush()
    spans = [span for span in sink.items() if span.trace_id == trace_id]
    assert spans
    return spans[0]


def fields(span: Span) -> dict[str, Any]:
    """The attributes beyond those that every span has."""
    return {key: value for key, value in span.attributes.items() if key not in IDENTITY}


def test_a_message_with_every_field(recorded: OtlpSink) -> None:
    span = logged(
        recorded,
        Message(
            role="assistant",
            content="Hi there!",
            tool_calls=CALLS,
            tool_call_id="call_0",
            name="lookup",
            model="gpt-4o",
            provider="openai",
            input_tokens=100,
            output_tokens=50,
            cost_usd=0.002,
            duration_ms=1500,
            prompt="be kind",
            reasoning="hm",
            cached_input_tokens=80,
            reasoning_tokens=20,
            finish_reason="stop",
        ),
    )
    assert (span.name, span.span_kind, span.item_type) == ("message.assistant", "message", "message")
    assert span.json("tool_calls") == CALLS
    assert fields(span) == {
        "role": "assistant",
        "content": "Hi there!",
        "tool_calls": span.tool_calls,
        "call_id": "call_0",
        "name": "lookup",
        "model": "gpt-4o",
        "provider": "openai",
        "input_tokens": 100,
        "output_tokens": 50,
        "cost_pico_usd": 2_000_000_000,
        "duration_ns": 1_500_000_000,
        "prompt": "be kind",
        "reasoning": "hm",
        "cached_input_tokens": 80,
        "reasoning_tokens": 20,
        "finish_reason": "stop",
    }
    assert span.end == span.logged_at
    assert span.start == span.end - 1_500_000_000


def test_what_is_none_is_left_out(recorded: OtlpSink) -> None:
    assert fields(logged(recorded, Message("user"))) == {"role": "user"}
    assert fields(logged(recorded, Message("user", ""))) == {"role": "user", "content": ""}


def test_structured_content_stays_structured(recorded: OtlpSink) -> None:
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:..."}}]
    span = logged(recorded, Message("user", parts))
    assert span.content is None
    assert span.json("content_json") == parts


@pytest.mark.parametrize(
    ("item", "name", "kind"),
    [
        (Message("user", "x"), "message.user", "message"),
        (Message("system", "x"), "message.system", "message"),
        (Message("tool", "x"), "message.tool", "message"),
        (Message("developer", "x"), "message.developer", "message"),
        (Message("critic", "x"), "message.critic", "message"),
        (Message("assistant", "x", grader_name="helpfulness"), "grader.helpfulness", "grader.helpfulness"),
        (ToolExecution("read_file"), "tool.read_file", "tool"),
        (Grade(0.5), "grader", "grader"),
        (Grade(0.5, "MyGrader"), "grader.MyGrader", "grader"),
        (Event("setup_start"), "event.setup_start", "event"),
    ],
)
def test_spans_are_named_as_documented(recorded: OtlpSink, item: Any, name: str, kind: str) -> None:
    span = logged(recorded, item)
    assert (span.name, span.span_kind) == (name, kind)


def test_a_tool_execution_with_every_field(recorded: OtlpSink) -> None:
    span = logged(
        recorded,
        ToolExecution(
            name="read_file",
            call_id="call_abc123",
            arguments='{"path": "/etc/hosts"}',
            result="127.0.0.1 localhost",
            error="no such file",
            requestor="agent",
            duration_ms=50,
        ),
    )
    assert fields(span) == {
        "name": "read_file",
        "call_id": "call_abc123",
        "arguments": '{"path": "/etc/hosts"}',
        "result": "127.0.0.1 localhost",
        "error_message": "no such file",
        "requestor": "agent",
        "duration_ns": 50_000_000,
    }
    assert (span.status_code, span.status_message) == (2, "no such file")


def test_arguments_and_results_keep_their_form(recorded: OtlpSink) -> None:
    span = logged(recorded, ToolExecution("f", arguments={"q": [1, None]}, result=[{"type": "text", "text": "r"}]))
    assert span.json("arguments_json") == {"q": [1, None]}
    assert span.json("result_json") == [{"type": "text", "text": "r"}]
    assert span.arguments is span.result is None
    assert span.status_code == 0


def test_a_grade_has_a_child_for_each_criterion(recorded: OtlpSink) -> None:
    criteria = [
        {"type": "test_pass", "passed": True, "score": 1.0, "weight": 2, "reasoning": "ok", "file": "a.py"},
        {"type": "test_pass", "passed": False, "score": 0.0, "reason": "crash"},
        {"name": "free form"},
    ]
    grade = Grade(
        score=0.85,
        grader_type="MyGrader",
        reasoning="Passed 1 of 2",
        criteria=criteria,
        passed_count=1,
        total_count=2,
        artifacts={"log": "x"},
        grader_version="3",
    )
    span = logged(recorded, grade)
    assert span.json("criteria") == criteria
    assert span.json("artifacts") == {"log": "x"}
    assert (span.score, span.grader_name, span.reasoning) == (0.85, "MyGrader", "Passed 1 of 2")
    assert (span.passed_count, span.total_count, span.grader_version) == (1, 2, "3")

    children = recorded.spans(item_type="criterion", project="test-project")
    children = [child for child in children if child.parent_span_id == span.span_id]
    assert [child.name for child in children] == ["grader.criterion"] * 3
    assert [child.span_kind for child in children] == ["grader.criterion"] * 3
    assert [child.json("details") for child in children] == criteria
    assert [(c.attributes.get("name"), c.passed, c.score, c.weight, c.reasoning) for c in children] == [
        ("test_pass", True, 1.0, 2.0, "ok"),
        ("test_pass", False, 0.0, None, "crash"),
        (None, None, None, None, None),
    ]


@pytest.mark.parametrize("score", [1.5, -1, float("inf"), 0, True])
def test_any_score_is_kept(recorded: OtlpSink, score: float) -> None:
    assert logged(recorded, Grade(score=score)).score == float(score)


def test_a_score_that_is_no_number_is_kept_as_such(recorded: OtlpSink) -> None:
    assert math.isnan(logged(recorded, Grade(score=float("nan"))).score)


def test_an_event_with_details(recorded: OtlpSink) -> None:
    span = logged(recorded, Event(name="grading_complete", details={"duration_ms": 500}))
    assert span.attributes["name"] == "grading_complete"
    assert span.json("details") == {"duration_ms": 500}


@pytest.mark.parametrize(
    "item",
    [Message("user", "x"), ToolExecution("f"), Grade(1), Event("e")],
    ids=lambda item: type(item).__name__,
)
def test_a_timestamp_dates_an_item(recorded: OtlpSink, item: Any) -> None:
    moment = datetime.datetime(2024, 5, 6, tzinfo=datetime.timezone.utc)
    item.timestamp = moment
    span = logged(recorded, item)
    assert span.logged_at == span.end == span.start == int(moment.timestamp()) * 10**9


def test_costs_may_be_exact(recorded: OtlpSink) -> None:
    for cost in (decimal.Decimal("0.1"), "0.1", 0.1):
        assert logged(recorded, Message("assistant", cost_usd=cost)).cost_pico_usd == 100_000_000_000
    assert logged(recorded, Message("assistant", cost_usd=3)).cost_pico_usd == 3 * 10**12


def test_text_of_any_kind_arrives_whole(recorded: OtlpSink) -> None:
    text = "\x00\u2028🦌é" * 100_000
    assert logged(recorded, Message("user", text)).content == text
    assert logged(recorded, Message("user", "a\udc80")).content == "a\\udc80"
    assert logged(recorded, Message("user\udc80", "x")).name == "message.user\\udc80"


def test_values_of_other_types_become_what_the_field_needs(recorded: OtlpSink) -> None:
    class Role(str, enum.Enum):
        USER = "user"

    numpy = pytest.importorskip("numpy")
    span = logged(recorded, Message(Role.USER, {"a": 1}, model=5, input_tokens=numpy.int64(3), output_tokens=4.0))  # type: ignore[arg-type]
    assert (span.name, span.json("content_json"), span.model) == ("message.user", {"a": 1}, "5")
    assert (span.input_tokens, span.output_tokens) == (3, 4)


def test_a_value_that_cannot_be_used_is_left_out_and_told(lenient: OtlpSink, caplog: pytest.LogCaptureFixture) -> None:
    before = caribou.stats()["warnings"]
    item = Message("assistant", "x", input_tokens="many", output_tokens=-1, cost_usd="free", duration_ms="long")  # type: ignore[arg-type]
    span = logged(lenient, item)
    assert fields(span) == {"role": "assistant", "content": "x"}
    assert caribou.stats()["warnings"] == before + 4
    assert "Message.input_tokens must be a whole number" in caplog.text


def test_subclasses_and_extra_attributes_are_welcome(recorded: OtlpSink) -> None:
    class MyMessage(Message):
        pass

    item = MyMessage("user", "x")
    item.own = object()  # type: ignore[attr-defined]
    assert fields(logged(recorded, item)) == {"role": "user", "content": "x"}


def test_fields_set_in_any_order_are_read(recorded: OtlpSink) -> None:
    item = Message("user", "x")
    del item.content
    item.content = "later"
    assert logged(recorded, item).content == "later"


@pytest.mark.parametrize("item", ["text", {"role": "user"}, None, Message, 5])
def test_anything_else_is_a_type_error(recorded: OtlpSink, item: Any) -> None:
    with pytest.raises(TypeError, match="Message, ToolExecution, Grade or Event"):
        caribou.log(item)
    with caribou.trace_run(datapoint_id="d"), pytest.raises(TypeError):
        caribou.log(item)


def test_an_item_that_is_too_large_is_set_aside_with_the_reason(
    lenient: OtlpSink, caplog: pytest.LogCaptureFixture
) -> None:
    refused = caribou.stats()["refused"]
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.log(Message("user", "x" * (49 << 20)))
        caribou.log(Message("user", "small"))
    assert not caribou.flush(60), "something was not acknowledged"
    assert caribou.flush()
    assert [span.content for span in lenient.items() if span.trace_id == trace_id] == ["small"]
    assert caribou.stats()["refused"] == refused + 1
    assert "log large data in parts" in caplog.text


def test_a_large_item_arrives_whole(recorded: OtlpSink) -> None:
    text = "x" * (20 << 20)
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.log(Message("user", text))
    assert caribou.flush(60)
    (span,) = [span for span in recorded.items() if span.trace_id == trace_id]
    assert span.content == text
