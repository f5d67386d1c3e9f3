# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's error answers: read, classified, and put into words. Pure."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError, one_line
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import Reply

RETRYABLE_STATUS = frozenset({429, 500, 502, 503, 504})
_RATE_LIMITS = ("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED")
_BUSY_WORDS = (
    "running incompatible operation",
    "please wait and try again once it is done",
    "is currently being created, deleted, updated or repaired",
    "operationinprogress",
)


class ApiError(MeshError):
    """An API refused a call, or answered nothing usable.

    Attributes:
        status: HTTP status; 0 when the connection was lost.
        reasons: every ``reason`` and ``status`` word in the body.
        message: the API's own sentence, unchanged.
        unknown_outcome: whether a write may have been carried out all the same.
    """

    def __init__(self, doing: str, subject: str, reply: Reply | str, *, unknown_outcome: bool = False) -> None:
        self.unknown_outcome = unknown_outcome
        if isinstance(reply, str):
            self.status, self.message, self.reasons, self.retry_after = 0, reply, frozenset[str](), ""
        else:
            self.status, self.message = reply.status, message_of(reply)
            self.reasons, self.retry_after = reasons_of(reply), reply.headers.get("retry-after", "")
        super().__init__(doing, subject, self.message, hint_for(self.status, self.reasons, self.message))

    @property
    def not_found(self) -> bool:
        """The thing is not there. Somebody else's page of that status proves nothing."""
        return self.status == 404 and not self.message.startswith("HTTP 404")

    @property
    def rate_limited(self) -> bool:
        """Refused before anything was done, for calling too often: safe to repeat, whatever the method."""
        per_minute = "Quota exceeded for quota metric" in self.message
        return self.status == 429 or (
            self.status == 403 and (per_minute or any(r in self.reasons for r in _RATE_LIMITS))
        )

    @property
    def transient(self) -> bool:
        """Worth repeating where the call may be repeated."""
        return (
            self.status == 0
            or self.status in RETRYABLE_STATUS
            or self.rate_limited
            or "resourceNotReady" in self.reasons
        )

    @property
    def busy(self) -> bool:
        """Another operation holds the cluster; ``failedPrecondition`` alone is used for permanent faults too."""
        if "CLUSTER_ALREADY_HAS_OPERATION" in self.reasons:
            return True
        return self.status in (400, 409) and any(words in self.message.lower() for words in _BUSY_WORDS)

    @property
    def stale(self) -> bool:
        """What the call was based on (etag, fingerprint) has changed since it was read."""
        words = self.message.lower()
        if "ABORTED" in self.reasons or self.status == 412:
            return True
        return self.status in (400, 409) and ("fingerprint" in words or "etag" in words)


def message_of(reply: Reply) -> str:
    """The sentence for people in an error body, whatever its form."""
    error = reply.json().get("error")
    if isinstance(error, dict) and error.get("message"):
        return str(error["message"])
    if isinstance(error, str):
        return one_line(f"{error} {reply.json().get('error_description', '')}")
    text = one_line(
        re.sub(r"<(style|script).*?</\1>|<[^>]*>", " ", reply.body.decode("utf-8", "replace"), flags=re.S | re.I)
    )
    return f"HTTP {reply.status} {text[:200]}".rstrip()


def reasons_of(reply: Reply) -> frozenset[str]:
    """Machine-readable words of an error body: its status, legacy reasons, and the reasons in its details."""
    error = reply.json().get("error")
    if not isinstance(error, dict):
        return frozenset()
    found: list[Any] = [error.get("status")]
    for entry in [*_objects(error.get("errors")), *_objects(error.get("details"))]:
        found.append(entry.get("reason"))
    return frozenset(str(word) for word in found if word)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


_ROLES = {
    "container.clusters.get": "roles/container.viewer",
    "container.clusters.list": "roles/container.viewer",
    "container.operations.": "roles/container.viewer",
    "container.hostServiceAgent.": "roles/container.hostServiceAgentUser",
    "container.": "roles/container.admin",
    "compute.firewalls.": "roles/compute.securityAdmin",
    "compute.networks.updatePolicy": "roles/compute.securityAdmin",
    "compute.networks.use": "roles/compute.networkUser",
    "compute.subnetworks.use": "roles/compute.networkUser",
    "compute.networks.": "roles/compute.networkViewer",
    "compute.subnetworks.": "roles/compute.networkViewer",
    "compute.globalOperations.": "roles/compute.securityAdmin",
    "compute.instance": "roles/compute.viewer",
    "compute.regions.": "roles/compute.viewer",
    "compute.zones.": "roles/compute.viewer",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "gkehub.": "roles/gkehub.admin",
    "cloudkms.cryptoKeyVersions.useTo": "roles/cloudkms.cryptoKeyEncrypterDecrypter",
    "serviceusage.services.use": "roles/serviceusage.serviceUsageConsumer",
}
"""A role that has a permission, by how the permission begins; the first that fits."""
_PERMISSION = re.compile(
    r"\b((?:container|compute|iam|gkehub|cloudkms|serviceusage|resourcemanager)\.[A-Za-z]+\.[A-Za-z]+)\b"
)
_APIS = {
    "compute engine": "compute.googleapis.com",
    "gke hub": "gkehub.googleapis.com",
    "key management": "cloudkms.googleapis.com",
    "binary authorization": "binaryauthorization.googleapis.com",
    "": "container.googleapis.com",
}
"""What gcloud calls an API, by a part of the name that messages give it; any other is the one that we call most."""
_API_NAME = re.compile(r"\b([a-z][a-z0-9-]*\.googleapis\.com)\b")
_API_PROJECT = re.compile(r"in project ([a-z0-9][a-z0-9.:-]*[a-z0-9])")
_PROJECT = re.compile(r"projects/([a-z](?:[a-z0-9.:-]*[a-z0-9])?)")


def is_stockout(text: str) -> bool:
    """Whether an answer says that a zone has no machines left."""
    words = text.lower()
    return any(part in words for part in ("gce_stockout", "not have enough resources", "resource_pool_exhausted"))


def is_bad_version(text: str) -> bool:
    """Whether an answer refuses a version."""
    words = text.lower()
    return ("is unsupported" in words and "version" in words) or "no valid versions" in words


def hint_for(status: int, reasons: frozenset[str], message: str) -> str:
    """What to do next about an error answer; empty when its own message says all there is to say."""
    text = message.lower()
    if message.startswith(f"HTTP {status}") and status < 500:
        return "That is not Google's answer: is there a proxy or a log-in page between?"
    if (
        re.search(r"insufficient (\w+ )?quota", text)
        or ("quota '" in text and "exceeded" in text)
        or "gce_quota_exceeded" in text
    ):
        return "This is a quota, not a permission: ask for more, or use fewer or smaller nodes or another region."
    if "quota exceeded for quota metric" in text:
        return "Too many calls a minute: run fewer hosts at a time (forks), or ask for a higher rate."
    if is_stockout(message):
        return "The zone has no machines of this type left: try another zone or machine type."
    if "ip_space_exhausted" in text or "does not have available private ip space" in text:
        return "Give the cluster a smaller pod range, or the subnetwork a larger secondary range."
    if "are unhealthy" in text or "have registered" in text:
        return (
            "Its nodes cannot reach the control plane: the nodes' service account needs "
            "roles/container.defaultNodeServiceAccount, private nodes a way out (Cloud NAT) and open firewalls."
        )
    if "secondary range" in text and "not found" in text:
        return "Check the names of the subnetwork's secondary ranges."
    if "sourceranges'" in text:
        return "If there are too many ranges for one rule, lower max_source_ranges."
    if "or it may not exist" in text and "location" in text:
        return "Check the spelling: a region (us-central1) or a zone (us-central1-a) that is open to this project."
    if "accessNotConfigured" in reasons or "SERVICE_DISABLED" in reasons or "api is not enabled" in text:
        return _how_to_enable(message)
    if is_bad_version(message):
        return "Leave cluster_version out for the channel's default."
    return _access_hint(status, message)


def _how_to_enable(message: str) -> str:
    """The API by the name that gcloud takes, in the project that lacks it: that of a quota may be another than ours."""
    words, named, project = message.lower(), _API_NAME.search(message), _API_PROJECT.search(message)
    api = named[1] if named else next(api for part, api in _APIS.items() if part in words)
    return f"Enable the API{f' in project {project[1]}' if project else ''}: gcloud services enable {api}."


def _access_hint(status: int, message: str) -> str:
    """What to do about credentials, policies and permissions."""
    text = message.lower()
    if "org policy" in text or "constraint constraints/" in text:
        return "An organisation policy forbids this."
    if "google compute engine: required" in text:
        shared = "networks.use" in text
        role = "roles/compute.networkUser on the host project" if shared else "roles/container.serviceAgent"
        return (
            f"It is GKE's own account that lacks this: grant {role} to "
            "service-PROJECT_NUMBER@container-engine-robot.iam.gserviceaccount.com."
        )
    if status == 401:
        return "The credentials were refused twice: log in again or check access_token and the key."
    if status == 403 and (permission := _PERMISSION.search(message)):
        role = next((role for prefix, role in _ROLES.items() if permission[1].startswith(prefix)), "")
        project = _PROJECT.search(message)
        what = f"{permission[1]}{f' (it is in {role})' if role else ''}{f' on project {project[1]}' if project else ''}"
        return f"Grant {what} to the account that runs this."
    if status == 403 and "project" in text:
        return "Check the project id and that the account may use it."
    return ""
