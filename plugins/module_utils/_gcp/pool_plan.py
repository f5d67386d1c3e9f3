# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done to the node pools of an existing cluster. Pure.

The mesh's tags belong on every pool, also on pools that the options do not name: the firewall finds nodes by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp import versions
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Change, described
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import Difference, differences, picked
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, Json, merged, pool_body

RESERVED_LABELS = ("kubernetes.io/", "k8s.io/", "cloud.google.com/", "gke.io/")
"""Node labels in these domains are put there by the service."""
_UPDATABLE = frozenset({
    "workloadMetadataConfig", "linuxNodeConfig", "kubeletConfig", "gcfsConfig", "confidentialNodes", "gvnic",
    "fastSocket", "loggingConfig", "windowsNodeConfig", "accelerators", "resourceManagerTags", "containerdConfig",
    "storagePools", "bootDisk", "maxRunDuration", "flexStart",
})  # fmt: skip
"""Fields of NodeConfig that UpdateNodePool takes under the same name."""
_MACHINE = frozenset({"machineType", "diskType", "diskSizeGb"})
"""Fields that go together in one call."""


@dataclass
class PoolPlan:
    """Changes, both sides of the diff by pool name, what cannot be changed, and sentences for the user."""

    changes: list[Change] = field(default_factory=list)
    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)
    immutable: list[Difference] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def plan_pools(wish: Desired, actual: Json, sizes: Mapping[str, int]) -> PoolPlan:
    """Compare every pool; see ``plan.plan`` for the arguments."""
    result = PoolPlan()
    if wish.autopilot or (actual.get("autopilot") or {}).get("enabled"):
        return result
    present = {str(pool["name"]): pool for pool in actual.get("nodePools") or ()}
    for name, pool in wish.pools.items():
        if name in present:
            size = sizes.get(name) if counts_matter(pool, present[name]) else None
            _existing(pool, present[name], wish.node_tags, size, result)
        else:
            _missing(pool, wish.node_tags, result)
    for name in [name for name in present if name not in wish.pools]:
        _other(present[name], wish, result)
    return result


def counts_matter(pool: Json, have: Json) -> bool:
    """Whether the wish says how many nodes a pool has; an autoscaled pool decides that itself."""
    scaling = {**(have.get("autoscaling") or {}), **(pool.get("autoscaling") or {})}
    return "initialNodeCount" in pool and not scaling.get("enabled")


def _missing(pool: Json, node_tags: tuple[str, ...], result: PoolPlan) -> None:
    name, body = str(pool["name"]), pool_body(pool, node_tags)
    result.after[name] = body
    result.changes.append(Change(f"node pool {name}: create", "POST", "/nodePools", {"nodePool": body}))


def _other(have: Json, wish: Desired, result: PoolPlan) -> None:
    """A pool that the options do not name: it is left alone but for the tags, unless told to remove it."""
    name = str(have["name"])
    if wish.remove_other_node_pools:
        result.before[name] = {"name": name}
        result.changes.append(Change(f"node pool {name}: delete", "DELETE", f"/nodePools/{name}"))
    elif wish.node_tags:
        _existing({"name": name}, have, wish.node_tags, None, result)


def _existing(pool: Json, have: Json, node_tags: tuple[str, ...], size: int | None, result: PoolPlan) -> None:
    name = str(pool["name"])
    view = dict(have)
    view["initialNodeCount"] = size
    wanted = _effective(pool, have, node_tags, size, result)
    groups: dict[tuple[str, ...], list[Difference]] = {}
    for one in differences(wanted, view):
        groups.setdefault(_group(one.path), []).append(
            Difference(("nodePools", name, *one.path), one.before, one.after)
        )
    changes = [(_rank(path), _change(name, path, wanted, have, group)) for path, group in groups.items()]
    for dummy, change in sorted(changes, key=lambda pair: pair[0]):
        if isinstance(change, Change):
            result.changes.append(change)
        else:
            result.immutable += change
    result.before[name], result.after[name] = picked(wanted, view), wanted


def _effective(pool: Json, have: Json, node_tags: tuple[str, ...], size: int | None, result: PoolPlan) -> Json:
    """The wish as it applies to this pool: tags are only ever added, the service's labels stay, versions only rise."""
    wanted, config = dict(pool), dict(pool.get("config") or {})
    present = have.get("config") or {}
    tags = {*node_tags, *(config.get("tags") or ())}
    if tags:
        config["tags"] = sorted({*tags, *(present.get("tags") or ())})
    if "labels" in config:
        kept = {key: value for key, value in (present.get("labels") or {}).items() if _is_reserved(key)}
        config["labels"] = kept | config["labels"]
    if config:
        wanted["config"] = config
    if size is None:
        wanted.pop("initialNodeCount", None)
    version, current = str(wanted.get("version") or ""), str(have.get("version") or "")
    if versions.matches(version, current):
        wanted.pop("version", None)
    elif versions.is_newer(current, version):
        wanted.pop("version")
        result.notices.append(f"Node pool {pool['name']} runs {current}, newer than the version {version} asked for.")
    return wanted


def _is_reserved(label: str) -> bool:
    domain = label.split("/", 1)[0] + "/"
    return "/" in label and any(domain == reserved or domain.endswith(f".{reserved}") for reserved in RESERVED_LABELS)


def _group(path: tuple[str, ...]) -> tuple[str, ...]:
    """What one call changes."""
    if path[0] == "config" and path[1] in _MACHINE:
        return ("config", "machine")
    return path[:2] if path[0] in ("config", "networkConfig") else path[:1]


def _rank(path: tuple[str, ...]) -> int:
    order = ("autoscaling", "config", "initialNodeCount", "management", "version", "locations", "upgradeSettings")
    return order.index(path[0]) if path[0] in order else len(order)


def _change(
    name: str, path: tuple[str, ...], wanted: Json, have: Json, group: list[Difference]
) -> Change | list[Difference]:
    """The call that settles a group of differences, or the group itself when there is none."""
    own_call = {"autoscaling": "setAutoscaling", "management": "setManagement"}
    text, where = described(group), f"/nodePools/{name}"
    if path[0] in own_call:
        body = {path[0]: merged(have.get(path[0]) or {}, wanted[path[0]])}
        return Change(text, "POST", f"{where}:{own_call[path[0]]}", body, tuple(group))
    if path == ("initialNodeCount",):
        return Change(text, "POST", f"{where}:setSize", {"nodeCount": wanted["initialNodeCount"]}, tuple(group))
    update = _update_body(path, wanted, have)
    return Change(text, "PUT", where, update, tuple(group)) if update else group


def _update_body(path: tuple[str, ...], wanted: Json, have: Json) -> Json:
    """Body of an UpdateNodePool call; empty when that call cannot do it."""
    config = wanted.get("config") or {}
    wrapped: dict[tuple[str, ...], Any] = {
        ("config", "tags"): {"tags": {"tags": config.get("tags")}},
        ("config", "taints"): {"taints": {"taints": config.get("taints")}},
        ("config", "labels"): {"labels": {"labels": config.get("labels")}},
        ("config", "resourceLabels"): {"resourceLabels": {"labels": config.get("resourceLabels")}},
        ("config", "machine"): {key: config[key] for key in sorted(_MACHINE & config.keys())},
        ("config", "imageType"): {"imageType": config.get("imageType")},
        ("version",): {"nodeVersion": wanted.get("version")},
        ("locations",): {"locations": wanted.get("locations")},
        ("upgradeSettings",): {
            "upgradeSettings": merged(have.get("upgradeSettings") or {}, wanted.get("upgradeSettings") or {})
        },
        ("networkConfig", "enablePrivateNodes"): {
            "nodeNetworkConfig": {"enablePrivateNodes": (wanted.get("networkConfig") or {}).get("enablePrivateNodes")}
        },
    }
    if path[0] == "config" and path[1] in _UPDATABLE:
        return {path[1]: config[path[1]]}
    body: Json = wrapped.get(path, {})
    return body
