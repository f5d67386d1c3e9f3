# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands for Google's addresses passes on what is meant for them, and nothing else."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.bench.relay import relay


class _Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = f"{self.headers['Host']} {self.path}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def target() -> Iterator[int]:
    """A server in the lab's place."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def test_googles_addresses_lead_to_the_lab_over_verified_tls(
    target: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with relay(target, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with requests.Session() as session:
            for host in ("container", "compute"):
                url = f"https://{host}.googleapis.com"
                assert session.get(f"{url}/a", timeout=5).text == f"{host}.googleapis.com /a"
                assert session.get(f"{url}/b?c=d", timeout=5).text.endswith("/b?c=d")


def test_nothing_else_is_passed_on(target: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with relay(target, tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(requests.exceptions.ProxyError, match="403"):
            requests.get("https://example.com/", timeout=5)


def test_without_its_authority_nobody_believes_it(target: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with relay(target, tmp_path) as variables:
        monkeypatch.setenv("HTTPS_PROXY", variables["HTTPS_PROXY"])
        monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
        with pytest.raises(requests.exceptions.SSLError):
            requests.get("https://container.googleapis.com/", timeout=5)
