"""The stub of the native module, and the types of the package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parents[2]


def test_the_stub_agrees_with_the_compiled_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "caribou._native", "--ignore-missing-stub"],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_package_is_typed_strictly() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "/dev/null", "python/caribou"],
        cwd=PACKAGE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_user_of_the_package_is_typed(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import caribou\n"
        "from caribou import Message\n"
        "with caribou.trace_run({'datapoint_id': 'd', 'phase': 'prod'}) as trace_id:\n"
        "    reveal_type(trace_id)\n"
        "    caribou.log(Message(role='user', content='x'))\n"
        "    caribou.log('text')\n"
        "reveal_type(caribou.stats()['dropped'])\n"
        "@caribou.trace_run(datapoint_id='d', phase='prod')\n"
        "async def work(x: int) -> str: ...\n"
        "reveal_type(work)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", "/dev/null", str(program)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert 'Revealed type is "builtins.str"' in done.stdout or 'Revealed type is "str"' in done.stdout, done.stdout
    assert "incompatible type" in done.stdout
    assert "x: " in done.stdout
    assert done.stdout.count(" error: ") == 1 + done.stdout.count("Missing return"), done.stdout
