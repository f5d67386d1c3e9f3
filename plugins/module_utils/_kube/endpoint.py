# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an API server is, whom to trust there and how to log in. Held in memory only."""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable
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
    def port(self) -> int:
        """TCP port."""
        parts = urlsplit(self.server)
        return parts.port or (80 if parts.scheme == "http" else 443)

    @property
    def prefix(self) -> str:
        """Path in front of every API path, without the last slash (API servers behind a gateway have one)."""
        return urlsplit(self.server).path.rstrip("/")


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
    if endpoint.client_certificate:
        _load_client_certificate(context, endpoint)
    return context


def _load_client_certificate(context: ssl.SSLContext, endpoint: Endpoint) -> None:
    """OpenSSL loads key pairs from files only, so they exist (mode 0600) for the moment of loading."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "pair.pem")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as pair:
            pair.write(endpoint.client_certificate.rstrip("\n") + "\n" + endpoint.client_key)
        try:
            context.load_cert_chain(path)
        except ssl.SSLError as error:
            raise MeshError("read", f"the client certificate for cluster {endpoint.name}", str(error)) from error
