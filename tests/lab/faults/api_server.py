# SPDX-License-Identifier: GPL-3.0-or-later
"""A Kubernetes API server over real HTTP that can be down; what it holds is the unit tests' fake."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from tests.unit.plugins.fake_kube import FakeApi


class ApiServer(ThreadingHTTPServer):
    """Answers as ``api`` does once the next ``away`` requests have been refused with ``status``.

    Attributes:
        asked: every request as ``METHOD path``, the refused ones too.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = FakeApi("c")
        self.away = 0
        self.status = 503
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        self.server.asked.append(f"{self.command} {parts.path}")
        if self.server.away:
            self.server.away -= 1
            status, told = self.server.status, b"<html>upstream connect error</html>"
        else:
            answer = self.server.api.request(self.command, parts.path, dict(parse_qsl(parts.query)), body)
            status, told = answer.status, answer.body
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """One that runs."""
    with ApiServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
