# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange with Google: the only file here that touches a socket."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.trust import SharedTrust

# Where it is missing, auth.login has said so by the time it is needed: google-auth's own transport needs it too.
with contextlib.suppress(ImportError):
    import requests

CONNECT_SECONDS = 10.0
READ_SECONDS = 150.0
"""Longer than the two minutes that Compute's ``wait`` may hold a reply."""


@dataclass(frozen=True)
class Reply:
    """What came back: status, headers with lower-case names, and the raw body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """The body as an object; empty when it is none (proxies answer with HTML pages)."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class ConnectionLost(Exception):
    """No whole reply came; whether the request was carried out is unknown."""


class Transport(Protocol):
    """Sends one request, retries nothing; tests put a script in its place."""

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """Return the reply, or raise ConnectionLost."""


class RequestsTransport:
    """Keeps connections open between calls; every certificate is verified, see ``trust``."""

    def __init__(self) -> None:
        self._session = open_session()

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        """Send one request."""
        # a proxy meant for the internet must not be asked for this machine's own ports
        proxies = {"http": "", "https": ""} if is_loopback(url) else None
        try:
            reply = self._session.request(
                method, url, data=body, headers=headers, auth=_keep_headers, allow_redirects=False, proxies=proxies,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
            )  # fmt: skip
        except requests.exceptions.SSLError as error:
            raise MeshError(
                "trust", urlsplit(url).netloc, str(error),
                "A proxy that reads TLS needs its CA in REQUESTS_CA_BUNDLE; verification cannot be turned off.",
            ) from error  # fmt: skip
        except (
            requests.exceptions.InvalidURL,
            requests.exceptions.MissingSchema,
            requests.exceptions.InvalidProxyURL,
        ) as error:
            raise MeshError(
                "reach", urlsplit(url).netloc or url, str(error), "Check the endpoint and proxy settings."
            ) from error
        except requests.exceptions.RequestException as error:
            raise ConnectionLost(_reason(error)) from error
        return Reply(reply.status_code, reply.content, {name.lower(): value for name, value in reply.headers.items()})


def open_session() -> requests.Session:
    """A session of requests over the shared trust."""
    session = requests.Session()
    session.mount("https://", SharedTrust())
    return session


def check_endpoint(url: str) -> str:
    """The base URL of an API without a last slash; plain http is for loopback only, since tokens travel on it."""
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise MeshError(
            "use", f"endpoint {url}", "it is no http or https URL", "Check container_endpoint and compute_endpoint."
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise MeshError("use", f"endpoint {url}", "credentials are not sent over plain http", "Use https.")
    return url.rstrip("/")


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine itself."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _keep_headers(request: Any) -> Any:
    """An auth hook that does nothing: without one, requests would put a password from ~/.netrc over our token."""
    return request


def _reason(error: Exception) -> str:
    """The innermost cause: requests wraps urllib3 wraps the operating system's word."""
    cause: Any = error
    while (inner := getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)) and isinstance(
        inner, Exception
    ):
        cause = inner
    return str(cause) or type(error).__name__
