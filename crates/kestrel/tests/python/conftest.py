"""A real Kestrel for the Python tests."""

import json
import os
import pathlib
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

ROOT = pathlib.Path(__file__).parents[4]
BINARY = pathlib.Path(os.environ.get("KESTREL_TEST_BINARY", ROOT / "target" / "debug" / "kestrel"))

LIBRARY = "KESTREL_ENGINE_LIBRARY"

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Kestrel:
    """A running server."""

    def __init__(self, process: "subprocess.Popen[str]", ready: str) -> None:
        self.process = process
        self.url = next(word for word in ready.split() if word.startswith("http://"))
        self.grpc = ready.split("OTLP gRPC on ")[1].split(",")[0].strip(")\n")

    def get(self, path: str) -> Any:
        with _direct.open(self.url + path, timeout=60) as answer:
            return json.load(answer)

    def spans(self, trace_id: int) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.get(f"/api/v1/traces/{trace_id:032x}/spans?limit=1000")["items"]
        return items

    def kill_engine(self) -> None:
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        children = [child for task in tasks.iterdir() for child in (task / "children").read_text().split()]
        for child in children:
            os.kill(int(child), signal.SIGKILL)


@pytest.fixture(scope="session")
def kestrel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kestrel]:
    folder = tmp_path_factory.mktemp("kestrel")
    command = [BINARY, "serve", "--data", folder, "--listen", "127.0.0.1:0", "--otlp-grpc", "127.0.0.1:0"]
    foreign = ("KESTREL_", "CLICKHOUSE_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign) or name == LIBRARY}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert "http://" in ready, ready
        yield Kestrel(process, ready)
        process.terminate()
        assert process.wait(60) == 0
