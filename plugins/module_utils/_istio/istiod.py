# SPDX-License-Identifier: GPL-3.0-or-later
"""istiod's own view of the mesh, asked of every replica by ``pilot-discovery request`` in its container.

The debug endpoints answer without a log-in on the loopback of the pod only, and the image has no shell.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient

Object = dict[str, Any]

CONTAINER = "discovery"
SYNCED = "synced"
HEALTHY = 1
"""HealthStatus of an endpoint that may get requests (1 healthy, 2 not, 3 draining, 4 terminating)."""


@dataclass(frozen=True)
class Cluster:
    """A cluster as one replica has it (``/debug/clusterz``)."""

    name: str
    secret: str
    """``namespace/name`` of the remote secret; empty for the replica's own cluster."""
    status: str
    """synced, syncing, timeout or closed. It never falls back from synced, even when the credential dies."""


@dataclass(frozen=True)
class Proxy:
    """A connected proxy (``/debug/syncz``)."""

    name: str
    """``pod.namespace``"""
    cluster: str
    version: str
    stale: tuple[str, ...]
    """Resource types sent and not acknowledged."""
    errors: tuple[str, ...]
    """What the proxy refused, in its words."""


@dataclass(frozen=True)
class EndpointAddress:
    """One endpoint of a Service (``/debug/endpointShardz``)."""

    cluster: str
    address: str
    port: int
    workload: str
    healthy: bool


@dataclass
class Replica:
    """One istiod and what it said; a view that was not asked for is empty."""

    pod: str
    clusters: list[Cluster] = field(default_factory=list)
    proxies: list[Proxy] = field(default_factory=list)
    endpoints: dict[str, list[EndpointAddress]] = field(default_factory=dict)
    """Host name of the Service → its endpoints."""


VIEWS = {"clusters": "clusterz", "proxies": "syncz", "endpoints": "endpointShardz"}


class Istiod:
    """Every istiod replica of a cluster.

    Args:
        client: the primary cluster.
        namespace: where istiod runs.
        revision: its revision; empty for the default one, which may be any.
    """

    def __init__(self, client: KubeClient, namespace: str, revision: str = "") -> None:
        self._client, self._namespace, self._revision = client, namespace, revision

    def pods(self) -> list[str]:
        """Names of the running replicas; MeshError when there is none."""
        labels = "app=istiod" + (f",istio.io/rev={self._revision}" if self._revision else "")
        found = self._client.list("v1", "Pod", self._namespace, labels=labels, fields="status.phase=Running")
        names = sorted(pod["metadata"]["name"] for pod in found if not pod["metadata"].get("deletionTimestamp"))
        if not names:
            raise MeshError(
                "find",
                f"istiod in namespace {self._namespace} of cluster {self._client.name}",
                "no replica is running",
                "Install the control plane first, or see why its pod does not start.",
            )
        return names

    def ask(self, pod: str, path: str) -> Any:
        """The answer of one replica to ``GET /debug/<path>``."""
        result = self._client.exec(
            self._namespace, pod, CONTAINER, ["pilot-discovery", "request", "GET", f"/debug/{path}"]
        )
        try:
            if result.code == 0:
                return json.loads(result.stdout)
            answer = result.stderr.strip() or f"it ended with {result.code}"
        except ValueError:
            answer = "the answer is not JSON"
        raise MeshError("ask", f"istiod {pod} in cluster {self._client.name} for {path}", answer)

    def replicas(self, views: list[str]) -> list[Replica]:
        """The views (keys of VIEWS) of every replica."""
        return [self._replica(pod, views) for pod in self.pods()]

    def _replica(self, pod: str, views: list[str]) -> Replica:
        replica = Replica(pod)
        if "clusters" in views:
            replica.clusters = clusters(self.ask(pod, VIEWS["clusters"]))
        if "proxies" in views:
            replica.proxies = proxies(self.ask(pod, VIEWS["proxies"]))
        if "endpoints" in views:
            replica.endpoints = endpoints(self.ask(pod, VIEWS["endpoints"]))
        return replica


def clusters(answer: Any) -> list[Cluster]:
    """Parse ``/debug/clusterz``."""
    return [Cluster(entry["id"], entry.get("secretName") or "", entry["syncStatus"]) for entry in answer or []]


def proxies(answer: Any) -> list[Proxy]:
    """Parse ``/debug/syncz``."""
    return [_proxy(entry) for entry in answer or []]


def _proxy(entry: Object) -> Proxy:
    resources: dict[str, Object] = entry.get("resources") or {}
    # a type that was never sent has nothing to acknowledge
    stale = [name for name, seen in resources.items() if seen.get("sent") and seen.get("sent") != seen.get("acked")]
    errors = [str(seen["lastError"]) for seen in resources.values() if seen.get("lastError")]
    return Proxy(
        name=entry["proxy"],
        cluster=entry.get("cluster_id") or "",
        version=entry.get("istio_version") or "",
        stale=tuple(sorted(name.rsplit(".", 1)[-1] for name in stale)),
        errors=tuple(errors),
    )


def endpoints(answer: Any) -> dict[str, list[EndpointAddress]]:
    """Parse ``/debug/endpointShardz``; a shard's key is ``<provider>/<cluster>``."""
    found: dict[str, list[EndpointAddress]] = {}
    for host, by_namespace in (answer or {}).items():
        for shards in by_namespace.values():
            for key, entries in (shards.get("Shards") or {}).items():
                cluster = key.split("/", 1)[-1]
                found.setdefault(host, []).extend(_endpoint(cluster, entry) for entry in entries or [])
    return found


def _endpoint(cluster: str, entry: Object) -> EndpointAddress:
    return EndpointAddress(
        cluster=cluster,
        address=(entry.get("Addresses") or [""])[0],
        port=int(entry.get("EndpointPort") or 0),
        workload=entry.get("WorkloadName") or "",
        healthy=entry.get("HealthStatus", HEALTHY) == HEALTHY,
    )


def of_service(view: dict[str, list[EndpointAddress]], service: str, namespace: str) -> list[EndpointAddress]:
    """The endpoints of a Service, whatever the cluster's DNS domain is called."""
    start = f"{service}.{namespace}.svc."
    return [endpoint for host, there in view.items() if host.startswith(start) for endpoint in there]
