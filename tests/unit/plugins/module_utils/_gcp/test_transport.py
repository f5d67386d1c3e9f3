# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints, and the real transport against a port of this machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import (
    ConnectionLost,
    Reply,
    RequestsTransport,
    check_endpoint,
)


class Echo(BaseHTTPRequestHandler):
    """Answers with the token it got; /redirect leads elsewhere."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"got": "%s"}' % self.headers["Authorization"].encode()
        self.send_response(302 if self.path == "/redirect" else 200)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Retry-After", "4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_password_from_netrc_does_not_replace_the_token(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    reply = RequestsTransport()("POST", f"{url}/x", {"Authorization": "Bearer t"}, b"{}")
    assert reply.json() == {"got": "Bearer t"}
    assert reply.headers["retry-after"] == "4"


def test_a_proxy_is_not_asked_for_this_machine(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert RequestsTransport()("POST", f"{url}/x", {"Authorization": "t"}, b"{}").status == 200


def test_a_token_follows_no_redirect(url: str) -> None:
    assert RequestsTransport()("POST", f"{url}/redirect", {"Authorization": "t"}, b"{}").status == 302


def test_a_refused_connection_is_said_in_words() -> None:
    with pytest.raises(ConnectionLost, match="refused"):
        RequestsTransport()("GET", "http://127.0.0.1:9/x", {}, None)


@pytest.mark.parametrize(
    "url", ["https://container.googleapis.com/", "http://127.0.0.1:7480", "http://[::1]:1", "http://localhost:1/"]
)
def test_fit_endpoints(url: str) -> None:
    assert check_endpoint(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1", "http://localhost.example", "ftp://x", "container.googleapis.com", ""]
)
def test_unfit_endpoints(url: str) -> None:
    with pytest.raises(MeshError):
        check_endpoint(url)


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"", b"\xff"])
def test_a_body_that_is_no_object_is_an_empty_one(body: bytes) -> None:
    assert Reply(200, body).json() == {}
