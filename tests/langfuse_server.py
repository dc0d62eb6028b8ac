"""A server with Langfuse's ingestion interface, as strict as the real one where it is strict.

It refuses what Langfuse refuses or silently spoils: wrong keys, an encoding other than gzip, a missing version header,
a batch with one bad span, a span id that it already has, usage that is not a JSON string of an object, and more than
30 scores a minute on the scores route.
"""

from __future__ import annotations

import base64
import gzip
import json
import threading
import time
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

PUBLIC_KEY = "pk-lf-test"
SECRET_KEY = "sk-lf-test"
SCORES_A_MINUTE = 30


class RefusedError(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or {}


class LangfuseServer:
    """Runs on a port while entered, a free one where none is given; keeps what it accepted."""

    def __init__(self, port: int = 0) -> None:
        self.spans: dict[str, dict[str, Any]] = {}
        self.scores: dict[str, dict[str, Any]] = {}
        self.refusals: list[str] = []
        self.requests = 0
        self.answer_with: RefusedError | None = None
        self.refused_scores: set[str] = set()
        self.has_batch_route = True
        self.cuts_next_answer_to = ""
        self._score_times: deque[float] = deque()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="langfuse", daemon=True)

    def __enter__(self) -> LangfuseServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def accept(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any]]:
        """The answer to one request; raises `RefusedError`."""
        with self._lock:
            self.requests += 1
            try:
                if self.answer_with is not None:
                    raise self.answer_with
                check_keys(headers)
                if path == "/api/public/otel/v1/traces":
                    return 200, self._take_spans(headers, body)
                if path == "/api/public/scores":
                    return 200, self._take_score(json.loads(body))
                if path == "/api/public/ingestion" and self.has_batch_route:
                    return 207, self._take_batch(json.loads(body))
                raise RefusedError(404, f"no route {path}")
            except RefusedError as refusal:
                self.refusals.append(f"{refusal.status} {refusal}")
                raise

    def _take_spans(self, headers: Any, body: bytes) -> dict[str, Any]:
        if headers.get("x-langfuse-ingestion-version") != "4":
            raise RefusedError(400, "x-langfuse-ingestion-version must be 4")
        if "application/x-protobuf" not in headers.get("Content-Type", ""):
            raise RefusedError(400, "Invalid content type")
        if headers.get("Content-Encoding") != "gzip":
            raise RefusedError(400, "only gzip is decoded")
        request = ExportTraceServiceRequest()
        request.ParseFromString(gzip.decompress(body))
        batch = [
            span_of(span, resource.resource, scope.scope)
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        self._keep_spans(batch, headers)
        return {}

    def _keep_spans(self, batch: list[dict[str, Any]], headers: Any) -> None:
        for span in batch:
            self._check_span(span)
        if len({span["span_id"] for span in batch}) != len(batch):
            raise RefusedError(400, "a span id stands twice in one batch")
        self.spans.update({span["span_id"]: span for span in batch})

    def _check_span(self, span: dict[str, Any]) -> None:
        if len(span["trace_id"]) != 32 or len(span["span_id"]) != 16:
            raise RefusedError(400, f"Invalid OTLP trace export: malformed id in span {span['name']!r}")
        if span["span_id"] in self.spans:
            raise RefusedError(400, f"span {span['span_id']} was sent before")
        for key in ("langfuse.observation.usage_details", "langfuse.observation.cost_details"):
            if key in span["attributes"]:
                value = span["attributes"][key]
                if not isinstance(value, str) or not isinstance(json.loads(value), dict):
                    raise RefusedError(400, f"{key} must be a JSON string of an object")

    def _take_score(self, score: Any) -> dict[str, Any]:
        if isinstance(score, list):
            raise RefusedError(400, "expected an object")
        now = time.monotonic()
        while self._score_times and now - self._score_times[0] > 60:
            self._score_times.popleft()
        if len(self._score_times) >= SCORES_A_MINUTE:
            wait = 60 - (now - self._score_times[0])
            raise RefusedError(429, "too many scores", {"Retry-After": str(int(wait) + 1)})
        self._score_times.append(now)
        check_score(score)
        self.scores[score["id"]] = score
        return {"id": score["id"]}

    def _take_batch(self, body: dict[str, Any]) -> dict[str, Any]:
        successes, errors = [], []
        for event in body["batch"]:
            try:
                if event["type"] != "score-create":
                    raise RefusedError(400, f"{event['type']} is not taken here")
                check_score(event["body"])
                if event["body"]["name"] in self.refused_scores:
                    raise RefusedError(400, f"nobody wants {event['body']['name']}")
                self.scores[event["body"]["id"]] = event["body"]
                successes.append({"id": event["id"], "status": 201})
            except RefusedError as refusal:
                errors.append({"id": event["id"], "status": refusal.status, "message": str(refusal)})
        return {"successes": successes, "errors": errors}


def check_keys(headers: Any) -> None:
    """Basic authentication with both keys."""
    expected = "Basic " + base64.b64encode(f"{PUBLIC_KEY}:{SECRET_KEY}".encode()).decode()
    if headers.get("Authorization") != expected:
        raise RefusedError(401, "Invalid credentials")


def check_score(score: dict[str, Any]) -> None:
    """The rules of a score's body."""
    if not score.get("name") or not score.get("traceId"):
        raise RefusedError(400, "a score needs a name and a traceId")
    if not isinstance(score.get("value"), (int, float)) or isinstance(score["value"], bool):
        raise RefusedError(400, "a numeric score needs a number")


def span_of(span: Any, resource: Any, scope: Any) -> dict[str, Any]:
    """A span as plain values."""
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex() or None,
        "name": span.name,
        "started_ms": span.start_time_unix_nano // 1_000_000,
        "ended_ms": span.end_time_unix_nano // 1_000_000,
        "status_code": span.status.code,
        "status_message": span.status.message,
        "attributes": {attribute.key: value_of(attribute.value) for attribute in span.attributes},
        "resource": {attribute.key: value_of(attribute.value) for attribute in resource.attributes},
        "scope": scope.name,
    }


def value_of(value: Any) -> Any:
    """An attribute value as Langfuse decodes it: lists of scalars, but no maps and no bytes."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(item) for item in value.array_value.values]
    if kind in ("kvlist_value", "bytes_value"):
        return f"undecoded {kind}"
    return getattr(value, kind)


def _handler(server: LangfuseServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body are two writes; together they would wait for an acknowledgement each time.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # Cut off in the middle.
                self.close_connection = True
                return
            try:
                status, answer = server.accept(self.path, self.headers, body)
                headers: dict[str, str] = {}
            except RefusedError as refusal:
                status, answer, headers = refusal.status, {"error": str(refusal)}, refusal.headers
            payload = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if server.cuts_next_answer_to == self.path:
                server.cuts_next_answer_to = ""
                self.close_connection = True
                payload = payload[: len(payload) // 2]
            self.wfile.write(payload)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
