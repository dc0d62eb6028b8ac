"""The code of the reference documents runs as it stands.

The code is taken out of the documents' text. Supplied are only names that the text leaves undefined, `...`, bodies that
are just a comment, and the event loop for an `await` outside of a function.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
from pathlib import Path
from typing import Any

import pytest
from otlp_sink import OtlpSink

import caribou

REPOSITORY = Path(__file__).parents[3]
REFERENCE = REPOSITORY / "docs" / "reference"
DOCUMENTS = ("caribou", "caribou-tables", "production", "log-types")

STARTS_CODE = re.compile(
    r"(import \w+$|from \w+ import |caribou\.\w+\(|with caribou\.|async def |[A-Z_]+ = \"|kestrel = )"
)
CONTINUES_CODE = re.compile(r"([ \t]|[)\]}]|if kestrel|$)")


def code_blocks(text: str) -> list[str]:
    """The Python code of a text without markup: runs of lines that begin as code and go on indented."""
    blocks: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        if STARTS_CODE.match(line):
            if not inside:
                blocks.append([])
            inside = True
        elif not (inside and CONTINUES_CODE.match(line)):
            inside = False
        if inside:
            blocks[-1].append(line)
    return ["\n".join(block).rstrip() for block in blocks]


def runnable(block: str) -> str:
    """The block with `{...}` and bodies that are just a comment filled in."""
    block = block.replace("{...}", '{"datapoint_id": "supplied", "phase": "prod"}')
    lines = block.splitlines()
    for number, line in enumerate(lines):
        body = line.lstrip()
        indent = line[: len(line) - len(body)]
        opened = number > 0 and lines[number - 1].rstrip().endswith(":")
        rest = lines[number + 1] if number + 1 < len(lines) else ""
        if opened and body.startswith("#") and not rest.startswith(indent):
            lines[number] = f"{indent}pass  {body}"
    return "\n".join(lines)


def text_of(document: str) -> str:
    """A document's text."""
    return (REFERENCE / f"{document}.txt").read_text()


BLOCKS = [
    (document, number, block) for document in DOCUMENTS for number, block in enumerate(code_blocks(text_of(document)))
]


def supplied_names() -> dict[str, Any]:
    """What the documents use without defining it."""

    async def get_completion(_: object) -> dict[str, Any]:
        return {
            "content": "Hi!",
            "tool_calls": [{"id": "call_1", "function": {"name": "search", "arguments": "{}"}}],
            "usage": {"input": 10, "output": 5, "cost": 0.002},
        }

    async def execute_tool(_: object) -> str:
        return "result"

    async def risky_operation() -> str:
        raise TimeoutError

    return {
        "get_completion": get_completion,
        "execute_tool": execute_tool,
        "risky_operation": risky_operation,
        "session_id": "session_1",
        "item": caribou.Event("item"),
    }


def execute(block: str, names: dict[str, Any]) -> None:
    """Runs a block, with an event loop where it awaits at its top."""
    code = compile(runnable(block), "document", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def needs_rollout(block: str) -> bool:
    """Whether the block logs without opening a rollout, as the excerpts of the reference do."""
    return "trace_run" not in block and re.search(r"caribou\.(log|add_|set_)", block) is not None


@pytest.fixture
def lenient_kestrel(lenient: OtlpSink, monkeypatch: pytest.MonkeyPatch) -> OtlpSink:
    """A Kestrel as the documents find it, by its variable."""
    monkeypatch.setenv("KESTREL_API_URL", lenient.url)
    return lenient


@pytest.mark.parametrize(
    ("document", "number", "block"), BLOCKS, ids=[f"{document}-{number}" for document, number, _ in BLOCKS]
)
def test_a_block_runs_as_it_stands(lenient_kestrel: OtlpSink, document: str, number: int, block: str) -> None:
    names = {"caribou": caribou, **vars(caribou), **supplied_names()}
    warnings, unrecorded = caribou.stats()["warnings"], caribou.stats()["unrecorded"]
    if needs_rollout(block):
        with caribou.trace_run(datapoint_id="supplied", phase="prod"):
            execute(block, names)
    else:
        execute(block, names)
    if "handle_request" in names:
        argument = "Hello" if "user_input" in block else [{"role": "user", "content": "Hello"}]
        asyncio.run(names["handle_request"]("req_1", argument))
    caribou.configure()
    assert caribou.flush()
    assert (caribou.stats()["warnings"], caribou.stats()["unrecorded"]) == (warnings, unrecorded)


def examples_of(path: str) -> list[str]:
    """The Python examples of a page."""
    return re.findall(r"^```python\n(.*?)^```", (REPOSITORY / path).read_text(), re.M | re.S)


GUIDE = examples_of("docs/sdk-python.md")


def test_the_examples_of_the_guide_run(lenient_kestrel: OtlpSink) -> None:
    names: dict[str, Any] = {}
    for block in GUIDE:
        exec(compile(block, "sdk-python.md", "exec"), names)
    asyncio.run(names["answer"]("why?", depth=1))
    caribou.configure(redact=str)
    assert caribou.flush()
    datapoints = {span.datapoint_id for span in lenient_kestrel.spans(item_type="rollout")}
    assert {"req_123", "req_124", "req_125", "req_126", "why?"} <= datapoints
    assert len(lenient_kestrel.items(name="worked")) == 3
    assert len(GUIDE) >= 7


@pytest.mark.parametrize("path", ["README.md", "caribou/README.md", "docs/getting-started.md"])
def test_the_first_example_that_a_reader_meets_runs_as_it_stands(path: str, lenient_kestrel: OtlpSink) -> None:
    before = caribou.stats()
    (example,) = examples_of(path)
    exec(compile(example, path, "exec"), {})
    assert caribou.flush()
    root = lenient_kestrel.root()
    assert root.rollout_status == "COMPLETED"
    assert lenient_kestrel.items(role="user")
    assert (caribou.stats()["warnings"], caribou.stats()["unrecorded"]) == (before["warnings"], before["unrecorded"])


def test_no_code_is_overlooked() -> None:
    """Every mention of a call in the texts is inside a block, a table of functions, or a sentence."""
    in_blocks = sum(block.count("caribou.") for _, _, block in BLOCKS)
    in_texts = sum(len(re.findall(r"^\s*(?:with )?caribou\.\w+\(", text_of(d), re.M)) for d in DOCUMENTS)
    assert in_blocks >= in_texts >= 25
    assert len(BLOCKS) >= 12


def test_the_quick_start_is_recorded_as_it_says(lenient_kestrel: OtlpSink) -> None:
    block = next(block for document, _, block in BLOCKS if document == "caribou" and "req_123" in block)
    execute(block, {})
    root = lenient_kestrel.root()
    assert (root.datapoint_id, root.phase, root.project, root.run_id) == ("req_123", "prod", "my-project", "my-project")
    assert (root.rollout_status, root.rollout_status_explicit) == ("COMPLETED", True)
    user, assistant = lenient_kestrel.items()
    assert (user.name, user.content) == ("message.user", "Hello")
    assert (assistant.name, assistant.content, assistant.model) == ("message.assistant", "Hi!", "gpt-4o")
    assert (assistant.input_tokens, assistant.output_tokens) == (10, 5)


def test_the_session_of_the_production_document_is_one_trace(lenient_kestrel: OtlpSink) -> None:
    block = next(block for _, _, block in BLOCKS if "trc_{session_id}" in block)
    for _ in range(2):
        execute(block, {"caribou": caribou, "session_id": "session_1"})
    assert caribou.flush()
    segments = lenient_kestrel.spans(item_type="rollout")
    assert [span.trace_id_text for span in segments] == ["trc_session_1"] * 2
    assert len({span.trace_id for span in segments}) == 1


def test_the_error_handling_of_the_production_document(lenient_kestrel: OtlpSink) -> None:
    block = next(block for _, _, block in BLOCKS if "risky_operation" in block)
    execute(block, {"caribou": caribou, **supplied_names()})
    assert caribou.flush()
    root = lenient_kestrel.root()
    assert (root.rollout_status, root.error_message) == ("TRUNCATED", "Operation timed out after 30s")


@pytest.mark.skipif(
    not Path(os.environ.get("CARIBOU_SEEDS", REPOSITORY / ".." / "shared" / "seeds")).is_dir(),
    reason="CARIBOU_SEEDS names no folder with the documents' originals",
)
def test_the_texts_are_the_originals() -> None:
    folder = Path(os.environ.get("CARIBOU_SEEDS", REPOSITORY / ".." / "shared" / "seeds"))
    originals = {path.read_text() for path in folder.glob("*.txt")}
    copies = {path.read_text() for path in REFERENCE.glob("*.txt")}
    assert originals <= copies


def test_statuses_and_fields_are_those_of_the_documents() -> None:
    overview = text_of("caribou-tables")
    listed = re.search(r"^(PENDING, .*)$", overview, re.M)
    assert listed is not None
    assert listed.group(1).split(", ") == [status.value for status in caribou.RolloutStatus]
    for name in ("configure", "trace_run", "flush", "shutdown", "add_meta", "add_tags", "set_status", "set_error"):
        assert name in caribou.__all__
