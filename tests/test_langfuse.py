"""Rollouts of a program of a user appear in Langfuse whole, once, and with their scores."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kestrel_server import BINARY, free_port
from langfuse_server import PUBLIC_KEY, SECRET_KEY, LangfuseServer, RefusedError

QUICK_START = """
import caribou
from caribou import Message, ToolExecution

caribou.configure(run_id="my-project", phase="prod")

with caribou.trace_run({"datapoint_id": "req_123", "phase": "prod"}) as trace_id:
    caribou.log(Message(role="user", content="Hello"))
    caribou.log(Message(role="assistant", content="Hi!", model="gpt-4o", input_tokens=10, output_tokens=5))
    caribou.set_status(caribou.RolloutStatus.COMPLETED)

assert caribou.flush(60)
print(trace_id)
"""


HELPERS = """
import time
import caribou
from caribou import Event, Grade, Message

def counts():
    return caribou.stats()["destinations"]["langfuse"]

def wait_for(holds):
    deadline = time.monotonic() + 60
    while not holds(counts()):
        assert time.monotonic() < deadline, counts()
        time.sleep(0.01)
"""

NEXT_PROGRAM = """
import caribou
with caribou.trace_run({"datapoint_id": "next", "phase": "prod", "run_id": "r"}):
    pass
caribou.flush(60)
"""


@pytest.fixture(autouse=True)
def own_spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARIBOU_SPOOL_DIR", str(tmp_path / "spool"))


@pytest.fixture
def langfuse() -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


@pytest.fixture
def port() -> int:
    """Where nobody listens."""
    return free_port()


def environment(url: str) -> dict[str, str]:
    return {
        **os.environ,
        # What goes to Kestrel is refused at once by a server that has no such route, and so holds up nothing.
        "KESTREL_API_URL": url + "/kestrel",
        "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
        "LANGFUSE_SECRET_KEY": SECRET_KEY,
        "LANGFUSE_HOST": url,
    }


def run(server: LangfuseServer, program: str) -> str:
    """Output of a program that records to this server alone."""
    program = textwrap.dedent(program).replace("assert caribou.flush(60)", "caribou.flush(60)")
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, env=environment(server.url), capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def run_and_kill(url: str, program: str) -> str:
    """What a program printed until it hung, and was killed."""
    program = HELPERS + textwrap.dedent(program) + "\nprint('hangs', flush=True)\nimport time\ntime.sleep(600)\n"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment(url), stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        printed: list[str] = []
        while (line := killed.stdout.readline()) != "hangs\n":
            assert line, f"it ended by itself: {printed}"
            printed.append(line)
        killed.send_signal(signal.SIGKILL)
    return "".join(printed)


def wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        time.sleep(0.02)


def by_name(server: LangfuseServer) -> dict[str, dict[str, Any]]:
    return {span["name"]: span for span in server.spans.values()}


def test_the_documents_example_field_by_field(langfuse: LangfuseServer) -> None:
    trace_id = run(langfuse, QUICK_START)
    spans = by_name(langfuse)
    assert len(langfuse.spans) == 3
    assert {span["trace_id"] for span in spans.values()} == {trace_id}

    trace_wide = {
        "langfuse.trace.name": "req_123",
        "langfuse.environment": "prod",
        "langfuse.trace.metadata.project": "my-project",
        "langfuse.trace.metadata.run_id": "my-project",
        "langfuse.trace.metadata.phase": "prod",
        "langfuse.trace.metadata.datapoint_id": "req_123",
        "langfuse.trace.metadata.status": "COMPLETED",
    }
    hello = {"role": "user", "content": "Hello"}
    user = spans["message.user"]
    assert json.loads(user["attributes"].pop("langfuse.observation.input")) == hello
    assert user["attributes"] == {
        **trace_wide,
        "langfuse.observation.type": "event",
    }
    assistant = spans["message.assistant"]
    usage = json.loads(assistant["attributes"].pop("langfuse.observation.usage_details"))
    assert json.loads(assistant["attributes"].pop("langfuse.observation.input")) == [hello]
    said = json.loads(assistant["attributes"].pop("langfuse.observation.output"))
    assert said == {"role": "assistant", "content": "Hi!"}
    assert usage == {"input": 10, "output": 5, "total": 15}
    assert assistant["attributes"] == {
        **trace_wide,
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
    }
    [root] = [span for span in spans.values() if span["parent_span_id"] is None]
    assert root["attributes"] == {
        **trace_wide,
        "langfuse.observation.type": "agent",
        "langfuse.observation.level": "DEFAULT",
        "langfuse.observation.input": "Hello",
        "langfuse.observation.output": "Hi!",
    }
    assert {user["parent_span_id"], assistant["parent_span_id"]} == {root["span_id"]}
    assert user["started_ms"] < assistant["started_ms"]
    assert all(span["scope"] == "caribou" for span in spans.values())
    assert langfuse.scores == {}


def test_grades_and_criteria_are_scores_of_the_root(langfuse: LangfuseServer) -> None:
    run(
        langfuse,
        """
        import caribou
        from caribou import Grade, Message

        with caribou.trace_run({"datapoint_id": "d", "phase": "eval", "user_id": "u", "session_id": "s"}, run_id="r"):
            caribou.log(Message(role="user", content="Hello"))
            caribou.log(Grade(score=0.75, grader_type="Judge", reasoning="nearly", criteria=[
                {"type": "tone", "passed": True, "score": 1.0, "reasoning": "kind"},
                {"type": "facts", "passed": False},
            ]))
            caribou.add_tags("late")
        caribou.flush(60)
        """,
    )
    scores = {score["name"]: score for score in langfuse.scores.values()}
    values = {name: score["value"] for name, score in scores.items()}
    assert values == {"Judge": 0.75, "Judge/tone": 1.0, "Judge/facts": 0.0}
    assert scores["Judge"]["comment"] == "nearly"
    [root] = [span for span in langfuse.spans.values() if span["parent_span_id"] is None]
    for score in scores.values():
        assert (score["traceId"], score["observationId"]) == (root["trace_id"], root["span_id"])
        assert (score["environment"], score["dataType"]) == ("eval", "NUMERIC")
    for span in langfuse.spans.values():
        assert span["attributes"]["langfuse.user.id"] == "u"
        assert span["attributes"]["langfuse.session.id"] == "s"
        assert span["attributes"]["langfuse.trace.tags"] == ["late"], "tags may be added last and stand everywhere"


def test_tools_and_errors_show(langfuse: LangfuseServer) -> None:
    run(
        langfuse,
        """
        import caribou
        from caribou import Message, ToolExecution

        try:
            with caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"}):
                with caribou.span("search"):
                    caribou.log(ToolExecution(call_id="c1", name="find", arguments={"q": 1}, error="no index"))
                raise RuntimeError("gave up")
        except RuntimeError:
            pass
        caribou.flush(60)
        """,
    )
    [tool] = [span for span in langfuse.spans.values() if span["attributes"]["langfuse.observation.type"] == "tool"]
    assert tool["attributes"]["gen_ai.tool.name"] == "find"
    assert json.loads(tool["attributes"]["langfuse.observation.input"]) == {"q": 1}
    assert (tool["status_code"], tool["attributes"]["langfuse.observation.status_message"]) == (2, "no index")
    [root] = [span for span in langfuse.spans.values() if span["parent_span_id"] is None]
    assert root["attributes"]["langfuse.observation.level"] == "ERROR"
    assert "gave up" in root["attributes"]["langfuse.observation.status_message"]
    assert tool["parent_span_id"] != root["span_id"], "it stands below its group"


def test_one_bad_span_does_not_take_the_others_with_it(langfuse: LangfuseServer) -> None:
    original = langfuse._check_span

    def picky(span: dict[str, Any]) -> None:
        if "poison" in str(span["attributes"].get("langfuse.observation.input")):
            raise RefusedError(400, "Invalid OTLP trace export: poison")
        original(span)

    langfuse._check_span = picky  # type: ignore[method-assign]
    printed = run(
        langfuse,
        """
        import caribou
        from caribou import Message

        with caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"}):
            for number in range(40):
                caribou.log(Message(role="user", content="poison" if number == 17 else f"message {number}"))
        caribou.flush(60)
        print(caribou.stats()["destinations"]["langfuse"])
        """,
    )
    assert len(langfuse.spans) == 40, "39 messages and the root"
    assert "'refused': 1" in printed


@pytest.mark.parametrize("taken", [1, 5, 300, 512])
def test_what_was_sent_before_does_not_take_the_rest_of_a_long_rollout_with_it(
    langfuse: LangfuseServer, taken: int
) -> None:
    """The answer to the first part is lost, and Langfuse takes no span again."""
    original = langfuse._keep_spans

    def lose_first_answer(batch: list[dict[str, Any]], headers: Any) -> None:
        is_first = not langfuse.spans
        original(batch[:taken] if is_first else batch, headers)
        if is_first:
            raise RefusedError(503, "the answer was lost")

    langfuse._keep_spans = lose_first_answer  # type: ignore[method-assign]
    printed = run(
        langfuse,
        """
        import caribou
        from caribou import Event

        with caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"}):
            for number in range(1800):
                caribou.log(Event(f"event {number}"))
        caribou.flush(60)
        print(caribou.stats()["destinations"]["langfuse"]["refused"])
        """,
    )
    assert len(langfuse.spans) == 1801
    assert int(printed) == taken


def test_a_server_that_comes_back_has_everything_once(langfuse: LangfuseServer) -> None:
    langfuse.answer_with = RefusedError(503, "away", {"Retry-After": "1"})
    program = """
import caribou
from caribou import Grade, Message
for rollout in range(20):
    with caribou.trace_run({"datapoint_id": f"d{rollout}", "phase": "eval", "run_id": "r"}):
        for number in range(60):
            caribou.log(Message(role="user", content=f"message {number}"))
        caribou.log(Grade(score=1.0, grader_type="g"))
caribou.flush(90)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=environment(langfuse.url), stderr=subprocess.DEVNULL
    )
    wait_until(lambda: langfuse.requests >= 2)
    langfuse.answer_with = None
    assert process.wait(100) == 0
    assert len(langfuse.spans) == 20 * 62
    assert len(langfuse.scores) == 20
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]


def test_what_a_killed_program_had_recorded_is_sent_by_the_next_one(port: int) -> None:
    run_and_kill(
        f"http://127.0.0.1:{port}",
        """
        for rollout in range(5):
            with caribou.trace_run({"datapoint_id": f"d{rollout}", "phase": "eval", "run_id": "r"}):
                for number in range(30):
                    caribou.log(Message(role="user", content=f"message {number}"))
                caribou.log(Grade(score=1.0, grader_type="g"))
        with_one_open = caribou.trace_run({"datapoint_id": "open", "phase": "eval", "run_id": "r", "user_id": "u"})
        with_one_open.__enter__()
        for number in range(30):
            caribou.log(Message(role="user", content=f"open {number}"))
        wait_for(lambda counts: counts["spooled"] == 5 * 33 + 31)
        """,
    )
    with LangfuseServer(port) as langfuse:
        run(langfuse, NEXT_PROGRAM)
    assert len(langfuse.spans) == 5 * 32 + 31 + 1
    assert len(langfuse.scores) == 5
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    by_datapoint = roots(langfuse)
    assert by_datapoint["d3"]["attributes"]["langfuse.observation.level"] == "DEFAULT"
    lost = by_datapoint["open"]
    assert lost["attributes"]["langfuse.observation.level"] == "ERROR"
    assert lost["attributes"]["langfuse.observation.metadata.state"] == "lost"
    assert lost["attributes"]["langfuse.observation.input"] == "open 0"
    of_lost = [span for span in langfuse.spans.values() if span["trace_id"] == lost["trace_id"]]
    assert len(of_lost) == 31
    assert all(span["attributes"]["langfuse.user.id"] == "u" for span in of_lost)
    assert lost["ended_ms"] >= max(span["ended_ms"] for span in of_lost)


def test_what_left_before_a_kill_is_not_sent_again(langfuse: LangfuseServer, tmp_path: Path) -> None:
    run_and_kill(
        langfuse.url,
        """
        with caribou.trace_run({"datapoint_id": "whole", "phase": "prod", "run_id": "r"}):
            caribou.log(Message(role="user", content="Hello"))
        with_one_open = caribou.trace_run({"datapoint_id": "open", "phase": "prod", "run_id": "r"})
        with_one_open.__enter__()
        with caribou.span("inner"):
            caribou.log(Event("in a group"))
            assert not caribou.flush(20), "what waits for the end of its rollout is not delivered"
            wait_for(lambda counts: counts["acknowledged"] == 3 and counts["spooled"] == 3)
        """,
    )
    assert len(langfuse.spans) == 2
    run(langfuse, NEXT_PROGRAM)
    assert len(langfuse.spans) == 2 + 3 + 1
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    assert waiting_files(tmp_path) == []


def test_several_programs_that_find_what_a_dead_one_left_send_it_once(port: int, tmp_path: Path) -> None:
    run_and_kill(
        f"http://127.0.0.1:{port}",
        """
        opened = [caribou.trace_run({"datapoint_id": f"d{n}", "phase": "prod", "run_id": "r"}) for n in range(40)]
        for rollout in opened:
            rollout.__enter__()
            caribou.log(Message(role="user", content="Hello"))
        for rollout in opened[:20]:
            rollout.__exit__(None, None, None)
        wait_for(lambda counts: counts["spooled"] == 100)
        """,
    )
    command = [sys.executable, "-c", NEXT_PROGRAM]
    with LangfuseServer(port) as langfuse:
        programs = [
            subprocess.Popen(command, env=environment(langfuse.url), stderr=subprocess.PIPE, text=True)
            for _ in range(3)
        ]
        for program in programs:
            program.communicate(timeout=90)
        run(langfuse, NEXT_PROGRAM)
    assert len(langfuse.spans) == 80 + 4
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    assert waiting_files(tmp_path) == []


def test_open_rollouts_of_large_content_are_on_disk_and_not_in_memory(langfuse: LangfuseServer) -> None:
    printed = run(
        langfuse,
        HELPERS
        + """
import os
opened = []
for number in range(1000):
    opened.append(caribou.trace_run({"datapoint_id": f"d{number}", "phase": "prod", "run_id": "r"}))
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
for number, rollout in enumerate(opened):
    rollout.__enter__()
    caribou.log(Message(role="user", content=str(number) + "x" * 150_000))
    if number % 50 == 49:
        wait_for(lambda counts: counts["queued"] == 0)
    if number == 199:
        before = resident()
wait_for(lambda counts: counts["spooled"] == 2000)
print((resident() - before) >> 20, len(os.listdir("/proc/self/fd")), flush=True)
for rollout in reversed(opened[900:]):
    rollout.__exit__(None, None, None)
wait_for(lambda counts: counts["acknowledged"] == 300)
os._exit(0)
""",
    )
    grown, descriptors = map(int, printed.split())
    assert grown < 100, f"120 MB more were recorded, and memory grew by {grown} MB"
    assert descriptors < 100
    assert len(langfuse.spans) == 200


def test_a_program_that_continues_anothers_rollout_sends_its_part_below_it(langfuse: LangfuseServer) -> None:
    run(
        langfuse,
        """
        import caribou
        headers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        with caribou.extract({"traceparent": headers}):
            caribou.log(caribou.Event("elsewhere"))
        """,
    )
    spans = by_name(langfuse)
    assert {span["trace_id"] for span in spans.values()} == {"0af7651916cd43dd8448eb211c80319c"}
    assert spans["rollout"]["parent_span_id"] == "b7ad6b7169203331"
    assert spans["event.elsewhere"]["parent_span_id"] == spans["rollout"]["span_id"]


def test_a_refused_score_is_counted_and_kept_with_the_reason(langfuse: LangfuseServer, tmp_path: Path) -> None:
    langfuse.refused_scores.add("bad")
    printed = run(
        langfuse,
        HELPERS
        + """
with caribou.trace_run({"datapoint_id": "d", "phase": "eval", "run_id": "r"}):
    for grader in ("good", "bad", "fine"):
        caribou.log(Grade(score=1.0, grader_type=grader))
caribou.flush(60)
print(counts()["refused"], counts()["acknowledged"])
""",
    )
    assert printed == "1 5"
    assert {score["name"] for score in langfuse.scores.values()} == {"good", "fine"}
    [aside] = tmp_path.glob("spool/langfuse-scores-*/set-aside/*")
    assert "nobody wants bad" in aside.read_bytes().split(b"\n")[0].decode()


def test_scores_are_sent_again_where_the_answer_that_puts_them_off_is_cut_off(langfuse: LangfuseServer) -> None:
    original = langfuse._take_batch

    def put_off(body: dict[str, Any]) -> dict[str, Any]:
        langfuse._take_batch = original  # type: ignore[method-assign]
        langfuse.cuts_next_answer_to = "/api/public/ingestion"
        errors = [{"id": event["id"], "status": 429, "message": "later"} for event in body["batch"]]
        return {"successes": [], "errors": errors}

    langfuse._take_batch = put_off  # type: ignore[method-assign]
    run(
        langfuse,
        """
        import caribou
        from caribou import Grade

        with caribou.trace_run({"datapoint_id": "d", "phase": "eval", "run_id": "r"}):
            for grader in ("a", "b"):
                caribou.log(Grade(score=1.0, grader_type=grader))
        caribou.flush(60)
        """,
    )
    assert {score["name"] for score in langfuse.scores.values()} == {"a", "b"}


def test_paced_scores_hold_up_no_spans_and_stay_on_disk(langfuse: LangfuseServer, tmp_path: Path) -> None:
    langfuse.has_batch_route = False
    program = """
import sys
import caribou
from caribou import Grade
for rollout in range(35):
    with caribou.trace_run({"datapoint_id": f"d{rollout}", "phase": "eval", "run_id": "r"}):
        caribou.log(Grade(score=1.0, grader_type="g"))
sys.stdin.read()
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment(langfuse.url), stdin=subprocess.PIPE) as process:
        wait_until(lambda: len(langfuse.spans) == 70 and len(langfuse.scores) == 30)
        process.communicate(timeout=40)
    assert process.returncode == 0
    assert (len(langfuse.spans), len(langfuse.scores)) == (70, 30)
    assert not [refusal for refusal in langfuse.refusals if refusal.startswith("429")]
    assert waiting_files(tmp_path)
    langfuse.has_batch_route = True
    run(langfuse, NEXT_PROGRAM)
    assert len(langfuse.scores) == 35
    assert waiting_files(tmp_path) == []


@pytest.mark.parametrize("room", ["0", "100000"])
def test_without_room_on_disk_rollouts_are_gathered_in_memory(
    langfuse: LangfuseServer, monkeypatch: pytest.MonkeyPatch, room: str
) -> None:
    monkeypatch.setenv("CARIBOU_SPOOL_MAX_BYTES", room)
    printed = run(
        langfuse,
        """
        import caribou
        from caribou import Grade, Message
        opened = [caribou.trace_run({"datapoint_id": f"d{n}", "phase": "prod", "run_id": "r"}) for n in range(10)]
        for rollout in opened:
            rollout.__enter__()
            for number in range(20):
                caribou.log(Message(role="user", content="x" * 2000))
            caribou.log(Grade(score=1.0, grader_type="g"))
        for rollout in reversed(opened):
            rollout.__exit__(None, None, None)
        caribou.flush(60)
        print(caribou.stats()["destinations"]["langfuse"])
        """,
    )
    assert "'acknowledged': 230, 'queued': 0, 'spooled': 0, 'dropped': 0" in printed
    assert (len(langfuse.spans), len(langfuse.scores)) == (220, 10)


def test_a_full_spool_of_a_dead_program_is_sent_whole(
    port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_and_kill(
        f"http://127.0.0.1:{port}",
        """
        for rollout in range(400):
            with caribou.trace_run({"datapoint_id": f"d{rollout}", "phase": "prod", "run_id": "r"}):
                caribou.log(Message(role="user", content="x" * 2000))
        wait_for(lambda counts: counts["spooled"] == 1200)
        """,
    )
    monkeypatch.setenv("CARIBOU_SPOOL_MAX_BYTES", "100000")
    with LangfuseServer(port) as langfuse:
        run(langfuse, NEXT_PROGRAM)
        run(langfuse, NEXT_PROGRAM)
    assert len(langfuse.spans) == 800 + 2
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    assert waiting_files(tmp_path) == []


def test_what_was_not_in_memory_any_more_survives_any_kill(langfuse: LangfuseServer, tmp_path: Path) -> None:
    """Kills at any moment, of a server that comes and goes: nothing is lost that `stats()` did not call queued."""
    program = """
import random, sys, time, caribou
from caribou import Message
chance = random.Random(sys.argv[1])
for rollout in range(100_000):
    meta = {"datapoint_id": "d", "phase": "prod", "run_id": "r"}
    opened = [caribou.trace_run(meta) for _ in range(chance.choice([1, 5]))]
    safe = []
    for one in opened:
        one.__enter__()
        for number in range(chance.choice([1, 20])):
            safe.append(f"<{sys.argv[1]}.{rollout}.{len(safe)}>")
            caribou.log(Message(role="user", content=safe[-1] + "x" * chance.choice([10, 10_000])))
    if chance.random() < 0.5:
        while caribou.stats()["destinations"]["langfuse"]["queued"]:
            time.sleep(0.001)
        print(*safe, flush=True)
    for one in reversed(opened):
        one.__exit__(None, None, None)
"""
    chance = random.Random(4700)
    safe: list[str] = []
    for kill in range(6):
        langfuse.answer_with = RefusedError(503, "away") if kill % 3 == 1 else None
        command = [sys.executable, "-c", program, f"k{kill}"]
        with subprocess.Popen(
            command, env=environment(langfuse.url), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as killed:
            assert killed.stdout is not None
            for _ in range(chance.randrange(3, 30)):
                safe += killed.stdout.readline().split()
            time.sleep(chance.random() / 10)
            killed.send_signal(signal.SIGKILL)
    langfuse.answer_with = None
    drained = subprocess.run(
        [BINARY, "spool", "drain", tmp_path / "spool", "--to", langfuse.url + "/kestrel"],
        env=environment(langfuse.url),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert drained.returncode == 0, drained.stdout
    said = {str(span["attributes"].get("langfuse.observation.input")) for span in langfuse.spans.values()}
    stored = set(re.findall(r"<[k0-9.]+>", "".join(said)))
    assert safe
    assert [name for name in safe if name not in stored] == []


def test_damage_on_disk_costs_the_damaged_spans_only(port: int, tmp_path: Path) -> None:
    run_and_kill(
        f"http://127.0.0.1:{port}",
        """
        opened = caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"})
        opened.__enter__()
        for number in range(20):
            caribou.log(Message(role="user", content=f"message {number}."))
        wait_for(lambda counts: counts["spooled"] == 21)
        """,
    )
    files = [path for path in waiting_files(tmp_path) if b"message 7." in path.read_bytes()]
    for path in files:
        path.write_bytes(path.read_bytes().replace(b"message 7.", b"massage 7."))
    with LangfuseServer(port) as langfuse:
        run(langfuse, NEXT_PROGRAM)
    assert len(langfuse.spans) == 20 + 1
    assert waiting_files(tmp_path) == []
    assert list(tmp_path.glob("spool/langfuse*/damaged/*"))


def test_what_a_forked_child_records_is_sent_once_beside_its_parents(langfuse: LangfuseServer, tmp_path: Path) -> None:
    run(
        langfuse,
        """
        import os
        import caribou
        from caribou import Event
        with caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"}):
            caribou.log(Event("before"))
            caribou.flush(1)
            children = []
            for number in range(3):
                child = os.fork()
                if child == 0:
                    caribou.log(Event(f"child {number}"))
                    caribou.shutdown()
                    os._exit(0)
                children.append(child)
            for child in children:
                os.waitpid(child, 0)
            caribou.log(Event("after"))
        caribou.flush(60)
        """,
    )
    run(langfuse, NEXT_PROGRAM)
    names = [span["name"] for span in langfuse.spans.values()]
    events = ["event.after", "event.before", "event.child 0", "event.child 1", "event.child 2"]
    assert sorted(name for name in names if name.startswith("event")) == events
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]
    assert waiting_files(tmp_path) == []


def roots(server: LangfuseServer) -> dict[str, dict[str, Any]]:
    """The root of each rollout by its datapoint."""
    key = "langfuse.trace.metadata.datapoint_id"
    return {span["attributes"][key]: span for span in server.spans.values() if span["parent_span_id"] is None}


def waiting_files(tmp_path: Path) -> list[Path]:
    """Files of what still waits for Langfuse."""
    return [path for path in tmp_path.glob("spool/langfuse*/*-*") if path.is_file()]


def test_the_console_shows_a_line_a_span() -> None:
    debugging = {**os.environ, "KESTREL_API_URL": "http://127.0.0.1:9", "CARIBOU_TRACE_DEBUG": "1"}
    program = """
import caribou
from caribou import Message
with caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"}):
    caribou.log(Message(role="user", content="Hello console"))
"""
    ran = subprocess.run([sys.executable, "-c", program], env=debugging, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.startswith("caribou ") and " #" in line]
    assert [line.split(" ", 3)[3] for line in lines] == ["#0.0 message.user: Hello console"]
    assert any("rollout" in line or "prod COMPLETED" in line for line in ran.stderr.splitlines())


WITHOUT_DESCRIPTORS = """
import os
import resource

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
caribou.configure(run_id="r", phase="prod")
taken = []
with caribou.trace_run({"datapoint_id": "d", "phase": "prod"}):
    for number in range(3):
        caribou.log(Event(f"event {number}"))
    wait_for(lambda counts: counts["spooled"] == 4)
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
caribou.flush(1)
for descriptor in taken:
    os.close(descriptor)
caribou.flush(60)
print(counts()["dropped"], counts()["acknowledged"])
"""


def test_a_program_without_descriptors_loses_nothing_that_was_on_disk(langfuse: LangfuseServer) -> None:
    assert run(langfuse, HELPERS + WITHOUT_DESCRIPTORS) == "0 5"
    names = {span["name"] for span in langfuse.spans.values()}
    assert {"event.event 0", "event.event 1", "event.event 2"} <= names, names
