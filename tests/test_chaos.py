"""A few rounds of `make chaos`; only what `stats()` and `flush()` confirmed counts, so that no clock decides."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from kestrel_server import BINARY

SEED = "2026"
FAULTS = (
    "kill -9 of the program",
    "kill -9 of the engine",
    "kill -9 of Kestrel",
    "after commit",
    "Langfuse is cut",
    "disk full",
    "clock",
    "damaged",
    "two drain",
)


@pytest.mark.timeout(1800)
def test_nothing_is_lost_or_doubled_by_any_fault() -> None:
    chosen = [word for fault in FAULTS for word in ("--fault", fault)]
    command = [sys.executable, "-m", "chaos", "--rounds", str(len(FAULTS)), "--seed", SEED, "--confirmed-only", *chosen]
    environment = {**os.environ, "KESTREL_TEST_BINARY": str(BINARY)}
    ran = subprocess.run(command, cwd=Path(__file__).parent, env=environment, capture_output=True, text=True)
    print(ran.stdout)
    assert ran.returncode == 0, ran.stdout + ran.stderr
