# SPDX-License-Identifier: GPL-3.0-or-later
"""How many nodes pools have: from the cluster alone where that is proof enough, else from their instance groups.

A pool's ``initialNodeCount`` keeps the number it was created with, so it proves nothing after a resize.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.instance_groups import group_manager_path
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import counts_matter
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import generations, standing
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import COMPUTE, GoogleSession

UNEVEN = -1
"""Stands for a pool whose zones differ in size: no wished-for count is equal to it."""


@dataclass
class NodeSizes:
    """What a plan needs to know.

    Attributes:
        each: nodes a zone of the pools whose size the options manage, by the pool's own name.
        totals: nodes in all zones of what a new pool is to take the place of, where its size is not the options' to
            say; by the wished-for pool's name.
        notices: sentences for the user.
    """

    each: dict[str, int] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def read(session: GoogleSession, wish: Desired, cluster: dict[str, Any]) -> NodeSizes:
    """Read as little as will do."""
    pools = standing(cluster)
    expected: dict[str, int] = {}
    replaced: dict[str, tuple[dict[str, Any], ...]] = {}
    for name, pool in wish.pools.items():
        found = generations(wish, name, pools)
        have = found.current
        if have is not None and counts_matter(pool, have):
            expected[str(have["name"])] = int(pool["initialNodeCount"])
        elif have is None and found.old and wish.replace_node_pools and not counts_matter(pool, found.model):
            replaced[name] = found.old
    if not replaced and (not expected or _adds_up(cluster, pools, expected)):
        return NodeSizes(expected)
    wanted = [*expected, *(str(old["name"]) for olds in replaced.values() for old in olds)]
    try:
        zones, notices = {name: _zones(session, pools[name]) for name in wanted}, []
    except ApiError as error:
        if error.status not in (403, 404):
            raise
        zones = {name: _as_created(cluster, pools[name]) for name in wanted}
        notices = [
            f"{wish.name}: node counts are those of creation time; instance groups cannot be read ({error.message})"
        ]
    # What is left of an earlier replacement is not added: its pods were to move to the other one.
    totals = {name: max(sum(zones[str(old["name"])].values()) for old in olds) for name, olds in replaced.items()}
    return NodeSizes({name: _even(zones[name]) for name in expected}, totals, notices)


def _adds_up(cluster: dict[str, Any], pools: Mapping[str, dict[str, Any]], expected: dict[str, int]) -> bool:
    """Whether the cluster's total is what it is if every managed pool has its wished-for size."""
    total = 0
    for name, pool in pools.items():
        if name not in expected and (pool.get("autoscaling") or {}).get("enabled"):
            return False
        total += len(_places(cluster, pool)) * expected.get(name, int(pool.get("initialNodeCount", 0)))
    return total == int(cluster.get("currentNodeCount", 0))


def _places(cluster: dict[str, Any], pool: dict[str, Any]) -> list[str]:
    return list(pool.get("locations") or cluster.get("locations") or [""])


def _as_created(cluster: dict[str, Any], pool: dict[str, Any]) -> dict[str, int]:
    return dict.fromkeys(_places(cluster, pool), int(pool.get("initialNodeCount", 0)))


def _zones(session: GoogleSession, pool: dict[str, Any]) -> dict[str, int]:
    """Target size by zone."""
    zones: dict[str, int] = {}
    for url in pool.get("instanceGroupUrls") or ():
        path = group_manager_path(str(url))
        group = session.call("GET", COMPUTE, path, doing="read", subject=f"instance group {path.rsplit('/', 1)[-1]}")
        zone = path.split("/zones/", 1)[-1].split("/", 1)[0]
        zones[zone] = zones.get(zone, 0) + int(group.get("targetSize", 0))
    return zones


def _even(zones: Mapping[str, int]) -> int:
    """The same size in every zone, or UNEVEN."""
    sizes = set(zones.values())
    return sizes.pop() if len(sizes) == 1 else UNEVEN if sizes else 0
