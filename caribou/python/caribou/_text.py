"""Any value as text that can be recorded."""

from __future__ import annotations

from typing import Any

from caribou import _native

UNCONVERTIBLE = "<unconvertible>"


def text(value: Any, call: str) -> str:
    """The text of a value that was given to a call; a value whose own `__str__` fails breaks nobody's program."""
    try:
        return encodable(str(value))
    except Exception:
        _native.report(f"{call} was given a value of type {type(value).__name__} that cannot be made text")
        return UNCONVERTIBLE


def encodable(value: str) -> str:
    """Lone surrogates, which UTF-8 cannot hold, become their escapes."""
    return value.encode("utf-8", "backslashreplace").decode("utf-8")
