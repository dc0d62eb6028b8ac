"""Rollouts across processes, by the headers of W3C trace context."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Optional

from caribou import _native
from caribou._rollout import _Opened
from caribou._text import encodable


def inject(carrier: MutableMapping[str, str]) -> None:
    """Writes the current rollout into the headers of a request or message, for `extract` in the process that gets it.

    Example:
        >>> headers: dict[str, str] = {}
        >>> caribou.inject(headers)
        >>> httpx.post(url, headers=headers)
    """
    scope = _native.current("inject")
    if scope is None:
        return
    baggage = scope.baggage(_header(carrier, "baggage", "inject"))
    try:
        carrier["traceparent"] = scope.traceparent
        carrier["baggage"] = baggage
    except Exception:
        _native.report(f"inject takes a mapping that it can write to, not {type(carrier).__name__}: nothing is carried")


class extract(_Opened):  # noqa: N801 - used like a function
    """Continues the rollout of another process: what is logged inside belongs to it. It never sets its status.

    A context manager (`with` and `async with`). Without a valid `traceparent` in the carrier it warns once, and what is
    logged inside belongs to no rollout.

    Example:
        >>> with caribou.extract(request.headers):
        ...     caribou.log(ToolExecution(name="render", result="done"))
    """

    def __init__(self, carrier: Mapping[str, str], /) -> None:
        super().__init__()
        self._carrier = carrier

    def _open(self) -> Optional[_native.Scope]:
        traceparent = _header(self._carrier, "traceparent", "extract") or ""
        return _native.extract(traceparent, _header(self._carrier, "baggage", "extract"), _native.current())

    def __enter__(self) -> Optional[str]:
        scope = self._enter()
        return scope.trace_id if scope is not None else None

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._exit(error)

    async def __aenter__(self) -> Optional[str]:
        return self.__enter__()

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._exit(error)


def _header(carrier: Mapping[str, str], name: str, call: str) -> Optional[str]:
    """Headers are case-insensitive, and values may come as bytes from a raw list of headers."""
    try:
        for key, value in carrier.items():
            if str(key).lower() == name:
                return value.decode("latin-1") if isinstance(value, bytes) else encodable(str(value))
    except Exception:
        _native.report(
            f"{call} takes headers as a mapping of texts; those of type {type(carrier).__name__} were not read"
        )
    return None
