"""What can be logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Optional, Union

Content = Union[str, Sequence[Mapping[str, Any]], None]
Timestamp = Union[datetime, float, str, None]


class RolloutStatus(str, Enum):
    """How a rollout ended; `PENDING` until somebody said."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    TRUNCATED = "TRUNCATED"
    ABORTED = "ABORTED"
    ENV_SETUP_ERROR = "ENV_SETUP_ERROR"
    STEP_ERROR = "STEP_ERROR"
    GRADER_TIMEOUT = "GRADER_TIMEOUT"
    GRADER_ERROR = "GRADER_ERROR"
    TOOL_ERROR = "TOOL_ERROR"
    ERROR = "ERROR"

    def __str__(self) -> str:
        return self.value


@dataclass
class Message:
    """A message of the conversation; assistant messages may say which model spoke and what it took.

    Attributes:
        role: "user", "assistant", "system", "tool" or "developer"; any other is kept as given.
        content: text, or OpenAI-style content parts.
        tool_calls: tool calls made by the assistant, OpenAI-style.
        tool_call_id: the tool call that a tool-role message answers.
        name: function name of a tool-role message.
        model: the model that spoke.
        provider: who served it.
        input_tokens: tokens read, cached ones included.
        output_tokens: tokens written, reasoning included.
        cost_usd: cost of the call in US dollars; a Decimal is exact.
        duration_ms: duration of the call in milliseconds.
        grader_name: set on a grader's own model calls: the grader's name.
        prompt: summary of a grader's prompt.
        reasoning: what the model thought before it spoke.
        cached_input_tokens: tokens of the input that came from a cache.
        reasoning_tokens: tokens of the output that were reasoning.
        finish_reason: why the model stopped.
        timestamp: when it was said: datetime, seconds since 1970 or ISO 8601 text; for converters of past rollouts.

    Example:
        >>> Message(role="assistant", content="Hi!", model="gpt-4o", input_tokens=10, output_tokens=5).role
        'assistant'
    """

    role: str
    content: Content = None
    tool_calls: Optional[Sequence[Any]] = None
    tool_call_id: Optional[str] = None
    name: Optional[str] = None
    model: Optional[str] = None
    provider: Optional[str] = None
    input_tokens: Optional[int] = None
    output_tokens: Optional[int] = None
    cost_usd: Union[float, Decimal, str, None] = None
    duration_ms: Optional[float] = None
    grader_name: Optional[str] = None
    prompt: Optional[str] = None
    reasoning: Optional[str] = None
    cached_input_tokens: Optional[int] = None
    reasoning_tokens: Optional[int] = None
    finish_reason: Optional[str] = None
    timestamp: Timestamp = None


@dataclass
class ToolExecution:
    """One call of a tool.

    Attributes:
        name: tool name.
        call_id: the tool call of the assistant's message that this executes.
        arguments: input; a dict stays structured, a string stays that string.
        result: output: text or content parts.
        error: message, if the tool failed.
        requestor: who asked: "agent", "user" or "system".
        duration_ms: duration in milliseconds.
        timestamp: when it ended: datetime, seconds since 1970 or ISO 8601 text; for converters of past rollouts.

    Example:
        >>> ToolExecution(name="search", arguments={"q": "x"}, result="nothing", duration_ms=12).name
        'search'
    """

    name: str
    call_id: Optional[str] = None
    arguments: Union[Mapping[str, Any], str, None] = None
    result: Content = None
    error: Optional[str] = None
    requestor: Optional[str] = None
    duration_ms: Optional[float] = None
    timestamp: Timestamp = None


@dataclass
class Grade:
    """A score with its reasons.

    Attributes:
        score: 0.0 to 1.0; anything else is kept and marked.
        grader_type: class name of the grader.
        reasoning: why this score.
        criteria: results of the single criteria; known keys are "type", "passed", "score", "weight" and "reasoning".
        passed_count: how many criteria passed.
        total_count: how many criteria there were.
        artifacts: what the grader produced on the way.
        grader_version: version of the grader.
        timestamp: when it was graded: datetime, seconds since 1970 or ISO 8601 text; for converters of past rollouts.

    Example:
        >>> Grade(score=0.5, grader_type="Tests", passed_count=1, total_count=2).score
        0.5
    """

    score: float
    grader_type: Optional[str] = None
    reasoning: Optional[str] = None
    criteria: Optional[Sequence[Mapping[str, Any]]] = None
    passed_count: Optional[int] = None
    total_count: Optional[int] = None
    artifacts: Optional[Any] = None
    grader_version: Optional[str] = None
    timestamp: Timestamp = None


@dataclass
class Event:
    """Something that happened.

    Attributes:
        name: event name.
        details: anything more.
        timestamp: when it happened: datetime, seconds since 1970 or ISO 8601 text; for converters of past rollouts.

    Example:
        >>> Event("setup_complete", details={"duration_ms": 500}).name
        'setup_complete'
    """

    name: str
    details: Optional[Mapping[str, Any]] = None
    timestamp: Timestamp = None
