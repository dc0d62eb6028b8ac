"""A real `kestrel serve` as a child process, and what tests ask it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BINARY = Path(os.environ.get("KESTREL_TEST_BINARY", ROOT / "target" / "debug" / "kestrel"))
ENGINE_PASSWORD = "engine-password-of-the-tests"
READY_WITHIN_SECONDS = 90.0

# Servers of tests are on this machine, whatever proxy its owner has set.
direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


_reserved: list[socket.socket] = []


def free_port() -> int:
    """A port where nobody answers. It is kept for whoever is told it, as often as they come and go."""
    placeholder = socket.socket()
    placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    placeholder.bind(("127.0.0.1", 0))
    _reserved.append(placeholder)
    port: int = placeholder.getsockname()[1]
    return port


class KestrelServer:
    """A server on a data folder; `start` and `kill` may be called again and again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> KestrelServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Starts the server and waits until it is ready."""
        with (self.folder / "kestrel.log").open("ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}"],
                env={**os.environ, "KESTREL_ENGINE_PASSWORD": ENGINE_PASSWORD},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self.status("/readyz") == 200:
                return
            time.sleep(0.05)
        raise RuntimeError(f"kestrel did not become ready:\n{(self.folder / 'kestrel.log').read_text()[-4000:]}")

    def stop(self) -> None:
        """Asks the server to end and waits for it."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def kill(self) -> None:
        """Ends the server as a power cut would: nothing of it runs another instruction."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def status(self, path: str) -> int:
        """Status of a GET; 0 where nobody answers."""
        try:
            with direct.open(self.url + path, timeout=5) as answer:
                code: int = answer.status
                return code
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a GET that must succeed."""
        parameters = urllib.parse.urlencode(query, doseq=True)
        with direct.open(f"{self.url}{path}?{parameters}", timeout=60) as answer:
            return json.load(answer)

    def every(self, path: str, **query: Any) -> list[Any]:
        """All items of a paged list."""
        items: list[Any] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return items

    def wait_until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        """Waits for what may follow an acknowledgement a moment later, such as summaries."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if holds():
                    return
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
            if time.monotonic() > deadline:
                raise AssertionError(f"still not so after {seconds} s")
            time.sleep(0.05)
