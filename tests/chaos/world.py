"""The servers and proxies that all rounds share, and copies of what is tested, so that builds change nothing."""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

from kestrel_server import ENGINE_PASSWORD, free_port
from langfuse_server import PUBLIC_KEY, SECRET_KEY

import caribou
from chaos.langfuse import Langfuse
from chaos.proxy import FaultProxy
from chaos.servers import Server

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BINARY = Path(os.environ.get("KESTREL_TEST_BINARY", ROOT / "target" / "debug" / "kestrel"))
OURS = ("KESTREL_", "CLICKHOUSE_", "LANGFUSE_", "CARIBOU_", "OTEL_", "AWS_")


class Clock:
    """The wall clock of whatever was started with `environment`."""

    def __init__(self, library: Path, path: Path) -> None:
        path.write_bytes(bytes(8))
        with path.open("r+b") as file:
            self.shift = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "CHAOS_CLOCK_FILE": str(path)}

    def jump_to(self, seconds: float) -> None:
        """So far away from the true time."""
        self.shift[:] = struct.pack("<q", int(seconds * 1e9))


class World:
    """Two Kestrels on one store, the first with the engine, the second on its ClickHouse; a Langfuse; and a proxy
    before each that a program or a Kestrel sends to."""

    def __init__(self, folder: Path, seed: str) -> None:
        self.folder = folder
        self.clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        os.environ.clear()
        os.environ.update(self.clean)
        self.binary = folder / "kestrel"
        shutil.copy2(BINARY, self.binary)
        self.packages = folder / "packages"
        package = Path(caribou.__file__).parent
        shutil.copytree(package, self.packages / "caribou", ignore=shutil.ignore_patterns("__pycache__"))
        self.programs = folder / "programs"
        shutil.copytree(HERE, self.programs, ignore=shutil.ignore_patterns("__pycache__"))
        self.clock_library = folder / "clock.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", self.clock_library, HERE / "clock.c", "-ldl"], check=True
        )
        self.server_clock = Clock(self.clock_library, folder / "server.clock")
        self.near = Server(self.binary, folder / "near", free_port(), self.server_clock.environment)
        self.to_kestrel = FaultProxy(lambda: ("127.0.0.1", self.near.port), f"{seed}/kestrel")
        self.to_clickhouse = FaultProxy(self.near.engine_address, f"{seed}/clickhouse")
        behind = {
            "CLICKHOUSE_URL": self.to_clickhouse.url,
            "CLICKHOUSE_USER": "kestrel",
            "CLICKHOUSE_PASSWORD": ENGINE_PASSWORD,
        }
        self.far = Server(self.binary, folder / "far", free_port(), behind)
        self.to_far = FaultProxy(lambda: ("127.0.0.1", self.far.port), f"{seed}/far")
        self.langfuse = Langfuse()
        self.to_langfuse = FaultProxy(lambda: ("127.0.0.1", self.langfuse.port), f"{seed}/langfuse")
        self.proxies = (self.to_kestrel, self.to_clickhouse, self.to_far, self.to_langfuse)

    def __enter__(self) -> World:
        self.langfuse.__enter__()
        self.heal()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what was started; what it left is the caller's to remove."""
        for proxy in self.proxies:
            proxy.heal()
        for server in (self.far, self.near):
            server.stop()
        for proxy in self.proxies:
            proxy.close()
        self.langfuse.__exit__()

    def heal(self) -> None:
        """Everything runs and passes everything on."""
        self.server_clock.jump_to(0)
        for proxy in self.proxies:
            proxy.heal()
        self.near.start()
        self.far.start()

    def destination(self, name: str) -> dict[str, str]:
        """The variables of a program that records there."""
        if name == "clickhouse":
            return {
                "CLICKHOUSE_URL": self.to_clickhouse.url,
                "CLICKHOUSE_USER": "kestrel",
                "CLICKHOUSE_PASSWORD": ENGINE_PASSWORD,
                "KESTREL_API_URL": self.near.url,
            }
        if name == "langfuse":
            return {
                "LANGFUSE_HOST": self.to_langfuse.url,
                "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
                "LANGFUSE_SECRET_KEY": SECRET_KEY,
            }
        return {"KESTREL_API_URL": self.way_to(name).url}

    def way_to(self, destination: str) -> FaultProxy:
        """The proxy between a program and its destination."""
        ways = {
            "kestrel": self.to_kestrel,
            "far-kestrel": self.to_far,
            "clickhouse": self.to_clickhouse,
            "langfuse": self.to_langfuse,
        }
        return ways[destination]

    def python(self, program: str, *arguments: str) -> list[str]:
        return [sys.executable, str(self.programs / program), *arguments]
