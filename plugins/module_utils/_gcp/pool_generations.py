# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pools of a cluster stand for a wished-for one, and how a new one in its place is called and made. Pure.

Names of pools are unique in a cluster, so a pool that takes another's place has another name. A resource label says
whose place it has; the name follows from the wish, so that a run which died finds again what it made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import canonical
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, Json, merged, pool_body
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import (
    GENERATION_LABEL,
    counts_matter,
    fixed_part,
    immutable,
    own_labels,
)

LONGEST_NAME = 40
_DIGITS = 6


@dataclass(frozen=True)
class Generations:
    """The pools that stand for one wished-for pool.

    Attributes:
        current: the one that is compared with the wish; None when each of them differs in what no call changes.
        old: the others, that of the wished-for name first.
    """

    current: Json | None = None
    old: tuple[Json, ...] = ()


def standing(cluster: Json) -> dict[str, Json]:
    """A cluster's pools by name, without those that are being deleted."""
    pools = cluster.get("nodePools") or ()
    return {str(pool["name"]): dict(pool) for pool in pools if pool.get("status") != "STOPPING"}


def owner(wish: Desired, have: Json) -> str:
    """Name of the wished-for pool for which a pool stands; empty when it is none of them."""
    name = str(have["name"])
    mark = str(((have.get("config") or {}).get("resourceLabels") or {}).get(GENERATION_LABEL, ""))
    return name if name in wish.pools else mark if mark in wish.pools else ""


def generations(wish: Desired, name: str, pools: Mapping[str, Json]) -> Generations:
    """The pools that stand for the wished-for one, of those of ``standing``."""
    newest = successor_name(wish.pools[name])
    mine = [pool for pool in pools.values() if owner(wish, pool) == name]
    mine.sort(key=lambda pool: (pool["name"] != name, pool["name"] != newest, pool["name"]))
    current = next((pool for pool in mine if not immutable(wish.pools[name], pool)), None)
    return Generations(current, tuple(pool for pool in mine if pool is not current))


def successor_name(pool: Json) -> str:
    """Name of the pool that takes the place of those which differ from this wish: the same for the same wish."""
    name = str(pool["name"])
    parts = sorted((one.path, canonical(one.after)) for one in fixed_part(pool))
    digits = hashlib.sha256(repr((name, parts)).encode()).hexdigest()[:_DIGITS]
    return f"{name[: LONGEST_NAME - _DIGITS - 1].rstrip('-')}-{digits}"


def successor(pool: Json, old: Json, cluster: Json, node_tags: tuple[str, ...], nodes: int) -> Json:
    """The NodePool of the call that creates it: the whole wish; what that leaves open is as it was.

    Args:
        pool: the wish.
        old: the pool whose place it takes.
        cluster: whose pools they are.
        node_tags: tags of all nodes.
        nodes: how many nodes the old one has now, in all zones.
    """
    body = pool_body(_kept(pool, old, cluster) | {"name": successor_name(pool)}, node_tags)
    if not counts_matter(pool, old):
        zones = len(body.get("locations") or cluster.get("locations") or [""])
        body["initialNodeCount"] = _start(body, nodes, zones)
    labels = (body.get("config") or {}).get("resourceLabels") or {}
    body["config"] = {**(body.get("config") or {}), "resourceLabels": {**labels, GENERATION_LABEL: str(pool["name"])}}
    return body


_SETTINGS = ("machineType", "diskType", "diskSizeGb", "imageType", "oauthScopes", "serviceAccount", "spot", "taints")


def _kept(pool: Json, old: Json, cluster: Json) -> Json:
    """The wish, filled up from the old pool with those settings for which there are options."""
    have, wanted = old.get("config") or {}, pool.get("config") or {}
    config = {key: have[key] for key in _SETTINGS if key in have}
    if "bootDisk" in wanted:  # says the same in other words
        config = {key: value for key, value in config.items() if not key.startswith("disk")}
    config["labels"] = wanted.get("labels", own_labels(have, reserved=False))
    config["tags"] = sorted({*(have.get("tags") or ()), *(wanted.get("tags") or ())})
    config |= {key: value for key, value in wanted.items() if key != "tags"}
    scaling = {key: value for key, value in (old.get("autoscaling") or {}).items() if key != "autoprovisioned"}
    management = {key: value for key, value in (old.get("management") or {}).items() if key.startswith("auto")}
    limit = {key: value for key, value in (old.get("maxPodsConstraint") or {}).items() if key == "maxPodsPerNode"}
    kept: Json = {
        "autoscaling": scaling,
        "management": management,
        "upgradeSettings": old.get("upgradeSettings") or {},
        "maxPodsConstraint": limit,
        "locations": old.get("locations") or [],
        "networkConfig": _kept_network(old.get("networkConfig") or {}, cluster),
    }
    filled = merged({key: value for key, value in kept.items() if value}, pool)
    return filled | {"config": {key: value for key, value in config.items() if value not in ({}, [])}}


def _kept_network(have: Json, cluster: Json) -> Json:
    """Whether nodes are private, and a pod range of people's own: those that GKE made for the pool go with it."""
    usual = (cluster.get("ipAllocationPolicy") or {}).get("clusterSecondaryRangeName")
    name = str(have.get("podRange") or "")
    given = {"podRange": name} if name and name != usual and not name.startswith("gke-") else {}
    return given | ({"enablePrivateNodes": True} if have.get("enablePrivateNodes") else {})


def _start(body: Json, nodes: int, zones: int) -> int:
    """Nodes a zone for as many in all as there are now, within the bounds of the autoscaling."""
    each, scaling = -(-nodes // zones), body.get("autoscaling") or {}
    if not scaling.get("enabled"):
        return each
    least = max(int(scaling.get("minNodeCount") or 0), -(-int(scaling.get("totalMinNodeCount") or 0) // zones))
    most = [int(scaling["maxNodeCount"])] if scaling.get("maxNodeCount") else []
    most += [int(scaling["totalMaxNodeCount"]) // zones] if scaling.get("totalMaxNodeCount") else []
    return max(least, min([each, *most]))
