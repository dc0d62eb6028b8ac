"""Exceptions."""

from __future__ import annotations

from typing import Optional


class CaribouError(Exception):
    """Base of the exceptions of this package; in strict mode (`CARIBOU_STRICT=1`) raised for mistakes in logging."""


class KestrelError(CaribouError):
    """A call that Kestrel refused or did not answer.

    Attributes:
        status: HTTP status of the answer; None where none came.
    """

    def __init__(self, message: str, status: Optional[int] = None) -> None:
        super().__init__(message)
        self.status = status
