"""Configuring, flushing, ending; and what happens at a fork and at exit."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
from collections.abc import Iterable
from typing import Any, Literal, Optional, TypedDict, Union

from caribou import _native
from caribou._redact import Redact, redactor
from caribou._text import text

_AT_EXIT_SECONDS = 5.0


class DeliveryCounts(TypedDict):
    """Spans, by what became of them."""

    acknowledged: int
    queued: int
    spooled: int
    dropped: int
    refused: int


class Stats(DeliveryCounts):
    """What `stats()` returns: items, the sums over all destinations, and each destination's own counts."""

    logged: int
    unrecorded: int
    warnings: int
    destinations: dict[str, DeliveryCounts]


def configure(
    run_id: Optional[str] = None,
    phase: Union[Literal["train", "eval", "prod"], str, None] = None,
    *,
    project: Optional[str] = None,
    env_name: Optional[str] = None,
    model_name: Optional[str] = None,
    tags: Optional[Iterable[str]] = None,
    kestrel_api_url: Optional[str] = None,
    kestrel_api_key: Optional[str] = None,
    clickhouse_url: Optional[str] = None,
    clickhouse_database: Optional[str] = None,
    clickhouse_user: Optional[str] = None,
    clickhouse_password: Optional[str] = None,
    langfuse_public_key: Optional[str] = None,
    langfuse_secret_key: Optional[str] = None,
    langfuse_host: Optional[str] = None,
    spool_dir: Union[str, os.PathLike[str], None] = None,
    redact: Optional[Redact] = None,
    debug: Optional[bool] = None,
) -> None:
    """Says what is recorded and where it goes. Everything falls back to the environment.

    May be called again: a value given replaces, a value not given stays. Without any call the first rollout configures
    from the environment. No thread is started and no connection opened before something is recorded.

    Args:
        run_id: run of the rollouts; in production the project's name.
        phase: phase of rollouts that name none: "train", "eval" or "prod".
        project: project that owns the rollouts; in production the run id is.
        env_name: environment of rollouts that name none.
        model_name: model of rollouts that name none.
        tags: tags of every rollout.
        kestrel_api_url: URL of Kestrel; `http://127.0.0.1:4700` where nobody says.
        kestrel_api_key: API key of Kestrel.
        clickhouse_url: URL of ClickHouse, for direct export.
        clickhouse_database: database of ClickHouse.
        clickhouse_user: user of ClickHouse.
        clickhouse_password: password of ClickHouse.
        langfuse_public_key: public key of Langfuse.
        langfuse_secret_key: secret key of Langfuse.
        langfuse_host: host of Langfuse.
        spool_dir: folder in which waits what could not be delivered yet; `CARIBOU_SPOOL_DIR`, else
            `~/.local/state/caribou/spool`. Programs may share it.
        redact: a function over each logged text, or patterns whose matches become "[redacted]".
        debug: prints spans to the console.

    Raises:
        ValueError: for an unknown phase, and for a URL, a pattern, tags or a folder that are none.

    Example:
        >>> caribou.configure(run_id="my-project", phase="prod")
    """
    _native.configure(
        {
            "run_id": run_id,
            "phase": phase,
            "project": project,
            "env_name": env_name,
            "model_name": model_name,
            "tags": None if tags is None else _tags(tags),
            "kestrel_api_url": kestrel_api_url,
            "kestrel_api_key": kestrel_api_key,
            "clickhouse_url": clickhouse_url,
            "clickhouse_database": clickhouse_database,
            "clickhouse_user": clickhouse_user,
            "clickhouse_password": clickhouse_password,
            "langfuse_public_key": langfuse_public_key,
            "langfuse_secret_key": langfuse_secret_key,
            "langfuse_host": langfuse_host,
            "spool_dir": None if spool_dir is None else _folder(spool_dir),
            "redact": None if redact is None else redactor(redact),
            "debug": debug,
        }
    )
    _deliver_at_end_of_multiprocessing_child()


def _tags(tags: Iterable[str]) -> list[str]:
    if not isinstance(tags, Iterable):
        raise ValueError(f"tags takes texts, not {type(tags).__name__}")
    return [tags] if isinstance(tags, str) else [text(tag, "configure") for tag in tags]


def _folder(path: Union[str, os.PathLike[str]]) -> str:
    try:
        return os.fsdecode(path)
    except TypeError as error:
        raise ValueError(f"spool_dir takes the path of a folder, not {type(path).__name__}") from error


def flush(timeout: float = 5.0) -> bool:
    """Waits until everything logged before is delivered.

    Args:
        timeout: how long to wait at most, in seconds.

    Returns:
        False where that took longer, or where something was refused or dropped since the last call; `stats()` tells.
        Where all that is left is on disk and nobody answers at the destination's address, False comes before the time
        is over.

    Example:
        >>> caribou.flush()
        True
    """
    try:
        seconds = float(timeout)
    except (TypeError, ValueError):
        _native.report(f"flush takes seconds, not {type(timeout).__name__}; it waits {_AT_EXIT_SECONDS:g}")
        seconds = _AT_EXIT_SECONDS
    return _native.flush(seconds)


async def aflush(timeout: float = 5.0) -> bool:
    """`flush` that lets other tasks run meanwhile.

    Example:
        >>> await caribou.aflush()
        True
    """
    return await asyncio.get_running_loop().run_in_executor(None, flush, timeout)


def shutdown() -> None:
    """Delivers what is left, within five seconds, and stops. What is not delivered by then stays on disk.

    The next program that records there delivers it. What is logged later is lost until `configure` is called.

    Example:
        >>> caribou.shutdown()
    """
    _native.shutdown(_AT_EXIT_SECONDS)


def stats() -> Stats:
    """What was logged and what became of it: `queued` waits in memory, `spooled` on disk, `dropped` is lost.

    `logged` counts items, `unrecorded` calls that recorded nothing because no rollout was open, and `warnings` what was
    recorded otherwise than asked. The others count spans, which are more than items: a rollout, a `span()` and each
    criterion of a grade are spans as well.

    Example:
        >>> caribou.stats()["dropped"]
        0
    """
    return _native.stats()


def _at_exit() -> None:
    _native.shutdown(_AT_EXIT_SECONDS)


def _before_fork() -> None:
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None and not hasattr(_before_fork, "registered"):
        # Its children end without atexit, and forget all finalizers before they run this.
        util.register_after_fork(_before_fork, lambda _: util.Finalize(None, _at_exit, exitpriority=100))
        _before_fork.registered = True  # type: ignore[attr-defined]
    _native.before_fork()


def _deliver_at_end_of_multiprocessing_child() -> None:
    """A child of multiprocessing that configures by itself, as those of a fork server do, ends without atexit too."""
    process: Any = sys.modules.get("multiprocessing.process")
    util: Any = sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, _at_exit, exitpriority=100)


atexit.register(_at_exit)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=_native.after_fork_in_parent,
        after_in_child=_native.after_fork_in_child,
    )
