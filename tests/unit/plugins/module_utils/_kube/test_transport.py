# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to an API server, tried on small real servers on the loopback."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint, ssl_context
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import Unreachable
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.unit.plugins.fake_kube import FakeTime

Seen = list[tuple[str, str | None]]


@contextmanager
def server(answers: list[int], context: ssl.SSLContext | None = None) -> Iterator[tuple[int, Seen]]:
    """Port of a server that gives these statuses in turn (then 200), and what it was sent."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Authorization")))
            status = answers.pop(0) if answers else 200
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    http.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # clients that hang up are meant
    http.block_on_close = False
    if context:
        http.socket = context.wrap_socket(http.socket, server_side=True)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield http.server_port, seen
    finally:
        http.shutdown()
        http.server_close()


class Tokens:
    """A token source that counts."""

    def __init__(self) -> None:
        self.number = 1

    def __call__(self, refresh: bool) -> str:
        self.number += refresh
        return f"token-{self.number}"


def test_a_refused_token_is_renewed_once() -> None:
    with server([401]) as (port, seen):
        transport = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}", token=Tokens()))
        assert transport.request("GET", "/api", {"a": ["x", "y"]}).status == 200
    assert seen == [("/api?a=x&a=y", "Bearer token-1"), ("/api?a=x&a=y", "Bearer token-2")]


def test_a_token_that_stays_refused_is_the_answer() -> None:
    with server([401, 401, 401]) as (port, seen):
        assert (
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}", token=Tokens())).request("GET", "/", {}).status
            == 401
        )
    assert len(seen) == 2


def test_a_busy_server_is_asked_again_when_it_says() -> None:
    time = FakeTime()
    with server([429, 503]) as (port, seen):
        transport = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), time.clock)
        assert transport.request("GET", "/", {}).status == 200
    assert len(seen) == 3 and time.seconds == 6.0


def test_a_server_that_stays_busy_is_the_answer() -> None:
    with server([503] * 9) as (port, seen):
        assert (
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), FakeTime().clock).request("GET", "/", {}).status
            == 503
        )
    assert len(seen) == 4


def test_a_dropped_connection_is_tried_again() -> None:
    with server([0]) as (port, seen):
        assert (
            HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), FakeTime().clock).request("GET", "/", {}).status
            == 200
        )
    assert len(seen) == 2


def test_the_path_in_front_of_the_api_is_kept() -> None:
    with server([]) as (port, seen):
        HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}/k8s/east/")).request("GET", "/api", {})
    assert seen[0][0] == "/k8s/east/api"


def test_no_answer_is_one_clear_line() -> None:
    with server([]) as (port, _seen):
        pass
    transport = HttpTransport(Endpoint("east", f"http://127.0.0.1:{port}"), FakeTime().clock)
    with pytest.raises(Unreachable) as caught:
        transport.request("GET", "/", {})
    assert str(caught.value).startswith(
        f"Failed to reach the API server of cluster east at http://127.0.0.1:{port}: Connection refused."
    )
    assert "\n" not in str(caught.value)


# Certificates

KEY = ec.generate_private_key(ec.SECP256R1())


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *extensions: tuple[x509.ExtensionType, bool],
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(name="old_ca")
def _old_ca() -> str:
    """A CA as older GKE clusters have it: no key usage, which Python 3.13's strict check refuses."""
    return _pem(_certificate("old-ca", "old-ca", KEY, KEY, (x509.BasicConstraints(True, None), True)))


@pytest.fixture(name="serving")
def _serving(tmp_path: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("east.internal")]
    )
    file = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_text(_pem(_certificate("api", "old-ca", key, KEY, (names, False))) + private.decode())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def test_an_old_ca_is_accepted(old_ca: str, serving: ssl.SSLContext) -> None:
    with server([], serving) as (port, _seen):
        assert (
            HttpTransport(Endpoint("east", f"https://127.0.0.1:{port}", ca=old_ca)).request("GET", "/", {}).status
            == 200
        )


def test_another_ca_is_not(serving: ssl.SSLContext) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    stranger = _pem(_certificate("other", "other", other, other, (x509.BasicConstraints(True, None), True)))
    time = FakeTime()
    with server([], serving) as (port, seen):
        transport = HttpTransport(Endpoint("east", f"https://127.0.0.1:{port}", ca=stranger), time.clock)
        with pytest.raises(
            Unreachable, match=r"its certificate was not accepted .*The CA known for this cluster does not fit"
        ):
            transport.request("GET", "/", {})
    assert not seen and time.seconds == 0, "another try cannot help"


def test_another_name_is_not(old_ca: str, serving: ssl.SSLContext) -> None:
    with server([], serving) as (port, _seen):
        place = f"https://127.0.0.1:{port}"
        wrong = HttpTransport(Endpoint("east", place, ca=old_ca, tls_server_name="other.internal"), FakeTime().clock)
        with pytest.raises(Unreachable, match="certificate was not accepted"):
            wrong.request("GET", "/", {})
        right = HttpTransport(Endpoint("east", place, ca=old_ca, tls_server_name="east.internal"))
        assert right.request("GET", "/", {}).status == 200


def test_only_the_strict_flag_is_off(old_ca: str) -> None:
    context = ssl_context(Endpoint("east", "https://127.0.0.1", ca=old_ca))
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.check_hostname and context.verify_mode is ssl.CERT_REQUIRED


def test_secrets_are_not_in_the_repr() -> None:
    endpoint = Endpoint("east", "https://x", client_certificate="certificate", client_key="key")
    assert "key" not in repr(endpoint) and "certificate" not in repr(endpoint)
