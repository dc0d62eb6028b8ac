"""The types as Python sees them."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

import caribou
from caribou import Event, Grade, Message, RolloutStatus, ToolExecution

DOCUMENTED = {
    Message: [
        "role",
        "content",
        "tool_calls",
        "tool_call_id",
        "name",
        "model",
        "provider",
        "input_tokens",
        "output_tokens",
        "cost_usd",
        "duration_ms",
        "grader_name",
        "prompt",
    ],
    ToolExecution: ["name", "call_id", "arguments", "result", "error", "requestor", "duration_ms"],
    Grade: ["score", "grader_type", "reasoning", "criteria", "passed_count", "total_count"],
    Event: ["name", "details"],
}


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_documented_fields_come_first_and_in_order(kind: type) -> None:
    names = [field.name for field in dataclasses.fields(kind)]
    assert names[: len(DOCUMENTED[kind])] == DOCUMENTED[kind]
    assert "timestamp" in names


def test_fields_are_positional() -> None:
    assert Message("user", "hi") == Message(role="user", content="hi")
    assert ToolExecution("f", "c", {"a": 1}, "r", None, "agent", 5).requestor == "agent"
    assert Grade(0.5, "G", "why").reasoning == "why"
    assert Event("e", {"a": 1}).details == {"a": 1}


@pytest.mark.parametrize("item", [Message("user", [{"type": "text"}]), ToolExecution("f"), Grade(1.0), Event("e")])
def test_they_are_real_dataclasses(item: object) -> None:
    assert pickle.loads(pickle.dumps(item)) == item
    assert copy.deepcopy(item) == item
    assert type(item)(**dataclasses.asdict(item)) == item
    assert dataclasses.replace(item) == item


def test_statuses_are_text() -> None:
    assert [status.value for status in RolloutStatus] == [
        "PENDING",
        "COMPLETED",
        "TRUNCATED",
        "ABORTED",
        "ENV_SETUP_ERROR",
        "STEP_ERROR",
        "GRADER_TIMEOUT",
        "GRADER_ERROR",
        "TOOL_ERROR",
        "ERROR",
    ]
    assert RolloutStatus.COMPLETED == "COMPLETED"
    assert f"{RolloutStatus.COMPLETED}" == "COMPLETED"


def test_everything_public_is_documented() -> None:
    for name in caribou.__all__:
        if name != "__version__":
            assert (getattr(caribou, name).__doc__ or "").strip(), name


def test_the_version_is_that_of_the_distribution() -> None:
    assert tuple(int(part) for part in caribou.__version__.split(".")[:2]) >= (0, 1)
