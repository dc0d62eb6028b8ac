"""Opening rollouts and groups, and saying things about them."""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import traceback
from collections.abc import AsyncGenerator, Generator, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, Callable, Optional, TypeVar, Union, cast

from caribou import _native
from caribou._context import CURRENT
from caribou._text import encodable, text
from caribou._types import RolloutStatus

F = TypeVar("F", bound=Callable[..., Any])
Failure = Optional[tuple[str, str, Optional[str]]]


class _Opened:
    """A context manager around a scope: enters it as the current one, and leaves it wherever it is left."""

    def __init__(self) -> None:
        # A manager may be entered again while it is entered, as in recursive code.
        self._entered: list[tuple[_native.Scope, Token[Optional[_native.Scope]]]] = []

    def _open(self) -> Optional[_native.Scope]:
        raise NotImplementedError

    def _enter(self) -> Optional[_native.Scope]:
        scope = self._open()
        if scope is not None:
            self._entered.append((scope, CURRENT.set(scope)))
        return scope

    def _exit(self, error: Optional[BaseException]) -> None:
        if not self._entered:
            return
        scope, token = self._entered.pop()
        _restore(scope, token)
        self._end(scope, error)

    def _end(self, scope: _native.Scope, error: Optional[BaseException]) -> None:
        _leave(scope, error)


def _restore(scope: _native.Scope, token: Token[Optional[_native.Scope]]) -> None:
    """Makes current what was current before.

    A generator may be closed in another context than it was started in, or after a rollout that was opened later in
    the same context. Then the scope cannot be taken out from where it is, and whoever finds it has to look past it.
    """
    current = CURRENT.get()
    if current is None or not scope.is_same(current):
        scope.abandon()
        return
    try:
        CURRENT.reset(token)
    except ValueError:
        scope.abandon()


def _leave(scope: _native.Scope, error: Optional[BaseException]) -> None:
    if error is None:
        scope.leave()
        return
    stopped = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError, GeneratorExit))
    scope.leave(_failure(error), stopped=stopped)


def _failure(error: BaseException) -> Failure:
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    try:
        message = str(error)
        trace: Optional[str] = "".join(traceback.format_exception(kind, error, error.__traceback__))
    except Exception:
        # An exception whose own __str__ fails is still the reason that the rollout ended.
        message, trace = "", None
    return name, encodable(message), encodable(trace) if trace is not None else None


class trace_run(_Opened):  # noqa: N801 - the name that the documents give it
    """Records a rollout: everything logged inside belongs to it. Entering gives its trace id.

    A context manager (`with` and `async with`) and a decorator. As a decorator, `meta` may be a function of the call's
    arguments that returns the keys.

    Args:
        meta: the keys as a mapping; they may be given as keyword arguments as well.
        **keys: `datapoint_id` (required), `phase` (required unless configured: "train", "eval" or "prod"), `run_id`,
            `step_number`, `env_name`, `model_name`, `grader_name`, `trace_id` (any text up to 256 characters; the same
            id again is another segment of the same rollout), `sample_index`, `policy_version`, `user_id`, `session_id`,
            `parent_trace_id`, `name`, `started_at` (datetime, seconds since 1970 or ISO 8601 text).

    Raises:
        ValueError: for an unknown key or phase, and where a required key is absent.

    Left normally without a status, the rollout is COMPLETED, or ERROR where `set_error` was called. Left by an
    exception it is ERROR unless a failing status was set before; KeyboardInterrupt, CancelledError and GeneratorExit
    make it ABORTED. The exception goes on.

    Example:
        >>> with caribou.trace_run({"datapoint_id": "req_123", "phase": "prod"}) as trace_id:
        ...     caribou.log(Message(role="user", content="Hello"))

        >>> @caribou.trace_run(lambda request: {"datapoint_id": request.id, "phase": "prod"})
        ... async def handle(request): ...
    """

    def __init__(
        self, meta: Union[Mapping[str, Any], Callable[..., Mapping[str, Any]], None] = None, /, **keys: Any
    ) -> None:
        super().__init__()
        self._meta = meta
        self._keys = keys

    def _open(self) -> _native.Scope:
        if callable(self._meta):
            raise ValueError("trace_run takes a function as meta only where it decorates one: give a mapping instead")
        if not isinstance(self._meta, (Mapping, type(None))):
            raise ValueError(f"trace_run takes its keys as a mapping, not as {type(self._meta).__name__}")
        return _native.open({**(self._meta or {}), **self._keys}, _native.current(), _active_otel_span())

    def __enter__(self) -> str:
        return cast(_native.Scope, self._enter()).trace_id

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._exit(error)

    async def __aenter__(self) -> str:
        return self.__enter__()

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._exit(error)

    def __call__(self, function: F) -> F:
        """Decorates a function, coroutine function, generator function or async generator function."""
        if not callable(function):
            raise ValueError(
                "trace_run needs its keys before it decorates a function: write @trace_run(datapoint_id=...), "
                "or give it a function of the call's arguments that returns the keys"
            )

        def run_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> trace_run:
            meta = self._meta(*args, **kwargs) if callable(self._meta) else self._meta
            return trace_run(meta, **self._keys)

        return _wrapped(function, run_of)


class span(_Opened):  # noqa: N801 - used like a function
    """Groups what is logged inside: a sub-agent, a phase. Outside of a rollout it does nothing but warn once.

    A context manager (`with` and `async with`) and a decorator.

    Args:
        name: what to call the group.
        **attributes: anything worth keeping about it.

    Example:
        >>> with caribou.span("planner", depth=2):
        ...     caribou.log(Message(role="assistant", content="First, …"))
    """

    def __init__(self, name: str, /, **attributes: Any) -> None:
        super().__init__()
        self._name = name
        self._attributes = attributes

    def _open(self) -> Optional[_native.Scope]:
        scope = _native.current("span")
        return scope.open_group(text(self._name, "span"), self._attributes) if scope is not None else None

    def __enter__(self) -> None:
        self._enter()

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._exit(error)

    async def __aenter__(self) -> None:
        self._enter()

    async def __aexit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._exit(error)

    def __call__(self, function: F) -> F:
        """Decorates a function, coroutine function, generator function or async generator function."""
        return _wrapped(function, lambda _args, _kwargs: span(self._name, **self._attributes))


def _wrapped(function: F, manager_of: Callable[[tuple[Any, ...], dict[str, Any]], _Opened]) -> F:
    if inspect.isasyncgenfunction(function):

        async def stream(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            steps = _Steps(manager_of(args, kwargs))
            async with _closing(function(*args, **kwargs)) as items:
                sent: Any = None
                thrown: Optional[BaseException] = None
                while True:
                    with steps:
                        try:
                            item = await (items.athrow(thrown) if thrown is not None else items.asend(sent))
                        except StopAsyncIteration:
                            steps.finish(None)
                            return
                    sent, thrown = None, None
                    try:
                        sent = yield item
                    except GeneratorExit as error:
                        steps.finish(error)
                        raise
                    except BaseException as error:
                        thrown = error

        return cast(F, functools.wraps(function)(stream))

    if inspect.isgeneratorfunction(function):

        def generate(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            steps = _Steps(manager_of(args, kwargs))
            items = function(*args, **kwargs)
            sent: Any = None
            thrown: Optional[BaseException] = None
            while True:
                with steps:
                    try:
                        item = items.throw(thrown) if thrown is not None else items.send(sent)
                    except StopIteration as stop:
                        steps.finish(None)
                        return stop.value
                sent, thrown = None, None
                try:
                    sent = yield item
                except GeneratorExit as error:
                    with steps:
                        items.close()
                    steps.finish(error)
                    raise
                except BaseException as error:
                    thrown = error

        return cast(F, functools.wraps(function)(generate))

    if inspect.iscoroutinefunction(function):

        async def run_async(*args: Any, **kwargs: Any) -> Any:
            manager = manager_of(args, kwargs)
            manager._enter()
            try:
                result = await function(*args, **kwargs)
            except BaseException as error:
                manager._exit(error)
                raise
            manager._exit(None)
            return result

        return cast(F, functools.wraps(function)(run_async))

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        manager = manager_of(args, kwargs)
        manager._enter()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            manager._exit(error)
            raise
        manager._exit(None)
        return result

    return cast(F, run)


class _Steps:
    """The steps of a generator: its rollout is current while a step runs, and not while the generator's user does."""

    def __init__(self, manager: _Opened) -> None:
        self._manager = manager
        self._scope = manager._open()
        self._inside: Optional[_native.Scope] = self._scope
        self._token: Optional[Token[Optional[_native.Scope]]] = None
        self._finished = False

    def __enter__(self) -> None:
        self._token = CURRENT.set(self._inside)

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self._inside = CURRENT.get()
        if self._token is not None:
            try:
                CURRENT.reset(self._token)
            except ValueError:
                CURRENT.set(None)
        if error is not None:
            self.finish(error)

    def finish(self, error: Optional[BaseException]) -> None:
        if self._scope is not None and not self._finished:
            self._finished = True
            self._manager._end(self._scope, error)


class _closing:  # noqa: N801 - used like a function
    """`contextlib.aclosing`, which Python 3.9 does not have."""

    def __init__(self, generator: Any) -> None:
        self._generator = generator

    async def __aenter__(self) -> Any:
        return self._generator

    async def __aexit__(self, *_: object) -> None:
        await self._generator.aclose()


def _active_otel_span() -> Optional[tuple[int, int]]:
    """The application's own active span, where it uses OpenTelemetry; it is never imported for this."""
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    try:
        context = trace.get_current_span().get_span_context()
        return (context.trace_id, context.span_id) if context.is_valid else None
    except Exception:
        # Whatever another library does, a rollout is opened.
        return None


class _Carried(_Opened):
    """A scope that somebody else opened and will end."""

    def __init__(self, scope: Optional[_native.Scope]) -> None:
        super().__init__()
        self._scope = scope

    def _open(self) -> Optional[_native.Scope]:
        return self._scope

    def _end(self, scope: _native.Scope, error: Optional[BaseException]) -> None:
        """Leaves it open."""


def bind(function: F) -> F:
    """Carries the current rollout along: the function that this returns logs into it in whatever thread it runs.

    Takes functions, coroutine functions, generator functions and async generator functions.

    Example:
        >>> with caribou.trace_run(datapoint_id="req_1", phase="prod"):
        ...     pool.submit(caribou.bind(work), argument)
    """
    scope = _native.current("bind")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        return _wrapped(function, lambda _args, _kwargs: _Carried(scope))
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run_async(*args: Any, **kwargs: Any) -> Any:
            token = CURRENT.set(scope)
            try:
                return await function(*args, **kwargs)
            finally:
                CURRENT.reset(token)

        return cast(F, run_async)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        token = CURRENT.set(scope)
        try:
            return function(*args, **kwargs)
        finally:
            CURRENT.reset(token)

    return cast(F, run)


def add_meta(data: Mapping[str, Any]) -> None:
    """Adds metadata to the rollout; a later value replaces an earlier one. Values may be anything.

    Example:
        >>> caribou.add_meta({"tool_call_count": 5, "lines_changed": 42})
    """
    scope = _native.current("add_meta")
    if scope is None:
        return
    if not isinstance(data, Mapping):
        _native.report(f"add_meta takes a mapping; a value of type {type(data).__name__} was left out")
        return
    scope.add_metadata(dict(data))


def add_tags(*tags: str) -> None:
    """Adds tags to filter by.

    Example:
        >>> caribou.add_tags("ablation_v2", "dataset_v2")
    """
    scope = _native.current("add_tags")
    if scope is not None:
        scope.add_tags([text(tag, "add_tags") for tag in tags])


def set_status(status: Union[RolloutStatus, str], error_message: Optional[str] = None) -> None:
    """Says how the rollout ended. The last call counts.

    Args:
        status: one of `RolloutStatus`; any other text is kept as text and warned about.
        error_message: what went wrong, if anything did.

    Example:
        >>> caribou.set_status(caribou.RolloutStatus.TRUNCATED, "no answer after 12 turns")
    """
    scope = _native.current("set_status")
    if scope is not None:
        name = status.value if isinstance(status, RolloutStatus) else text(status, "set_status")
        scope.set_status(name, None if error_message is None else text(error_message, "set_status"))


def set_error(message: str) -> None:
    """Marks the innermost `span()`, or else the rollout, as failed.

    Example:
        >>> caribou.set_error("Timeout after 30s")
    """
    scope = _native.current("set_error")
    if scope is not None:
        scope.set_error(text(message, "set_error"))


def increment_turn() -> None:
    """Advances to the next turn and its first place.

    Example:
        >>> caribou.increment_turn()
    """
    scope = _native.current("increment_turn")
    if scope is not None:
        scope.increment_turn()


def increment_intra() -> None:
    """Leaves one place of the turn out.

    Example:
        >>> caribou.increment_intra()
    """
    scope = _native.current("increment_intra")
    if scope is not None:
        scope.increment_intra()


def set_turn_index(n: int) -> None:
    """Goes to turn `n`, counted from 0, leaving the next place within it as it is.

    Example:
        >>> caribou.set_turn_index(3)
    """
    _set_index("set_turn_index", n)


def set_intra_index(n: int) -> None:
    """Makes `n`, counted from 0, the next place within the turn.

    Example:
        >>> caribou.set_intra_index(0)
    """
    _set_index("set_intra_index", n)


def _set_index(call: str, n: int) -> None:
    scope = _native.current(call)
    if scope is None:
        return
    try:
        getattr(scope, call)(int(n))
    except (TypeError, ValueError, OverflowError):
        _native.report(f"{call} takes a whole number; a value of type {type(n).__name__} was left out")
