"""A local server with OpenAI's chat completions wire format that plays a fixed part, streaming included.

It answers the n-th model call of a conversation with the n-th turn of `SCRIPT`, so that the example agent runs without
a key and without a network. It keeps no state: the turn follows from the messages that it is sent.
"""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = """\
**Deploy 2291 cut the connection pool from 40 to 4, and checkout has been waiting for connections ever since.**

| | before 14:00 | after 14:00 |
|---|---:|---:|
| mean p95 | 177 ms | 2,029 ms |
| `pool_wait` warnings | 0 | 3 |

How it fits together:

1. `deploys.json` has one deploy in the window: **2291**, 13:58, *"tidy database settings"*.
2. Its diff changes `pool_size: 40` to `pool_size: 4`. The commit message does not mention it; it looks like a slip.
3. `src/checkout.py` takes **two** connections per request, so at most two requests run at once. The rest wait, which
   is what the log shows: `pool exhausted, waited 1874 ms`.

The smallest change that fixes it:

```diff
 database:
-  pool_size: 4
+  pool_size: 40
   pool_timeout_ms: 5000
```

Roll it out and watch p95 for ten minutes. Taking one connection per request would halve the need for good, but that is
a change for another day.
"""


def tool_call(call_id: str, name: str, **arguments: str) -> dict[str, Any]:
    """A tool call as OpenAI sends it."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


SCRIPT: list[dict[str, Any]] = [
    {
        "reasoning_content": "I know nothing of this service yet. First what there is, then what was deployed.",
        "content": "I will look at what there is and at what was deployed.",
        "tool_calls": [tool_call("call_1", "list_files"), tool_call("call_2", "read_file", path="deploys.json")],
    },
    {
        "content": "One deploy fits the time. Did latency really change then, and what does the configuration say?",
        "tool_calls": [
            tool_call("call_3", "summarise_csv", path="latency.csv", column="p95_ms", by="hour"),
            tool_call("call_4", "read_file", path="config.yml"),
        ],
    },
    {
        "reasoning_content": "p95 rises elevenfold at 14:00, right after deploy 2291. I guessed the name of the config "
        "file wrongly; list_files said config/2291.diff.",
        "content": "Latency jumps right after deploy 2291. I will read its diff, and look for the pool.",
        "tool_calls": [
            tool_call("call_5", "read_file", path="config/2291.diff"),
            tool_call("call_6", "search_text", text="pool"),
            tool_call("call_7", "read_file", path="src/checkout.py"),
        ],
    },
    {"content": ANSWER},
]

CHARACTERS_PER_TOKEN = 4


def completion_for(request: dict[str, Any]) -> dict[str, Any]:
    """The completion that answers a request."""
    messages = request["messages"]
    turn = sum(1 for message in messages if message["role"] == "assistant")
    message = {"role": "assistant", **SCRIPT[min(turn, len(SCRIPT) - 1)]}
    prompt_tokens = len(json.dumps(messages)) // CHARACTERS_PER_TOKEN
    completion_tokens = len(json.dumps(message)) // CHARACTERS_PER_TOKEN
    cached_tokens = prompt_tokens // 128 * 128 // 2 if turn else 0
    return {
        "id": f"chatcmpl-scripted-{turn}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "message": message,
                "finish_reason": "tool_calls" if message.get("tool_calls") else "stop",
                "logprobs": None,
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": cached_tokens},
        },
    }


def chunks_of(completion: dict[str, Any], include_usage: bool) -> Iterator[dict[str, Any]]:
    """The same completion as the chunks of a stream."""
    base = {key: completion[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    choice = completion["choices"][0]
    message = choice["message"]

    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        return base | {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}

    yield chunk({"role": "assistant", "content": ""})
    for key in ("reasoning_content", "content"):
        text = message.get(key) or ""
        for start in range(0, len(text), 24):
            yield chunk({key: text[start : start + 24]})
    for index, call in enumerate(message.get("tool_calls") or []):
        yield chunk({"tool_calls": [{"index": index, **call, "function": call["function"] | {"arguments": ""}}]})
        yield chunk({"tool_calls": [{"index": index, "function": {"arguments": call["function"]["arguments"]}}]})
    yield chunk({}, choice["finish_reason"])
    if include_usage:
        yield base | {"choices": [], "usage": completion["usage"]}


class Handler(BaseHTTPRequestHandler):
    """Answers POST /v1/chat/completions."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """One completion, whole or streamed."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/chat/completions":
            self.send_json(404, {"error": {"message": f"no route {self.path}", "type": "invalid_request_error"}})
            return
        request = json.loads(body)
        completion = completion_for(request)
        time.sleep(0.02 * (1 + len(completion["choices"][0]["message"].get("content") or "") / 200))
        if request.get("stream"):
            self.send_stream(completion, bool((request.get("stream_options") or {}).get("include_usage")))
        else:
            self.send_json(200, completion)

    def send_json(self, status: int, value: dict[str, Any]) -> None:
        """A whole answer."""
        payload = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def send_stream(self, completion: dict[str, Any], include_usage: bool) -> None:
        """Server-sent events, closed by `[DONE]`."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks_of(completion, include_usage):
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Keeps the example's output to itself."""


@contextlib.contextmanager
def serve_scripted_model() -> Iterator[str]:
    """Serves on a free port of this machine; yields the base URL for an OpenAI client."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, name="scripted-model", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
