"""Kestrel and its engine as processes that are killed and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from kestrel_server import ENGINE_PASSWORD, direct

READY_WITHIN_SECONDS = 300.0


class Server:
    """`kestrel serve` on a folder, with the embedded engine or on somebody else's ClickHouse."""

    def __init__(self, binary: Path, folder: Path, port: int, environment: dict[str, str]) -> None:
        self.binary = binary
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.environment = environment
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> None:
        """Starts it, unless it runs, and waits until it is ready."""
        if self.process is None or self.process.poll() is not None:
            self._spawn()
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while not self.is_ready():
            assert self.process is not None
            if self.process.poll() is not None:
                # A folder may be locked for a moment by the engine of a Kestrel that was killed.
                time.sleep(0.2)
                self._spawn()
            if time.monotonic() > deadline:
                raise RuntimeError(f"kestrel did not become ready, see {self.log}")
            time.sleep(0.05)

    @property
    def log(self) -> Path:
        return self.folder / "kestrel.log"

    def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--data", self.folder / "data", "--listen", f"127.0.0.1:{self.port}"],
                env={**os.environ, **self.environment, "KESTREL_ENGINE_PASSWORD": ENGINE_PASSWORD},
                stdout=log,
                stderr=log,
            )

    def is_ready(self) -> bool:
        try:
            with direct.open(self.url + "/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except (urllib.error.HTTPError, OSError):
            return False

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(30)

    def kill_engine(self) -> None:
        """The child alone; Kestrel is to start another."""
        for child in self.engine_pids():
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def engine_pids(self) -> list[int]:
        assert self.process is not None
        children = []
        for listing in Path(f"/proc/{self.process.pid}/task").glob("*/children"):
            children += [int(child) for child in listing.read_text().split()]
        return children

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def engine_address(self) -> tuple[str, int]:
        return "127.0.0.1", int((self.folder / "data" / "engine" / "port").read_text())

    def sql(self, statement: str) -> list[list[str]]:
        """Rows of a statement, as texts; waits for an engine that is being started."""
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        while True:
            try:
                host, port = self.engine_address()
                query = urllib.parse.urlencode({"database": "caribou", "default_format": "TabSeparatedRaw"})
                request = urllib.request.Request(
                    f"http://{host}:{port}/?{query}",
                    data=statement.encode(),
                    headers={"X-ClickHouse-User": "kestrel", "X-ClickHouse-Key": ENGINE_PASSWORD},
                )
                with direct.open(request, timeout=60) as answer:
                    return [line.split("\t") for line in answer.read().decode().splitlines()]
            except urllib.error.HTTPError as error:
                raise RuntimeError(error.read().decode()) from error
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
