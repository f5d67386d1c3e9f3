# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to the Compute API about firewall rules and subnetworks.

Every write carries a request id, by which the service drops duplicates: a write whose reply was lost is sent again.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.firewall_rule import Rule, Step
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import COMPUTE, GoogleSession
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import Reply

_METHODS = {"insert": "POST", "patch": "PATCH", "delete": "DELETE"}
_WORDS = {"insert": "create", "patch": "change", "delete": "delete"}


def list_firewalls(session: GoogleSession, project: str, pattern: str) -> list[Rule]:
    """Firewall rules of a project whose whole name matches a regular expression (RE2)."""
    found: list[Rule] = []
    query = {"filter": f'name eq "{pattern}"'}
    while True:
        page = session.call(
            "GET", COMPUTE, f"projects/{project}/global/firewalls",
            doing="list", subject=f"firewall rules of project {project}", query=query,
        )  # fmt: skip
        found += page.get("items") or []
        if not page.get("nextPageToken"):
            return found
        query = {**query, "pageToken": str(page["nextPageToken"])}


def write_firewall(session: GoogleSession, step: Step, deadline: Deadline) -> None:
    """Carry out one step and wait until it is in force.

    Raises:
        ApiError: the service refused the call, or accepted it and then failed.
        MeshError: it took too long.
    """
    base = f"projects/{step.project}/global/firewalls"
    subject, doing = f"firewall rule {step.name} in project {step.project}", _WORDS[step.verb]
    operation = session.call(
        _METHODS[step.verb], COMPUTE, base if step.verb == "insert" else f"{base}/{step.name}",
        doing=doing, subject=subject, body=step.body or None, query={"requestId": str(uuid.uuid4())}, repeatable=True,
    )  # fmt: skip
    while operation.get("status") != "DONE":
        if deadline.passed:
            raise MeshError(doing, subject, f"operation {operation.get('name')} is still running", "Run again.")
        # blocks on the server's side, two minutes at most
        operation = session.call(
            "POST", COMPUTE, f"projects/{step.project}/global/operations/{operation['name']}/wait",
            doing=doing, subject=subject, repeatable=True,
        )  # fmt: skip
        if operation.get("status") != "DONE":
            deadline.pause(0.0)
    errors = (operation.get("error") or {}).get("errors") or []
    if errors or operation.get("httpErrorMessage"):
        raise _failed(operation, errors, doing, subject)


def _failed(operation: dict[str, Any], errors: list[dict[str, Any]], doing: str, subject: str) -> ApiError:
    """The error that the call itself would have been answered with, had the service known by then."""
    told = "; ".join(str(one.get("message") or one.get("code")) for one in errors) or operation["httpErrorMessage"]
    reasons = [{"reason": str(one.get("code") or "")} for one in errors]
    body = json.dumps({"error": {"message": told, "errors": reasons}}).encode()
    return ApiError(doing, subject, Reply(int(operation.get("httpErrorStatusCode") or 0), body))


def get_subnetwork(session: GoogleSession, path: str) -> dict[str, Any]:
    """A subnetwork, with its ranges."""
    return session.call("GET", COMPUTE, path, doing="read", subject=f"subnetwork {path}")
