"""Registration with Kestrel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from caribou import _native
from caribou._log import logger


@dataclass(frozen=True)
class Project:
    """A registered project.

    Attributes:
        id: its id, which is its name.
        name: its name.
        url: the page that shows it.
    """

    id: str
    name: str
    url: str


class KestrelClient:
    """Registers what rollouts belong to; get one with `get_kestrel_client()`.

    Without Kestrel every method is a no-op that returns None and says so once.
    """

    _told = False

    @property
    def enabled(self) -> bool:
        """Whether there is a Kestrel: `KESTREL_API_URL` is set, or the local default answers within 200 ms."""
        return _native.kestrel_enabled()

    def get_or_create_project(self, name: str) -> Optional[Project]:
        """Registers a project, or finds it where it is registered already; any number of calls is as good as one.

        Raises:
            ValueError: where the name is None.
            KestrelError: where Kestrel refuses, or does not answer after several attempts.

        Example:
            >>> kestrel = caribou.get_kestrel_client()
            >>> if kestrel.enabled:
            ...     kestrel.get_or_create_project(name="my-project")
        """
        if name is None:
            raise ValueError("get_or_create_project needs a name: None is none")
        if not self.enabled:
            self._tell_once()
            return None
        return Project(*_native.kestrel_get_or_create_project(str(name)))

    def _tell_once(self) -> None:
        if not KestrelClient._told:
            KestrelClient._told = True
            logger.warning(
                "caribou: no Kestrel answers at the local default and KESTREL_API_URL is not set: "
                "nothing is registered, and KestrelClient's methods return None"
            )


_CLIENT = KestrelClient()


def get_kestrel_client() -> KestrelClient:
    """The client of the Kestrel that is configured.

    Example:
        >>> caribou.get_kestrel_client().enabled
        True
    """
    return _CLIENT
