# SPDX-License-Identifier: GPL-3.0-or-later
"""An API server small enough for unit tests: objects by path, server-side apply, evictions, a log of every call."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Query, Response

Object = dict[str, Any]
Exec = Callable[[str, list[str]], tuple[str, int]]
"""Pod and command → standard output and exit code."""


class FakeTime:
    """A clock that moves only when someone sleeps; ``at`` runs something when a moment has come."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._plans: list[tuple[float, Callable[[], object]]] = []
        self.clock = Clock(now=lambda: self.seconds, sleep=self._sleep, wall=lambda: 1_000_000.0 + self.seconds)

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen in the world at a moment."""
        self._plans.append((seconds, act))

    def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        due = [plan for plan in self._plans if plan[0] <= self.seconds]
        self._plans = [plan for plan in self._plans if plan not in due]
        for _moment, act in due:
            act()


class FakeApi:
    """The transport of one cluster.

    Attributes:
        calls: every call as ``METHOD path``, ``?dry`` added for a dry run; probes and lists included.
        objects: what is stored, by path; change it to play the world.
        refusals: (method, path) → answer to give in place of doing it.
        forbidden: what the account may not do, as ``verb resource``.
        on_evict: what an eviction of the pod of a path is answered; None lets the pod go at once.
    """

    def __init__(self, name: str = "east") -> None:
        self.calls: list[str] = []
        self.objects: dict[str, Object] = {}
        self.groups: dict[str, list[Object]] = {}
        self.refusals: dict[tuple[str, str], Response] = {}
        self.exec: Exec | None = None
        self.on_create: Callable[[str, Object], None] = lambda path, obj: None
        self.forbidden: set[str] = set()
        self.on_evict: Callable[[str, Object], Response | None] = lambda path, pod: None
        self.up = True
        self.client = KubeClient(self, Endpoint(name, f"https://{name}.example"))

    # what a test puts in and takes out

    def put(self, path: str, **obj: Any) -> Object:
        """Store an object as if it had always been there."""
        name = path.rsplit("/", 1)[1]
        parts = path.split("/")
        place = (
            {"namespace": parts[parts.index("namespaces") + 1]}
            if path.count("/namespaces/") and parts[-2] != "namespaces"
            else {}
        )
        metadata = {"name": name, **place, **obj.pop("metadata", {})}
        self.objects[path] = {"metadata": metadata, **obj}
        return self.objects[path]

    @property
    def writes(self) -> list[str]:
        """Calls that changed something."""
        harmless = ("?dry", "/selfsubjectaccessreviews")
        return [call for call in self.calls if not call.startswith(("GET", "EXEC")) and not call.endswith(harmless)]

    # the transport

    def request(
        self, method: str, path: str, query: Query, body: Mapping[str, Any] | None = None, content_type: str = ""
    ) -> Response:
        """See Transport."""
        dry = bool(query.get("dryRun"))
        self.calls.append(f"{method} {path}" + ("?dry" if dry else ""))
        if (method, path) in self.refusals:
            return self.refusals[(method, path)]
        if path == "/readyz":
            return Response(200 if self.up else 500, b"ok")
        if method == "PATCH":
            return self._apply(path, copy.deepcopy(dict(body or {})), dry, str(query["fieldManager"]))
        if method == "POST" and path.endswith("/selfsubjectaccessreviews"):
            asked = dict(body or {})["spec"]["resourceAttributes"]
            return _json(201, {"status": {"allowed": f"{asked['verb']} {asked['resource']}" not in self.forbidden}})
        if method == "POST" and path.endswith("/eviction"):
            return self._evict(path.removesuffix("/eviction"), dict(body or {}))
        if method == "DELETE":
            return _json(200, self.objects.pop(path)) if path in self.objects else _missing(path)
        if path in self.groups:
            return _json(200, {"resources": self.groups[path]})
        if path in self.objects:
            return _json(200, self.objects[path])
        return self._list(path, query)

    def _apply(self, path: str, wanted: Object, dry: bool, manager: str) -> Response:
        namespace = wanted["metadata"].get("namespace")
        if namespace and f"/api/v1/namespaces/{namespace}" not in self.objects:
            return _json(404, {"reason": "NotFound", "message": f'namespaces "{namespace}" not found'})
        new = path not in self.objects
        if new and wanted["metadata"].get("uid"):
            return _json(409, {"reason": "Conflict", "message": "uid mismatch: no existing object was found"})
        after = applied(self.objects.get(path), wanted, manager)
        if not dry:
            self.objects[path] = after
            if new:
                self.on_create(path, after)
        return _json(201 if new else 200, after)

    def _evict(self, path: str, eviction: Object) -> Response:
        pod = self.objects.get(path)
        if pod is None:
            return _missing(path)
        uid = eviction["deleteOptions"]["preconditions"]["uid"]
        if pod["metadata"]["uid"] != uid:
            return _json(409, {"reason": "Conflict", "message": f"uid {uid} is not that of {path}"})
        answer = self.on_evict(path, pod)
        if answer is None:
            del self.objects[path]
        return answer or _json(201, {"kind": "Status", "status": "Success"})

    def _list(self, path: str, query: Query) -> Response:
        resource = path.rsplit("/", 1)[1]
        found = [obj for at, obj in sorted(self.objects.items()) if _is_in(path, resource, at)]
        for pair in str(query.get("labelSelector", "")).split(","):
            found = [obj for obj in found if _has_label(obj, pair)]
        kind = str(query.get("fieldSelector", ""))
        if kind.startswith("type="):
            found = [obj for obj in found if obj.get("type") == kind.removeprefix("type=")]
        if kind.startswith("spec.nodeName="):
            found = [obj for obj in found if obj["spec"].get("nodeName") == kind.removeprefix("spec.nodeName=")]
        return _json(200, {"items": found}) if found or _is_collection(resource) else _missing(path)

    def stream(self, path: str, query: Query, seconds: float) -> list[tuple[int, bytes]]:
        """See Transport."""
        pod, command = path.split("/")[6], list(query["command"])
        self.calls.append(f"EXEC {pod} {' '.join(command)}")
        assert self.exec is not None, f"nobody expected a command in {pod}"
        output, code = self.exec(pod, command)
        failed = {"status": "Failure", "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}}
        status = failed if code else {"status": "Success"}
        half = len(output) // 2
        return [(1, output[:half].encode()), (1, output[half:].encode()), (3, json.dumps(status).encode())]


def applied(live: Object | None, wanted: Object, manager: str = "mcistio.gke") -> Object:
    """Server-side apply: what the manager owned and wants no more goes, what it wants comes, the rest stays."""
    after = copy.deepcopy(live) if live else {}
    entries = after.get("metadata", {}).pop("managedFields", [])
    for entry in entries:
        if entry["manager"] == manager:
            _drop(after, entry["fieldsV1"])
    _merge(after, wanted)
    fields = _fields({key: value for key, value in wanted.items() if key not in ("apiVersion", "kind")})
    fields["f:metadata"] = {
        step: sub for step, sub in fields.get("f:metadata", {}).items() if step not in ("f:name", "f:namespace")
    }
    entry = {"manager": manager, "operation": "Apply", "apiVersion": wanted["apiVersion"], "fieldsV1": fields}
    after["metadata"]["managedFields"] = [*(one for one in entries if one["manager"] != manager), entry]
    return after


def _fields(value: Any) -> Object:
    return {f"f:{key}": _fields(item) if isinstance(item, dict) else {} for key, item in value.items()}


def _drop(obj: Object, fields: Object) -> None:
    for step, below in fields.items():
        key = step.removeprefix("f:")
        if not below:
            obj.pop(key, None)
        elif isinstance(obj.get(key), dict):
            _drop(obj[key], below)
            if not obj[key]:
                del obj[key]


def _merge(target: Object, source: Object) -> None:
    for key, value in source.items():
        if isinstance(value, dict):
            _merge(target.setdefault(key, {}), value)
        else:
            target[key] = value


def _is_in(path: str, resource: str, at: str) -> bool:
    """Whether the object at a path is in the collection, of one namespace or of all."""
    parts = at.split("/")
    return parts[-2] == resource and (
        at.startswith(f"{path}/") or ("/namespaces/" not in path and "/namespaces/" in at)
    )


def _is_collection(resource: str) -> bool:
    return resource in (
        "nodes",
        "secrets",
        "pods",
        "services",
        "endpointslices",
        "configmaps",
        "customresourcedefinitions",
    )


def _has_label(obj: Object, pair: str) -> bool:
    labels = obj["metadata"].get("labels") or {}
    if "!=" in pair:
        key, value = pair.split("!=")
        return bool(labels.get(key) != value)
    key, _equals, value = pair.partition("=")
    return not pair or labels.get(key) == value


def _json(status: int, obj: Object) -> Response:
    return Response(status, json.dumps(obj).encode())


def _missing(path: str) -> Response:
    return _json(404, {"reason": "NotFound", "message": f"{path} not found"})
