"""An HTTP proxy that does to requests and answers what networks and failing servers do to them."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kestrel_server import free_port

LARGEST_HEAD = 1 << 20
CHUNK = 64 << 10
CLOSE_AFTER_SECONDS = 60.0


@dataclass(frozen=True)
class Behaviour:
    """What happens to a request. `share` of them are hit, the others pass."""

    kind: str = "pass"
    share: float = 1.0
    seconds: float = 0.0
    statuses: tuple[int, ...] = ()


@dataclass
class Message:
    """A request or an answer: its first line and fields as they came, and its body."""

    head: bytes
    fields: dict[bytes, bytes]
    body: bytearray = field(default_factory=bytearray)

    @property
    def raw(self) -> bytes:
        return self.head + bytes(self.body)


class FaultProxy:
    """Listens on a port of its own and passes requests to wherever `upstream` says, as `behaviour` lets it."""

    def __init__(self, upstream: Callable[[], tuple[str, int]], seed: str) -> None:
        self.upstream = upstream
        self.random = random.Random(seed)
        self.behaviour = Behaviour()
        self.hits: Counter[str] = Counter()
        # Numbers of exchanges of which a client cannot know that they were had; requests carry them as `X-Exchange`.
        self.unanswered: set[int] = set()
        self._exchanges = 0
        self._latest: dict[asyncio.StreamWriter, int] = {}
        self._healed = asyncio.Event()
        self._healed.set()
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True, name="proxy").start()
        self._call(self._listen())

    def behave(self, behaviour: Behaviour) -> None:
        """From now on; `gone` closes the port and every connection."""
        self._call(self._behave(behaviour))

    def heal(self) -> None:
        """Passes everything from now on; what hangs is cut off."""
        self._call(self._behave(Behaviour()))

    def cut_all(self) -> None:
        """Resets every connection."""
        self._call(self._cut_all())

    def close(self) -> None:
        """Ends it for good."""
        self._call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _call(self, work: Awaitable[None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(120)  # type: ignore[arg-type]

    async def _behave(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        if behaviour.kind == "gone":
            await self._stop_listening()
            return
        if self._server is None:
            await self._listen()
        if behaviour.kind == "pass":
            self._healed.set()
        else:
            self._healed.clear()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, limit=LARGEST_HEAD)

    async def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._cut_all()

    async def _end(self) -> None:
        await self._stop_listening()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _cut_all(self) -> None:
        # An answer that was written may not have been read.
        self.unanswered.update(self._latest.values())
        for writer in list(self._connections):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self._connections.discard(writer)
            self._latest.pop(writer, None)
            writer.transport.abort()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; false where the connection is to be closed."""
        request = await read_message(reader, is_answer=False)
        if request is None:
            return False
        behaviour = self.behaviour
        if behaviour.kind != "pass" and self.random.random() >= behaviour.share:
            behaviour = Behaviour()
        self.hits[behaviour.kind] += 1
        self._exchanges += 1
        number = self._exchanges
        request.head = request.head[:-2] + b"X-Exchange: %d\r\n\r\n" % number
        self._latest[writer] = number
        self.unanswered.add(number)
        handler = getattr(self, f"_{behaviour.kind.replace('-', '_')}")
        is_answered = bool(await handler(request, writer, behaviour))
        if is_answered and behaviour.kind != "twice" and not reader.at_eof():
            self.unanswered.discard(number)
        return is_answered

    async def _forward(self, request: Message, slowly: float = 0.0, bytes_of_it: int | None = None) -> bytes | None:
        """Sends a request on, or the beginning of one, and gives the whole answer."""
        host, port = self.upstream()
        reader, writer = await asyncio.open_connection(host, port, limit=LARGEST_HEAD)
        try:
            raw = request.raw[:bytes_of_it]
            if slowly:
                for start in range(0, len(raw), CHUNK):
                    writer.write(raw[start : start + CHUNK])
                    await asyncio.sleep(slowly)
            else:
                writer.write(raw)
            await writer.drain()
            if bytes_of_it is not None:
                return None
            answer = await read_message(reader, is_answer=True)
            return None if answer is None else answer.raw
        finally:
            writer.transport.abort()

    async def _answer(self, writer: asyncio.StreamWriter, answer: bytes | None) -> bool:
        if answer is None:
            return False
        writer.write(answer)
        await writer.drain()
        return True

    async def _pass(self, request: Message, writer: asyncio.StreamWriter, _: Behaviour) -> bool:
        return await self._answer(writer, await self._forward(request))

    async def _gone(self, request: Message, writer: asyncio.StreamWriter, _: Behaviour) -> bool:
        return False

    async def _status(self, _: Message, writer: asyncio.StreamWriter, behaviour: Behaviour) -> bool:
        status = self.random.choice(behaviour.statuses)
        text = b"the proxy of the tests says no\n"
        after = b"Retry-After: 1\r\n" if self.random.random() < 0.3 else b""
        head = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n%s\r\n" % (status, len(text), after)
        return await self._answer(writer, head + text)

    async def _hang(self, request: Message, writer: asyncio.StreamWriter, behaviour: Behaviour) -> bool:
        """Never answers; half of those requests reach the server nevertheless."""
        if self.random.random() < 0.5:
            await self._forward(request)
        await self._until_healed(behaviour)
        return False

    async def _late(self, request: Message, writer: asyncio.StreamWriter, behaviour: Behaviour) -> bool:
        answer = await self._forward(request)
        await asyncio.sleep(self.random.uniform(0.1, 1.0) * behaviour.seconds)
        return await self._answer(writer, answer)

    async def _half_before(self, request: Message, writer: asyncio.StreamWriter, _: Behaviour) -> bool:
        """Cut in the middle of the request."""
        await self._forward(request, bytes_of_it=self.random.randrange(1, max(2, len(request.raw))))
        return False

    async def _half_after(self, request: Message, writer: asyncio.StreamWriter, _: Behaviour) -> bool:
        """Cut in the middle of the answer: what was asked for has been done."""
        answer = await self._forward(request)
        if answer:
            await self._answer(writer, answer[: self.random.randrange(len(answer))])
            # What was written is to arrive before the end does.
            await asyncio.sleep(0.01)
        return False

    async def _twice(self, request: Message, writer: asyncio.StreamWriter, _: Behaviour) -> bool:
        """Sends it twice, as some intermediaries do."""
        first = await self._forward(request)
        second = await self._forward(request)
        return await self._answer(writer, second or first)

    async def _slow(self, request: Message, writer: asyncio.StreamWriter, behaviour: Behaviour) -> bool:
        """A long way in both directions."""
        await asyncio.sleep(behaviour.seconds)
        answer = await self._forward(request, slowly=behaviour.seconds / 10)
        await asyncio.sleep(behaviour.seconds)
        return await self._answer(writer, answer)

    async def _drop(self, request: Message, writer: asyncio.StreamWriter, behaviour: Behaviour) -> bool:
        """Nothing gets through, and nobody is told."""
        await self._until_healed(behaviour)
        return False

    async def _cut(self, request: Message, writer: asyncio.StreamWriter, behaviour: Behaviour) -> bool:
        """Reset at any moment, on the way there or back."""
        if self.random.random() < 0.5:
            return await self._half_before(request, writer, behaviour)
        return await self._half_after(request, writer, behaviour)

    async def _until_healed(self, behaviour: Behaviour) -> None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._healed.wait(), behaviour.seconds or CLOSE_AFTER_SECONDS)


async def read_message(reader: asyncio.StreamReader, *, is_answer: bool) -> Message | None:
    """A whole request or answer; none where the connection ended before one began."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head[:-4].split(b"\r\n")
    fields = {}
    for line in lines:
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip()
    message = Message(head, fields)
    if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
        await read_chunks(reader, message)
    elif b"content-length" in fields:
        message.body += await reader.readexactly(int(fields[b"content-length"]))
    elif is_answer and first.split(b" ")[1] not in (b"204", b"304"):
        message.body += await reader.read(-1)
    return message


async def read_chunks(reader: asyncio.StreamReader, message: Message) -> None:
    while True:
        line = await reader.readuntil(b"\r\n")
        message.body += line
        size = int(line.split(b";")[0], 16)
        message.body += await reader.readexactly(size + 2) if size else await reader.readuntil(b"\r\n")
        if size == 0:
            return
