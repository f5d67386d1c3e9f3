# SPDX-License-Identifier: GPL-3.0-or-later
"""Bytes to and from one API server: one kept-alive TLS connection, and websockets for exec.

urllib3 and websocket-client, the two libraries under the kubernetes package, are used directly: importing that package
costs 0.6 s, it cannot be given an SSL context, and all that is needed here is five verbs.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.clock import SYSTEM, Clock
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint, ssl_context
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable

try:
    import urllib3
    import websocket
except ImportError:  # said clearly at the first use; ansible-doc and sanity import this file without them
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

Query = Mapping[str, "str | list[str]"]

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
ATTEMPTS = 4
BUSY = (429, 502, 503, 504)


@dataclass(frozen=True)
class Response:
    """An HTTP answer; header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """The seam under KubeClient: tests put a transcript here."""

    def request(
        self, method: str, path: str, query: Query, body: bytes | None = None, content_type: str = ""
    ) -> Response:
        """One HTTP exchange; raises MeshError only when no answer came."""

    def stream(self, path: str, query: Query, seconds: float) -> list[tuple[int, bytes]]:
        """Read a websocket to its end: (channel, data) in order of arrival."""


class HttpTransport:
    """The real one. Reads no certificate and makes no connection before the first request."""

    def __init__(self, endpoint: Endpoint, clock: Clock = SYSTEM) -> None:
        if not HAS_LIBRARIES:
            raise MeshError(
                "talk to",
                f"cluster {endpoint.name}",
                "the Python libraries urllib3 and websocket-client are missing",
                "Install them for the Python that runs Ansible: pip install urllib3 websocket-client.",
            )
        self._endpoint = endpoint
        self._clock = clock
        self._proxy = endpoint.proxy or _environment_proxy(endpoint)

    @cached_property
    def _context(self) -> ssl.SSLContext:
        return ssl_context(self._endpoint)

    @cached_property
    def _manager(self) -> urllib3.PoolManager:
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
        options = {"ssl_context": self._context, "timeout": timeout, "retries": False, "maxsize": 4}
        if self._endpoint.tls_server_name:
            options["server_hostname"] = self._endpoint.tls_server_name
        if self._proxy:
            return urllib3.ProxyManager(self._proxy, **options)  # type: ignore[arg-type]
        return urllib3.PoolManager(**options)  # type: ignore[arg-type]

    def request(
        self, method: str, path: str, query: Query, body: bytes | None = None, content_type: str = ""
    ) -> Response:
        """Ask; log in afresh once after a 401, ask again when the server is busy or an idle connection had been closed.

        Every request this collection makes may be repeated: reads, server-side apply and deletes of named objects.
        """
        refreshed = False
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = self._once(method, path, query, body, content_type, refresh=refreshed)
            except urllib3.exceptions.HTTPError as error:
                if last or not _may_pass(error):
                    raise self._unreachable(error) from error
                self._clock.sleep(0.3 * attempt)
                continue
            if response.status == 401 and self._endpoint.token and not refreshed:
                refreshed = True
            elif response.status in BUSY and not last:
                self._clock.sleep(_retry_after(response, attempt))
            else:
                break
        return response

    def _once(
        self, method: str, path: str, query: Query, body: bytes | None, content_type: str, *, refresh: bool
    ) -> Response:
        headers = {"Accept": "application/json", "User-Agent": "mcistio.gke", **self._login(refresh)}
        if content_type:
            headers["Content-Type"] = content_type
        answer = self._manager.request(method, self._url("", path, query), body=body, headers=headers)
        return Response(answer.status, answer.data, {name.lower(): value for name, value in answer.headers.items()})

    def _login(self, refresh: bool) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._endpoint.token(refresh)}"} if self._endpoint.token else {}

    def _url(self, scheme: str, path: str, query: Query) -> str:
        parts = urlsplit(self._endpoint.server)
        text = urlencode(query, doseq=True)
        return f"{scheme or parts.scheme}://{parts.netloc}{self._endpoint.prefix}{path}" + (f"?{text}" if text else "")

    def _unreachable(self, error: Exception) -> Unreachable:
        return unreachable(self._endpoint, error)

    def stream(self, path: str, query: Query, seconds: float) -> list[tuple[int, bytes]]:
        """See Transport. A 401 is answered with one fresh log-in."""
        try:
            return self._stream_once(path, query, seconds, refresh=False)
        except websocket.WebSocketBadStatusException as error:
            if error.status_code != 401 or not self._endpoint.token:
                raise self._refused(path, error) from error
        try:
            return self._stream_once(path, query, seconds, refresh=True)
        except websocket.WebSocketBadStatusException as error:
            raise self._refused(path, error) from error

    def _refused(self, path: str, error: websocket.WebSocketBadStatusException) -> ApiError:
        body = error.resp_body or b""
        return ApiError(
            "run a command in", f"{_pod_of(path)} of cluster {self._endpoint.name}", error.status_code, body
        )

    def _stream_once(self, path: str, query: Query, seconds: float, *, refresh: bool) -> list[tuple[int, bytes]]:
        ssl_options: dict[str, object] = {"context": self._context}
        if self._endpoint.tls_server_name:
            ssl_options["server_hostname"] = self._endpoint.tls_server_name
        scheme = "ws" if self._endpoint.server.startswith("http:") else "wss"
        try:
            connection = websocket.create_connection(
                self._url(scheme, path, query),
                timeout=CONNECT_SECONDS,
                header=self._login(refresh),
                subprotocols=["v4.channel.k8s.io"],
                sslopt=ssl_options,
                suppress_origin=True,
                **_websocket_proxy(self._proxy, self._endpoint.host),
            )
            try:
                connection.settimeout(seconds)
                return _read_channels(connection)
            finally:
                connection.close()
        except websocket.WebSocketBadStatusException:
            raise
        except (websocket.WebSocketException, OSError) as error:
            raise self._unreachable(error) from error


def _read_channels(connection: websocket.WebSocket) -> list[tuple[int, bytes]]:
    frames: list[tuple[int, bytes]] = []
    while True:
        code, data = connection.recv_data()
        if code == websocket.ABNF.OPCODE_CLOSE:
            return frames
        if data:
            frames.append((data[0], data[1:]))


def _pod_of(path: str) -> str:
    """``pod namespace/name`` out of ``/api/v1/namespaces/NS/pods/NAME/exec``."""
    parts = path.split("/")
    return f"pod {parts[4]}/{parts[6]}"


def _may_pass(error: Exception) -> bool:
    """Whether another try may help: not when the certificate is the trouble."""
    return not isinstance(_root(error), ssl.SSLCertVerificationError)


def _root(error: BaseException) -> BaseException:
    while True:
        below = error.__cause__ or error.__context__
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        if inner is None and below is None:
            return error
        error = inner or below or error


def unreachable(endpoint: Endpoint, error: Exception) -> Unreachable:
    """One line for a person out of a library's chain of exceptions."""
    root = _root(error)
    if isinstance(root, ssl.SSLCertVerificationError):
        return Unreachable(
            endpoint.name,
            endpoint.server,
            f"its certificate was not accepted ({root.verify_message})",
            "The CA known for this cluster does not fit: was it recreated, or does a proxy stand between?",
            lasting=True,
        )
    if isinstance(root, TimeoutError):
        return Unreachable(endpoint.name, endpoint.server, "no answer in time")
    if isinstance(root, OSError) and root.strerror:
        return Unreachable(endpoint.name, endpoint.server, root.strerror)
    return Unreachable(endpoint.name, endpoint.server, str(root) or type(root).__name__)


def _retry_after(response: Response, attempt: int) -> float:
    """Seconds the server asked for, at most five; its own guess otherwise."""
    try:
        return min(5.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return 0.5 * attempt


def _environment_proxy(endpoint: Endpoint) -> str:
    """The proxy that HTTPS_PROXY and NO_PROXY name for this server, as every other client on the machine would."""
    if proxy_bypass(endpoint.host):
        return ""
    scheme = urlsplit(endpoint.server).scheme
    return getproxies().get(scheme, "")


def _websocket_proxy(proxy: str, host: str) -> dict[str, Any]:
    """websocket-client reads the environment by itself, so an unproxied host has to be named to it."""
    if not proxy:
        return {"http_no_proxy": [host]}
    parts = urlsplit(proxy)
    auth = (parts.username, parts.password) if parts.username else None
    return {
        "http_proxy_host": parts.hostname,
        "http_proxy_port": parts.port,
        "http_proxy_auth": auth,
        "proxy_type": "http",
    }
