"""What is not acknowledged waits on disk, and is delivered by this program or the next."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from otlp_sink import Answer, OtlpSink, reserved_port

Program = Callable[..., Any]

LOG_100 = """
    import caribou
    with caribou.trace_run(datapoint_id="d", phase="eval"):
        for number in range(100):
            caribou.log(caribou.Event(str(number)))
"""


@pytest.fixture
def away() -> Iterator[OtlpSink]:
    """A server whose address is known before it is started."""
    with reserved_port() as port:
        sink = OtlpSink()
        sink.address = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
        sink.appear = lambda: sink.start(port)  # type: ignore[attr-defined]
        yield sink
        if sink._server is not None:
            sink.stop()


def names(sink: OtlpSink) -> Counter[str]:
    """How often each event came, by name, each revision of a span once."""
    return Counter(span.attributes["name"] for span in sink.items(item_type="event"))


def test_what_was_logged_without_a_server_is_delivered_by_the_next_program(program: Program, away: Any) -> None:
    left = program(LOG_100, KESTREL_API_URL=away.address)
    assert "102 spans wait for" in left.stderr
    assert "kestrel spool drain" in left.stderr
    away.appear()
    done = program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(caribou.Event("next"))
            assert caribou.flush(40)
            assert caribou.stats()["spooled"] == 0
        """,
        KESTREL_API_URL=away.address,
    )
    assert done.stderr == ""
    assert names(away) == {**{str(number): 1 for number in range(100)}, "next": 1}
    assert [span.rollout_status for span in away.spans(item_type="rollout")] == ["COMPLETED"] * 2


def test_what_was_on_disk_before_a_kill_is_delivered_by_the_next_program(
    program: Program, away: Any, tmp_path: Path
) -> None:
    source = tmp_path / "killed.py"
    source.write_text(
        textwrap.dedent("""
        import sys, time, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            for number in range(2000):
                caribou.log(caribou.Event(str(number)))
            while caribou.stats()["spooled"] < 2001:
                time.sleep(0.01)
            print("on disk", flush=True)
            time.sleep(600)
        """)
    )
    environment = {
        **os.environ,
        "KESTREL_API_URL": away.address,
        "CARIBOU_SPOOL_DIR": str(tmp_path / "spool"),
    }
    with subprocess.Popen([sys.executable, str(source)], env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "on disk\n"
        killed.send_signal(signal.SIGKILL)
    away.appear()
    program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            pass
        assert caribou.flush(40)
        """,
        KESTREL_API_URL=away.address,
    )
    assert names(away) == {str(number): 1 for number in range(2000)}


def test_flush_tells_the_truth(program: Program, away: Any) -> None:
    program(
        """
        import time, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(caribou.Event("e"))
            started = time.monotonic()
            assert not caribou.flush(60)
            assert time.monotonic() - started < 40, "all is on disk, and nobody is there"
            stats = caribou.stats()
            assert (stats["spooled"], stats["queued"], stats["dropped"]) == (2, 0, 0), stats
        """,
        KESTREL_API_URL=away.address,
    )


def test_a_server_that_hangs_does_not_keep_what_is_logged_from_the_disk(program: Program, tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        program(
            """
            import time, caribou
            with caribou.trace_run(datapoint_id="d", phase="eval"):
                caribou.log(caribou.Event("e"))
                deadline = time.monotonic() + 40
                while caribou.stats()["spooled"] < 2:
                    assert time.monotonic() < deadline
                    time.sleep(0.01)
            """,
            KESTREL_API_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
        )
    assert list((tmp_path / "spool").glob("kestrel-*/*-*-*-*.*"))


def test_forked_children_keep_what_they_log_in_files_of_their_own(program: Program, away: Any) -> None:
    program(
        """
        import os, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(caribou.Event("before"))
            caribou.flush()
            for number in range(4):
                if os.fork() == 0:
                    caribou.log(caribou.Event(f"child {number}"))
                    caribou.flush()
                    os._exit(0 if caribou.stats()["spooled"] == 1 else 1)
            assert all(os.wait()[1] == 0 for _ in range(4))
            caribou.log(caribou.Event("after"))
        """,
        KESTREL_API_URL=away.address,
    )
    away.appear()
    program(LOG_100, KESTREL_API_URL=away.address)
    expected = ["before", "after", *(f"child {number}" for number in range(4)), *map(str, range(100))]
    assert names(away) == dict.fromkeys(expected, 1)


def test_a_refused_item_is_kept_with_the_reason(program: Program, sink: OtlpSink, tmp_path: Path) -> None:
    sink.answers.append(Answer(400, body=b'{"error": {"message": "no such project"}}'))
    done = program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            assert not caribou.flush()
            assert caribou.stats()["refused"] == 1
        """
    )
    assert "no such project" in done.stderr
    kept = list((tmp_path / "spool").glob("kestrel-*/set-aside/*"))
    assert len(kept) == 1
    assert b"no such project" in kept[0].read_bytes().splitlines()[0]


def test_nothing_is_kept_on_disk_where_that_is_turned_off(program: Program, away: Any, tmp_path: Path) -> None:
    done = program(LOG_100, KESTREL_API_URL=away.address, CARIBOU_SPOOL_MAX_BYTES="0")
    assert "102 spans were not delivered" in done.stderr
    assert not (tmp_path / "spool").exists()
