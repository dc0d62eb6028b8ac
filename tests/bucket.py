"""As much of S3 as uploads of images need; signatures are checked by the server of the Rust tests, not by this one."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Bucket:
    """Keeps objects in memory, by path."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        objects = self.objects

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                found = objects.get(self.path)
                # Who may not list is not told that there is nothing.
                self.send_response(403 if found is None else 200)
                self.send_header("Content-Length", str(len(found or b"")))
                self.send_header("Last-Modified", "Sat, 21 Nov 2026 00:00:00 GMT")
                self.send_header("ETag", '"etag"')
                self.end_headers()

            def do_PUT(self) -> None:
                objects[self.path] = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.send_header("ETag", '"etag"')
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Bucket:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
