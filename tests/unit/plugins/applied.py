# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Container API does with a change: the cluster afterwards. Used to see that a plan leaves nothing to plan."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Change

Json = dict[str, Any]

_FIELDS = {
    "desiredMasterVersion": ("currentMasterVersion",),
    "desiredClusterAutoscaling": ("autoscaling",),
    "desiredStackType": ("ipAllocationPolicy", "stackType"),
    "desiredDefaultEnablePrivateNodes": ("networkConfig", "defaultEnablePrivateNodes"),
    "desiredIntraNodeVisibilityConfig": ("networkConfig", "enableIntraNodeVisibility"),
    "desiredGatewayApiConfig": ("networkConfig", "gatewayApiConfig"),
    "desiredDatapathProvider": ("networkConfig", "datapathProvider"),
    "desiredNodePoolAutoConfigNetworkTags": ("nodePoolAutoConfig", "networkTags"),
}


def applied(cluster: Json, sizes: dict[str, int], change: Change) -> tuple[Json, dict[str, int]]:
    """The cluster and its pools' sizes after one change; an update of more than one field is refused, as by Google."""
    after, counts = copy.deepcopy(cluster), dict(sizes)
    if change.path == ":setResourceLabels":
        after["resourceLabels"] = change.body["resourceLabels"]
    elif change.path == ":setMaintenancePolicy":
        after["maintenancePolicy"] = change.body["maintenancePolicy"]
    elif change.path.startswith("/nodePools"):
        _pools(after, counts, change)
    else:
        _update(after, change.body["update"])
    return after, counts


def _update(cluster: Json, update: Json) -> None:
    fields = [name for name in update if name != "etag"]
    ranges = {"additionalPodRangesConfig", "removedAdditionalPodRangesConfig"}
    assert len(fields) == 1 or set(fields) == ranges, f"one field an update, not {fields}"
    if set(fields) <= ranges:
        config = cluster.setdefault("ipAllocationPolicy", {}).setdefault("additionalPodRangesConfig", {})
        names = set(config.get("podRangeNames") or ())
        names |= set((update.get("additionalPodRangesConfig") or {}).get("podRangeNames") or ())
        names -= set((update.get("removedAdditionalPodRangesConfig") or {}).get("podRangeNames") or ())
        config["podRangeNames"] = sorted(names)
        return
    name = fields[0]
    path = _FIELDS.get(name) or (name.removeprefix("desired")[0].lower() + name.removeprefix("desired")[1:],)
    value = update[name]
    if name == "desiredIntraNodeVisibilityConfig":
        value = value["enabled"]
    if name == "desiredLocations":
        present, target = set(cluster.get("locations") or ()), set(value)
        assert present <= target or target <= present, "zones cannot be added and removed in one call"
    _set(cluster, path, value)


def _set(target: Json, path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        target = target.setdefault(key, {})
    old = target.get(path[-1])
    target[path[-1]] = {**old, **value} if isinstance(old, Mapping) and isinstance(value, Mapping) else value


def _pools(cluster: Json, counts: dict[str, int], change: Change) -> None:
    pools = {pool["name"]: pool for pool in cluster.get("nodePools") or ()}
    name, _, verb = change.path.removeprefix("/nodePools").removeprefix("/").partition(":")
    if not name:
        created = copy.deepcopy(change.body["nodePool"])
        counts[created["name"]] = created["initialNodeCount"]
        pools[created["name"]] = created
    elif change.method == "DELETE":
        del pools[name]
    elif verb == "setSize":
        counts[name] = change.body["nodeCount"]
    elif verb in ("setAutoscaling", "setManagement"):
        pools[name].update(change.body)
    else:
        _pool(pools[name], change.body)
    cluster["nodePools"] = list(pools.values())


def _pool(pool: Json, body: Json) -> None:
    config = pool.setdefault("config", {})
    for key, value in body.items():
        if key in ("tags", "taints"):
            config[key] = value[key]
        elif key in ("labels", "resourceLabels"):
            config[key] = value["labels"]
        elif key == "nodeVersion":
            pool["version"] = value
        elif key == "nodeNetworkConfig":
            pool.setdefault("networkConfig", {}).update(value)
        elif key in ("locations", "upgradeSettings"):
            pool[key] = value
        else:
            config[key] = value
