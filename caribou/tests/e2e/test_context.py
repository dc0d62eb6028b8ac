"""The current rollout follows tasks and threads, and nothing mixes."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from otlp_sink import OtlpSink

import caribou
from caribou import Event, Message, ToolExecution


def texts(sink: OtlpSink) -> dict[str, list[str]]:
    """The contents of messages by the datapoint of their rollout."""
    assert caribou.flush(60)
    datapoints = {span.trace_id: span.datapoint_id for span in sink.spans(item_type="rollout")}
    logged: dict[str, list[str]] = {datapoint: [] for datapoint in datapoints.values()}
    for span in sink.spans(item_type="message"):
        logged[datapoints[span.trace_id]].append(span.content)
    return logged


def names(sink: OtlpSink, trace_id: str | None) -> list[str]:
    """The names of the items of a rollout."""
    assert caribou.flush()
    return [span.name for span in sink.items() if span.trace_id == trace_id]


def test_1000_concurrent_rollouts_do_not_mix(recorded: OtlpSink) -> None:
    async def rollout(number: int) -> None:
        with caribou.trace_run(datapoint_id=f"d{number}"):
            for step in range(4):
                await asyncio.sleep(random.random() / 100)
                caribou.log(Message("user", f"{number}:{step}"))
                await asyncio.gather(*(nested(number) for _ in range(2)))

    async def nested(number: int) -> None:
        await asyncio.sleep(0)
        caribou.log(ToolExecution(f"t{number}"))

    async def all_of_them() -> None:
        await asyncio.gather(*(rollout(number) for number in range(1000)))

    asyncio.run(all_of_them())
    logged = texts(recorded)
    assert logged == {f"d{number}": [f"{number}:{step}" for step in range(4)] for number in range(1000)}
    datapoints = {span.trace_id: span.datapoint_id for span in recorded.spans(item_type="rollout")}
    tools = recorded.spans(item_type="tool")
    assert len(tools) == 8000
    assert all(span.name == f"tool.t{datapoints[span.trace_id][1:]}" for span in tools)


def test_64_threads_do_not_mix(recorded: OtlpSink) -> None:
    barrier = threading.Barrier(64)

    def rollout(number: int) -> None:
        barrier.wait()
        with caribou.trace_run(datapoint_id=f"d{number}"):
            for step in range(50):
                caribou.log(Message("user", f"{number}:{step}"))

    threads = [threading.Thread(target=rollout, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts(recorded) == {f"d{number}": [f"{number}:{step}" for step in range(50)] for number in range(64)}


def test_many_threads_share_one_rollout(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id, ThreadPoolExecutor(16) as pool:
        log = caribou.bind(lambda number: caribou.log(ToolExecution(f"t{number}")))
        list(pool.map(log, range(500)))
    assert caribou.flush()
    items = [span for span in recorded.items() if span.trace_id == trace_id]
    assert {span.name for span in items} == {f"tool.t{number}" for number in range(500)}
    assert [span.intra_index for span in items] == list(range(500))


def test_a_thread_knows_its_rollout_only_through_bind(lenient: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d") as trace_id, ThreadPoolExecutor(1) as pool:
        assert pool.submit(caribou.current_trace_id).result() is None
        assert pool.submit(caribou.bind(caribou.current_trace_id)).result() == trace_id
        assert pool.submit(caribou.current_trace_id).result() is None


def test_bind_carries_a_rollout_into_coroutines_and_groups(recorded: OtlpSink) -> None:
    async def work() -> str | None:
        await asyncio.sleep(0)
        caribou.log(Event("bound"))
        return caribou.current_trace_id()

    with caribou.trace_run(datapoint_id="d") as trace_id, caribou.span("group"):
        bound = caribou.bind(work)
    assert asyncio.run(bound()) == trace_id
    assert caribou.flush()
    assert recorded.one(name="bound").parent_span_id == recorded.one(name="group").span_id


def test_bind_carries_a_rollout_into_generators_and_leaves_it_open(recorded: OtlpSink) -> None:
    def steps() -> Iterator[str | None]:
        yield caribou.current_trace_id()
        caribou.log(Event("generated"))
        yield caribou.current_trace_id()

    async def async_steps() -> AsyncIterator[str | None]:
        yield caribou.current_trace_id()
        caribou.log(Event("generated later"))
        yield caribou.current_trace_id()

    async def collected(items: AsyncIterator[str | None]) -> list[str | None]:
        return [item async for item in items]

    with caribou.trace_run(datapoint_id="d") as trace_id:
        bound, async_bound = caribou.bind(steps), caribou.bind(async_steps)
        with ThreadPoolExecutor() as pool:
            assert pool.submit(lambda: list(bound())).result() == [trace_id] * 2
            assert pool.submit(asyncio.run, collected(async_bound())).result() == [trace_id] * 2
        unfinished = bound()
        assert next(unfinished) == trace_id
        del unfinished
        caribou.log(Event("still open"))
    assert names(recorded, trace_id) == [f"event.{name}" for name in ("generated", "generated later", "still open")]
    assert recorded.root().rollout_status == "COMPLETED"


def test_siblings_do_not_see_each_others_rollouts(recorded: OtlpSink) -> None:
    async def sibling(number: int, seen: list[str | None]) -> None:
        with caribou.trace_run(datapoint_id=str(number)):
            await asyncio.sleep(0.01 * number)
        seen.append(caribou.current_trace_id())

    async def both() -> list[str | None]:
        seen: list[str | None] = []
        await asyncio.gather(sibling(1, seen), sibling(2, seen))
        return seen

    assert asyncio.run(both()) == [None, None]


def test_a_cancelled_task_is_aborted(recorded: OtlpSink) -> None:
    async def forever() -> None:
        async with caribou.trace_run(datapoint_id="d"):
            await asyncio.sleep(60)

    async def cancelled() -> None:
        task = asyncio.create_task(forever())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert caribou.flush()
    assert recorded.root().rollout_status == "ABORTED"


def test_an_async_generator_closed_elsewhere_neither_raises_nor_leaks(recorded: OtlpSink) -> None:
    async def stream() -> AsyncIterator[int]:
        with caribou.trace_run(datapoint_id="stream"):
            yield 1
            yield 2

    async def use() -> None:
        generator = stream()
        with caribou.trace_run(datapoint_id="outer") as outer:
            # Started here, finished in another task and so in another context.
            await generator.__anext__()
            assert caribou.current_trace_id() != outer

            async def finish() -> None:
                await generator.aclose()  # type: ignore[attr-defined]

            await asyncio.create_task(finish())
            assert caribou.current_trace_id() == outer
            caribou.log(Event("after"))
        assert caribou.current_trace_id() is None

    asyncio.run(use())
    assert caribou.flush()
    assert recorded.root(datapoint_id="stream").rollout_status == "ABORTED"
    assert recorded.one(name="after").trace_id == recorded.root(datapoint_id="outer").trace_id


def test_generators_left_in_another_order_do_not_leak(recorded: OtlpSink) -> None:
    def generator(name: str) -> Iterator[int]:
        with caribou.trace_run(datapoint_id=name):
            yield 1

    first, second = generator("first"), generator("second")
    next(first)
    next(second)
    first.close()  # type: ignore[attr-defined]
    second.close()  # type: ignore[attr-defined]
    assert caribou.current_trace_id() is None


def test_a_generator_that_is_dropped_ends_its_rollout(recorded: OtlpSink) -> None:
    def generator() -> Iterator[int]:
        with caribou.trace_run(datapoint_id="d"):
            yield 1

    iterator = generator()
    next(iterator)
    del iterator
    gc.collect()
    assert caribou.flush()
    assert recorded.root().rollout_status == "ABORTED"
    assert caribou.current_trace_id() is None


def test_leaving_in_a_context_that_never_knew_it(recorded: OtlpSink) -> None:
    run = caribou.trace_run(datapoint_id="d")
    contextvars.copy_context().run(run.__enter__)
    contextvars.copy_context().run(run.__exit__, None, None, None)
    assert caribou.flush()
    assert recorded.root().rollout_status == "COMPLETED"


def test_a_task_that_outlives_its_rollout_still_logs_into_it(recorded: OtlpSink) -> None:
    async def late(trace_ids: list[str | None]) -> None:
        await asyncio.sleep(0.01)
        caribou.log(Event("late"))
        trace_ids.append(caribou.current_trace_id())

    async def outlived() -> None:
        trace_ids: list[str | None] = []
        with caribou.trace_run(datapoint_id="d") as trace_id:
            task = asyncio.create_task(late(trace_ids))
        await task
        assert trace_ids == [trace_id]

    asyncio.run(outlived())
    assert caribou.flush()
    assert recorded.one(name="late").trace_id == recorded.root().trace_id


def test_the_same_manager_may_be_entered_again(recorded: OtlpSink) -> None:
    run = caribou.trace_run(datapoint_id="d")
    with run as first:
        with run as second:
            assert caribou.current_trace_id() == second
        assert caribou.current_trace_id() == first
    with run as third:
        pass
    assert len({first, second, third}) == 3


class TestDecorator:
    """`trace_run` and `span` on functions of every kind."""

    def test_functions(self, recorded: OtlpSink) -> None:
        @caribou.trace_run({"datapoint_id": "d"}, model_name="m")
        def work(x: int, *, y: int) -> tuple[int, str | None]:
            """Docs."""
            caribou.log(Event("inside"))
            return x + y, caribou.current_trace_id()

        total, trace_id = work(1, y=2)
        assert (total, work.__name__, work.__doc__) == (3, "work", "Docs.")
        assert names(recorded, trace_id) == ["event.inside"]
        assert work(1, y=2)[1] != trace_id, "every call is a rollout of its own"

    def test_meta_may_be_a_function_of_the_arguments(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(lambda request, **_: {"datapoint_id": request}, env_name="e")
        def work(request: str, **_: Any) -> None:
            pass

        work("req_1", z=1)
        assert caribou.flush()
        span = recorded.root()
        assert (span.datapoint_id, span.env_name) == ("req_1", "e")

    def test_coroutine_functions(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(datapoint_id="d")
        @caribou.span("group")
        async def work() -> str | None:
            await asyncio.sleep(0)
            caribou.log(Event("inside"))
            return caribou.current_trace_id()

        trace_id = asyncio.run(work())
        assert names(recorded, trace_id) == ["group", "event.inside"]

    def test_errors_go_on(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(datapoint_id="d")
        def work() -> None:
            raise KeyError("k")

        with pytest.raises(KeyError):
            work()
        assert caribou.flush()
        assert recorded.root().rollout_status == "ERROR"

    def test_generator_functions(self, recorded: OtlpSink) -> None:
        seen: list[str | None] = []

        @caribou.trace_run(datapoint_id="d")
        def work() -> Iterator[Any]:
            with caribou.span("across"):
                received = yield 1
                caribou.log(Event(f"got {received}"))
                try:
                    yield 2
                except ValueError:
                    caribou.log(Event("thrown"))
                    yield 3
            seen.append(caribou.current_trace_id())
            return "done"

        generator: Any = work()
        assert next(generator) == 1
        assert caribou.current_trace_id() is None, "between steps it is not current"
        assert generator.send("x") == 2
        assert generator.throw(ValueError) == 3
        with pytest.raises(StopIteration) as stop:
            next(generator)
        assert stop.value.value == "done"
        assert names(recorded, seen[0]) == ["across", "event.got x", "event.thrown"]
        across = recorded.one(name="across")
        assert recorded.one(name="thrown").parent_span_id == across.span_id
        assert recorded.root().rollout_status == "COMPLETED"

    def test_generators_closed_early(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(datapoint_id="d")
        def work() -> Iterator[int]:
            try:
                yield 1
            finally:
                caribou.log(Event("cleanup"))

        generator: Any = work()
        next(generator)
        generator.close()
        assert caribou.flush()
        assert recorded.root().rollout_status == "ABORTED"
        assert recorded.one(name="cleanup").trace_id == recorded.root().trace_id

    def test_generators_that_raise(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(datapoint_id="d")
        def work() -> Iterator[int]:
            yield 1
            raise KeyError("k")

        with pytest.raises(KeyError):
            list(work())
        assert caribou.flush()
        assert recorded.root().rollout_status == "ERROR"
        assert caribou.current_trace_id() is None

    def test_async_generator_functions(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(datapoint_id="d")
        async def work() -> AsyncIterator[int]:
            caribou.log(Event("first"))
            yield 1
            await asyncio.sleep(0)
            caribou.log(Event("second"))
            yield 2

        async def use() -> list[int]:
            items = []
            async for item in work():
                assert caribou.current_trace_id() is None
                items.append(item)
            return items

        assert asyncio.run(use()) == [1, 2]
        assert caribou.flush()
        assert recorded.root().rollout_status == "COMPLETED"
        assert [span.name for span in recorded.items()] == ["event.first", "event.second"]

    def test_async_generators_closed_early(self, recorded: OtlpSink) -> None:
        @caribou.trace_run(datapoint_id="d")
        async def work() -> AsyncIterator[int]:
            yield 1
            yield 2

        async def use() -> None:
            generator: Any = work()
            await generator.__anext__()
            await generator.aclose()

        asyncio.run(use())
        assert caribou.flush()
        assert recorded.root().rollout_status == "ABORTED"

    def test_methods(self, recorded: OtlpSink) -> None:
        class Agent:
            @caribou.trace_run(lambda self, task: {"datapoint_id": task})
            def run(self, task: str) -> str:
                return task

        assert Agent().run("t") == "t"
        assert caribou.flush()
        assert recorded.root().datapoint_id == "t"


def test_async_context_manager(recorded: OtlpSink) -> None:
    async def use() -> str:
        async with caribou.trace_run(datapoint_id="d") as trace_id, caribou.span("group"):
            caribou.log(Event("inside"))
        return trace_id

    trace_id = asyncio.run(use())
    assert names(recorded, trace_id) == ["group", "event.inside"]
