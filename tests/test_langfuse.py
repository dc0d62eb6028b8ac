"""Rollouts of a program of a user appear in Langfuse whole, once, and with their scores."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langfuse_server import PUBLIC_KEY, SECRET_KEY, LangfuseServer, RefusedError

QUICK_START = """
import caribou
from caribou import Message, ToolExecution

caribou.configure(run_id="my-project", phase="prod")

with caribou.trace_run({"datapoint_id": "req_123", "phase": "prod"}) as trace_id:
    caribou.log(Message(role="user", content="Hello"))
    caribou.log(Message(role="assistant", content="Hi!", model="gpt-4o", input_tokens=10, output_tokens=5))
    caribou.set_status(caribou.RolloutStatus.COMPLETED)

assert caribou.flush(20)
print(trace_id)
"""


@pytest.fixture(autouse=True)
def own_spool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CARIBOU_SPOOL_DIR", str(tmp_path / "spool"))


@pytest.fixture
def langfuse() -> Iterator[LangfuseServer]:
    with LangfuseServer() as server:
        yield server


def run(server: LangfuseServer, program: str) -> str:
    """Output of a program that records to this server alone; Kestrel's address is one that nobody listens on."""
    environment = {
        **os.environ,
        "KESTREL_API_URL": server.url + "/kestrel",
        "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
        "LANGFUSE_SECRET_KEY": SECRET_KEY,
        "LANGFUSE_HOST": server.url,
    }
    # What goes to Kestrel is refused at once by a server that has no such route, and so holds up nothing.
    program = textwrap.dedent(program).replace("assert caribou.flush(20)", "caribou.flush(20)")
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def wait_until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
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
        caribou.flush(20)
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
        caribou.flush(20)
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
        caribou.flush(20)
        print(caribou.stats()["destinations"]["langfuse"])
        """,
    )
    assert len(langfuse.spans) == 40, "39 messages and the root"
    assert "'refused': 1" in printed


def test_a_server_that_comes_back_has_everything_once(langfuse: LangfuseServer) -> None:
    langfuse.answer_with = RefusedError(503, "away", {"Retry-After": "1"})
    environment = {
        **os.environ,
        "KESTREL_API_URL": langfuse.url,
        "LANGFUSE_PUBLIC_KEY": PUBLIC_KEY,
        "LANGFUSE_SECRET_KEY": SECRET_KEY,
        "LANGFUSE_HOST": langfuse.url,
    }
    program = """
import caribou
from caribou import Grade, Message
for rollout in range(20):
    with caribou.trace_run({"datapoint_id": f"d{rollout}", "phase": "eval", "run_id": "r"}):
        for number in range(60):
            caribou.log(Message(role="user", content=f"message {number}"))
        caribou.log(Grade(score=1.0, grader_type="g"))
caribou.flush(30)
"""
    process = subprocess.Popen([sys.executable, "-c", program], env=environment, stderr=subprocess.DEVNULL)
    wait_until(lambda: langfuse.requests >= 2)
    langfuse.answer_with = None
    assert process.wait(60) == 0
    assert len(langfuse.spans) == 20 * 62
    assert len(langfuse.scores) == 20
    assert not [refusal for refusal in langfuse.refusals if "sent before" in refusal]


def test_the_console_shows_a_line_a_span() -> None:
    environment = {**os.environ, "KESTREL_API_URL": "http://127.0.0.1:9", "CARIBOU_TRACE_DEBUG": "1"}
    program = """
import caribou
from caribou import Message
with caribou.trace_run({"datapoint_id": "d", "phase": "prod", "run_id": "r"}):
    caribou.log(Message(role="user", content="Hello console"))
"""
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    lines = [line for line in ran.stderr.splitlines() if line.startswith("caribou ") and " #" in line]
    assert [line.split(" ", 3)[3] for line in lines] == ["#0.0 message.user: Hello console"]
    assert any("rollout" in line or "prod COMPLETED" in line for line in ran.stderr.splitlines())
