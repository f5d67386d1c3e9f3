# SPDX-License-Identifier: GPL-3.0-or-later
"""What must be done to an existing cluster: an ordered list of changes, each of them one API call. Pure.

The API takes one feature a call and one call at a time, so the order is ours: what is cheap and opens doors comes first
(labels, endpoints), then the channel before the version that lives in it, the cluster before its node pools.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import pool_plan, schema, versions
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Change, described
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import Difference, differences, picked
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, Json, merged

SERVICE_LABELS = "goog-"
"""Labels with this prefix are Google's own and never ours to remove."""


@dataclass
class Plan:
    """Changes in the order of their execution; what the options manage, before and after; sentences for the user.

    Attributes:
        recreate: differences for which the cluster is to be deleted and created anew; there are no changes then.
    """

    changes: list[Change] = field(default_factory=list)
    before: Json = field(default_factory=dict)
    after: Json = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    recreate: list[Difference] = field(default_factory=list)


def plan(wish: Desired, actual: Json, sizes: Mapping[str, int], totals: Mapping[str, int] | None = None) -> Plan:
    """Compare and decide.

    Args:
        wish: what the options ask for.
        actual: the cluster as the API reports it.
        sizes: nodes a zone of every pool whose size is managed, by the pool's own name.
        totals: nodes in all zones of what a new pool takes the place of, by the wished-for pool's name.

    Raises:
        MeshError: something differs that no call can change; the message names every such field.
    """
    view, notices = reported(actual), _version_notices(wish, actual)
    wanted = effective(wish, view)
    changes: list[Change] = []
    immutable: list[Difference] = []
    found = grouped(differences(wanted, view))
    for path, group in found.items():
        rule = _rule(path, wish.allow_node_recreation)
        one_way = [one for one in group if _is_one_way(one)]
        if rule is None or one_way:
            immutable += one_way or group
        else:
            changes += rule(path, wanted, actual, group)
    if wish.allow_recreate and any(one.path != _DATAPATH for one in immutable):
        return Plan(before=picked(wanted, view), after=wanted, notices=notices, recreate=immutable)
    moves = ("locations",) in found
    later = _moved(actual, sorted(wanted["locations"])) if moves else actual
    pools = pool_plan.plan_pools(wish, later, sizes, totals or {})
    for pool in actual.get("nodePools") or () if moves else ():
        if "locations" in pools.before.get(str(pool["name"]), {}):
            pools.before[str(pool["name"])]["locations"] = pool.get("locations") or []
    _refuse(wish, immutable, pools.immutable)
    return Plan(
        sorted(changes, key=_rank) + pools.changes,
        merged(picked(wanted, view), {"nodePools": pools.before} if pools.before else {}),
        merged(wanted, {"nodePools": pools.after} if pools.after else {}),
        notices + pools.notices,
    )


def reported(actual: Json) -> Json:
    """A cluster as the API reports it, with each fact where a wish for it would stand."""
    view, network = dict(actual), actual.get("networkConfig") or {}
    view["network"] = network.get("network") or actual.get("network")
    view["subnetwork"] = network.get("subnetwork") or actual.get("subnetwork")
    view["initialClusterVersion"] = _version(actual)
    policy = dict(actual.get("ipAllocationPolicy") or {})
    policy.setdefault("clusterIpv4CidrBlock", actual.get("clusterIpv4Cidr"))
    view["ipAllocationPolicy"] = policy
    return view


def effective(wish: Desired, view: Json) -> Json:
    """The wish as it applies to this very cluster: added to what must be kept, less what is fulfilled otherwise."""
    wanted = dict(wish.cluster)
    version = str(wanted.get("initialClusterVersion") or "")
    current = str(view.get("initialClusterVersion") or "")
    if versions.matches(version, current) or versions.is_newer(current, version):
        wanted.pop("initialClusterVersion", None)
    if wish.labels is not None:
        present = view.get("resourceLabels") or {}
        kept = {key: value for key, value in present.items() if not wish.purge_labels or key.startswith(SERVICE_LABELS)}
        wanted["resourceLabels"] = kept | wish.labels
    tags = {*_auto_tags(wanted), *(wish.node_tags if _makes_pools(wanted, view) else ())}
    if tags:
        union = {"networkTags": {"tags": sorted({*tags, *_auto_tags(view)})}}
        wanted["nodePoolAutoConfig"] = merged(wanted.get("nodePoolAutoConfig") or {}, union)
    return wanted


def _auto_tags(cluster: Json) -> list[str]:
    """Tags of the nodes that the service makes by itself."""
    return list(_at(cluster, ("nodePoolAutoConfig", "networkTags", "tags")) or ())


def _makes_pools(wanted: Json, view: Json) -> bool:
    """Whether the service makes node pools by itself, also where the options do not say so."""
    provisioning = ("autoscaling", "enableNodeAutoprovisioning")
    asked = _at(wanted, provisioning)
    return bool(_at(view, ("autopilot", "enabled")) or (_at(view, provisioning) if asked is None else asked))


def _version(actual: Json) -> str:
    return str(actual.get("currentMasterVersion") or actual.get("initialClusterVersion") or "")


def _version_notices(wish: Desired, actual: Json) -> list[str]:
    version, current = str(wish.cluster.get("initialClusterVersion") or ""), _version(actual)
    if versions.matches(version, current) or not versions.is_newer(current, version):
        return []
    return [f"{wish.name} runs {current}, newer than the cluster_version {version} asked for: GKE does not go back."]


def _refuse(wish: Desired, cluster: list[Difference], pools: list[Difference]) -> None:
    """One error for all that no call changes; the hint names the options that get it done in another way."""
    if not (cluster or pools):
        return
    ways = ["Take the options back"]
    if any(one.path != _DATAPATH for one in cluster):
        ways.append("or delete the cluster (state: absent) and let it be created anew, as allow_recreate: true does")
    if any(one.path == _DATAPATH for one in cluster):
        ways.append("or, for dataplane_v2, let all nodes be made anew with allow_node_recreation: true")
    if pools:
        ways.append("or, for node pools, let new ones take their place with replace_node_pools: true")
    raise MeshError(
        "change", wish.subject, f"these cannot be changed on an existing cluster: {described(cluster + pools)}",
        f"{', '.join(ways)}.",
    )  # fmt: skip


_DATAPATH = ("networkConfig", "datapathProvider")
"""What no call changes unless all nodes may be made anew."""


def _moved(actual: Json, zones: list[str]) -> Json:
    """The cluster once its zones are others: its pools are in the same then, whatever they were in before."""
    return {**actual, "nodePools": [{**pool, "locations": zones} for pool in actual.get("nodePools") or ()]}


_Path = tuple[str, ...]
_Rule = Callable[[_Path, Json, Json, list[Difference]], list[Change]]


def grouped(found: list[Difference]) -> dict[_Path, list[Difference]]:
    """Differences by what one call changes: a top-level field, or one below those that are containers."""
    groups: dict[_Path, list[Difference]] = {}
    for one in found:
        groups.setdefault(one.path[: 2 if one.path[0] in _CONTAINERS else 1], []).append(one)
    return groups


_CONTAINERS = frozenset({"networkConfig", "ipAllocationPolicy", "nodePoolAutoConfig", "privateClusterConfig"})


_ENDPOINT_SUBNETWORK = ("controlPlaneEndpointsConfig", "ipEndpointsConfig", "privateEndpointSubnetwork")
_KEPT_ON = frozenset({("networkConfig", "enableL4ilbSubsetting"), ("networkConfig", "enableFqdnNetworkPolicy")})
"""Switches that the service does not turn off again."""


def _is_one_way(one: Difference) -> bool:
    """Whether the field has a call, but none that makes this very change."""
    if one.path == ("fleet", "project") or one.path in _KEPT_ON:
        return bool(one.before)  # to register, or to turn on, is no problem
    return one.path == _ENDPOINT_SUBNETWORK


def _rule(path: _Path, allow_node_recreation: bool) -> _Rule | None:
    if path in _RULES:
        return _RULES[path]
    if path == _DATAPATH:
        return _desired("desiredDatapathProvider") if allow_node_recreation else None
    name = schema.update_field(path[0]) if len(path) == 1 else ""
    return _desired(name) if name else None


def _update(group: list[Difference], body: Json, actual: Json) -> Change:
    """A ClusterUpdate; the etag makes the service refuse it when somebody else has changed the cluster meanwhile."""
    etag = {"etag": actual["etag"]} if actual.get("etag") else {}
    return Change(described(group), "PUT", "", {"update": body | etag}, tuple(group))


def _desired(name: str) -> _Rule:
    """The field of ClusterUpdate that takes the wish as it stands."""
    return lambda path, wanted, actual, group: [_update(group, {name: _at(wanted, path)}, actual)]


def _over_present(name: str) -> _Rule:
    """The same for messages that the service takes as a whole: what was not asked for stays as it is."""

    def rule(path: _Path, wanted: Json, actual: Json, group: list[Difference]) -> list[Change]:
        return [_update(group, {name: merged(_at(actual, path) or {}, _at(wanted, path))}, actual)]

    return rule


def _enabled(name: str) -> _Rule:
    """A message around a plain boolean of the cluster."""
    return lambda path, wanted, actual, group: [_update(group, {name: {"enabled": _at(wanted, path)}}, actual)]


def _labels(_path: _Path, wanted: Json, actual: Json, group: list[Difference]) -> list[Change]:
    body = {"resourceLabels": wanted["resourceLabels"], "labelFingerprint": actual.get("labelFingerprint", "")}
    return [Change(described(group), "POST", ":setResourceLabels", body, tuple(group))]


def _locations(_path: _Path, wanted: Json, actual: Json, group: list[Difference]) -> list[Change]:
    """Zones are added first and removed after that: the service refuses both in one call."""
    target, present = sorted(wanted["locations"]), sorted(actual.get("locations") or [])
    union = sorted({*target, *present})
    changes = []
    if union != present:
        changes.append(_update([Difference(("locations",), present, union)], {"desiredLocations": union}, actual))
    if target != union:
        changes.append(_update([Difference(("locations",), union, target)], {"desiredLocations": target}, actual))
    return changes


def _pod_ranges(path: _Path, wanted: Json, actual: Json, group: list[Difference]) -> list[Change]:
    target = set(_at(wanted, (*path, "podRangeNames")) or ())
    present = set(_at(actual, (*path, "podRangeNames")) or ())
    body: Json = {}
    if target - present:
        body["additionalPodRangesConfig"] = {"podRangeNames": sorted(target - present)}
    if present - target:
        body["removedAdditionalPodRangesConfig"] = {"podRangeNames": sorted(present - target)}
    return [_update(group, body, actual)]


def _ip_ranges(path: _Path, wanted: Json, actual: Json, group: list[Difference]) -> list[Change]:
    """The whole list of subnetworks with their ranges."""
    return [_update(group, {"desiredAdditionalIpRangesConfig": {path[-1]: _at(wanted, path)}}, actual)]


def _maintenance(_path: _Path, wanted: Json, actual: Json, group: list[Difference]) -> list[Change]:
    """The window as asked for; an exclusion that was not asked for stays unless exclusions were."""
    present, asked = actual.get("maintenancePolicy") or {}, wanted["maintenancePolicy"]
    window = {**(present.get("window") or {}), **(asked.get("window") or {})}
    if "dailyMaintenanceWindow" in (asked.get("window") or {}):
        window.pop("recurringWindow", None)
    if "recurringWindow" in (asked.get("window") or {}):
        window.pop("dailyMaintenanceWindow", None)
    policy: Json = {**present, **asked, "window": window}
    return [Change(described(group), "POST", ":setMaintenancePolicy", {"maintenancePolicy": policy}, tuple(group))]


def _own_call(name: str, field_name: str) -> _Rule:
    """Features that have a call of their own."""
    return lambda path, wanted, actual, group: [
        Change(described(group), "POST", f":{name}", {field_name: _at(wanted, path)}, tuple(group))
    ]


def _at(tree: Json, path: _Path) -> Any:
    value: Any = tree
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


_RULES: dict[_Path, _Rule] = {
    ("resourceLabels",): _labels,
    ("controlPlaneEndpointsConfig",): _desired("desiredControlPlaneEndpointsConfig"),
    ("releaseChannel",): _desired("desiredReleaseChannel"),
    ("initialClusterVersion",): _desired("desiredMasterVersion"),
    ("loggingConfig",): _desired("desiredLoggingConfig"),
    ("monitoringConfig",): _over_present("desiredMonitoringConfig"),
    ("autoscaling",): _over_present("desiredClusterAutoscaling"),
    ("locations",): _locations,
    ("maintenancePolicy",): _maintenance,
    ("networkPolicy",): _own_call("setNetworkPolicy", "networkPolicy"),
    ("ipAllocationPolicy", "additionalPodRangesConfig"): _pod_ranges,
    ("ipAllocationPolicy", "additionalIpRangesConfigs"): _ip_ranges,
    ("ipAllocationPolicy", "stackType"): _desired("desiredStackType"),
    ("networkConfig", "defaultEnablePrivateNodes"): _desired("desiredDefaultEnablePrivateNodes"),
    ("networkConfig", "enableIntraNodeVisibility"): _enabled("desiredIntraNodeVisibilityConfig"),
    ("networkConfig", "enableL4ilbSubsetting"): _enabled("desiredL4ilbSubsettingConfig"),
    ("networkConfig", "dnsConfig"): _desired("desiredDnsConfig"),
    ("networkConfig", "gatewayApiConfig"): _desired("desiredGatewayApiConfig"),
    ("networkConfig", "serviceExternalIpsConfig"): _desired("desiredServiceExternalIpsConfig"),
    ("networkConfig", "defaultSnatStatus"): _desired("desiredDefaultSnatStatus"),
    ("networkConfig", "enableFqdnNetworkPolicy"): _desired("desiredEnableFqdnNetworkPolicy"),
    ("networkConfig", "enableMultiNetworking"): _desired("desiredEnableMultiNetworking"),
    ("networkConfig", "privateIpv6GoogleAccess"): _desired("desiredPrivateIpv6GoogleAccess"),
    ("networkConfig", "inTransitEncryptionConfig"): _desired("desiredInTransitEncryptionConfig"),
    ("networkConfig", "networkPerformanceConfig"): _desired("desiredNetworkPerformanceConfig"),
    ("networkConfig", "disableL4LbFirewallReconciliation"): _desired("desiredDisableL4LbFirewallReconciliation"),
    ("networkConfig", "enableCiliumClusterwideNetworkPolicy"): _desired("desiredEnableCiliumClusterwideNetworkPolicy"),
    ("nodePoolAutoConfig", "networkTags"): _desired("desiredNodePoolAutoConfigNetworkTags"),
    ("nodePoolAutoConfig", "resourceManagerTags"): _desired("desiredNodePoolAutoConfigResourceManagerTags"),
    ("nodePoolAutoConfig", "nodeKubeletConfig"): _desired("desiredNodePoolAutoConfigKubeletConfig"),
    ("nodePoolAutoConfig", "linuxNodeConfig"): _desired("desiredNodePoolAutoConfigLinuxNodeConfig"),
}
"""What has a rule of its own. The rest follows the API's: field ``x`` of Cluster by ``desiredX``, if there is one."""

_FIRST = (
    "setResourceLabels", "desiredControlPlaneEndpointsConfig", "desiredReleaseChannel", "desiredMasterVersion",
    "desiredLoggingConfig", "desiredMonitoringConfig",
)  # fmt: skip
_LAST = ("desiredClusterAutoscaling", "desiredLocations", "setMaintenancePolicy")


def _rank(change: Change) -> int:
    """Place in the order; the sort is stable, so changes between first and last keep theirs."""
    words = {change.path.lstrip(":"), *(change.body.get("update") or {})}
    for place, word in enumerate(_FIRST):
        if word in words:
            return place
    return 100 + next((place for place, word in enumerate(_LAST, 1) if word in words), 0)
