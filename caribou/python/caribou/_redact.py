"""Replacing text before it leaves the process."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Callable, Union

Redact = Union[Callable[[str], str], str, "re.Pattern[str]", Iterable[Union[str, "re.Pattern[str]"]]]

REDACTED = "[redacted]"


def redactor(redact: Redact) -> Callable[[str], str]:
    """A function over each text: the one given, or one that replaces what any of the patterns matches.

    Raises:
        ValueError: for a pattern that is none.
    """
    if callable(redact):
        return redact
    given: Iterable[Any] = [redact] if isinstance(redact, (str, re.Pattern)) else redact
    try:
        patterns = [re.compile(pattern) for pattern in given]
    except (re.error, TypeError) as error:
        raise ValueError(f"redact takes a function, a pattern or a list of patterns: {error}") from error

    def replace(text: str) -> str:
        for pattern in patterns:
            text = pattern.sub(REDACTED, text)
        return text

    return replace
