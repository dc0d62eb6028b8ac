"""The exporters that people use: every transport and compression, large requests, and being told to wait."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

# The fixture's class; tests are imported one by one, so that they cannot import each other.
Kestrel = Any
MakeExporter = Callable[[Kestrel], SpanExporter]


# Exporters give up after ten seconds by default, in which a loaded machine may not have started another engine.
PATIENCE = 60


def http(compression: Compression) -> MakeExporter:
    return lambda kestrel: HttpExporter(endpoint=f"{kestrel.url}/v1/traces", compression=compression, timeout=PATIENCE)


def over_grpc(compression: grpc.Compression) -> MakeExporter:
    return lambda kestrel: GrpcExporter(
        endpoint=f"http://{kestrel.grpc}", insecure=True, compression=compression, timeout=PATIENCE
    )


EXPORTERS = {
    "http": http(Compression.NoCompression),
    "http-gzip": http(Compression.Gzip),
    "http-deflate": http(Compression.Deflate),
    "grpc": over_grpc(grpc.Compression.NoCompression),
    "grpc-gzip": over_grpc(grpc.Compression.Gzip),
}


def recorded(count: int, text: str = "hello") -> list[ReadableSpan]:
    """Spans of one trace: a parent and its children."""
    provider = TracerProvider(resource=Resource({"service.name": "clients"}))
    tracer = provider.get_tracer("test")
    spans: list[ReadableSpan] = []
    with tracer.start_as_current_span("parent") as parent:
        for number in range(count - 1):
            with tracer.start_as_current_span(f"child {number}") as child:
                child.set_attribute("text", text)
                child.set_attribute("number", number)
                child.set_attribute("list", ["a", "b"])
            assert isinstance(child, ReadableSpan)
            spans.append(child)
    assert isinstance(parent, ReadableSpan)
    return [*spans, parent]


def trace_of(spans: list[ReadableSpan]) -> int:
    context = spans[0].get_span_context()
    assert context is not None
    return context.trace_id


@pytest.mark.parametrize("make", EXPORTERS.values(), ids=EXPORTERS.keys())
def test_spans_arrive_whole(kestrel: Kestrel, make: MakeExporter) -> None:
    spans = recorded(50)
    exporter = make(kestrel)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    exporter.shutdown()
    stored = kestrel.spans(trace_of(spans))
    assert {span["span_name"] for span in stored} == {span.name for span in spans}
    parent = next(span for span in stored if span["span_name"] == "parent")
    child = next(span for span in stored if span["span_name"] == "child 7")
    assert child["parent_span_id"] == parent["span_id"]
    assert child["attributes"] == {"text": "hello", "number": 7, "list": ["a", "b"]}


@pytest.mark.parametrize("make", EXPORTERS.values(), ids=EXPORTERS.keys())
def test_a_request_of_10_mb_is_taken(kestrel: Kestrel, make: MakeExporter) -> None:
    spans = recorded(11, text="0123456789" * 100_000)
    exporter = make(kestrel)
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert len(kestrel.spans(trace_of(spans))) == 11


@pytest.mark.parametrize("name", ["http", "grpc"])
def test_an_exporter_that_is_told_to_wait_sends_again(kestrel: Kestrel, name: str) -> None:
    spans = recorded(20)
    exporter = EXPORTERS[name](kestrel)
    kestrel.kill_engine()
    assert exporter.export(spans) is SpanExportResult.SUCCESS
    exporter.shutdown()
    assert len(kestrel.spans(trace_of(spans))) == 20
