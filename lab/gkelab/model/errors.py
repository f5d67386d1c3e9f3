# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals, in the shapes in which Google's two APIs print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "PRECONDITION_FAILED": 412,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
}
_REASON = {
    "INVALID_ARGUMENT": "badRequest",
    "FAILED_PRECONDITION": "failedPrecondition",
    "UNAUTHENTICATED": "authError",
    "PERMISSION_DENIED": "forbidden",
    "NOT_FOUND": "notFound",
    "ALREADY_EXISTS": "alreadyExists",
    "ABORTED": "aborted",
    "PRECONDITION_FAILED": "conditionNotMet",
    "RESOURCE_EXHAUSTED": "rateLimitExceeded",
    "INTERNAL": "backendError",
}


class ApiError(Exception):
    """A request that is refused.

    ``status`` is a google.rpc.Code name, ``reason`` the word of ``errors[].reason`` (by default the usual one of that
    status), ``details`` google.rpc detail messages as JSON.
    """

    def __init__(
        self,
        status: str,
        message: str,
        *,
        reason: str = "",
        details: Sequence[Mapping[str, Any]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = _HTTP[status]
        self.message = message
        self.reason = reason or _REASON[status]
        self.details = [dict(detail) for detail in details]
        self.headers = dict(headers or {})

    def body(self, *, compute: bool = False) -> dict[str, Any]:
        """The JSON answer; Compute leaves ``status`` out."""
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "errors": [{"message": self.message, "domain": "global", "reason": self.reason}],
        }
        if not compute:
            error["status"] = self.status
        if self.details:
            error["details"] = self.details
        return {"error": error}


def error_info(reason: str, domain: str, **metadata: str) -> dict[str, Any]:
    """A google.rpc.ErrorInfo detail."""
    info: dict[str, Any] = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain}
    if metadata:
        info["metadata"] = metadata
    return info


def invalid(message: str) -> ApiError:
    """400 INVALID_ARGUMENT of the container API."""
    return ApiError("INVALID_ARGUMENT", message)


def invalid_value(field: str, value: object, why: str) -> ApiError:
    """400 in the words of the Compute API, e.g. ``resource.name``."""
    return ApiError("INVALID_ARGUMENT", f"Invalid value for field '{field}': '{value}'. {why}", reason="invalid")
