"""Forks: parent and child log correctly, with ids of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from otlp_sink import OtlpSink

Program = Callable[..., Any]

pytestmark = pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="needs fork")


def test_8_children_forked_after_a_log_lose_nothing(program: Program, sink: OtlpSink) -> None:
    program(
        """
        import os, caribou
        from caribou import Event
        with caribou.trace_run(datapoint_id="parent", phase="eval"):
            caribou.log(Event("before"))
            children = []
            for number in range(8):
                pid = os.fork()
                if pid == 0:
                    for step in range(50):
                        caribou.log(Event(f"child {number} {step}"))
                    with caribou.trace_run(datapoint_id=f"child {number}", phase="eval"):
                        caribou.log(Event(f"own {number}"))
                    ok = caribou.flush(40)
                    os._exit(0 if ok and caribou.stats()["logged"] == 51 else 1)
                children.append(pid)
            caribou.log(Event("after"))
            assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
        """
    )
    names = sorted(span.attributes["name"] for span in sink.items(item_type="event"))
    expected = ["after", "before"]
    expected += [f"child {number} {step}" for number in range(8) for step in range(50)]
    expected += [f"own {number}" for number in range(8)]
    assert names == sorted(expected)
    events = [span for span in sink.received if span.item_type == "event"]
    spans = {(span.trace_id, span.span_id, span.attributes["name"]) for span in events}
    ids = {(span.trace_id, span.span_id) for span in events}
    # A machine that is slow to answer may be sent a span again; it is the same span.
    assert len(ids) == len(spans) == 410, "every event has an id of its own"
    roots = sink.spans(item_type="rollout")
    assert len({span.trace_id for span in roots}) == 9
    assert {span.rollout_status for span in roots} == {"COMPLETED"}


def test_a_child_does_not_end_its_parents_rollout(program: Program, sink: OtlpSink) -> None:
    program(
        """
        import os, sys, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            pid = os.fork()
            if pid == 0:
                sys.exit(3)
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 3
            caribou.log(caribou.Event("after"))
        """
    )
    assert sink.root().rollout_status == "COMPLETED"
    assert sink.root().error_type is None


def test_what_a_child_says_of_the_rollout_is_kept(program: Program, sink: OtlpSink) -> None:
    program(
        """
        import os, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            pid = os.fork()
            if pid == 0:
                caribou.add_meta({"from": "child"})
                caribou.flush()
                os._exit(0)
            os.waitpid(pid, 0)
            caribou.add_meta({"of": "parent"})
        """
    )
    roots = sink.spans(item_type="rollout")
    assert len(roots) == 2
    assert len({span.trace_id for span in roots}) == 1
    assert {"from": "child"} in [span.json("metadata") for span in roots]


def test_forking_while_threads_log_does_not_hang(program: Program, sink: OtlpSink) -> None:
    program(
        """
        import os, threading, warnings, caribou
        warnings.simplefilter("ignore")
        from caribou import Event
        stop = threading.Event()
        def work(number):
            with caribou.trace_run(datapoint_id=f"thread {number}", phase="eval"):
                while not stop.is_set():
                    caribou.log(Event("busy"))
                    caribou.add_meta({"a": 1})
                    caribou.stats()
                    caribou.configure()
                    caribou.flush(0.001)
                    stop.wait(0.01)
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for thread in threads: thread.start()
        children = []
        for number in range(20):
            pid = os.fork()
            if pid == 0:
                with caribou.trace_run(datapoint_id="child", phase="eval"):
                    caribou.log(Event(f"child {number}"))
                os._exit(0 if caribou.flush(40) else 1)
            children.append(pid)
        assert all(os.waitpid(pid, 0)[1] == 0 for pid in children)
        stop.set()
        for thread in threads: thread.join()
        assert caribou.flush(40)
        """
    )
    names = {span.attributes["name"] for span in sink.items(item_type="event")}
    assert names == {"busy", *(f"child {number}" for number in range(20))}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_deliver_at_their_end(program: Program, sink: OtlpSink, method: str) -> None:
    done = program(
        f"""
        import multiprocessing, warnings, caribou
        warnings.simplefilter("ignore")
        def work(number):
            caribou.configure(run_id="r", phase="eval")
            with caribou.trace_run(datapoint_id=f"d{{number}}"):
                caribou.log(caribou.Event(f"child {{number}}"))
        if __name__ == "__main__":
            with caribou.trace_run(datapoint_id="parent", phase="eval"):
                pass
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=work, args=(number,)) for number in range(4)]
            for child in children: child.start()
            for child in children: child.join()
            assert all(child.exitcode == 0 for child in children)
        """
    )
    assert done.stderr == ""
    assert {span.attributes["name"] for span in sink.items(item_type="event")} == {f"child {n}" for n in range(4)}


def test_a_subprocess_is_none_of_our_business(program: Program, sink: OtlpSink) -> None:
    program(
        f"""
        import subprocess, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(caribou.Event("e"))
            subprocess.run([{sys.executable!r}, "-c", "pass"], check=True, preexec_fn=lambda: None)
            caribou.log(caribou.Event("f"))
        """
    )
    assert [span.attributes["name"] for span in sink.items()] == ["e", "f"]
