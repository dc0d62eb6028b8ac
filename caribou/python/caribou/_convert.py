"""Values that JSON does not know, as values that it knows; and numbers that need exact arithmetic."""

from __future__ import annotations

import base64
import dataclasses
import sys
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, Set, ValuesView
from datetime import date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal
from enum import Enum
from typing import Any
from uuid import UUID

_MAX_PICO_USD = 999_999_999_999_999_999
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def simplify(value: Any) -> Any:
    """One step towards JSON: a dict, list or scalar that stands for `value`, whose own parts may need steps as well."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _text_or_data_url(bytes(value))
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, type):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, BaseException):
        return {"type": type(value).__name__, "message": str(value)}
    if isinstance(value, tuple):
        return dict(zip(value._fields, value)) if hasattr(value, "_fields") else list(value)
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value.items())
    if isinstance(value, (Set, KeysView)):
        return _sorted(value)
    if isinstance(value, (deque, range, ValuesView, ItemsView)):
        return list(value)
    return _from_known_libraries(value)


def _from_known_libraries(value: Any) -> Any:
    """Models of pydantic and attrs, arrays of numpy and whatever looks like them; else what `repr` says."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if hasattr(value, "__fields__") and hasattr(value, "dict"):
        return value.dict()
    if hasattr(value, "__attrs_attrs__"):
        return {field.name: getattr(value, field.name, None) for field in value.__attrs_attrs__}
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        listed = value.tolist()
        return listed if type(listed) is not type(value) else repr(value)
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    return repr(value)


def _text_or_data_url(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "data:application/octet-stream;base64," + base64.b64encode(data).decode("ascii")


def _sorted(values: Any) -> list[Any]:
    """Sets have no order of their own, and the same set should be the same text each time."""
    try:
        return sorted(values)
    except TypeError:
        return sorted(values, key=repr)


def pico_usd(amount: Any) -> int:
    """An amount of dollars in units of 10⁻¹² dollars; raises ValueError for what is no finite amount."""
    dollars = amount if isinstance(amount, Decimal) else Decimal(str(amount).strip())
    if not dollars.is_finite():
        raise ValueError("not finite")
    pico = int(dollars.scaleb(12).to_integral_value(rounding=ROUND_HALF_EVEN))
    return max(-_MAX_PICO_USD, min(_MAX_PICO_USD, pico))


def unix_nanos(moment: Any) -> int:
    """A moment in nanoseconds since 1970; raises for what is no moment. A datetime without zone is local time."""
    if isinstance(moment, str):
        moment = _parsed(moment)
    if isinstance(moment, datetime):
        elapsed = moment.astimezone(timezone.utc) - _EPOCH
        return ((elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds) * 1_000
    if isinstance(moment, (int, float, Decimal)):
        return int(Decimal(str(moment)) * 1_000_000_000)
    return int(Decimal(str(float(moment))) * 1_000_000_000)


def _parsed(text: str) -> Any:
    text = text.strip()
    try:
        return float(text)
    except ValueError:
        pass
    if sys.version_info < (3, 11) and text.endswith(("Z", "z")):
        text = text[:-1] + "+00:00"
    return datetime.fromisoformat(text)
