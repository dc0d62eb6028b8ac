"""How the recorder speaks to the program's owner: through `logging`, under the name "caribou"."""

from __future__ import annotations

import logging

logger = logging.getLogger("caribou")


def warn(messages: list[str]) -> None:
    """Logs each as a warning."""
    for message in messages:
        logger.warning("caribou: %s", message)
