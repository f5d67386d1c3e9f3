# SPDX-License-Identifier: GPL-3.0-or-later
"""Talk to the daemon's /lab endpoints."""

from __future__ import annotations

import http.client
import json
from typing import Any

from gkelab.cli.errors import CommandError


class NotAnswering(CommandError):
    """Nobody, or not the lab, answers on the port."""


class LabClient:
    """Requests to the lab's own endpoints on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port

    def call(self, method: str, path: str, body: object = None, timeout: float = 10.0) -> Any:
        """The decoded JSON answer (None if empty). Raises NotAnswering, or CommandError for a refusal."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=timeout)
        content = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json"} if content else {}
        try:
            connection.request(method, path, content, headers)
            response = connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise NotAnswering(f"The lab does not answer on port {self._port}: {reason}") from error
        finally:
            connection.close()
        decoded = _decode(answer)
        if response.status >= 400:
            raise CommandError(f"The lab refused {method} {path}: {response.status} {_message(decoded)}".rstrip())
        return decoded


def _decode(answer: bytes) -> Any:
    try:
        return json.loads(answer) if answer else None
    except ValueError:
        return None


def _message(decoded: Any) -> str:
    """The message of an answer in Google's form of errors, or in none."""
    error = decoded.get("error", decoded) if isinstance(decoded, dict) else decoded
    message = error.get("message", error) if isinstance(error, dict) else error
    return "" if message is None else str(message)
