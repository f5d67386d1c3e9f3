# SPDX-License-Identifier: GPL-3.0-or-later
"""A small Kubernetes client: get, list, server-side apply, delete, evict and exec on plain dictionaries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable
from ansible_collections.mcistio.gke.plugins.module_utils._kube.resources import KNOWN, Resource, discovered
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import BUDGET, Query, Response, Transport

Object = dict[str, Any]
# The client has a method of the name list, which hides the type of that name inside the class.
Objects = list[Object]
Words = list[str]

FIELD_MANAGER = "mcistio.gke"
APPLY = "application/apply-patch+yaml"
PAGE = "500"
NAMESPACE_OF_NAMELESS = "default"

STDOUT, STDERR, STATUS = 1, 2, 3


@dataclass(frozen=True)
class ExecResult:
    """What a command in a container gave back."""

    stdout: str
    stderr: str
    code: int


class KubeClient:
    """One API server. ``name`` is the cluster's name as the mesh knows it, used in every message.

    Attributes:
        endpoint: the way in; its ``server`` is literally what was found (remote secrets carry it).
        gke: the cluster as the Container API described it; empty for a cluster found through a kubeconfig.
    """

    def __init__(self, transport: Transport, endpoint: Endpoint, gke: Object | None = None) -> None:
        self.name = endpoint.name
        self.server = endpoint.server
        self.endpoint = endpoint
        self.gke: Object = gke or {}
        self._transport = transport
        self._resources: dict[tuple[str, str], Resource] = dict(KNOWN)
        self._looked_up: set[str] = set()

    # Addressing

    def resource(self, api_version: str, kind: str) -> Resource | None:
        """How to address a kind, or None when this cluster does not serve it (now)."""
        key = (api_version, kind)
        if key not in self._resources and api_version not in self._looked_up:
            root = "/apis/" if "/" in api_version else "/api/"
            listing = self._read(f"{root}{api_version}", {}, f"the kinds of {api_version}")
            if listing is not None:
                self._looked_up.add(api_version)
                self._resources.update(discovered(api_version, listing))
        return self._resources.get(key)

    def forget_kinds(self) -> None:
        """Look kinds up again: a CustomResourceDefinition was just created."""
        self._looked_up.clear()

    def _needed(self, api_version: str, kind: str) -> Resource:
        found = self.resource(api_version, kind)
        if found is None:
            raise MeshError(
                "find",
                f"kind {kind} of {api_version}",
                f"cluster {self.name} does not serve it",
                "Install its CustomResourceDefinition first, or correct apiVersion and kind.",
            )
        return found

    def path(self, obj: Object) -> str:
        """The API path of an object; MeshError when the cluster does not serve its kind."""
        metadata = obj["metadata"]
        resource = self._needed(obj["apiVersion"], obj["kind"])
        return resource.path(metadata.get("namespace") or NAMESPACE_OF_NAMELESS, metadata["name"])

    # Verbs

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
        """An object, or None when it is not there."""
        path = self._needed(api_version, kind).path(namespace, name)
        return self._read(path, {}, f"{kind} {_where(namespace, name)}")

    def list(self, api_version: str, kind: str, namespace: str = "", labels: str = "", fields: str = "") -> Objects:
        """Every object that matches the label and field selectors; all namespaces when none is given."""
        query: dict[str, str | list[str]] = {"limit": PAGE}
        if labels:
            query["labelSelector"] = labels
        if fields:
            query["fieldSelector"] = fields
        path = self._needed(api_version, kind).path(namespace)
        items: Objects = []
        while True:
            page = self._read(path, query, f"the list of {kind} objects")
            if page is None:
                return items
            items += [{"apiVersion": api_version, "kind": kind, **item} for item in page.get("items") or []]
            onward = page.get("metadata", {}).get("continue")
            if not onward:
                return items
            query["continue"] = onward

    def apply(self, obj: Object, *, dry_run: bool = False, force: bool = True, manager: str = FIELD_MANAGER) -> Object:
        """Server-side apply, by default as field manager ``mcistio.gke``; the object as it then is, or would be."""
        query = {"fieldManager": manager, "force": "true" if force else "false", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        response = self._transport.request("PATCH", self.path(obj), query, obj, APPLY)
        return self._parsed(response, "apply", describe(obj))

    def delete(self, obj: Object, *, propagation: str = "Background") -> bool:
        """Delete an object; False when it was gone already."""
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        response = self._transport.request("DELETE", self.path(obj), {}, options, "application/json")
        if response.status == 404:
            return False
        self._parsed(response, "delete", describe(obj))
        return True

    def may(self, verb: str, resource: str, subresource: str = "") -> bool:
        """Whether this account may do something to all objects of a core resource, say ``create pods/eviction``."""
        asked = {"verb": verb, "resource": resource, "subresource": subresource}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in asked.items() if value}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        response = self._transport.request("POST", path, {}, review, "application/json")
        answer = self._parsed(response, "ask for the rights on", resource)
        return bool((answer.get("status") or {}).get("allowed"))

    def evict(self, pod: Object) -> str:
        """Ask for a pod's end in the way that keeps to PodDisruptionBudgets; that pod's, and no namesake's.

        Returns:
            Why it cannot be now; empty when it goes, or is gone.
        """
        metadata = pod["metadata"]
        eviction = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
            "deleteOptions": {"preconditions": {"uid": metadata["uid"]}},
        }
        response = self._transport.request("POST", f"{self.path(pod)}/eviction", {}, eviction, "application/json")
        try:
            self._parsed(response, "evict", describe(pod))
        except ApiError as error:
            if error.status in (404, 409) or "NamespaceTerminating" in error.causes:
                return ""
            if error.status == 429 or error.status >= 500:
                return error.causes.get(BUDGET) or error.answer
            raise
        return ""

    def exec(self, namespace: str, pod: str, container: str, command: Words, seconds: float = 60.0) -> ExecResult:
        """Run a command in a container and wait for its end; a code other than 0 is not an error here."""
        query: Query = {"command": command, "container": container, "stdout": "true", "stderr": "true"}
        frames = self._transport.stream(f"/api/v1/namespaces/{namespace}/pods/{pod}/exec", query, seconds)
        text = {channel: b"".join(data for at, data in frames if at == channel) for channel in (STDOUT, STDERR, STATUS)}
        stdout, stderr = (text[channel].decode("utf-8", "replace") for channel in (STDOUT, STDERR))
        return ExecResult(stdout, stderr, _exit_code(text[STATUS]))

    def ready(self) -> bool:
        """Whether the API server says it is ready to serve; not being reachable yet counts as no."""
        try:
            return self._transport.request("GET", "/readyz", {}).status == 200
        except Unreachable:
            return False

    def wait_ready(self, seconds: float, clock: Clock = SYSTEM) -> None:
        """Wait for ``/readyz``, for example after a cluster was created.

        Raises:
            Unreachable: the time is over, or the server is there but not to be trusted.
        """
        deadline = Deadline(seconds, clock)
        while True:
            try:
                status = self._transport.request("GET", "/readyz", {}).status
                if status < 500 and status != 429:
                    return  # also when it refuses the question: then it is up, and the next call says what is wrong
                answer = f"HTTP {status}"
            except Unreachable as error:
                if error.lasting:
                    raise
                answer = error.answer
            if deadline.passed:
                raise Unreachable(self.name, self.server, f"/readyz was not ok within {seconds:g} s ({answer})")
            deadline.pause()

    # Answers

    def _read(self, path: str, query: Query, subject: str) -> Object | None:
        response = self._transport.request("GET", path, query)
        if response.status == 404:
            return None
        return self._parsed(response, "read", subject)

    def _parsed(self, response: Response, doing: str, subject: str) -> Object:
        if response.status >= 300:
            raise ApiError(doing, f"{subject} in cluster {self.name}", response.status, response.body)
        parsed = json.loads(response.body)
        if not isinstance(parsed, dict):
            raise MeshError(doing, f"{subject} in cluster {self.name}", "the answer is not a Kubernetes object")
        return parsed


def describe(obj: Mapping[str, Any]) -> str:
    """``Kind namespace/name``."""
    metadata = obj["metadata"]
    return f"{obj['kind']} {_where(metadata.get('namespace', ''), metadata['name'])}"


def _where(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name


def _exit_code(status: bytes) -> int:
    """The exit code in the last frame of an exec, a Status whose cause names it; 1 when it could not start at all."""
    parsed = json.loads(status or b'{"status": "Failure"}')
    if parsed.get("status") == "Success":
        return 0
    causes = parsed.get("details", {}).get("causes") or []
    codes = [cause["message"] for cause in causes if cause.get("reason") == "ExitCode"]
    return int(codes[0]) if codes else 1
