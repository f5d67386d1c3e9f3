# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check is, what it looks at, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock
from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import VIEWS, Istiod, Replica
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient

Fetch = Callable[[str], tuple[int, str]]
"""URL → status and text; status 0 with the reason as text when no answer came."""


@dataclass(frozen=True)
class Result:
    """What one check found about one cluster (or about none in particular)."""

    cluster: str
    ok: bool
    detail: str
    hint: str = ""
    skipped: bool = False


@dataclass
class Context:
    """The mesh as it is expected, and the means to look at it. Views are read once a round."""

    primary_name: str
    clusters: dict[str, KubeClient]
    """Every cluster that answers, the primary included."""
    missing: dict[str, str]
    """Clusters that do not, and why."""
    namespace: str
    """Istio's."""
    revision: str
    app_namespace: str
    workloads: dict[str, list[str]]
    """Deployment → names of the clusters it is placed in."""
    gateway: tuple[str, str]
    """Namespace and name of the ingress gateway's Service."""
    url: str
    """Base address of the ingress gateway; empty means the Service's own."""
    fetch: Fetch
    check_mode: bool = False
    clock: Clock = SYSTEM
    blocked: list[tuple[str, str]] = field(default_factory=list)
    """Pairs (from, to) of clusters whose pods get no answer, for later checks to name as a cause."""
    answered: dict[str, list[str]] = field(default_factory=dict)
    """Workload → clusters that were seen to answer, for the summary."""
    page: str = ""
    _replicas: list[Replica] | None = None
    _pods: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    @property
    def expected(self) -> list[str]:
        """Names of all clusters that the mesh should have, the primary first."""
        others = sorted({*self.clusters, *self.missing} - {self.primary_name})
        return [self.primary_name, *others]

    @property
    def primary(self) -> KubeClient:
        """The client of the primary."""
        return self.clusters[self.primary_name]

    @property
    def istiod(self) -> Istiod:
        """Every istiod of the primary."""
        return Istiod(self.primary, self.namespace, self.revision)

    @property
    def remotes(self) -> dict[str, KubeClient]:
        """The clients of the remotes that answer."""
        return {name: client for name, client in self.clusters.items() if name != self.primary_name}

    def replicas(self) -> list[Replica]:
        """Every istiod with all its views."""
        if self._replicas is None:
            self._replicas = self.istiod.replicas(list(VIEWS))
        return self._replicas

    def pods(self, cluster: str) -> list[dict[str, Any]]:
        """Running pods of the application in a cluster."""
        if cluster not in self._pods:
            found = self.clusters[cluster].list("v1", "Pod", self.app_namespace, fields="status.phase=Running")
            self._pods[cluster] = [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]
        return self._pods[cluster]

    def look_again(self) -> None:
        """Forget what was read, before another round."""
        self._replicas = None
        self._pods.clear()


@dataclass(frozen=True)
class Check:
    """One step of the ladder: the next one makes little sense where this one fails."""

    layer: str
    name: str
    run: Callable[[Context], list[Result]]


def per_cluster(clusters: list[str], troubles: dict[str, list[str]], good: str, hint: str) -> list[Result]:
    """One result a cluster: what troubles it, or what is good about it."""
    return [
        Result(name, False, "; ".join(troubles[name]), hint) if troubles.get(name) else Result(name, True, good)
        for name in clusters
    ]


def workload_of_pod(pod: dict[str, Any]) -> str:
    """Name of the Deployment behind a pod: its ReplicaSet's name without the hash."""
    owners = pod["metadata"].get("ownerReferences") or []
    names = [owner["name"] for owner in owners if owner.get("kind") == "ReplicaSet"]
    return str(names[0]).rsplit("-", 1)[0] if names else ""


def has_sidecar(pod: dict[str, Any]) -> bool:
    """Whether a pod runs Istio's proxy, as a container of its own or as a native sidecar."""
    spec = pod.get("spec") or {}
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    return any(container["name"] == "istio-proxy" for container in containers)
