# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh still lacks, said replica by replica: rules on istiod's views, without any client. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import (
    SYNCED,
    EndpointAddress,
    Replica,
    of_service,
)

_CAUSES = {
    "": "no remote secret names it, or istiod refused the kubeconfig inside (see istiod's log)",
    "syncing": "istiod is still reading it, or lacks a permission there",
    "timeout": "istiod cannot reach its API server: authorized networks, or a firewall in front of that endpoint",
    "closed": "its remote secret was removed",
}


def unsynced(replicas: Iterable[Replica], wanted: Iterable[str]) -> list[str]:
    """A line for every replica and cluster that is not synced, with the likely cause."""
    lines, names = [], list(wanted)
    for replica in replicas:
        status = {cluster.name: cluster.status for cluster in replica.clusters}
        for name in names:
            now = status.get(name, "")
            if now != SYNCED:
                lines.append(
                    f"{replica.pod} has cluster {name} {now or 'not at all'} ({_CAUSES.get(now, 'unknown status')})"
                )
    return lines


def without_endpoints(replicas: Iterable[Replica], wanted: Iterable[dict[str, Any]]) -> list[str]:
    """A line for every replica and wanted endpoint that it would not send requests to yet.

    Args:
        wanted: maps with service, namespace, cluster and, where it matters, workload.
    """
    lines, entries = [], list(wanted)
    for replica in replicas:
        for entry in entries:
            there = of_service(replica.endpoints, entry["service"], entry["namespace"])
            if not any(_fits(endpoint, entry) for endpoint in there):
                who = entry.get("workload") or entry["service"]
                lines.append(
                    f"{replica.pod} has no ready endpoint of {entry['namespace']}/{who} in cluster {entry['cluster']}"
                )
    return lines


def _fits(endpoint: EndpointAddress, entry: dict[str, Any]) -> bool:
    workload = entry.get("workload")
    return endpoint.healthy and endpoint.cluster == entry["cluster"] and workload in (None, "", endpoint.workload)
