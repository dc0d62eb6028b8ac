"""The current rollout of the running task or thread."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Optional

from caribou import _convert, _native
from caribou._errors import CaribouError, KestrelError
from caribou._log import warn
from caribou._text import text
from caribou._types import Event, Grade, Message, ToolExecution

CURRENT: ContextVar[Optional[_native.Scope]] = ContextVar("caribou_scope", default=None)

_native.register(
    {
        "Message": Message,
        "ToolExecution": ToolExecution,
        "Grade": Grade,
        "Event": Event,
        "current": CURRENT,
        "CaribouError": CaribouError,
        "KestrelError": KestrelError,
        "simplify": _convert.simplify,
        "pico_usd": _convert.pico_usd,
        "unix_nanos": _convert.unix_nanos,
        "warn": warn,
    }
)


def current_trace_id() -> Optional[str]:
    """The id of the current rollout as `trace_run` returned it; None outside of any.

    Example:
        >>> with caribou.trace_run(datapoint_id="req_1", phase="prod", trace_id="trc_1"):
        ...     caribou.current_trace_id()
        'trc_1'
    """
    scope = _native.current()
    return scope.trace_id if scope is not None else None


def trace_url(trace_id: Optional[str] = None) -> Optional[str]:
    """The page that shows a rollout: the current one, or that of an id in either form; None outside of any.

    Example:
        >>> with caribou.trace_run(datapoint_id="req_1", phase="prod"):
        ...     print(caribou.trace_url())
        http://127.0.0.1:4700/traces/0198c0de...
    """
    trace_id = trace_id or current_trace_id()
    return _native.trace_url(text(trace_id, "trace_url")) if trace_id else None
