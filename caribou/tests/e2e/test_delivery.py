"""Sending: what is tried again, what is counted, and what `flush` says."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from otlp_sink import Answer, OtlpSink, reserved_port

import caribou
from caribou import Event, Message


def log_one(name: str = "e") -> None:
    """A rollout with one event."""
    with caribou.trace_run(datapoint_id="d"):
        caribou.log(Event(name))


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_can_succeed_is_tried_again(recorded: OtlpSink, status: int) -> None:
    recorded.answers += [Answer(status), Answer(status, {"Retry-After": "0"})]
    log_one()
    assert caribou.flush()
    assert len(recorded.items(name="e")) == 1
    assert caribou.stats()["queued"] == 0


def test_retry_after_is_honoured(recorded: OtlpSink) -> None:
    recorded.answers.append(Answer(503, {"Retry-After": "1"}))
    started = time.monotonic()
    log_one()
    assert caribou.flush()
    assert time.monotonic() - started >= 1


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (400, b'{"error": {"message": "no such project"}}', "no such project"),
        (401, b"who are you?", "who are you?"),
        (500, b"", "HTTP 500"),
    ],
)
def test_what_is_refused_is_counted_and_told(
    lenient: OtlpSink, caplog: pytest.LogCaptureFixture, status: int, body: bytes, message: str
) -> None:
    before = caribou.stats()
    with caribou.trace_run(datapoint_id="d"):
        assert caribou.flush()
        lenient.answers.append(Answer(status, body=body))
        caribou.log(Event("lost"))
        assert not caribou.flush(), "an item was not acknowledged"
        assert caribou.flush(), "it was told once"
        caribou.log(Event("kept"))
    assert caribou.flush()
    after = caribou.stats()
    assert after["refused"] - before["refused"] == 1
    assert after["acknowledged"] - before["acknowledged"] == 3
    assert message in caplog.text
    assert [span.attributes["name"] for span in lenient.items()] == ["kept"]


def test_a_partial_success_counts_what_was_rejected(lenient: OtlpSink, caplog: pytest.LogCaptureFixture) -> None:
    before = caribou.stats()["refused"]
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 1
    response.partial_success.error_message = "a span without a name"
    with caribou.trace_run(datapoint_id="d"):
        assert caribou.flush()
        lenient.answers.append(Answer(200, body=response.SerializeToString()))
        caribou.log(Event("a"))
        assert not caribou.flush()
    assert caribou.stats()["refused"] == before + 1
    assert "a span without a name" in caplog.text


def test_an_outage_is_survived_in_order(sink: OtlpSink, recorded: OtlpSink) -> None:
    with reserved_port() as port:
        caribou.configure(kestrel_api_url=f"http://127.0.0.1:{port}")
        with caribou.trace_run(datapoint_id="d"):
            for number in range(100):
                caribou.log(Event(str(number)))
            assert not caribou.flush(), "nobody listens"
            assert caribou.stats()["spooled"] >= 100
        late = OtlpSink()
        late.start(port)
        try:
            assert caribou.flush(60)
            assert [span.attributes["name"] for span in late.items()] == [str(number) for number in range(100)]
            assert caribou.stats()["dropped"] == 0
        finally:
            caribou.configure(kestrel_api_url=recorded.url)
            late.stop()


def test_an_item_is_sent_when_it_is_logged(recorded: OtlpSink) -> None:
    with caribou.trace_run(datapoint_id="d"):
        caribou.log(Event("now"))
        deadline = time.monotonic() + 60
        while not recorded.items(name="now"):
            assert time.monotonic() < deadline
            time.sleep(0.002)


def test_flush_has_nothing_to_do_when_nothing_was_logged(program: Callable[..., Any]) -> None:
    program("import caribou\nassert caribou.flush()\nassert caribou.flush(0)\ncaribou.shutdown()\n")


def test_flush_may_be_awaited(recorded: OtlpSink) -> None:
    async def main() -> bool:
        with caribou.trace_run(datapoint_id="d"):
            caribou.log(Event("e"))
            return await caribou.aflush(timeout=60)

    assert asyncio.run(main())
    assert recorded.items(name="e")


def test_stats_count_items_and_spans(recorded: OtlpSink) -> None:
    before = caribou.stats()
    log_one()
    assert caribou.flush()
    after = caribou.stats()
    assert after["logged"] - before["logged"] == 1
    assert after["acknowledged"] - before["acknowledged"] == 3, "two revisions of the root, and the event"
    assert set(after) == {
        "logged",
        "acknowledged",
        "queued",
        "spooled",
        "dropped",
        "refused",
        "unrecorded",
        "warnings",
        "destinations",
    }
    assert set(after["destinations"]) == {"kestrel"}


def test_after_shutdown_logging_counts_and_warns_until_configured(
    lenient: OtlpSink, caplog: pytest.LogCaptureFixture
) -> None:
    with caribou.trace_run(datapoint_id="d"):
        caribou.log(Event("before"))
        caribou.shutdown()
        assert lenient.items(name="before")
        unrecorded = caribou.stats()["unrecorded"]
        caribou.log(Event("lost"))
        caribou.log(Event("lost"))
        assert caribou.stats()["unrecorded"] == unrecorded + 2
        assert caribou.flush()
        caribou.configure()
        caribou.log(Event("after"))
    assert caribou.flush()
    assert [span.attributes["name"] for span in lenient.items()] == ["before", "after"]
    assert "shutdown" in caplog.text
    caribou.shutdown()
    caribou.shutdown()
    caribou.configure()


def test_configuring_again_sends_to_the_new_place_and_loses_nothing(recorded: OtlpSink) -> None:
    second = OtlpSink()
    second.start()
    try:
        with caribou.trace_run(datapoint_id="d"):
            caribou.log(Event("first"))
            caribou.configure(kestrel_api_url=second.url)
            caribou.log(Event("second"))
        assert caribou.flush()
        assert [span.attributes["name"] for span in recorded.items()] == ["first"]
        assert [span.attributes["name"] for span in second.items()] == ["second"]
        assert second.root().rollout_status == "COMPLETED"
    finally:
        caribou.configure(kestrel_api_url=recorded.url)
        second.stop()


def test_an_exit_without_flush_delivers(program: Callable[..., Any], sink: OtlpSink) -> None:
    program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            for number in range(1000):
                caribou.log(caribou.Event(str(number)))
        """
    )
    assert len(sink.items(item_type="event")) == 1000
    assert sink.root().rollout_status == "COMPLETED"


def test_an_exit_by_an_exception_delivers(program: Callable[..., Any], sink: OtlpSink) -> None:
    done = program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(caribou.Event("e"))
            raise RuntimeError("boom")
        """,
        check=False,
    )
    assert done.returncode == 1
    assert sink.items(name="e")
    assert sink.root().error_type == "RuntimeError"


def test_an_exit_with_threads_still_logging_is_clean(program: Callable[..., Any]) -> None:
    program(
        """
        import threading, time, caribou
        def work():
            with caribou.trace_run(datapoint_id="d", phase="eval"):
                while True:
                    caribou.log(caribou.Event("e"))
        for _ in range(4):
            threading.Thread(target=work, daemon=True).start()
        time.sleep(0.2)
        """
    )


def test_an_exit_without_kestrel_is_quick_and_says_where_what_is_left_waits(program: Callable[..., Any]) -> None:
    done = program(
        """
        import atexit, time
        # What is registered first comes last: after the end of the recorder.
        atexit.register(lambda: print(time.monotonic() - ended))
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(caribou.Event("e"))
        ended = time.monotonic()
        """,
        KESTREL_API_URL="http://127.0.0.1:9",
    )
    assert float(done.stdout) < 4.5, "it does not wait as long for nobody as it would for a server"
    assert "3 spans wait for" in done.stderr


def test_requests_say_who_sends(program: Callable[..., Any], sink: OtlpSink) -> None:
    program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            pass
        """,
        KESTREL_API_KEY="key-1",
        OTEL_SERVICE_NAME="my-service",
        OTEL_RESOURCE_ATTRIBUTES="team=a%20b,service.name=other",
    )
    request = sink.requests[0]
    assert request["path"] == "/v1/traces"
    assert request["authorization"] == "Bearer key-1"
    assert request["content-type"] == "application/x-protobuf"
    assert "content-encoding" not in request
    assert request["user-agent"].startswith("caribou/")
    resource = sink.root().resource
    assert (resource["service.name"], resource["team"]) == ("my-service", "a b")
    assert resource["telemetry.sdk.name"] == "opentelemetry"


def test_a_collector_is_used_where_kestrel_is_not_named(program: Callable[..., Any], sink: OtlpSink) -> None:
    done = program(
        """
        import caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            pass
        """,
        KESTREL_API_URL="",
        OTEL_EXPORTER_OTLP_ENDPOINT=sink.url,
        OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20b",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
    )
    assert sink.requests[0]["x-key"] == "a b"
    assert sink.requests[0]["content-encoding"] == "gzip"
    assert sink.root().datapoint_id == "d"
    assert "127.0.0.1:4700" not in done.stderr


def test_the_default_destination_is_said_once(program: Callable[..., Any]) -> None:
    done = program("import caribou\ncaribou.configure()\ncaribou.configure()\n", KESTREL_API_URL="")
    assert done.stderr.count("http://127.0.0.1:4700") == 1


@pytest.mark.parametrize("variable", ["CARIBOU_DISABLED", "OTEL_SDK_DISABLED"])
def test_it_can_be_turned_off(program: Callable[..., Any], sink: OtlpSink, variable: str) -> None:
    program(
        """
        import caribou, threading
        with caribou.trace_run(datapoint_id="d", phase="eval") as trace_id:
            assert len(trace_id) == 32
            caribou.log(caribou.Event("e"))
            caribou.add_meta({"a": 1})
            with caribou.span("s"):
                pass
        assert caribou.flush()
        assert caribou.stats()["logged"] == 0
        """,
        **{variable: "true"},
    )
    assert sink.requests == []


def test_a_certificate_file_without_certificates_is_told(program: Callable[..., Any], tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("")
    for file, problem in [(nothing, "holds no certificate"), (tmp_path / "absent.pem", "cannot be read")]:
        done = program(
            "import caribou; caribou.configure(kestrel_api_url='https://127.0.0.1:9')",
            SSL_CERT_FILE=str(file),
        )
        assert done.stderr.count("SSL_CERT_FILE") == 1
        assert f"{file} {problem}" in done.stderr


def test_without_content_structure_tokens_and_times_remain(program: Callable[..., Any], sink: OtlpSink) -> None:
    program(
        """
        import caribou
        from caribou import Event, Grade, Message, ToolExecution
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            caribou.log(Message("assistant", "TOP-SECRET", reasoning="TOP-SECRET", model="m", input_tokens=5,
                tool_calls=[{"id": "c1", "function": {"name": "f", "arguments": "TOP-SECRET"}}], duration_ms=9))
            caribou.log(ToolExecution("f", "c1", {"a": "TOP-SECRET"}, "TOP-SECRET", error="TOP-SECRET"))
            caribou.log(Grade(0.5, "G", "TOP-SECRET", [{"type": "c", "passed": True, "note": "TOP-SECRET"}]))
            caribou.log(Event("e", {"a": "TOP-SECRET"}))
            caribou.add_meta({"a": "TOP-SECRET"})
            caribou.add_tags("TOP-SECRET")
            raise RuntimeError("TOP-SECRET")
        """,
        check=False,
        CARIBOU_CONTENT="off",
    )
    everything = json.dumps([[span.attributes, span.status_message] for span in sink.received])
    assert "TOP-SECRET" not in everything
    message = sink.one(item_type="message")
    assert (message.model, message.input_tokens, message.duration_ns) == ("m", 5, 9_000_000)
    assert message.json("tool_calls")[0]["function"]["name"] == "f"
    assert sink.one(item_type="tool").status_code == 2
    assert sink.one(item_type="grade").score == 0.5
    assert sink.one(item_type="criterion").passed is True
    assert sink.root().error_type == "RuntimeError"


@pytest.mark.parametrize("redact", [lambda text: text.replace("hunter2", "*"), "hunter2", ["x+x", "hunter2"]])
def test_text_is_redacted_before_it_leaves(recorded: OtlpSink, redact: Any) -> None:
    caribou.configure(redact=redact)
    with pytest.raises(RuntimeError), caribou.trace_run(datapoint_id="d"):
        caribou.log(Message("user", [{"text": 'it is "hunter2"', "hunter2": 1}], reasoning="hunter2"))
        caribou.log(caribou.ToolExecution("f", arguments="hunter2", result={"a": ["hunter2"]}, error="hunter2"))
        caribou.log(caribou.Grade(1, criteria=[{"type": "c", "reasoning": "hunter2"}], artifacts={"a": "hunter2"}))
        caribou.add_meta({"a": "hunter2"})
        caribou.add_tags("hunter2")
        raise RuntimeError("hunter2")
    caribou.configure(redact=str)
    assert caribou.flush()
    everything = json.dumps([[span.attributes, span.status_message] for span in recorded.received])
    assert everything.count("hunter2") == 1, "keys stay"
    parts = recorded.one(item_type="message").json("content_json")
    assert parts[0]["text"] in ('it is "*"', 'it is "[redacted]"')


def test_a_redact_function_that_fails_lets_nothing_out(lenient: OtlpSink) -> None:
    caribou.configure(redact=lambda text: 1 / 0)  # type: ignore[arg-type, return-value]
    with caribou.trace_run(datapoint_id="d"):
        caribou.log(Message("user", "hunter2"))
    caribou.configure(redact=str)
    assert caribou.flush()
    assert lenient.one(item_type="message").content == "[redaction failed]"


def test_a_redact_function_that_lets_other_threads_run_does_not_hang(recorded: OtlpSink) -> None:
    def slow(text: str) -> str:
        time.sleep(0.001)
        return text

    caribou.configure(redact=slow)
    with caribou.trace_run(datapoint_id="d"), ThreadPoolExecutor(8) as pool:

        def work(number: int) -> None:
            caribou.add_meta({str(number): "x"})
            caribou.add_tags(str(number))
            caribou.log(Message("user", "x"))

        list(pool.map(caribou.bind(work), range(100)))
    caribou.configure(redact=str)
    assert caribou.flush()
    assert len(recorded.root().tags) == len(recorded.root().json("metadata")) == 100


def test_flush_can_be_interrupted(program: Callable[..., Any], sink: OtlpSink) -> None:
    sink.answers += [Answer(503)] * 1000
    program(
        """
        import signal, time, caribou
        with caribou.trace_run(datapoint_id="d", phase="eval"):
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            started = time.monotonic()
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.3)
                caribou.flush(60)
            except KeyboardInterrupt:
                assert time.monotonic() - started < 30
            else:
                raise SystemExit("not interrupted")
        """,
    )


def test_a_pattern_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="redact"):
        caribou.configure(redact="(")
