"""An engine for the Python tests: the one that the environment names, or one started here."""

import os
import pathlib
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client

ROOT = pathlib.Path(__file__).parents[4]
CHILD = ROOT / "target/debug/kestrel-engine-child"


@dataclass
class Engine:
    port: int
    user: str
    password: str

    def client(self, **options: object) -> Client:
        return clickhouse_connect.get_client(
            host="127.0.0.1", port=self.port, username=self.user, password=self.password, **options
        )


def library() -> pathlib.Path:
    if named := os.environ.get("KESTREL_ENGINE_LIBRARY"):
        return pathlib.Path(named)
    pin = (ROOT / "crates/kestrel-engine/library.pin").read_text()
    version = dict(line.split(" ", 1) for line in pin.splitlines())["version"]
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return cache / "kestrel/engine" / version / "libchdb.so"


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if not CHILD.exists():
        build = ["cargo", "build", "--quiet", "--package", "kestrel-engine", "--bin", CHILD.name]
        subprocess.run(build, cwd=ROOT, check=True)
    folder = tmp_path_factory.mktemp("engine")
    password = secrets.token_hex(8)
    # The fields that `handshake.rs` reads; the child lives until this pipe closes.
    fields = [str(folder), str(library()), password, str(2 << 30), "0"]
    with subprocess.Popen([CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write("".join(f"{field}\0" for field in fields).encode())
        child.stdin.flush()
        report = child.stdout.readline().decode()
        assert "ready" in report, report
        yield Engine(int(report.split()[-1]), "kestrel", password)
        child.terminate()


@pytest.fixture
def client(engine: Engine) -> Iterator[Client]:
    admin = engine.client()
    name = f"test_{secrets.token_hex(4)}"
    admin.command(f"CREATE DATABASE {name}")
    with engine.client(database=name) as client:
        yield client
    admin.command(f"DROP DATABASE {name}")
    admin.close()
