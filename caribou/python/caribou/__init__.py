"""Records agent rollouts: messages, tool executions, grades and events.

Example:
    >>> import caribou
    >>> from caribou import Message
    >>> caribou.configure(run_id="my-project", phase="prod")
    >>> with caribou.trace_run({"datapoint_id": "req_123", "phase": "prod"}) as trace_id:
    ...     caribou.log(Message(role="user", content="Hello"))
    >>> caribou.flush()
    True
"""

from caribou._client import KestrelClient, Project, get_kestrel_client
from caribou._context import current_trace_id, trace_url
from caribou._errors import CaribouError, KestrelError
from caribou._lifecycle import DeliveryCounts, Stats, aflush, configure, flush, shutdown, stats
from caribou._native import log
from caribou._propagation import extract, inject
from caribou._rollout import (
    add_meta,
    add_tags,
    bind,
    increment_intra,
    increment_turn,
    set_error,
    set_intra_index,
    set_status,
    set_turn_index,
    span,
    trace_run,
)
from caribou._types import Event, Grade, Message, RolloutStatus, ToolExecution
from caribou._version import __version__

__all__ = [
    "CaribouError",
    "DeliveryCounts",
    "Event",
    "Grade",
    "KestrelClient",
    "KestrelError",
    "Message",
    "Project",
    "RolloutStatus",
    "Stats",
    "ToolExecution",
    "__version__",
    "add_meta",
    "add_tags",
    "aflush",
    "bind",
    "configure",
    "current_trace_id",
    "extract",
    "flush",
    "get_kestrel_client",
    "increment_intra",
    "increment_turn",
    "inject",
    "log",
    "set_error",
    "set_intra_index",
    "set_status",
    "set_turn_index",
    "shutdown",
    "span",
    "stats",
    "trace_run",
    "trace_url",
]
