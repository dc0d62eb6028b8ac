"""What the root of a rollout says, and how rollouts end."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import uuid
from typing import Any

import pytest
from otlp_sink import OtlpSink, Span

import caribou
from caribou import Event, Message, RolloutStatus


def root(sink: OtlpSink, trace_id: str) -> Span:
    """The root of a rollout after everything was delivered."""
    assert caribou.flush()
    roots = [span for span in sink.spans(item_type="rollout") if trace_id in (span.trace_id, span.trace_id_text)]
    assert len(roots) == 1
    return roots[0]


def status(span: Span) -> tuple[str | None, bool | None]:
    """Status and whether it was set by somebody."""
    return span.rollout_status, span.rollout_status_explicit


def test_every_key_arrives(recorded: OtlpSink) -> None:
    started = datetime.datetime(2025, 1, 1, tzinfo=datetime.timezone.utc)
    with caribou.trace_run(
        {
            "datapoint_id": "d1",
            "phase": "train",
            "run_id": "run_1",
            "step_number": 7,
            "env_name": "env",
            "model_name": "gpt",
            "grader_name": "G",
            "trace_id": f"trc_{uuid.uuid4()}",
        },
        sample_index=2,
        policy_version="p3",
        user_id="u",
        session_id="s",
        parent_trace_id="trc_parent",
        name="my rollout",
        started_at=started,
    ) as trace_id:
        caribou.log(Message("user", "x"))
    span = root(recorded, trace_id)
    assert span.name == "my rollout"
    assert span.attributes["name"] == "my rollout"
    assert span.start == int(started.timestamp()) * 10**9
    expected = {
        "trace_id_text": trace_id,
        "phase": "train",
        "run_id": "run_1",
        "step_number": 7,
        "datapoint_id": "d1",
        "sample_index": 2,
        "env_name": "env",
        "model_name": "gpt",
        "grader_name": "G",
        "policy_version": "p3",
        "user_id": "u",
        "session_id": "s",
        "rollout_status": "COMPLETED",
        "rollout_status_explicit": False,
        "project": "test-project",
        "span_kind": "rollout",
    }
    assert {key: span.attributes.get(key) for key in expected} == expected
    assert len(span.parent_trace_id) == 32


def test_ids_may_be_numbers_and_uuids(recorded: OtlpSink) -> None:
    identity = uuid.uuid4()
    with caribou.trace_run(datapoint_id=17, trace_id=identity, user_id=uuid.UUID(int=5)) as trace_id:
        pass
    assert trace_id == str(identity)
    span = root(recorded, trace_id)
    assert span.trace_id == identity.hex
    assert (span.datapoint_id, span.user_id) == ("17", str(uuid.UUID(int=5)))


def test_a_generated_id_is_32_hex_digits_in_the_order_of_time(recorded: OtlpSink) -> None:
    ids = []
    for _ in range(3):
        with caribou.trace_run(datapoint_id="d") as trace_id:
            ids.append(trace_id)
        assert root(recorded, trace_id).trace_id == trace_id
    assert all(len(trace_id) == 32 and int(trace_id, 16) for trace_id in ids)
    assert [trace_id[:12] for trace_id in ids] == sorted(trace_id[:12] for trace_id in ids)


def test_configured_values_are_defaults_and_given_ones_win(recorded: OtlpSink) -> None:
    caribou.configure(env_name="configured", model_name="configured", tags=["everywhere"])
    with caribou.trace_run(datapoint_id="d", model_name="given") as trace_id:
        caribou.add_tags("here", "everywhere")
    span = root(recorded, trace_id)
    assert (span.env_name, span.model_name, span.phase, span.run_id) == ("configured", "given", "eval", "test-run")
    assert span.tags == ["everywhere", "here"]


def test_in_production_the_project_is_the_run(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d", phase="prod", run_id="my-agent") as trace_id:
        caribou.log(Event("e"))
    span = root(recorded, trace_id)
    assert (span.project, span.run_id) == ("my-agent", "my-agent")
    assert {item.project for item in recorded.items() if item.trace_id == span.trace_id} == {"my-agent"}


def test_metadata_and_tags_are_united(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.add_meta({"a": 1, "b": {"x": [1]}, 3: None})
        caribou.add_meta({"a": 2.5})
        caribou.add_tags("one", "two")
        caribou.add_tags("two", 3)
    span = root(recorded, trace_id)
    assert span.json("metadata") == {"a": 2.5, "b": {"x": [1]}, "3": None}
    assert span.tags == ["one", "two", "3"]


def test_a_rollout_is_known_from_the_moment_it_opens(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id, caribou.span("group"):
        assert caribou.flush()
        spans = [span for span in recorded.spans() if span.trace_id == trace_id]
        assert [(span.item_type, span.end) for span in spans] == [("rollout", 0), ("group", 0)]
        assert spans[0].rollout_status is None
        opened = spans[0]
    closed = root(recorded, trace_id)
    assert closed.span_id == opened.span_id
    assert closed.end > closed.start == opened.start
    assert closed.revision > opened.revision
    assert (closed.sequence, closed.logged_at) == (opened.sequence, opened.logged_at)


def test_left_normally_without_a_status_it_is_completed(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        pass
    assert status(root(recorded, trace_id)) == ("COMPLETED", False)


@pytest.mark.parametrize("value", list(RolloutStatus))
def test_a_status_that_was_set_stays(recorded: OtlpSink, value: RolloutStatus) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.set_status(value)
    assert status(root(recorded, trace_id)) == (value.value, True)


def test_a_status_may_be_text_in_any_case_and_carry_a_message(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.set_status("truncated", "no answer after 12 turns")
    span = root(recorded, trace_id)
    assert status(span) == ("TRUNCATED", True)
    assert span.error_message == span.status_message == "no answer after 12 turns"


def test_an_unknown_status_is_kept_as_text(lenient: OtlpSink, caplog: pytest.LogCaptureFixture) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.set_status("half-done")
    assert status(root(lenient, trace_id)) == ("half-done", True)
    assert "unknown rollout status" in caplog.text


@pytest.mark.parametrize("error_first", [True, False])
def test_status_and_error_may_come_in_either_order(recorded: OtlpSink, error_first: bool) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        calls = [lambda: caribou.set_error("timed out"), lambda: caribou.set_status(RolloutStatus.TRUNCATED)]
        for call in calls if error_first else calls[::-1]:
            call()
    span = root(recorded, trace_id)
    assert (status(span), span.error_message) == (("TRUNCATED", True), "timed out")


def test_an_error_without_a_status_is_an_error(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.set_error("broken")
    span = root(recorded, trace_id)
    assert (status(span), span.error_message, span.status_code) == (("ERROR", False), "broken", 2)


def test_an_exception_is_an_error_with_its_traceback_and_goes_on(recorded: OtlpSink) -> None:
    with (
        pytest.raises(ZeroDivisionError, match="division"),
        caribou.trace_run(datapoint_id="d") as trace_id,
    ):
        _ = 1 / 0
    span = root(recorded, trace_id)
    assert status(span) == ("ERROR", False)
    assert (span.error_type, span.error_message) == ("ZeroDivisionError", "division by zero")
    assert "test_rollout.py" in span.traceback
    assert "1 / 0" in span.traceback
    assert (span.status_code, span.status_message) == (2, "division by zero")


def test_a_failing_status_set_before_an_exception_stays(recorded: OtlpSink) -> None:
    with contextlib.suppress(ValueError), caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.set_status(RolloutStatus.TOOL_ERROR)
        raise ValueError("x")
    span = root(recorded, trace_id)
    assert status(span) == ("TOOL_ERROR", True)
    assert (span.error_type, span.error_message) == ("ValueError", "x")


def test_an_exception_overrides_a_status_that_did_not_fail(recorded: OtlpSink) -> None:
    with contextlib.suppress(ValueError), caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.set_status(RolloutStatus.COMPLETED)
        raise ValueError("x")
    assert status(root(recorded, trace_id))[0] == "ERROR"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_being_stopped_is_aborted(recorded: OtlpSink, kind: type[BaseException]) -> None:
    with pytest.raises(kind), caribou.trace_run(datapoint_id="d") as trace_id:
        raise kind("stop")
    span = root(recorded, trace_id)
    assert status(span) == ("ABORTED", False)
    assert span.error_type.endswith(kind.__name__)
    assert span.traceback


def test_an_exception_that_cannot_be_printed_is_recorded(recorded: OtlpSink) -> None:
    class SilentError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    with pytest.raises(SilentError), caribou.trace_run(datapoint_id="d") as trace_id:
        raise SilentError
    assert status(root(recorded, trace_id))[0] == "ERROR"


def test_a_change_after_the_end_is_recorded(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        late = caribou.bind(lambda: (caribou.add_meta({"late": True}), caribou.log(Event("late"))))
    ended = root(recorded, trace_id)
    late()
    span = root(recorded, trace_id)
    assert span.json("metadata") == {"late": True}
    assert span.end == ended.end
    assert recorded.one(name="late").parent_span_id == span.span_id


def test_groups_hold_what_is_logged_inside(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        with caribou.span("planner", depth=2, tools={"a"}):
            with caribou.span("inner"):
                caribou.log(Event("inside"))
            caribou.log(Event("between"))
        caribou.log(Event("outside"))
    top = root(recorded, trace_id)
    planner, inner = recorded.one(name="planner"), recorded.one(name="inner")
    assert (planner.name, planner.span_kind, planner.item_type) == ("planner", "group", "group")
    assert planner.json("attributes") == {"depth": 2, "tools": ["a"]}
    assert planner.parent_span_id == top.span_id
    assert inner.parent_span_id == planner.span_id
    assert recorded.one(name="inside").parent_span_id == inner.span_id
    assert recorded.one(name="between").parent_span_id == planner.span_id
    assert recorded.one(name="outside").parent_span_id == top.span_id


def test_an_error_marks_the_innermost_group(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        with caribou.span("planner"):
            caribou.set_error("lost")
        with contextlib.suppress(KeyError), caribou.span("worker"):
            raise KeyError("k")
    assert status(root(recorded, trace_id)) == ("COMPLETED", False)
    assert recorded.one(name="planner").error_message == "lost"
    worker = recorded.one(name="worker")
    assert (worker.error_type, worker.status_code) == ("KeyError", 2)
    assert "KeyError" in worker.traceback


def test_a_nested_rollout_is_its_own_and_linked(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="outer") as outer:
        with caribou.span("step"), caribou.trace_run(datapoint_id="inner") as inner:
            caribou.log(Event("deep"))
        caribou.log(Event("shallow"))
    assert caribou.flush()
    step = recorded.one(name="step")
    child = root(recorded, inner)
    assert child.parent_trace_id == outer
    assert child.parent_span_id == ""
    assert child.links == [(outer, step.span_id)]
    assert recorded.one(name="deep").trace_id == inner
    assert recorded.one(name="shallow").trace_id == outer


def test_with_its_parents_id_it_is_a_segment(recorded: OtlpSink) -> None:
    with (
        caribou.trace_run(datapoint_id="d", trace_id="trc_x") as outer,
        caribou.trace_run(datapoint_id="d", trace_id="trc_x"),
    ):
        caribou.log(Event("e"))
    assert caribou.flush()
    segments = recorded.spans(item_type="rollout", trace_id_text=outer)
    assert len(segments) == 2
    assert segments[1].links == []
    assert segments[1].parent_trace_id is None
    assert recorded.one(name="e").parent_span_id == segments[1].span_id


def test_the_applications_own_span_is_linked(recorded: OtlpSink) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    tracer = TracerProvider().get_tracer("app")
    with tracer.start_as_current_span("request") as active, caribou.trace_run(datapoint_id="d") as trace_id:
        pass
    context = active.get_span_context()
    assert root(recorded, trace_id).links == [(f"{context.trace_id:032x}", f"{context.span_id:016x}")]


def test_opentelemetry_is_not_imported_for_it(program: Any) -> None:
    program(
        """
        import sys, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            pass
        assert not any(name.startswith("opentelemetry") for name in sys.modules)
        """
    )


def test_a_converted_rollout_ends_with_its_last_item(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d", started_at="2024-01-01T00:00:00Z") as trace_id:
        caribou.log(Message("user", "x", timestamp="2024-01-01T00:00:05Z"))
        caribou.log(Message("assistant", "y", timestamp="2024-01-01T00:00:09Z", duration_ms=3000))
    span = root(recorded, trace_id)
    assert span.end - span.start == 9 * 10**9


def test_pages_are_found_by_either_form_of_the_id(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d", trace_id="trc_page") as trace_id:
        inside = caribou.trace_url()
        assert caribou.current_trace_id() == trace_id == "trc_page"
    span = root(recorded, trace_id)
    assert inside == caribou.trace_url("trc_page") == f"{recorded.url}/traces/{span.trace_id}"
    assert caribou.trace_url() is None
    assert caribou.current_trace_id() is None


def test_the_tau_bench_converter_shape_keeps_order(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        for index in range(300):
            caribou.log(Message("user", str(index), duration_ms=300 - index, input_tokens=index))
    assert caribou.flush()
    items = [span for span in recorded.items() if span.trace_id == trace_id]
    assert [span.input_tokens for span in items] == list(range(300))
    assert [span.span_id for span in items] == sorted(span.span_id for span in items)
    assert len({span.sequence for span in items}) == 300


def test_metadata_of_odd_kinds_never_raises(lenient: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.add_meta("text")  # type: ignore[arg-type]
        caribou.add_meta({"a": object()})
        caribou.set_turn_index("x")  # type: ignore[arg-type]
        caribou.set_status(None)  # type: ignore[arg-type]
        caribou.set_error(None)  # type: ignore[arg-type]
        caribou.add_tags(None, "a\udc80")  # type: ignore[arg-type]
    assert "object" in json.dumps(root(lenient, trace_id).json("metadata"))
