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
    autoscaled,
    counts_matter,
    fixed_part,
    immutable,
    own_labels,
    upgraded,
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

    @property
    def model(self) -> Json:
        """The old one after which a new one is made: a replacement that was not finished has stopped the others."""
        return next((pool for pool in self.old if (pool.get("autoscaling") or {}).get("enabled")), self.old[0])


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
    tags = (*node_tags, *((old.get("config") or {}).get("tags") or ()))
    body = pool_body(_kept(pool, old, cluster) | {"name": successor_name(pool)}, tags)
    if not counts_matter(pool, old):
        zones = len(body.get("locations") or cluster.get("locations") or [""])
        body["initialNodeCount"] = _start(body, nodes, zones)
    labels = (body.get("config") or {}).get("resourceLabels") or {}
    body["config"] = {**(body.get("config") or {}), "resourceLabels": {**labels, GENERATION_LABEL: str(pool["name"])}}
    return body


_SERVICES_OWN = frozenset(
    {"effectiveCgroupMode", "labels", "tags", "resourceLabels", "bootDisk", "diskType", "diskSizeGb"}
)
"""Fields of NodeConfig that are reported only, or not taken over as they stand."""
_KEPT = (
    "locations", "placementPolicy", "queuedProvisioning", "bestEffortProvisioning", "nodeDrainConfig",
    "maintenancePolicy",
)  # fmt: skip
_KEPT_NETWORK = (
    "enablePrivateNodes", "networkPerformanceConfig", "podCidrOverprovisionConfig", "additionalNodeNetworkConfigs",
    "additionalPodNetworkConfigs", "acceleratorNetworkProfile",
)  # fmt: skip


def _kept(pool: Json, old: Json, cluster: Json) -> Json:
    """The wish, filled up from the old pool with what people can ask for; what the service reports only stays out.

    Something that the service would not have is refused by name, and the old pool is not touched then. Something that
    is left out unseen would be found out by whoever misses their accelerators.
    """
    scaling = {key: value for key, value in (old.get("autoscaling") or {}).items() if key != "autoprovisioned"}
    scaling = autoscaled(scaling if scaling.get("enabled") else {}, pool.get("autoscaling") or {})
    management = {key: value for key, value in (old.get("management") or {}).items() if key.startswith("auto")}
    limit = {key: value for key, value in (old.get("maxPodsConstraint") or {}).items() if key == "maxPodsPerNode"}
    kept = {key: old[key] for key in _KEPT if key in old} | {
        "management": management,
        "maxPodsConstraint": limit,
        "networkConfig": _kept_network(old.get("networkConfig") or {}, cluster),
        "config": _kept_config(old.get("config") or {}, pool.get("config") or {}),
    }
    upgrades = upgraded(old.get("upgradeSettings") or {}, pool.get("upgradeSettings") or {})
    body = merged(kept, pool) | {"autoscaling": scaling, "upgradeSettings": upgrades}
    # what was merged above from two sides, where the wish is the whole
    body["config"] |= {key: value for key, value in (pool.get("config") or {}).items() if key in ("labels", "taints")}
    body["config"] = _said(body["config"])
    return _said(body)


def _kept_config(have: Json, wanted: Json) -> Json:
    config = {key: value for key, value in have.items() if key not in _SERVICES_OWN}
    config |= _kept_disk(have, wanted)
    config["labels"] = own_labels(have, reserved=False)
    config["resourceLabels"] = {
        key: value
        for key, value in (have.get("resourceLabels") or {}).items()
        if not key.startswith("goog-") and "resourceLabels" not in wanted
    }
    return config


def _kept_disk(have: Json, wanted: Json) -> Json:
    """The boot disk, which there are two ways to describe; only one of them may be used."""
    old_way: Json = {key: have[key] for key in ("diskType", "diskSizeGb") if key in have}
    new_way = have.get("bootDisk") or {}
    says_more = not new_way.keys() <= {"diskType", "sizeGb"}
    if "bootDisk" in wanted or (says_more and not wanted.keys() & old_way.keys()):
        return {"bootDisk": new_way}
    return old_way


def _kept_network(have: Json, cluster: Json) -> Json:
    """A pod range of people's own too; those that GKE made for the pool go with it."""
    usual = (cluster.get("ipAllocationPolicy") or {}).get("clusterSecondaryRangeName")
    name = str(have.get("podRange") or "")
    given = {"podRange": name} if name and name != usual and not name.startswith("gke-") else {}
    return given | {key: have[key] for key in _KEPT_NETWORK if key in have}


def _said(tree: Json) -> Json:
    """Without what is empty."""
    return {key: value for key, value in tree.items() if value not in ({}, [])}


def _start(body: Json, nodes: int, zones: int) -> int:
    """Nodes a zone for as many in all as there are now, within the bounds of the autoscaling."""
    each, scaling = -(-nodes // zones), body.get("autoscaling") or {}
    if not scaling.get("enabled"):
        return each
    least = max(int(scaling.get("minNodeCount") or 0), -(-int(scaling.get("totalMinNodeCount") or 0) // zones))
    most = [int(scaling["maxNodeCount"])] if scaling.get("maxNodeCount") else []
    most += [int(scaling["totalMaxNodeCount"]) // zones] if scaling.get("totalMaxNodeCount") else []
    return max(least, min([each, *most]))
