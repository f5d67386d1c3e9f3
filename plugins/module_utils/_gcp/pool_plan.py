# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done to the node pools of an existing cluster. Pure.

The mesh's tags belong on every pool, also on pools that the options do not name: the firewall finds nodes by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Change, Retirement, described
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import Difference, differences, picked
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, Json, pool_body
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import (
    call,
    counts_matter,
    effective,
    grouped,
    immutable,
    is_fixed,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import (
    Generations,
    generations,
    owner,
    standing,
    successor,
    successor_name,
)

_BROKEN = frozenset({"ERROR", "RUNNING_WITH_ERROR"})


@dataclass
class PoolPlan:
    """Changes, both sides of the diff by pool name, what cannot be changed, and sentences for the user."""

    changes: list[Change] = field(default_factory=list)
    before: dict[str, Json] = field(default_factory=dict)
    after: dict[str, Json] = field(default_factory=dict)
    immutable: list[Difference] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def plan_pools(wish: Desired, actual: Json, sizes: Mapping[str, int], totals: Mapping[str, int]) -> PoolPlan:
    """Compare every pool; see ``plan.plan`` for the arguments.

    Pools that are replaced go when all new ones are there: what leaves one of them must find room for good.

    Raises:
        MeshError: the new pool in the place of another is not one to move to.
    """
    result = PoolPlan()
    if wish.autopilot or (actual.get("autopilot") or {}).get("enabled"):
        return result
    pools = standing(actual)
    going: list[tuple[Json, str]] = []
    for name, pool in wish.pools.items():
        found = generations(wish, name, pools)
        if not (found.current or found.old) and _is_uncalled_for(wish, pools):
            if pool.keys() > {"name"}:  # else there is nothing that anybody could miss
                others = ", ".join(sorted(pools))
                result.notices.append(
                    f"{wish.name} has no node pool {name}, but others ({others}), so none is made, and of the options "
                    f"for nodes only node_tags has an effect. List {name} in node_pools to have it."
                )
        elif not (found.current or found.old):
            _missing(pool, wish.node_tags, result)
        elif found.current is None and not wish.replace_node_pools:
            result.immutable += immutable(pool, found.old[0])
        elif found.current is None:
            body = _successor(wish, pool, found, actual, totals.get(name, 0))
            _replacement(pool, found.old, body, result)
            going += [(old, str(body["name"])) for old in found.old]
        else:
            have = found.current
            size = sizes.get(str(have["name"])) if counts_matter(pool, have) else None
            _existing(pool, have, wish.node_tags, size, result)
            going += _leftovers(wish, pool, found, result)
    _retire(going, result)
    for have in pools.values():
        if not owner(wish, have):
            _other(have, wish, result)
    return result


def _is_uncalled_for(wish: Desired, pools: Mapping[str, Json]) -> bool:
    """Whether a pool that is not there is only the default one, of a cluster that does without it."""
    return bool(pools) and not wish.pools_listed and not wish.remove_other_node_pools


def _missing(pool: Json, node_tags: tuple[str, ...], result: PoolPlan) -> None:
    name, body = str(pool["name"]), pool_body(pool, node_tags)
    result.after[name] = body
    result.changes.append(Change(f"node pool {name}: create", "POST", "/nodePools", {"nodePool": body}))


def _successor(wish: Desired, pool: Json, found: Generations, actual: Json, nodes: int) -> Json:
    """The new pool, whose name nobody may have: it follows from the wish, so its bearer is what the wish led to."""
    name = successor_name(pool)
    bearer = next((one for one in actual.get("nodePools") or () if one["name"] == name), None)
    if bearer is not None and bearer.get("status") != "STOPPING":
        raise MeshError(
            "replace", f"node pool {pool['name']} of {wish.subject}",
            f"{name}, made for this very wish, differs from it all the same: {described(immutable(pool, bearer))}",
            "Take the options back: the service does not do what they say.",
        )  # fmt: skip
    return successor(pool, found.model, actual, wish.node_tags, nodes)


def _replacement(pool: Json, old: tuple[Json, ...], body: Json, result: PoolPlan) -> None:
    why = described(immutable(pool, old[0]))
    text = f"node pool {pool['name']}: create {body['name']} in its place ({why})"
    result.changes.append(Change(text, "POST", "/nodePools", {"nodePool": body}, replaces=True))
    for have in old:
        result.before[str(have["name"])] = picked({**pool, "name": have["name"]}, have)
    result.after[str(body["name"])] = body


def _leftovers(wish: Desired, pool: Json, found: Generations, result: PoolPlan) -> list[tuple[Json, str]]:
    """Older generations beside the current one, with that: now they go, or it is said how they would."""
    if not found.old or found.current is None:
        return []
    name, names = str(found.current["name"]), ", ".join(str(old["name"]) for old in found.old)
    if not wish.replace_node_pools:
        result.notices.append(
            f"Node pool {pool['name']}: {name} has taken the place of {names}, but not all the way: "
            "replace_node_pools: true drains and deletes what is left over."
        )
        for old in found.old:
            _tag(old, wish, result)
        return []
    if found.current.get("status") in _BROKEN:
        told = f"{found.current['status']} {found.current.get('statusMessage', '')}".rstrip()
        raise MeshError(
            "replace", f"node pool {pool['name']} of {wish.subject}", f"{name}, which is to take its place, is {told}",
            f"Mend it, or delete it to have it made anew; {names} is kept until it runs.",
        )  # fmt: skip
    for old in found.old:
        result.before[str(old["name"])] = {"name": old["name"]}
    return [(old, name) for old in found.old]


def _retire(going: list[tuple[Json, str]], result: PoolPlan) -> None:
    """Old generations no longer grow, are drained and deleted; nothing moves from one of them to another."""
    closed = tuple(str(old["name"]) for old, dummy in going)
    for old, dummy in going:
        if (old.get("autoscaling") or {}).get("enabled"):
            settled = Difference(("nodePools", str(old["name"]), "autoscaling", "enabled"), True, False)
            path = f"/nodePools/{old['name']}:setAutoscaling"
            result.changes.append(Change(str(settled), "POST", path, {"autoscaling": {"enabled": False}}, (settled,)))
    for old, new in going:
        name = str(old["name"])
        retires = Retirement(name, new, closed, _at_once(old.get("upgradeSettings") or {}))
        result.changes.append(
            Change(f"node pool {name}: drain and delete", "DELETE", f"/nodePools/{name}", retires=retires)
        )


def _at_once(settings: Json) -> int:
    """Nodes that an upgrade of the pool would take at a time."""
    return max(1, int(settings.get("maxSurge") or 0) + int(settings.get("maxUnavailable") or 0))


def _other(have: Json, wish: Desired, result: PoolPlan) -> None:
    """A pool that the options do not name: it is left alone but for the tags, unless told to remove it."""
    name = str(have["name"])
    if wish.remove_other_node_pools:
        result.before[name] = {"name": name}
        result.changes.append(Change(f"node pool {name}: delete", "DELETE", f"/nodePools/{name}"))
    else:
        _tag(have, wish, result)


def _tag(have: Json, wish: Desired, result: PoolPlan) -> None:
    """Nothing but the tags of all nodes."""
    if wish.node_tags:
        _existing({"name": have["name"]}, have, wish.node_tags, None, result)


def _existing(pool: Json, have: Json, node_tags: tuple[str, ...], size: int | None, result: PoolPlan) -> None:
    """One that stands; in what no call changes it must not differ."""
    name, view = str(have["name"]), {**have, "initialNodeCount": size}
    wanted, notices = effective(pool, have, node_tags, size)
    result.notices += notices
    for group, found in grouped(name, differences(wanted, view)).items():
        if not is_fixed(group):
            result.changes.append(call(name, group, wanted, have, found))
    result.before[name], result.after[name] = picked(wanted, view), wanted
