# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server refused, and what kept us from asking it."""

from __future__ import annotations

import json

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError


class ApiError(MeshError):
    """An API server answered with an error status.

    Attributes:
        status: the HTTP status code.
        reason: Kubernetes' machine-readable reason, for example ``NotFound``.
        causes: messages of the single causes by their machine-readable reasons.
    """

    def __init__(self, doing: str, subject: str, status: int, body: bytes) -> None:
        self.status = status
        self.reason, message = _status(body)
        self.causes = causes(body)
        super().__init__(doing, subject, message or f"HTTP {status}", _HINTS.get(status, ""))


_HINTS = {
    401: "The credentials were refused; log in again or check the service account.",
    403: "The account needs the Kubernetes Engine Admin role (or cluster-admin) on this cluster.",
}


def _status(body: bytes) -> tuple[str, str]:
    """Reason and message of a Kubernetes Status object, or the plain text."""
    try:
        status = json.loads(body)
        return str(status.get("reason") or ""), str(status.get("message") or "")
    except (ValueError, AttributeError):
        return "", body.decode("utf-8", "replace")[:300]


def causes(body: bytes) -> dict[str, str]:
    """The causes that a Kubernetes Status object names: message by reason; none for anything else."""
    try:
        entries = json.loads(body)["details"]["causes"]
        return {str(entry["reason"]): str(entry.get("message") or "") for entry in entries}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


class Unreachable(MeshError):
    """No answer came at all.

    Attributes:
        lasting: whether waiting is no help.
    """

    def __init__(self, cluster: str, server: str, answer: str, hint: str = "", *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(
            "reach",
            f"the API server of cluster {cluster} at {server}",
            answer,
            hint
            or "Check that the cluster is running and lets this machine in (authorized networks, private endpoint).",
        )
