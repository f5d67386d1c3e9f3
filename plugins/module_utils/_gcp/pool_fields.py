# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields of a node pool: what a wish for them means to a pool that is there, and which call changes them. Pure."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.mcistio.gke.plugins.module_utils._gcp import versions
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Change, described
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import Difference, Path, differences
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Json, merged

GENERATION_LABEL = "mcistio-gke-node-pool"
"""Resource label of a pool that replaced another: the name that the options call it by."""
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
_SIZE: Path = ("initialNodeCount",)
_USUAL_STRATEGY = "SURGE"
_OWN_CALLS = {"autoscaling": "setAutoscaling", "management": "setManagement"}


def counts_matter(pool: Json, have: Json) -> bool:
    """Whether the wish says how many nodes a pool has; an autoscaled pool decides that itself."""
    scaling = {**(have.get("autoscaling") or {}), **(pool.get("autoscaling") or {})}
    return "initialNodeCount" in pool and not scaling.get("enabled")


def effective(pool: Json, have: Json, node_tags: tuple[str, ...], size: int | None) -> tuple[Json, list[str]]:
    """The wish as it applies to this pool, and sentences for the user.

    Tags are only ever added, the service's labels and our own stay, versions only rise.
    """
    wanted = {key: value for key, value in pool.items() if value != {}} | {"name": have["name"]}
    config, present = dict(pool.get("config") or {}), have.get("config") or {}
    tags = {*node_tags, *(config.get("tags") or ())}
    if tags:
        config["tags"] = sorted({*tags, *(present.get("tags") or ())})
    if "labels" in config:
        config["labels"] = own_labels(present, reserved=True) | config["labels"]
    mark = (present.get("resourceLabels") or {}).get(GENERATION_LABEL)
    if mark and "resourceLabels" in config:
        config["resourceLabels"] = {**config["resourceLabels"], GENERATION_LABEL: mark}
    if config:
        wanted["config"] = config
    if size is None:
        wanted.pop("initialNodeCount", None)
    version, current = str(wanted.get("version") or ""), str(have.get("version") or "")
    if versions.matches(version, current):
        wanted.pop("version", None)
    elif versions.is_newer(current, version):
        wanted.pop("version")
        return wanted, [f"Node pool {have['name']} runs {current}, newer than the version {version} asked for."]
    return wanted, []


def own_labels(config: Json, *, reserved: bool) -> dict[str, str]:
    """Node labels of a pool: those that the service puts there, or those of people."""
    return {key: value for key, value in (config.get("labels") or {}).items() if _is_reserved(key) == reserved}


def _is_reserved(label: str) -> bool:
    domain = label.split("/", 1)[0] + "/"
    return "/" in label and any(domain == reserved or domain.endswith(f".{reserved}") for reserved in RESERVED_LABELS)


def grouped(name: str, found: list[Difference]) -> dict[Path, list[Difference]]:
    """Differences of a pool by what one call changes, in the order of the calls; with their paths in the cluster."""
    groups: dict[Path, list[Difference]] = {}
    for one in found:
        groups.setdefault(_group(one.path), []).append(
            Difference(("nodePools", name, *one.path), one.before, one.after)
        )
    return dict(sorted(groups.items(), key=lambda pair: _rank(pair[0])))


def _group(path: Path) -> Path:
    """What one call changes."""
    if path[0] == "config" and path[1] in _MACHINE:
        return ("config", "machine")
    return path[:2] if path[0] in ("config", "networkConfig") else path[:1]


def _rank(path: Path) -> int:
    order = ("autoscaling", "config", "initialNodeCount", "management", "version", "locations", "upgradeSettings")
    return order.index(path[0]) if path[0] in order else len(order)


def is_fixed(group: Path) -> bool:
    """Whether no call changes what the group of ``grouped`` is about."""
    by_name = len(group) == 2 and group[0] == "config" and group[1] in _UPDATABLE
    return not (group[0] in _OWN_CALLS or group == _SIZE or group in _BODIES or by_name)


def immutable(pool: Json, have: Json) -> list[Difference]:
    """How a pool differs from a wish in what no call changes."""
    wanted, dummy = effective(pool, have, (), None)
    groups = grouped(str(have["name"]), differences(wanted, have))
    return [one for group, found in groups.items() if is_fixed(group) for one in found]


def fixed_part(pool: Json) -> list[Difference]:
    """What a wish asks for that no call changes later, as the differences from a pool that has nothing of it."""
    wanted, dummy = effective({**pool, "name": ""}, {"name": ""}, (), None)
    groups = grouped("", differences(wanted, {}))
    return [one for group, found in groups.items() if is_fixed(group) for one in found]


def call(name: str, group: Path, wanted: Json, have: Json, found: list[Difference]) -> Change:
    """The call that settles a group of differences, which must not be a fixed one."""
    text, where = described(found), f"/nodePools/{name}"
    if group[0] in _OWN_CALLS:
        present = have.get(group[0]) or {}
        body = {group[0]: (autoscaled if group == ("autoscaling",) else merged)(present, wanted[group[0]])}
        return Change(text, "POST", f"{where}:{_OWN_CALLS[group[0]]}", body, tuple(found))
    if group == _SIZE:
        return Change(text, "POST", f"{where}:setSize", {"nodeCount": wanted["initialNodeCount"]}, tuple(found))
    make = _BODIES.get(group)
    update = make(wanted, have) if make else {group[1]: wanted["config"][group[1]]}
    # A request of a run that died meanwhile is refused by it, should it still arrive.
    etag = {"etag": have["etag"]} if have.get("etag") else {}
    return Change(text, "PUT", where, update | etag, tuple(found))


_EACH_ZONE = frozenset({"minNodeCount", "maxNodeCount"})
_ALL_ZONES = frozenset({"totalMinNodeCount", "totalMaxNodeCount"})


def autoscaled(present: Json, wanted: Json) -> Json:
    """Autoscaling as it is with what is wished for: bounds a zone and bounds for all zones exclude each other."""
    if not wanted.get("enabled", present.get("enabled")):
        return wanted
    dropped = _EACH_ZONE if wanted.keys() & _ALL_ZONES else _ALL_ZONES if wanted.keys() & _EACH_ZONE else frozenset()
    return {key: value for key, value in present.items() if key not in dropped} | wanted


def upgraded(present: Json, wanted: Json) -> Json:
    """Upgrade settings as they are with what is wished for; another strategy has nothing of the former's."""
    strategy = present.get("strategy") or _USUAL_STRATEGY
    return merged(present, wanted) if wanted.get("strategy", strategy) == strategy else wanted


def _wrapped(field: str, inner: str) -> Callable[[Json, Json], Json]:
    """A field of NodeConfig that UpdateNodePool takes in a message of its own."""
    return lambda wanted, have: {field: {inner: wanted["config"].get(field)}}


_BODIES: dict[Path, Callable[[Json, Json], Json]] = {
    ("config", "tags"): _wrapped("tags", "tags"),
    ("config", "taints"): _wrapped("taints", "taints"),
    ("config", "labels"): _wrapped("labels", "labels"),
    ("config", "resourceLabels"): _wrapped("resourceLabels", "labels"),
    ("config", "machine"): lambda wanted, have: {
        key: wanted["config"][key] for key in sorted(_MACHINE & wanted["config"].keys())
    },
    ("config", "imageType"): lambda wanted, have: {"imageType": wanted["config"]["imageType"]},
    ("version",): lambda wanted, have: {"nodeVersion": wanted["version"]},
    ("locations",): lambda wanted, have: {"locations": wanted["locations"]},
    ("upgradeSettings",): lambda wanted, have: {
        "upgradeSettings": upgraded(have.get("upgradeSettings") or {}, wanted["upgradeSettings"])
    },
    ("networkConfig", "enablePrivateNodes"): lambda wanted, have: {
        "nodeNetworkConfig": {"enablePrivateNodes": wanted["networkConfig"]["enablePrivateNodes"]}
    },
}
"""What UpdateNodePool takes under another name, or together."""
