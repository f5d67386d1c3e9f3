# SPDX-License-Identifier: GPL-3.0-or-later
"""A small client of one API server: JSON requests and watches over HTTPS with a client certificate."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from gkelab.world.plan import WorldError

_TIMEOUT = 15.0
"""Seconds for a request; generous, because a whole lab may be booting on two cores."""

MERGE_PATCH = "application/merge-patch+json"


class KubeApiError(WorldError):
    """The API server refused, or could not be reached (status 0)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class KubeApi:
    """Requests to one API server. Every call has its own connection, so threads may share an instance."""

    def __init__(self, endpoint: str, *, ca: Path, certificate: Path, key: Path) -> None:
        self._endpoint = endpoint
        self._context = ssl.create_default_context(cafile=str(ca))
        # The lab can make authorities with the defect of old GKE clusters; chain, address and expiry are still checked.
        self._context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        self._context.load_cert_chain(certificate, key)

    def get(self, path: str) -> dict[str, Any]:
        """Read one object or list."""
        return self.request("GET", path)

    def create(self, path: str, item: Mapping[str, Any]) -> bool:
        """Create an object; False if one of that name exists."""
        # Asked first: a Service with a fixed address is refused for its address before its name is looked at.
        try:
            self.get(f"{path}/{item['metadata']['name']}")
            return False
        except KubeApiError as error:
            if error.status != 404:
                raise
        try:
            self.request("POST", path, item)
        except KubeApiError as error:
            if error.status == 409:
                return False
            raise
        return True

    def patch(self, path: str, change: Mapping[str, Any]) -> dict[str, Any]:
        """Merge a change into an object."""
        return self.request("PATCH", path, change, content_type=MERGE_PATCH)

    def delete(self, path: str) -> None:
        """Delete an object; fine if it is not there."""
        try:
            self.request("DELETE", path)
        except KubeApiError as error:
            if error.status != 404:
                raise

    def ready(self) -> bool:
        """Whether the API server has finished starting."""
        try:
            with closing(self._connect(2.0)) as connection:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, content_type: str = "application/json"
    ) -> dict[str, Any]:
        """Send one request; any answer from 400 up raises KubeApiError with the server's message."""
        text = None if body is None else json.dumps(body)
        try:
            with closing(self._connect(_TIMEOUT)) as connection:
                connection.request(method, path, text, {"Content-Type": content_type})
                response = connection.getresponse()
                answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise KubeApiError(0, f"{method} {path} on {self._endpoint}: {error}") from error
        if response.status >= 400:
            raise KubeApiError(response.status, f"{method} {path} on {self._endpoint}: {_message(answer)}")
        parsed: dict[str, Any] = json.loads(answer)
        return parsed

    def watch(self, path: str, resource_version: str, seconds: int) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (type, object) for every change after `resource_version`, for at most `seconds`."""
        query = f"watch=true&allowWatchBookmarks=true&resourceVersion={resource_version}&timeoutSeconds={seconds}"
        try:
            with closing(self._connect(seconds + _TIMEOUT)) as connection:
                connection.request("GET", f"{path}?{query}")
                response = connection.getresponse()
                if response.status != 200:
                    raise KubeApiError(response.status, f"watch {path}: {_message(response.read())}")
                while line := response.readline():
                    event = json.loads(line)
                    yield event["type"], event["object"]
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise KubeApiError(0, f"watch {path} on {self._endpoint}: {error}") from error

    def _connect(self, timeout: float) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._endpoint, 443, timeout=timeout, context=self._context)


class Deadline:
    """How long something may still take."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def pause(self, seconds: float) -> bool:
        """Sleep a little; False, at once, when the time is up."""
        if time.monotonic() >= self._end:
            return False
        time.sleep(seconds)
        return True


def _message(answer: bytes) -> str:
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return answer.decode(errors="replace").strip() or "no answer"
