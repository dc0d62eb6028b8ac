"""Values that JSON cannot hold are converted, never refused."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from typing import Any

import numpy
import pydantic
import pytest
from caribou._native import to_json

from caribou import _convert


@dataclasses.dataclass
class Point:
    x: int
    y: Any = None


class Model(pydantic.BaseModel):
    name: str
    at: datetime.datetime


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Silent:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class Named(collections.namedtuple("Named", "a b")):
    pass


class Lying(dict):  # type: ignore[type-arg]
    """A dict subclass, as many libraries have."""


NOON = datetime.datetime(2025, 1, 2, 12, 0, tzinfo=datetime.timezone.utc)

CONVERSIONS: list[tuple[Any, Any]] = [
    (None, None),
    (True, True),
    (1, 1),
    (-(2**63), -(2**63)),
    (2**64 - 1, 2**64 - 1),
    (2**64, str(2**64)),
    (-(2**70), str(-(2**70))),
    (1.0, 1.0),
    (1e300, 1e300),
    (float("nan"), "NaN"),
    (float("inf"), "Infinity"),
    (float("-inf"), "-Infinity"),
    ('a"\\\n\t\x00é\u2028🦌', 'a"\\\n\t\x00é\u2028🦌'),
    ("a\udc80b", "a\\udc80b"),
    (b"text", "text"),
    (b"\xff\x00", "data:application/octet-stream;base64,/wA="),
    (bytearray(b"x"), "x"),
    (memoryview(b"x"), "x"),
    ((1, (2,)), [1, [2]]),
    ({3, 1, 2}, [1, 2, 3]),
    (frozenset({"b", "a"}), ["a", "b"]),
    (
        {1: "a", None: "b", False: "c", 2.5: "d", (1, 2): "e"},
        {"1": "a", "false": "c", "null": "b", "2.5": "d", "(1, 2)": "e"},
    ),
    (collections.OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
    (collections.deque([1, 2]), [1, 2]),
    (range(3), [0, 1, 2]),
    ({"a": 1}.keys(), ["a"]),
    ({"a": 1}.values(), [1]),
    (Lying(a=1), {"a": 1}),
    (Named(1, [2]), {"a": 1, "b": [2]}),
    (NOON, "2025-01-02T12:00:00+00:00"),
    (NOON.date(), "2025-01-02"),
    (NOON.time(), "12:00:00"),
    (datetime.timedelta(seconds=1.5), 1.5),
    (decimal.Decimal("1.10"), "1.10"),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Colour.RED, "red"),
    (Level.HIGH, 3),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (Point(1, Point(2)), {"x": 1, "y": {"x": 2, "y": None}}),
    (Model(name="n", at=NOON), {"name": "n", "at": "2025-01-02T12:00:00+00:00"}),
    (numpy.float32(0.5), 0.5),
    (numpy.float64("nan"), "NaN"),
    (numpy.int64(7), 7),
    (numpy.bool_(True), True),
    (numpy.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (numpy.array(5), 5),
    (numpy.str_("s"), "s"),
    (ValueError("no"), {"type": "ValueError", "message": "no"}),
    (int, "builtins.int"),
    (Silent(), "<unconvertible Silent>"),
    ([Silent(), 1], ["<unconvertible Silent>", 1]),
]


@pytest.mark.parametrize(("value", "expected"), CONVERSIONS, ids=lambda value: type(value).__name__)
def test_every_value_has_a_json_form(value: Any, expected: Any) -> None:
    converted = json.loads(to_json(value))
    assert converted == expected
    assert type(converted) is type(expected)


def test_any_other_object_is_its_repr() -> None:
    assert "object at" in json.loads(to_json(object()))
    assert "lambda" in json.loads(to_json(lambda: 1))


def test_a_generator_is_not_consumed() -> None:
    generator = (i for i in range(3))
    assert "generator" in json.loads(to_json(generator))
    assert list(generator) == [0, 1, 2]


def test_cycles_end() -> None:
    cycle: list[Any] = [1]
    cycle.append(cycle)
    assert json.loads(to_json(cycle)) == [1, "<cycle>"]
    mapping: dict[str, Any] = {}
    mapping["self"] = {"again": mapping}
    assert json.loads(to_json(mapping)) == {"self": {"again": "<cycle>"}}
    point = Point(1)
    point.y = point
    assert json.loads(to_json(point)) == {"x": 1, "y": "<cycle>"}


def test_the_same_value_twice_is_no_cycle() -> None:
    shared = {"a": 1}
    assert json.loads(to_json([shared, shared])) == [{"a": 1}, {"a": 1}]


def test_depth_is_bounded_and_said() -> None:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    text = to_json(deep)
    assert "deeper than 100 levels" in text
    json.loads(text)


def test_an_explosion_of_shared_values_ends() -> None:
    value: list[Any] = ["x" * 1000]
    for _ in range(60):
        value = [value, value]
    assert len(to_json(value)) > 48 << 20


def test_a_huge_integer_has_a_form() -> None:
    assert json.loads(to_json(10**6000)).startswith(("1000", "0x"))


def test_an_interrupt_reaches_the_program() -> None:
    class Interrupted:
        def __repr__(self) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        to_json([Interrupted()])


@pytest.mark.parametrize(
    ("amount", "pico"),
    [
        (0.002, 2_000_000_000),
        (decimal.Decimal("0.000000000001"), 1),
        ("0.1", 100_000_000_000),
        (2, 2_000_000_000_000),
        (decimal.Decimal("1e30"), 999_999_999_999_999_999),
    ],
)
def test_costs_are_exact(amount: Any, pico: int) -> None:
    assert _convert.pico_usd(amount) == pico


@pytest.mark.parametrize("amount", ["x", float("nan"), None, "inf"])
def test_what_is_no_amount_is_an_error(amount: Any) -> None:
    with pytest.raises((ValueError, ArithmeticError)):
        _convert.pico_usd(amount)


@pytest.mark.parametrize(
    "moment",
    [
        NOON,
        NOON.timestamp(),
        int(NOON.timestamp()),
        "2025-01-02T12:00:00Z",
        "2025-01-02T13:00:00+01:00",
        str(int(NOON.timestamp())),
        NOON.astimezone(datetime.timezone(datetime.timedelta(hours=5))),
        NOON.astimezone().replace(tzinfo=None),
    ],
)
def test_moments_are_read_in_every_form(moment: Any) -> None:
    assert _convert.unix_nanos(moment) == int(NOON.timestamp()) * 10**9


def test_microseconds_of_a_datetime_are_exact() -> None:
    assert _convert.unix_nanos(NOON.replace(microsecond=123_457)) % 10**9 == 123_457_000
