# SPDX-License-Identifier: GPL-3.0-or-later
"""API servers of the swept clusters over real HTTP, one a project; what each holds is the unit tests' fake."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Response

from tests.lab.sweep.tap import AFTER, BEFORE
from tests.unit.plugins.fake_kube import FakeApi

JSON = dict[str, Any]
HELD = {"message": "Cannot evict pod.", "details": {"causes": [{"reason": "DisruptionBudget", "message": "not yet"}]}}


class _Api:
    """One project's: a budget forbids the first eviction of every pod whose name says so; one reply may get lost."""

    def __init__(self) -> None:
        self.fake = FakeApi()
        self.fake.on_evict = self._evict
        self.lock = threading.Lock()
        self._refused: set[str] = set()
        self._loss: JSON = {}
        self.struck = False

    def lose(self, loss: JSON) -> None:
        """Lose the request of a method and path that comes as the nth, or the answer to it."""
        self._loss, self.struck = loss, False

    def lost(self, method: str, path: str) -> str:
        """Whether this request is the one: BEFORE, AFTER or empty."""
        if self.struck or (method, path) != (self._loss.get("method"), self._loss.get("path")):
            return ""
        self._loss["nth"] -= 1
        self.struck = self._loss["nth"] == 0
        return str(self._loss["drop"]) if self.struck else ""

    def _evict(self, path: str, pod: JSON) -> Response | None:
        if "held" not in path or path in self._refused:
            return None
        self._refused.add(path)
        return Response(429, json.dumps(HELD).encode())


class KubeServer(ThreadingHTTPServer):
    """``/PROJECT/api/…`` is a project's API server; ``/PROJECT`` holds its objects, ``/PROJECT/loss`` what is lost."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._apis: dict[str, _Api] = {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def api(self, project: str) -> _Api:
        return self._apis.setdefault(project, _Api())


class _Handler(BaseHTTPRequestHandler):
    server: KubeServer
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        project, _, path = parts.path.removeprefix("/").partition("/")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        api = self.server.api(project)
        with api.lock:
            if path in ("", "loss"):
                self._send(200, self._arranged(api, path, body))
                return
            lost = api.lost(self.command, f"/{path}")
            if lost != BEFORE:
                answer = api.fake.request(self.command, f"/{path}", dict(parse_qsl(parts.query)), body)
        if lost in (BEFORE, AFTER):
            self.close_connection = True
            return
        self._send(answer.status, answer.body)

    def _arranged(self, api: _Api, path: str, body: JSON) -> bytes:
        """The test's own requests."""
        if self.command == "PUT" and path == "loss":
            api.lose(body)
        elif self.command == "PUT":
            for where, obj in body.items():
                api.fake.put(where, **obj)
        return json.dumps({"struck": api.struck} if path else api.fake.objects).encode()

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@contextmanager
def kube_server() -> Iterator[KubeServer]:
    """One that runs."""
    with KubeServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
