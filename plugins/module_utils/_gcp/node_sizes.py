# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes a zone of each managed pool: from the cluster alone where that is proof enough, else from its instance groups.

A pool's ``initialNodeCount`` keeps the number it was created with, so it proves nothing after a resize.
"""

from __future__ import annotations

from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compute import group_manager_path
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_plan import counts_matter
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import COMPUTE, GoogleSession

UNEVEN = -1
"""Stands for a pool whose zones differ in size: no wished-for count is equal to it."""


def read(session: GoogleSession, wish: Desired, cluster: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Nodes a zone by pool name, for the pools whose size the options manage; and sentences for the user."""
    pools = {str(pool["name"]): pool for pool in cluster.get("nodePools") or ()}
    managed = [name for name, pool in wish.pools.items() if name in pools and counts_matter(pool, pools[name])]
    if not managed:
        return {}, []
    expected = {name: int(wish.pools[name]["initialNodeCount"]) for name in managed}
    if _adds_up(cluster, pools, expected):
        return expected, []
    try:
        return {name: _size(session, pools[name]) for name in managed}, []
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        counts = {name: int(pools[name].get("initialNodeCount", 0)) for name in managed}
        return counts, [
            f"{wish.name}: node counts are those of creation time; instance groups cannot be read ({error.message})"
        ]


def _adds_up(cluster: dict[str, Any], pools: dict[str, dict[str, Any]], expected: dict[str, int]) -> bool:
    """Whether the cluster's total is what it is if every managed pool has its wished-for size."""
    total = 0
    for name, pool in pools.items():
        if name not in expected and (pool.get("autoscaling") or {}).get("enabled"):
            return False
        zones = len(pool.get("locations") or cluster.get("locations") or [""])
        total += zones * expected.get(name, int(pool.get("initialNodeCount", 0)))
    return total == int(cluster.get("currentNodeCount", 0))


def _size(session: GoogleSession, pool: dict[str, Any]) -> int:
    """The same target size in every zone, or UNEVEN."""
    zones: dict[str, int] = {}
    for url in pool.get("instanceGroupUrls") or ():
        path = group_manager_path(str(url))
        group = session.call("GET", COMPUTE, path, doing="read", subject=f"instance group {path.rsplit('/', 1)[-1]}")
        zone = path.split("/zones/", 1)[-1].split("/", 1)[0]
        zones[zone] = zones.get(zone, 0) + int(group.get("targetSize", 0))
    sizes = set(zones.values())
    return sizes.pop() if len(sizes) == 1 else UNEVEN if sizes else 0
