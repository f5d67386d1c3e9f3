# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to Google's APIs as JSON: one identity, one connection pool, and one policy for what is repeated.

Why not ``ClusterManagerClient`` for the calls: its REST transport drops response fields that it does not know (so that
pass-through options could never be compared), repeats a 503 after a tenth of a second whatever Retry-After says,
repeats a DELETE blindly, and lets raw connection errors out. Its message types are used where they are best:
``schema.py`` reads the API's model from them, and checks what users write against it.
"""

from __future__ import annotations

import email.utils
import json
from typing import Any
from urllib.parse import urlencode

from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import (
    ConnectionLost,
    Reply,
    RequestsTransport,
    Transport,
    check_endpoint,
)

CONTAINER = "container"
COMPUTE = "compute"
_AUDIENCES = {CONTAINER: "https://container.googleapis.com/", COMPUTE: "https://compute.googleapis.com/"}
_PREFIXES = {CONTAINER: "/v1/", COMPUTE: "/compute/v1/"}
USER_AGENT = "mcistio.gke (ansible-collection)"

REPEAT_SECONDS = 120.0
"""How long one call is repeated before its last error counts."""
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0


class GoogleSession:
    """Makes calls for one identity.

    Args:
        params: a module's options with those of ``auth.AUTH_SPEC``.
        transport: how requests travel; the default is the network.
        clock: the default is real time.
    """

    def __init__(
        self, params: dict[str, Any], *, transport: Transport | None = None, clock: Clock | None = None
    ) -> None:
        self._endpoints = {
            CONTAINER: check_endpoint(params["container_endpoint"]),
            COMPUTE: check_endpoint(params["compute_endpoint"]),
        }
        self._login = auth.login(params)
        self._transport = transport or RequestsTransport()
        self.clock = clock or Clock()

    def call(
        self,
        method: str,
        service: str,
        path: str,
        *,
        doing: str,
        subject: str,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        repeatable: bool | None = None,
    ) -> dict[str, Any]:
        """One API call, repeated where that is safe; returns the JSON body.

        Args:
            method: HTTP method.
            service: CONTAINER or COMPUTE.
            path: what follows ``/v1/`` or ``/compute/v1/``.
            doing: a verb phrase for errors, as for MeshError.
            subject: what the call is about, likewise.
            body: JSON to send.
            query: query parameters.
            repeatable: whether a lost reply may be answered by sending again; by default only for GET.

        Raises:
            ApiError: with ``unknown_outcome`` set when a write may or may not have been carried out.
        """
        url = self._endpoints[service] + _PREFIXES[service] + path + (f"?{urlencode(query)}" if query else "")
        again = method == "GET" if repeatable is None else repeatable
        started, delay, renewed = self.clock.now(), FIRST_DELAY, False
        while True:
            error = self._attempt(method, service, url, body, doing, subject, again)
            if isinstance(error, dict):
                return error
            if error.status == 401 and not renewed and self._login.renew():
                renewed = True
                continue
            pause = self._pause(error, delay)
            allowed = (again and error.transient) or error.rate_limited
            if not allowed or self.clock.now() - started + pause > REPEAT_SECONDS:
                raise error
            self.clock.sleep(pause)
            delay = min(delay * 2, LONGEST_DELAY)

    def _attempt(
        self, method: str, service: str, url: str, body: dict[str, Any] | None, doing: str, subject: str, again: bool
    ) -> dict[str, Any] | ApiError:
        headers = {
            "Authorization": f"Bearer {self._login.api_token(_AUDIENCES[service])}",
            "Accept": "application/json",
            "User-Agent": USER_AGENT,
        }
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        try:
            reply = self._transport(method, url, headers, data)
        except ConnectionLost as lost:
            return ApiError(doing, subject, str(lost), unknown_outcome=not again)
        if reply.status >= 500 or _is_no_json(reply):
            return ApiError(doing, subject, reply, unknown_outcome=not again)
        if reply.status >= 300:
            return ApiError(doing, subject, reply)
        return reply.json()

    def _pause(self, error: ApiError, delay: float) -> float:
        """Seconds until the next try: as the service asks, else our own, spread so that hosts do not march in step."""
        asked = retry_after_seconds(error.retry_after, self.clock.wall())
        return asked if asked is not None else delay * (0.75 + 0.5 * self.clock.jitter())


def retry_after_seconds(value: str, now: float) -> float | None:
    """A Retry-After header in seconds from ``now`` (Unix time); it may hold a date; None where it says nothing."""
    if value.strip().isdigit():
        return float(value.strip())
    date = email.utils.parsedate_tz(value) if value else None
    return max(0.0, email.utils.mktime_tz(date) - now) if date else None


def _is_no_json(reply: Reply) -> bool:
    """A success whose body is no JSON object came from something between us and Google."""
    return reply.status < 300 and bool(reply.body.strip()) and not reply.json() and reply.body.strip() != b"{}"
