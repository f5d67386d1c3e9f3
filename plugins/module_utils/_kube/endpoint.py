# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an API server is, whom to trust there and how to log in. Held in memory only."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

Token = Callable[[bool], str]
"""Gives a bearer token; called with True after a 401, when a fresh one is needed."""


@dataclass(frozen=True)
class Endpoint:
    """One API server as a client sees it. Secret parts are kept out of ``repr``."""

    name: str
    """The cluster's name, for messages."""
    server: str
    """URL exactly as it was given: it goes into remote secrets byte for byte."""
    ca: str = ""
    """PEM bundle; empty means the system's trust store (a GKE DNS endpoint has a public certificate)."""
    verify: bool = True
    tls_server_name: str = ""
    proxy: str = ""
    token: Token | None = field(default=None, repr=False)
    client_certificate: str = field(default="", repr=False)
    """PEM certificate and key for clusters that log in that way; both empty otherwise."""
    client_key: str = field(default="", repr=False)

    @property
    def host(self) -> str:
        """Host name or bare IP address."""
        return urlsplit(self.server).hostname or ""

    @property
    def client_pair(self) -> str:
        """PEM of certificate and key in one; empty for clusters that log in with a token."""
        return self.client_certificate.rstrip("\n") + "\n" + self.client_key if self.client_certificate else ""


@contextmanager
def private_file(text: str) -> Iterator[str | None]:
    """Path of a file with this text, mode 0600, which is there only as long as the block runs; None for no text."""
    if not text:
        yield None
        return
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        yield file.name


def ssl_context(endpoint: Endpoint) -> ssl.SSLContext:
    """Chain, name and expiry are checked; only the strict RFC 5280 form checks are off.

    Python 3.13 turned those on by default, and the CAs of older GKE clusters do not pass them (no key usage extension).
    The kubernetes client offers no switch for that flag.
    """
    try:
        context = ssl.create_default_context(cadata=endpoint.ca or None)
    except (ssl.SSLError, ValueError) as error:
        raise MeshError(
            "read", f"the CA certificate of cluster {endpoint.name}", str(error), "It must be a PEM certificate."
        ) from error
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if not endpoint.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with private_file(endpoint.client_pair) as pair:  # OpenSSL loads key pairs from files only
        if pair:
            _load_client_certificate(context, endpoint.name, pair)
    return context


def _load_client_certificate(context: ssl.SSLContext, name: str, pair: str) -> None:
    try:
        context.load_cert_chain(pair)
    except ssl.SSLError as error:
        raise MeshError("read", f"the client certificate for cluster {name}", str(error)) from error
