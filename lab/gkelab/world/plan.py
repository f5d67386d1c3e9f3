# SPDX-License-Identifier: GPL-3.0-or-later
"""The seam between the emulated APIs and what stands behind them.

The APIs decide (names, ranges, versions, nodes) and write that down as plans; a world carries plans out. Every
method of a world is idempotent: called again after a crash, it finishes what was begun and leaves alone what stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class WorldError(Exception):
    """A world could not do what was asked; the text becomes the operation's error."""


@dataclass(frozen=True)
class NodePlan:
    """One machine of a cluster."""

    name: str
    """GCE instance name, also the Kubernetes node's name: gke-<cluster>-<pool>-<hash>-<suffix>."""
    pool: str
    zone: str
    address: str
    """Address in the node subnet; a /32 on the node's own link, as on GCE."""
    pod_cidr: str
    """A /24 of the cluster's (or the pool's own) pod range."""
    tags: tuple[str, ...] = ()
    """Network tags: GKE's own node tag first, then the user's."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Kubernetes node labels."""
    taints: tuple[Mapping[str, str], ...] = ()
    machine_type: str = "e2-medium"


@dataclass(frozen=True)
class ClusterPlan:
    """One cluster, complete: whoever holds it needs to ask nobody."""

    project: str
    location: str
    region: str
    name: str
    slot: int
    """Small number, unique among the clusters alive; namespaces and links are named after it. 0 to 127."""
    version: str
    """As Google writes it: 1.36.1-gke.1000000."""
    endpoint: str
    """Address of the API server (port 443), out of 198.18.0.0/16: 198.18.<slot>.2."""
    pod_cidr: str
    service_cidr: str
    dns_address: str
    """ClusterIP of kube-dns: the tenth of service_cidr."""
    network: str
    """Short name of the VPC network."""
    node_tag: str
    """gke-<cluster>-<8 hex>-node"""
    nodes: tuple[NodePlan, ...] = ()
    private_master_cidr: str = ""
    """Range of a private cluster's control plane, which then reaches its nodes only as firewall rules for this range
    allow. Empty for a public cluster: its control plane reaches every pod."""
    legacy_ca: bool = False
    """Make the CA as old GKE did, without key usage: Python 3.13's strict check refuses it."""

    @property
    def key(self) -> str:
        return f"{self.project}/{self.location}/{self.name}"


@dataclass(frozen=True)
class ClusterAccess:
    """What a client needs to trust a cluster that is up."""

    ca_certificate: str
    """PEM."""


@dataclass(frozen=True)
class ClusterState:
    """What a world sees of a cluster, for `gkelab status` and for healing."""

    key: str
    healthy: bool
    processes: Mapping[str, bool]
    """By role ("etcd", "kube-apiserver", "node <name>", …): alive or not."""


Progress = Callable[[str, int, int], None]
"""Called as (stage, done, of); stages are GKE's own: CLUSTER_CONFIGURING, CLUSTER_DEPLOYING, CLUSTER_HEALTHCHECKING."""


class World(Protocol):
    """What stands behind the APIs. Methods block; they are called from worker threads, several clusters at once."""

    def start(self, plans: Sequence[ClusterPlan], firewalls: Sequence[Mapping[str, Any]]) -> None:
        """Build the network and bring every given cluster (those that finished their create) back to health."""

    def create(self, plan: ClusterPlan, progress: Progress) -> ClusterAccess:
        """Boot the control plane and the nodes; return once the API server answers and every node is Ready."""

    def resize(self, plan: ClusterPlan, progress: Progress) -> None:
        """Make the nodes those of the plan: add the missing, drop the surplus, rebuild the changed."""

    def delete(self, plan: ClusterPlan) -> None:
        """Remove everything of this cluster, its load balancers too. Fine if nothing or half of it is there."""

    def set_firewalls(self, firewalls: Sequence[Mapping[str, Any]]) -> None:
        """Enforce exactly these Compute `firewall` resources (JSON as the API shows them), replacing earlier ones."""

    def states(self) -> Sequence[ClusterState]:
        """Liveness of every cluster known to this world."""

    def stop(self) -> None:
        """Take everything down: clusters, network, mounts, cgroups."""


class ApiWorld:
    """Nothing behind the APIs (`--depth api`): hundreds of clusters, no root."""

    def start(self, plans: Sequence[ClusterPlan], firewalls: Sequence[Mapping[str, Any]]) -> None:
        """Nothing to build."""

    def create(self, plan: ClusterPlan, progress: Progress) -> ClusterAccess:
        """A fixed certificate authority that no server uses."""
        for stage, of in (("CLUSTER_CONFIGURING", 8), ("CLUSTER_DEPLOYING", 12), ("CLUSTER_HEALTHCHECKING", 2)):
            progress(stage, of, of)
        return ClusterAccess(ca_certificate=_API_ONLY_CA)

    def resize(self, plan: ClusterPlan, progress: Progress) -> None:
        """No nodes to change."""

    def delete(self, plan: ClusterPlan) -> None:
        """Nothing to remove."""

    def set_firewalls(self, firewalls: Sequence[Mapping[str, Any]]) -> None:
        """No traffic to filter."""

    def states(self) -> Sequence[ClusterState]:
        return ()

    def stop(self) -> None:
        """Nothing to take down."""


_API_ONLY_CA = (
    "-----BEGIN CERTIFICATE-----\nbm8gc2VydmVyIHN0YW5kcyBiZWhpbmQgdGhpcyBjbHVzdGVy\n-----END CERTIFICATE-----\n"
)
