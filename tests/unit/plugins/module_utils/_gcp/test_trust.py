# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates are verified, against authorities that are read once."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import certifi
import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import trust
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import RequestsTransport, open_session

from gkelab.world.pki import issue_server, new_authority


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing read yet, and nothing that this machine's environment says."""
    monkeypatch.setattr(trust, "_CONTEXTS", {})
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A TLS server on this machine, and the file of the authority that vouches for it."""
    folder = tmp_path_factory.mktemp("tls")
    authority = new_authority("test")
    pair = issue_server(authority, "localhost", ["localhost"], [])
    (folder / "authority.pem").write_text(authority.pem, encoding="utf-8")
    (folder / "server.pem").write_text(pair.certificate + pair.key, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    listener = HTTPServer(("127.0.0.1", 0), _Answer)
    listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, args=(0.01,), daemon=True).start()
    yield f"https://localhost:{listener.server_port}/", folder / "authority.pem"
    listener.shutdown()


def test_an_authority_that_the_environment_names_is_trusted(
    server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server[1]))
    assert RequestsTransport()("GET", server[0], {}, None).status == 204


def test_any_other_is_not(server: tuple[str, Path]) -> None:
    with pytest.raises(MeshError, match=r"Failed to trust localhost:\d+: .*certificate verify failed"):
        RequestsTransport()("GET", server[0], {}, None)


def test_not_even_when_a_session_is_told_not_to_verify(server: tuple[str, Path]) -> None:
    session = open_session()
    session.verify = False
    with pytest.raises(Exception, match="certificate verify failed"):
        session.get(server[0])


def test_the_authorities_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = trust.context()
    assert trust.context() is first and len(first.get_ca_certs()) > 50
    monkeypatch.setenv("CURL_CA_BUNDLE", certifi.where())
    assert trust.context() is first
    assert first.verify_mode is ssl.CERT_REQUIRED and first.check_hostname


def test_a_folder_of_authorities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    assert trust.context().get_ca_certs() == []


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_cannot_be_read(content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content, encoding="utf-8")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with pytest.raises(
        MeshError, match=f"Failed to read the certificate authorities in {bundle}: .*REQUESTS_CA_BUNDLE"
    ):
        RequestsTransport()
