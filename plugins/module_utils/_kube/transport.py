# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to one API server, by the kubernetes client: its kept-alive connections, and its websockets for exec.

Its generated classes and its dynamic client are left aside: the objects here are of any kind, and the dynamic client
asks for lists of kinds that are known already. What is added is whom to trust, when to log in afresh and what is asked
again.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import unquote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint, private_file, ssl_context
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable, causes

try:
    import urllib3
    import websocket
    from kubernetes.client.configuration import Configuration
    from kubernetes.client.exceptions import ApiException
    from kubernetes.client.rest import RESTClientObject
    from kubernetes.stream.ws_client import WSClient, get_websocket_url
except ImportError:  # said clearly at the first use; ansible-doc and sanity import this file without them
    HAS_LIBRARIES = False
else:
    HAS_LIBRARIES = True

Query = Mapping[str, "str | list[str]"]

CONNECT_SECONDS = 10.0
READ_SECONDS = 60.0
ATTEMPTS = 4
BUSY = (429, 502, 503, 504)
BUDGET = "DisruptionBudget"
"""Cause of a 429 that is an answer: a budget forbids an eviction for now."""
CHANNELS = (1, 2, 3)
"""What a command gives back: standard output, standard error, and its status at the end."""
NOBODY = "none.invalid"
"""A list of hosts to reach without a proxy that names none: whether there is a proxy was decided before."""


@dataclass(frozen=True)
class Response:
    """An HTTP answer; header names are in lower case."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Transport(Protocol):
    """The seam under KubeClient: tests put a transcript here."""

    def request(
        self, method: str, path: str, query: Query, body: Mapping[str, Any] | None = None, content_type: str = ""
    ) -> Response:
        """One HTTP exchange, the body as JSON; raises MeshError only when no answer came."""

    def stream(self, path: str, query: Query, seconds: float) -> list[tuple[int, bytes]]:
        """Read a websocket to its end: (channel, data), each channel's in order of arrival."""


class HttpTransport:
    """The real one. Reads no certificate and makes no connection before the first request."""

    def __init__(self, endpoint: Endpoint, clock: Clock = SYSTEM) -> None:
        if not HAS_LIBRARIES:
            raise MeshError(
                "talk to",
                f"cluster {endpoint.name}",
                "the Python library kubernetes is missing",
                "Install it for the Python that runs Ansible: pip install 'kubernetes>=30.1.0,!=36.0.0,!=36.0.1'.",
            )
        self._endpoint = endpoint
        self._clock = clock

    @cached_property
    def _rest(self) -> RESTClientObject:
        rest = RESTClientObject(_configuration(self._endpoint))
        rest.pool_manager.connection_pool_kw["ssl_context"] = ssl_context(self._endpoint)
        return rest

    def request(
        self, method: str, path: str, query: Query, body: Mapping[str, Any] | None = None, content_type: str = ""
    ) -> Response:
        """Ask; log in afresh once after a 401, ask again when the server is busy or an idle connection had been closed.

        Every request this collection makes may be repeated: reads, server-side apply, deletes of named objects and
        evictions of pods by their uid.
        """
        refreshed = False
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS
            try:
                response = self._once(method, path, query, body, content_type, refresh=refreshed)
            except (urllib3.exceptions.HTTPError, ApiException) as error:
                if last or not _may_pass(error):
                    raise self._unreachable(error) from error
                self._clock.sleep(0.3 * attempt)
                continue
            if response.status == 401 and self._endpoint.token and not refreshed:
                refreshed = True
            elif response.status in BUSY and not last and BUDGET not in causes(response.body):
                self._clock.sleep(_retry_after(response, attempt))
            else:
                break
        return response

    def _once(
        self, method: str, path: str, query: Query, body: Mapping[str, Any] | None, content_type: str, *, refresh: bool
    ) -> Response:
        headers = {"Accept": "application/json", "User-Agent": "mcistio.gke", **self._login(refresh)}
        if content_type:
            headers["Content-Type"] = content_type
        seconds = (CONNECT_SECONDS, READ_SECONDS)
        try:
            answer = self._rest.request(
                method, self._url(path, query), body=body, headers=headers, _request_timeout=seconds
            )
        except ApiException as error:  # before version 37, for every answer that is no success
            if not error.status:  # the client's word for a failed TLS handshake
                raise
            return _response(error.status, error.body, error.headers)
        return _response(answer.status, answer.read() if answer.data is None else answer.data, answer.getheaders())

    def _login(self, refresh: bool) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._endpoint.token(refresh)}"} if self._endpoint.token else {}

    def _url(self, path: str, query: Query) -> str:
        text = urlencode(query, doseq=True)
        return self._endpoint.server.rstrip("/") + path + (f"?{text}" if text else "")

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
        try:
            client = self._websocket(get_websocket_url(self._url(path, query)), refresh)
            try:
                client.sock.settimeout(seconds)
                client.run_forever(timeout=seconds)
                if client.is_open():
                    raise TimeoutError
                return [(channel, client.read_channel(channel)) for channel in CHANNELS]
            finally:
                client.close(timeout=0)  # nothing is to come any more
        except websocket.WebSocketBadStatusException:
            raise
        except (websocket.WebSocketException, OSError) as error:
            raise self._unreachable(error) from error

    def _websocket(self, url: str, refresh: bool) -> WSClient:
        """An open one. Certificates can be given to the client as files only, so they exist while it connects."""
        configuration = _configuration(self._endpoint)
        with private_file(self._endpoint.ca) as authority, private_file(self._endpoint.client_pair) as pair:
            configuration.ssl_ca_cert = authority or ssl.get_default_verify_paths().cafile
            configuration.cert_file = pair
            headers = {name.lower(): value for name, value in self._login(refresh).items()}
            return WSClient(configuration, url, headers, capture_all=False, binary=True)


def _configuration(endpoint: Endpoint) -> Configuration:
    """The client's settings for an API server; certificates are not among them."""
    configuration = Configuration(host=endpoint.server)
    configuration.verify_ssl = endpoint.verify
    configuration.tls_server_name = endpoint.tls_server_name or None
    configuration.retries = False
    configuration.connection_pool_maxsize = 4
    proxy = endpoint.proxy or _environment_proxy(endpoint)
    configuration.proxy = proxy or None
    configuration.proxy_headers = _proxy_login(proxy)
    configuration.no_proxy = NOBODY
    return configuration


def _response(status: int, body: str | bytes, headers: Mapping[str, str]) -> Response:
    data = body.encode() if isinstance(body, str) else body  # text before version 37
    return Response(status, data, {name.lower(): value for name, value in headers.items()})


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


def _proxy_login(proxy: str) -> dict[str, str] | None:
    """The header for a proxy whose URL names a user."""
    parts = urlsplit(proxy)
    if not parts.username:
        return None
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return dict(urllib3.make_headers(proxy_basic_auth=login))
