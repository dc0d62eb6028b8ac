"""A rollout across processes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from otlp_sink import OtlpSink

import caribou
from caribou import Event, RolloutStatus


def test_a_worker_logs_into_its_parents_rollout(recorded: OtlpSink, program: Callable[..., Any]) -> None:
    with caribou.trace_run(datapoint_id="d", phase="prod", run_id="my agent, ü") as trace_id, caribou.span("step"):
        carrier: dict[str, str] = {}
        caribou.inject(carrier)
        program(
            f"""
            import caribou
            with caribou.extract({carrier!r}) as trace_id:
                assert trace_id == {trace_id!r}
                caribou.log(caribou.Event("in the worker"))
                raise SystemExit(0)
            """
        )
    assert caribou.flush()
    step = recorded.one(name="step")
    segments = recorded.spans(item_type="rollout")
    assert {span.trace_id for span in segments} == {trace_id}
    worker = next(span for span in segments if span.parent_span_id)
    parent = next(span for span in segments if not span.parent_span_id)
    assert worker.parent_span_id == step.span_id
    assert worker.project == parent.project == "my agent, ü"
    assert worker.rollout_status is None
    assert worker.error_type == "SystemExit"
    assert parent.rollout_status == "COMPLETED"
    assert recorded.one(name="in the worker").parent_span_id == worker.span_id


def test_carriers_are_w3c_trace_context(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        carrier = {"Baggage": "tenant=5;p=1,caribou.project=old", "other": "x"}
        caribou.inject(carrier)
    assert carrier["traceparent"].startswith(f"00-{trace_id}-")
    assert carrier["traceparent"].endswith("-01")
    assert carrier["baggage"] == "tenant=5;p=1,caribou.project=test-project"


def test_headers_are_read_in_any_case_and_as_bytes(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id:
        carrier: dict[str, str] = {}
        caribou.inject(carrier)
    headers: Any = {"TraceParent": carrier["traceparent"].encode(), "BAGGAGE": carrier["baggage"]}
    with caribou.extract(headers) as found:
        assert found == trace_id


def test_a_worker_leaves_the_status_alone(lenient: OtlpSink, caplog: pytest.LogCaptureFixture) -> None:
    carrier: dict[str, str] = {}
    with caribou.trace_run(datapoint_id="d"):
        caribou.inject(carrier)
    with contextlib.suppress(ValueError), caribou.extract(carrier):
        caribou.set_status(RolloutStatus.TRUNCATED)
        caribou.add_meta({"worker": 1})
        raise ValueError("x")
    assert caribou.flush()
    worker = next(span for span in lenient.spans(item_type="rollout") if span.parent_span_id)
    assert worker.rollout_status is None
    assert worker.json("metadata") == {"worker": 1}
    assert (worker.error_type, worker.status_code) == ("ValueError", 2)
    assert "set_status was ignored" in caplog.text


@pytest.mark.parametrize("carrier", [{}, {"traceparent": "garbage"}, {"traceparent": "00-0-0-00"}])
def test_without_a_trace_context_there_is_no_rollout(lenient: OtlpSink, carrier: dict[str, str]) -> None:
    warnings = caribou.stats()["warnings"]
    with caribou.extract(carrier) as trace_id:
        assert trace_id is None
        assert caribou.current_trace_id() is None
    assert caribou.stats()["warnings"] == warnings + 1


def test_a_worker_may_be_asynchronous(recorded: OtlpSink) -> None:
    import asyncio

    carrier: dict[str, str] = {}
    with caribou.trace_run(datapoint_id="d") as trace_id:
        caribou.inject(carrier)

    async def work() -> None:
        async with caribou.extract(carrier) as found:
            assert found == trace_id
            caribou.log(Event("async"))

    asyncio.run(work())
    assert caribou.flush()
    assert recorded.one(name="async").trace_id == trace_id


@pytest.mark.parametrize("carrier", [None, 5, "traceparent", {"traceparent": "\udc80"}])
def test_a_carrier_that_is_none_breaks_no_program(lenient: OtlpSink, carrier: Any) -> None:
    warnings = caribou.stats()["warnings"]
    with caribou.extract(carrier) as trace_id:
        assert trace_id is None
    assert caribou.stats()["warnings"] > warnings
    with caribou.trace_run(datapoint_id="d"):
        caribou.inject(carrier)
