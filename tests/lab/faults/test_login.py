# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials that expire, are revoked, or are looked into on their way."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CLUSTER, CREATE, OPERATIONS, Cloud, refusal

EXPIRED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
    "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
UNAUTHENTICATED = refusal("UNAUTHENTICATED", EXPIRED)
ASK_FOR_A_TOKEN: JSON = {"scopes": ["https://www.googleapis.com/auth/cloud-platform"]}
"""With scopes of their own, service accounts fetch their tokens instead of signing them."""


@pytest.fixture(autouse=True)
def nobody_logged_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "_LOGINS", {})


def _no_token(error: str, description: str) -> JSON:
    return {"error": {"status": 400, "body": {"error": error, "error_description": description}}}


def _tokens(calls: list[str]) -> int:
    return sum(one.startswith("POST /token ") for one in calls)


@pytest.mark.parametrize("options", [{}, ASK_FOR_A_TOKEN], ids=["self-signed", "fetched"])
def test_12_a_token_that_expires_while_waiting(cloud: Cloud, options: JSON) -> None:
    cloud.fault({"operation_seconds": 0.3}, method="POST", path=CREATE)
    cloud.fault(UNAUTHENTICATED, method="GET", path=OPERATIONS, nth=2)
    run = cloud.cluster(**options)
    assert run.result["cluster"]["status"] == "RUNNING"
    assert run.writes == ["POST clusters 200"]
    assert sum(one.endswith(" 401") for one in run.calls) == 1
    assert _tokens(run.calls) == (2 if options else 1)


def test_12_a_token_that_expires_each_hour(cloud: Cloud) -> None:
    cloud.fault({"operation_seconds": 0.5}, method="POST", path=CREATE)
    for nth in (2, 4, 6):
        cloud.fault(UNAUTHENTICATED, method="GET", path=OPERATIONS, nth=nth)
    run = cloud.cluster()
    assert run.result["cluster"]["status"] == "RUNNING"
    assert sum(one.endswith(" 401") for one in run.calls) == 3


def test_12_a_token_that_expires_before_a_write(cloud: Cloud) -> None:
    cloud.fault(UNAUTHENTICATED, method="POST", path=CREATE, count=1)
    assert cloud.cluster().writes == ["POST clusters 401", "POST clusters 200"]


def test_12_credentials_refused_twice(cloud: Cloud) -> None:
    cloud.fault(UNAUTHENTICATED, method="GET", path=OPERATIONS)
    run = cloud.cluster().failed_with(
        "operation operation-", EXPIRED, "The credentials were refused twice: log in again"
    )
    assert sum(one.endswith(" 401") for one in run.calls) == 2
    cloud.heal()
    assert not cloud.cluster().writes


def test_12_a_given_token_cannot_be_renewed(cloud: Cloud) -> None:
    given: JSON = {"service_account_file": None, "access_token": "ya29.expired"}
    run = cloud.cluster(**given).failed_with(EXPIRED, "log in again or check access_token")
    assert run.calls == ["GET clusters/c 401"]
    assert "ya29" not in run.error


REVOKED = "Token has been expired or revoked."


def test_13_revoked_before_the_run(cloud: Cloud) -> None:
    cloud.fault(_no_token("invalid_grant", REVOKED), path="^/token$")
    run = cloud.cluster(**ASK_FOR_A_TOKEN).failed_with(
        "Failed to log in to Google Cloud: invalid_grant: Token has been expired or revoked.",
        "The credentials have expired or were revoked: log in again (gcloud auth application-default login)",
    )
    assert run.calls == ["POST /token 400"]


def test_13_revoked_while_waiting(cloud: Cloud) -> None:
    cloud.fault({"operation_seconds": 0.3}, method="POST", path=CREATE)
    cloud.fault(UNAUTHENTICATED, method="GET", path=OPERATIONS, nth=2)
    cloud.fault(_no_token("invalid_grant", REVOKED), path="^/token$")
    cloud.cluster().failed_with("Failed to log in to Google Cloud: invalid_grant", REVOKED, "log in again")
    cloud.heal()
    assert not cloud.cluster().writes


def test_49_a_clock_that_is_wrong(cloud: Cloud) -> None:
    told = (
        "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat "
        "and exp values in the JWT claim."
    )
    cloud.fault(_no_token("invalid_grant", told), path="^/token$")
    cloud.cluster(**ASK_FOR_A_TOKEN).failed_with(
        "invalid_grant: Invalid JWT: Token must be a short-lived token", "The clock of this machine is wrong."
    )


class _Interceptor(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_error(500)


@pytest.fixture
def interceptor(tmp_path: Path) -> Iterator[str]:
    """A TLS server with a certificate that nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Corporate Proxy")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    pair = tmp_path / "pair.pem"
    pair.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Interceptor)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_49_tls_looked_into(cloud: Cloud, interceptor: str) -> None:
    run = cloud.cluster(container_endpoint=interceptor).failed_with(
        "Failed to trust 127.0.0.1:",
        "self-signed certificate",
        "A proxy that reads TLS needs its CA in REQUESTS_CA_BUNDLE",
    )
    assert not cloud.clock.slept
    assert not run.calls


def test_49_a_log_in_page_in_place_of_an_answer(cloud: Cloud) -> None:
    cloud.fault({"error": {"status": 200, "body": "<html><body>Please log in to the guest network</body></html>"}})
    run = cloud.cluster().failed_with("HTTP 200 Please log in to the guest network", "is there a proxy")
    assert not run.writes


def test_49_a_proxy_that_is_down(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    run = cloud.cluster(container_endpoint="https://container.googleapis.com").failed_with(
        "Failed to read cluster c in us-central1-a:", "Connection refused", "proxy"
    )
    assert not run.calls


@pytest.mark.parametrize("status", [407, 403])
def test_49_a_proxy_that_refuses(cloud: Cloud, status: int) -> None:
    page = "<html><h1>Access denied by policy</h1></html>"
    cloud.fault({"error": {"status": status, "body": page}}, method="GET", path=CLUSTER)
    cloud.cluster().failed_with(f"HTTP {status} Access denied by policy", "is there a proxy")


@pytest.mark.parametrize("state", ["present", "absent"])
def test_49_a_page_that_says_404_proves_nothing(cloud: Cloud, state: str) -> None:
    cloud.cluster()
    cloud.fault({"error": {"status": 404, "body": "<html>404 Not Found</html>"}}, method="GET", path=CLUSTER)
    assert not cloud.cluster(state=state).failed_with("HTTP 404 404 Not Found", "is there a proxy").writes
