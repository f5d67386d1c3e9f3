# SPDX-License-Identifier: GPL-3.0-or-later
"""Small real servers on the loopback for tests of transports: an API server, a proxy, and certificates for them."""

from __future__ import annotations

import base64
import datetime
import hashlib
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Seen = list[tuple[str, str | None]]
"""Path (a proxy: host and port) and login of each request."""

CLOSE = b"\x88\x00"
_WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(channel: int, data: bytes) -> bytes:
    """A websocket's binary frame of at most 124 bytes of a channel."""
    return bytes([0x82, len(data) + 1, channel]) + data


@contextmanager
def server(
    answers: list[int],
    context: ssl.SSLContext | None = None,
    frames: bytes = b"",
    mute: threading.Event | None = None,
    body: bytes = b"{}",
) -> Iterator[tuple[int, Seen]]:
    """Port of a server, and what it was sent.

    Args:
        answers: the statuses that it gives in turn, 0 for hanging up; afterwards it says 200, or opens the websocket.
        context: its certificate, if it is to speak TLS.
        frames: what it writes to a websocket before it hangs up.
        mute: it does not hang up before this is set.
        body: what its answers say.
    """
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Authorization")))
            status = answers.pop(0) if answers else 200
            if status == 0:
                self.close_connection = True
            elif status == 200 and self.headers.get("Upgrade") == "websocket":
                self._websocket()
            else:
                self._answer(status)

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Retry-After", "3")
            self.end_headers()
            self.wfile.write(body)

        def _websocket(self) -> None:
            key = self.headers["Sec-WebSocket-Key"] + _WEBSOCKET_GUID
            self.send_response(101)
            self.send_header("Upgrade", "websocket")
            self.send_header("Connection", "Upgrade")
            self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
            self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
            self.end_headers()
            self.wfile.write(frames)
            if mute:
                mute.wait(10)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _running(Handler, context) as port:
        yield port, seen


@contextmanager
def proxy() -> Iterator[tuple[int, Seen]]:
    """Port of a proxy that tunnels to wherever it is asked to, and what it was asked."""
    seen: Seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            seen.append((self.path, self.headers.get("Proxy-Authorization")))
            host, port = self.path.split(":")
            with socket.create_connection((host, int(port)), 10) as onward:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_pump, args=(onward, self.connection), daemon=True)
                back.start()
                _pump(self.connection, onward)
                back.join(10)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with _running(Handler, None) as port:
        yield port, seen


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one of the two is gone, which ends the tunnel


@contextmanager
def _running(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None) -> Iterator[int]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    http.handle_error = lambda request, client_address: None  # type: ignore[method-assign]  # clients that hang up are meant
    http.block_on_close = False
    if context:
        http.socket = context.wrap_socket(http.socket, server_side=True)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield http.server_port
    finally:
        http.shutdown()
        http.server_close()


@dataclass(frozen=True)
class Authority:
    """A CA with a server's certificate of its own, for 127.0.0.1 and east.internal."""

    pem: str
    serving: ssl.SSLContext
    pair: tuple[str, str]
    """Certificate and key of the server."""


def authority(folder: Path, *, legacy: bool = False) -> Authority:
    """A new CA. A legacy one is as older GKE clusters have it: without key usage, which strict checks refuse."""
    root, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    identifier = x509.SubjectKeyIdentifier.from_public_key(root.public_key())
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    proper: list[tuple[x509.ExtensionType, bool]] = [] if legacy else [(usage, True), (identifier, False)]
    ca = _certificate("ca", root, root, (x509.BasicConstraints(True, None), True), *proper)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("east.internal")]
    )
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    certificate = _certificate("api", key, root, (names, False), (issuer, False))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    file = folder / "server.pem"
    file.write_text(certificate + private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return Authority(ca, context, (certificate, private))


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *extensions: tuple[x509.ExtensionType, bool],
) -> str:
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ca")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
