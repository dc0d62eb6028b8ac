"""Images that a program logs are seen on the page of its rollout, and nothing in them runs."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pictures
import pytest
from bucket import Bucket
from kestrel_server import ENGINE_PASSWORD, ROOT, KestrelServer

PROJECT = "pictures"

DOCUMENTED = """
import caribou
from caribou import Message, ToolExecution

caribou.configure(project="pictures")
with caribou.trace_run({"datapoint_id": "documented", "phase": "eval", "run_id": "images"}) as trace_id:
    caribou.log(ToolExecution(
        name="render_3d",
        call_id="call_1",
        arguments={"region": "interface"},
        result=[
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo..."}},
            {"type": "text", "text": "Rendered view of the interface region."},
        ],
    ))

    caribou.log(Message(
        role="user",
        content=[
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}},
            {"type": "text", "text": "What does this structure show?"},
        ],
    ))
assert caribou.flush(30), caribou.stats()
print(trace_id)
"""

PROGRAM = """
import base64, json, sys
import caribou
from caribou import Event, Grade, Message, ToolExecution

files = json.load(open(sys.argv[1]))
url = lambda name, mime: f"data:{mime};base64,{files[name]}"
image = lambda name: {"type": "image_url", "image_url": {"url": url(name, "image/png")}}

caribou.configure(project="pictures")
with caribou.trace_run({"datapoint_id": "shown", "phase": "eval", "run_id": "images"}) as trace_id:
    caribou.log(Message(role="user", content=[
        image("structure"),
        {"type": "text", "text": "What does this structure show?"},
    ]))
    caribou.log(Message(role="user", content=[
        {"type": "text", "text": "And this one, sent as Anthropic's clients do?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": files["chart"]}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": files["pdf"]}},
    ]))
    caribou.log(Message(role="assistant", content="Let me look closer.", tool_calls=[
        {"id": "call_1", "type": "function", "function": {"name": "render_3d", "arguments": "{}"}},
    ]))
    caribou.log(ToolExecution(
        name="render_3d",
        call_id="call_1",
        arguments={"region": "interface", "overlay": url("chart", "image/png")},
        result=[image("structure"), {"type": "text", "text": "Rendered view of the interface region."}],
    ))
    caribou.log(ToolExecution(name="screenshot", call_id="call_2", arguments={}, result=files["page"]))
    caribou.log(Message(role="assistant", content=(
        f"Two bodies share an interface:\\n\\n![overlay]({url('chart', 'image/png')})\\n\\nThe curve is smooth."
    )))
    caribou.log(Message(role="user", content=[
        {"type": "input_audio", "input_audio": {"data": files["wav"], "format": "wav"}},
        {"type": "image_url", "image_url": {"url": url("svg", "image/svg+xml")}},
    ]))
    caribou.log(Event(name="screen", details={"at": 3, "shot": url("page", "image/png")}))
    caribou.log(Grade(
        score=0.9,
        reasoning="Both bodies are named.",
        grader_type="vision",
        artifacts={"compared": [url("structure", "image/png"), url("chart", "image/png")]},
    ))
    caribou.log(Message(role="assistant", content="Done."))
assert caribou.flush(60), caribou.stats()
print(trace_id)
"""

FILES = {
    "structure": pictures.png(640, 480, pictures.structure),
    "chart": pictures.png(480, 160, pictures.chart),
    "page": pictures.png(300, 900, pictures.page),
    "wav": pictures.wav(),
    "pdf": pictures.pdf(),
    "svg": pictures.SVG,
}


def run(program: str, *arguments: str, **variables: str) -> str:
    """What a program of a user prints."""
    environment = {**os.environ, **variables}
    command = [sys.executable, "-c", textwrap.dedent(program), *arguments]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


def digest(name: str) -> str:
    return hashlib.sha256(FILES[name]).hexdigest()


@pytest.fixture(scope="module")
def encoded(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("files") / "files.json"
    path.write_text(json.dumps({name: base64.b64encode(content).decode() for name, content in FILES.items()}))
    return str(path)


@pytest.fixture(scope="module")
def recorded(kestrel: KestrelServer, encoded: str) -> str:
    return run(PROGRAM, encoded, KESTREL_API_URL=kestrel.url)


def test_the_shortened_examples_of_the_documents_stay_text(kestrel: KestrelServer) -> None:
    trace_id = run(DOCUMENTED, KESTREL_API_URL=kestrel.url)
    spans = kestrel.every(f"/api/v1/traces/{trace_id}/spans")
    tool = next(span for span in spans if span["item_type"] == "tool")
    message = next(span for span in spans if span["item_type"] == "message")
    assert tool["result"][0]["image_url"]["url"] == "data:image/png;base64,iVBORw0KGgo..."
    assert message["content"][0]["image_url"]["url"] == "data:image/png;base64,..."
    for span in (tool, message):
        assert span["marks"] == ["invalid_image"]
        assert span["error_message"] in ("", None)


def test_every_binary_is_stored_once_and_comes_back_as_it_was(kestrel: KestrelServer, recorded: str) -> None:
    spans = kestrel.every(f"/api/v1/traces/{recorded}/spans")
    text = json.dumps(spans)
    assert "base64," not in text
    for name, content in FILES.items():
        assert base64.b64encode(content).decode() not in text
        stored = kestrel.folder / "data" / "images" / "sha256" / digest(name)[:2] / digest(name)[2:]
        assert stored.read_bytes() == content
        assert digest(name) in text
    assert "&width=640&height=480" in text


@pytest.mark.timeout(300)
def test_they_are_seen_on_the_page_and_nothing_in_them_runs(kestrel: KestrelServer, recorded: str) -> None:
    svg = f"/api/v1/images/{digest('svg')}?project={PROJECT}"
    look = ["node", "tests/browser/show_images.mjs", kestrel.url, recorded, svg]
    if "SHOTS" in os.environ:
        look.append(os.environ["SHOTS"])
    ran = subprocess.run(look, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    seen: dict[str, Any] = json.loads(ran.stdout)

    sizes = {(640, 480): "structure", (480, 160): "chart", (300, 900): "page"}

    def counted(articles: list[Any]) -> dict[str, int]:
        shown = [image for article in articles for image in article["images"]]
        assert all(min(image["shown"]) >= 24 for image in shown)
        names = [sizes[tuple(image["natural"])] for image in shown]
        return {name: names.count(name) for name in sizes.values()}

    # In two messages, in prose, in a grade; and what a tool gave and an event holds before anything is unfolded.
    assert counted(seen["folded"]) == {"structure": 3, "chart": 3, "page": 2}
    # The arguments of a tool as well.
    assert counted(seen["unfolded"]) == {"structure": 3, "chart": 4, "page": 2}
    files = sorted(label for article in seen["folded"] for label in article["files"])
    kinds = [label.split(",")[0] for label in files]
    assert kinds == ["Download PDF", "Download audio", "Download image"], files

    assert seen["opened"]["natural"] == [640, 480]
    assert seen["opened"]["shown"] == [640, 480]
    assert "640 × 480" in seen["opened"]["text"] and "image/png" in seen["opened"]["text"]
    assert seen["fitted"]["shown"][0] < 400
    assert seen["enlarged"]["shown"] == [640, 480]
    assert (seen["ran"], seen["problems"]) == ([], [])
    assert seen["downloaded"]


def test_an_image_outlives_a_kill_of_the_program_while_the_server_is_away(
    kestrel: KestrelServer, encoded: str, tmp_path: Path
) -> None:
    """Straight into ClickHouse, with a Kestrel for the images that is not there yet."""
    port = (kestrel.folder / "data" / "engine" / "port").read_text().strip()
    spool = tmp_path / "spool"
    direct = {
        "CLICKHOUSE_URL": f"http://127.0.0.1:{port}",
        "CLICKHOUSE_USER": "kestrel",
        "CLICKHOUSE_PASSWORD": ENGINE_PASSWORD,
        "CARIBOU_SPOOL_DIR": str(spool),
    }
    program = textwrap.dedent("""
        import json, sys, time
        import caribou
        from caribou import Message

        files = json.load(open(sys.argv[1]))
        caribou.configure(project="pictures", run_id="killed", phase="eval")
        with caribou.trace_run({"datapoint_id": "killed"}) as trace_id:
            caribou.log(Message(role="user", content=f"data:image/png;base64,{files['page']}"))
            print(trace_id, flush=True)
            while caribou.stats()["destinations"]["clickhouse"]["spooled"] < 1:
                time.sleep(0.01)
            print("spooled", flush=True)
            time.sleep(600)
    """)
    # Nothing answers at the discard port.
    environment = {**os.environ, **direct, "KESTREL_API_URL": "http://127.0.0.1:9"}
    with subprocess.Popen(
        [sys.executable, "-c", program, encoded], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        trace_id = process.stdout.readline().strip()
        assert process.stdout.readline().strip() == "spooled"
        process.send_signal(signal.SIGKILL)
    run(PROGRAM, encoded, **direct, KESTREL_API_URL=kestrel.url)

    def is_there() -> bool:
        spans = kestrel.every(f"/api/v1/traces/{trace_id}/spans")
        return any(digest("page") in json.dumps(span) for span in spans)

    kestrel.wait_until(is_there)


FORKING = """
import base64, json, os, sys
import caribou
from caribou import Message

files = json.load(open(sys.argv[1]))
caribou.configure(project="pictures", run_id="forked", phase="eval")

def record(name):
    with caribou.trace_run({"datapoint_id": name}) as trace_id:
        caribou.log(Message(role="user", content=f"data:image/png;base64,{files[name]}"))
    assert caribou.flush(60), caribou.stats()
    return trace_id

print(record("structure"), flush=True)
for name in ("chart", "page"):
    child = os.fork()
    if child == 0:
        print(record(name), flush=True)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print(record("chart"), flush=True)
"""


def test_children_of_a_program_upload_images_of_their_own(kestrel: KestrelServer, encoded: str, tmp_path: Path) -> None:
    port = (kestrel.folder / "data" / "engine" / "port").read_text().strip()
    with Bucket() as bucket:
        printed = run(
            FORKING,
            encoded,
            CLICKHOUSE_URL=f"http://127.0.0.1:{port}",
            CLICKHOUSE_USER="kestrel",
            CLICKHOUSE_PASSWORD=ENGINE_PASSWORD,
            CARIBOU_SPOOL_DIR=str(tmp_path / "spool"),
            CARIBOU_IMAGE_BUCKET="pictures",
            AWS_ENDPOINT_URL=bucket.url,
            AWS_ALLOW_HTTP="true",
            AWS_ACCESS_KEY_ID="key",
            AWS_SECRET_ACCESS_KEY="secret",
        )
    names = ("structure", "chart", "page")
    assert bucket.objects == {f"/pictures/sha256/{digest(name)[:2]}/{digest(name)[2:]}": FILES[name] for name in names}
    for trace_id, name in zip(printed.split(), (*names, "chart"), strict=True):
        spans = kestrel.every(f"/api/v1/traces/{trace_id}/spans")
        assert digest(name) in json.dumps(spans)
