# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's APIs as a script: the exact calls a test expects, and their replies. One call too many or too few fails."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import ConnectionLost, Reply

Json = dict[str, Any]
PROJECT = "p"
LOCATION = "us-central1-a"
CLUSTERS = f"projects/{PROJECT}/locations/{LOCATION}/clusters"
CENTRAL = f"{CLUSTERS}/central"
OPERATIONS = f"projects/{PROJECT}/locations/{LOCATION}/operations"


@dataclass
class Call:
    """One expected request, and what comes back: a reply, or nothing (the connection breaks)."""

    method: str
    path: str
    answer: Json | Reply | None = field(default_factory=dict)
    body: Json | None = None
    """What must be sent; not looked at where it is None."""


class Script:
    """A transport that knows what will be asked."""

    def __init__(self, *calls: Call) -> None:
        self.calls = list(calls)
        self.seen: list[tuple[str, str]] = []
        self.bodies: list[Json] = []
        self.queries: list[dict[str, list[str]]] = []
        self.tokens: list[str] = []

    def __call__(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        parts = urlsplit(url)
        path = parts.path.removeprefix("/v1/").removeprefix("/compute/v1/")
        self.seen.append((method, path))
        assert self.calls, f"one call too many: {method} {path}"
        expected = self.calls.pop(0)
        assert (method, path) == (expected.method, expected.path)
        sent = json.loads(body) if body else {}
        self.bodies.append(sent)
        self.queries.append(parse_qs(parts.query))
        self.tokens.append(headers["Authorization"])
        if expected.body is not None:
            assert sent == expected.body
        if expected.answer is None:
            raise ConnectionLost("connection reset")
        return expected.answer if isinstance(expected.answer, Reply) else reply(expected.answer)

    def done(self) -> None:
        """Nothing that was expected is missing."""
        assert not self.calls, f"not called: {[(call.method, call.path) for call in self.calls]}"

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Requests that were no GET."""
        return [one for one in self.seen if one[0] != "GET"]


class FakeTime:
    """A clock on which sleeping takes no time; there is no chance in it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sleeps: list[float] = []

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.sleeps.append(seconds)
        self.now += max(seconds, 0.001)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.now, sleep=self.sleep, jitter=lambda: 0.5, wall=lambda: 1_000_000.0 + self.now)


def reply(body: Json, status: int = 200, **headers: str) -> Reply:
    """A JSON reply; underscores in header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), named)


def failure(status: int, message: str, reason: str = "", *, info: str = "", **headers: str) -> Reply:
    """An error as Google's APIs answer it."""
    error: Json = {"code": status, "message": message, "errors": [{"reason": reason, "message": message}]}
    if info:
        kind = "type.googleapis.com/google.rpc.ErrorInfo"
        error["details"] = [{"@type": kind, "reason": info, "domain": "container.googleapis.com"}]
    return reply({"error": error}, status, **headers)


def missing(what: str = "central") -> Reply:
    """The answer for a thing that does not exist."""
    return failure(404, f"Not found: {what}.", "notFound")


def session(script: Script, time: FakeTime | None = None, **params: Any) -> GoogleSession:
    """A session of a given token over a script."""
    return GoogleSession(options(**params), transport=script, clock=(time or FakeTime()).clock())


def options(**params: Any) -> Json:
    """Connection options, filled up as Ansible does."""
    return validated(auth.AUTH_SPEC, **params)


def validated(spec: Json, **params: Any) -> Json:
    """Options as a module gets them: defaults filled in, types converted; the login is a token."""
    given = {"project": PROJECT, "access_token": "secret-token", **params}
    result = ArgumentSpecValidator(spec).validate(given)
    assert not result.error_messages, result.error_messages
    return dict(result.validated_parameters)


def operation(name: str = "operation-1", status: str = "DONE", **more: Any) -> Json:
    """An operation of the Container API."""
    target = f"https://container.googleapis.com/v1/projects/42/zones/{LOCATION}/clusters/central"
    return {"name": name, "operationType": "UPDATE_CLUSTER", "status": status, "targetLink": target, **more}


def cluster(name: str = "central", **more: Any) -> Json:
    """A cluster as the API answers it, with the server defaults that a careless comparison trips over."""
    return {
        "name": name,
        "location": LOCATION,
        "status": "RUNNING",
        "network": "default",
        "subnetwork": "default",
        "endpoint": "203.0.113.7",
        "masterAuth": {"clusterCaCertificate": "Q0E="},
        "clusterIpv4Cidr": "10.4.0.0/14",
        "currentMasterVersion": "1.33.5-gke.100",
        "initialClusterVersion": "1.33.1-gke.1",
        "currentNodeCount": 4,
        "labelFingerprint": "f1",
        "locations": [LOCATION],
        "releaseChannel": {"channel": "REGULAR"},
        "resourceLabels": {"mesh": "mesh1", "goog-fleet": "x"},
        "defaultMaxPodsConstraint": {"maxPodsPerNode": "110"},
        "ipAllocationPolicy": {"useIpAliases": True, "clusterIpv4CidrBlock": "10.4.0.0/14", "stackType": "IPV4"},
        "loggingConfig": {"componentConfig": {"enableComponents": ["WORKLOADS", "SYSTEM_COMPONENTS"]}},
        "monitoringConfig": {
            "componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]},
            "managedPrometheusConfig": {"enabled": True},
        },
        "networkConfig": {
            "network": "projects/p/global/networks/default",
            "subnetwork": "projects/p/regions/us-central1/subnetworks/default",
        },
        "nodePools": [pool()],
        **more,
    }


def pool(name: str = "default-pool", **more: Any) -> Json:
    """A node pool as the API answers it."""
    return {
        "name": name,
        "status": "RUNNING",
        "initialNodeCount": 4,
        "version": "1.33.5-gke.100",
        "locations": [LOCATION],
        "management": {"autoRepair": True, "autoUpgrade": True},
        "upgradeSettings": {"maxSurge": 1, "strategy": "SURGE"},
        "networkConfig": {"podRange": "pods", "podIpv4CidrBlock": "10.4.0.0/14"},
        "instanceGroupUrls": [
            f"https://www.googleapis.com/compute/v1/projects/p/zones/{LOCATION}/instanceGroupManagers/g"
        ],
        "config": {"machineType": "e2-medium", "diskSizeGb": 100, "tags": ["mesh1-node"], "serviceAccount": "default"},
        **more,
    }
