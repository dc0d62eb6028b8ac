"""An OTLP server in pure Python: decodes what it is sent with the official message classes and keeps it."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)


@dataclass
class Span:
    """A received span: OTLP's fields, and the SDK's attributes without their prefix."""

    trace_id: str
    span_id: str
    parent_span_id: str
    name: str
    start: int
    end: int
    status_code: int
    status_message: str
    attributes: dict[str, Any]
    links: list[tuple[str, str]]
    resource: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self.attributes.get(name)

    def json(self, name: str) -> Any:
        """An attribute that holds JSON, parsed."""
        text = self.attributes.get(name)
        return None if text is None else json.loads(text)


@dataclass
class Answer:
    """What to answer to the next request instead of success."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """A port where nobody answers and that nobody else is given; a server may nevertheless listen on it."""
    with socket.socket() as placeholder:
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        placeholder.bind(("127.0.0.1", 0))
        yield placeholder.getsockname()[1]


class OtlpSink:
    """Takes spans at `/v1/traces` and projects at `/api/v1/projects`."""

    def __init__(self) -> None:
        self.received: list[Span] = []
        self.requests: list[dict[str, str]] = []
        self.projects: list[dict[str, Any]] = []
        self.answers: list[Answer] = []
        self.lock = threading.Lock()
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self, port: int = 0) -> None:
        """Starts listening."""
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(200 if self.path == "/healthz" else 404, b"ok")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                with sink.lock:
                    sink.requests.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                    answer = sink.answers.pop(0) if sink.answers else None
                if answer is not None:
                    self._answer(answer.status, answer.body, answer.headers)
                elif self.path == "/v1/traces":
                    sink.take(body)
                    self._answer(200, ExportTraceServiceResponse().SerializeToString())
                elif self.path == "/api/v1/projects":
                    name = json.loads(body)["name"]
                    project = {
                        "id": name,
                        "name": name,
                        "created_at": None,
                        "trace_count": 0,
                        "last_trace_at": None,
                        "url": f"{sink.url}/projects/{name}",
                    }
                    sink.projects.append(project)
                    self._answer(200, json.dumps(project).encode())
                else:
                    self._answer(404, b"")

            def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Stops listening."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()

    def take(self, body: bytes) -> None:
        """Decodes a request and keeps its spans."""
        spans = list(spans_of(ExportTraceServiceRequest.FromString(body)))
        with self.lock:
            self.received.extend(spans)

    def spans(self, **attributes: Any) -> list[Span]:
        """The latest revision of each span whose attributes are as given, in the order they were logged."""
        latest: dict[tuple[str, str], Span] = {}
        with self.lock:
            for span in self.received:
                known = latest.get((span.trace_id, span.span_id))
                if known is None or span.revision > known.revision:
                    latest[span.trace_id, span.span_id] = span
        chosen = [s for s in latest.values() if all(s.attributes.get(k) == v for k, v in attributes.items())]
        return sorted(chosen, key=lambda span: (span.logged_at, span.sequence))

    def one(self, **attributes: Any) -> Span:
        """The only span whose attributes are as given."""
        spans = self.spans(**attributes)
        assert len(spans) == 1, f"{len(spans)} spans with {attributes}"
        return spans[0]

    def items(self, **attributes: Any) -> list[Span]:
        """Like `spans`, without the roots of rollouts."""
        return [span for span in self.spans(**attributes) if span.item_type != "rollout"]

    def root(self, **attributes: Any) -> Span:
        """The only root of a rollout."""
        return self.one(item_type="rollout", **attributes)


def spans_of(request: ExportTraceServiceRequest) -> Iterator[Span]:
    """The spans of a request."""
    for resource_spans in request.resource_spans:
        resource = {item.key: value_of(item.value) for item in resource_spans.resource.attributes}
        for scope_spans in resource_spans.scope_spans:
            assert scope_spans.scope.name == "caribou"
            for span in scope_spans.spans:
                attributes = {a.key.removeprefix("caribou."): value_of(a.value) for a in span.attributes}
                assert len(attributes) == len(span.attributes), "an attribute came twice"
                yield Span(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_span_id=span.parent_span_id.hex(),
                    name=span.name,
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    status_code=span.status.code,
                    status_message=span.status.message,
                    attributes=attributes,
                    links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                    resource=resource,
                )


def value_of(value: Any) -> Any:
    """An attribute's value as a Python value."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    return getattr(value, kind) if kind else None
