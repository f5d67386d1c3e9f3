# SPDX-License-Identifier: GPL-3.0-or-later
"""From gke_cluster's options to the Cluster and NodePool JSON that they ask for. Pure: no call, no server default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import option_checks, schema
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import check_location, is_region, zone_count

Json = dict[str, Any]

DEFAULT_POOL = "default-pool"
DEFAULT_NODE_COUNT = 4
SYSTEM_LOGS = ["SYSTEM_COMPONENTS", "WORKLOADS"]
SYSTEM_METRICS = ["SYSTEM_COMPONENTS"]
POOL_OPTIONS = (
    "node_count", "autoscaling", "machine_type", "disk_size_gb", "disk_type", "image_type", "oauth_scopes",
    "service_account", "node_tags", "node_labels", "node_taints", "spot", "auto_repair", "auto_upgrade", "max_surge",
    "max_unavailable", "max_pods_per_node",
)  # fmt: skip
"""Options that a pool of ``node_pools`` takes over from the top level when it does not set them itself."""


@dataclass(frozen=True)
class Desired:
    """What the options ask for.

    Attributes:
        name: the cluster's.
        location: zone or region.
        cluster: Cluster JSON of what was set, without node pools and labels.
        labels: resource labels, or None when they were not set.
        pools: NodePool JSON of what was set, by pool name; ``initialNodeCount`` is the wished-for count a zone.
        node_tags: network tags that every node of the cluster must carry.
        notices: sentences for the user.
        pools_listed: whether the options name the pools; otherwise there is the default one, for clusters without any.
    """

    name: str
    location: str
    cluster: Json
    labels: dict[str, str] | None
    pools: dict[str, Json]
    node_tags: tuple[str, ...]
    notices: tuple[str, ...]
    purge_labels: bool = True
    remove_other_node_pools: bool = False
    allow_node_recreation: bool = False
    replace_node_pools: bool = False
    allow_recreate: bool = False
    pools_listed: bool = True

    @property
    def autopilot(self) -> bool:
        """Whether Google runs the nodes."""
        return bool((self.cluster.get("autopilot") or {}).get("enabled"))

    @property
    def subject(self) -> str:
        """The cluster in a sentence."""
        return f"cluster {self.name} in {self.location}"


def desired(params: Mapping[str, Any], project: str) -> Desired:
    """Read the options.

    Raises:
        MeshError: they contradict each other or cannot be meant.
    """
    name, location = str(params["name"]), str(params["location"])
    subject = f"cluster {name} in {location}"
    check_location(subject, location, params.get("node_locations") or ())
    option_checks.check(subject, params)
    cluster: Json = {}
    for option, path, convert in _RULES:
        if params.get(option) is not None:
            _put(cluster, path, convert(params[option]))
    if params.get("workload_identity") is not None:
        pool = f"{project}.svc.id.goog" if params["workload_identity"] else ""
        _put(cluster, "workloadIdentityConfig.workloadPool", pool)
    notices = _legacy(params, cluster)
    checked = schema.check("Cluster", params.get("extra") or {})
    _refuse(subject, checked.problems)
    extra = checked.body
    labels = extra.pop("resourceLabels", None) or params.get("labels")
    extra_pools = {str(pool.get("name", "")): pool for pool in extra.pop("nodePools", None) or []}
    cluster = merged(cluster, extra)
    _refuse(subject, schema.check("Cluster", cluster).problems)
    if checked.unknown:
        notices.append(
            f"extra: {', '.join(checked.unknown)} unknown to the installed google-cloud-container, sent as given."
        )
    autopilot = bool((cluster.get("autopilot") or {}).get("enabled"))
    listed = bool(params.get("node_pools") or extra_pools)
    pools = {} if autopilot else _pools(params, extra_pools)
    tags = tuple(sorted(set(params.get("node_tags") or ())))
    if tags and (autopilot or (cluster.get("autoscaling") or {}).get("enableNodeAutoprovisioning")):
        _put(cluster, "nodePoolAutoConfig.networkTags.tags", list(tags))
    return Desired(
        name, location, cluster, _texts(labels), pools, tags,
        tuple(notices), bool(params.get("purge_labels", True)), bool(params.get("remove_other_node_pools")),
        bool(params.get("allow_node_recreation")), bool(params.get("replace_node_pools")),
        bool(params.get("allow_recreate")), listed,
    )  # fmt: skip


def _refuse(subject: str, problems: list[str]) -> None:
    if problems:
        raise MeshError("read", f"the options of {subject}", "; ".join(problems))


def _texts(labels: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Labels with their values as text: YAML reads some as numbers."""
    return None if labels is None else {key: str(value) for key, value in labels.items()}


def create_body(wish: Desired) -> Json:
    """The Cluster of a create call: the wish, with those defaults that are ours and not the service's."""
    body = merged({"name": wish.name, "ipAllocationPolicy": {"useIpAliases": True}}, wish.cluster)
    body["ipAllocationPolicy"] = {key: part for key, part in body["ipAllocationPolicy"].items() if key not in _LATER}
    private = bool((body.get("networkConfig") or {}).get("defaultEnablePrivateNodes"))
    if private and body.get("privateClusterConfig"):
        # The service refuses the old message where it says otherwise than today's field, and silence is a "no" there.
        body["privateClusterConfig"] = {"enablePrivateNodes": True, **body["privateClusterConfig"]}
    if wish.labels:
        body["resourceLabels"] = dict(wish.labels)
    if not wish.autopilot:
        body["nodePools"] = [pool_body(pool, wish.node_tags) for pool in wish.pools.values()]
    return body


_LATER = ("additionalPodRangesConfig", "additionalIpRangesConfigs")
"""Parts of the allocation policy that a create call ignores: they can only be added to a cluster that is there."""


def added_later(wish: Desired) -> Json:
    """What the wish has beyond its create call; empty for most."""
    policy = wish.cluster.get("ipAllocationPolicy") or {}
    parts = {key: part for key, part in policy.items() if key in _LATER}
    return {"ipAllocationPolicy": parts} if parts else {}


def pool_body(pool: Json, node_tags: tuple[str, ...]) -> Json:
    """The NodePool of a create call."""
    defaults: Json = {"initialNodeCount": _first_count(pool), "management": {"autoRepair": True, "autoUpgrade": True}}
    body = merged(defaults, pool)
    tags = sorted({*node_tags, *((pool.get("config") or {}).get("tags") or ())})
    if tags:
        body.setdefault("config", {})["tags"] = tags
    return body


def node_arithmetic(wish: Desired) -> str:
    """For a regional cluster, how many nodes the counts make in all; empty for a zonal one."""
    if not is_region(wish.location) or wish.autopilot:
        return ""
    zones = wish.cluster.get("locations") or []
    times, each = zone_count(wish.location, zones), sum(_first_count(pool) for pool in wish.pools.values())
    assumed = "" if zones else " (GKE picks the zones, as a rule three)"
    per_zone = f"node count {each} is for each of {times} zones{assumed}"
    return f"{wish.name}: {wish.location} is a region: {per_zone}, {each * times} nodes in all."


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> Json:
    """Both mappings as a new one; where both have a value that is no mapping, that of ``over``."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(value, Mapping) and isinstance(old, Mapping) else value
    return result


def _first_count(pool: Json) -> int:
    """Nodes a zone that a new pool starts with; an autoscaled one starts at its smallest size."""
    if "initialNodeCount" in pool:
        return int(pool["initialNodeCount"])
    scaling = pool.get("autoscaling") or {}
    return int(scaling.get("minNodeCount", 0)) or 1 if scaling.get("enabled") else DEFAULT_NODE_COUNT


def _legacy(params: Mapping[str, Any], cluster: Json) -> list[str]:
    """Today's fields for the switches of the old guide, which newer clusters refuse."""
    notices = []
    for option, today, field, components in (
        ("enable_cloud_logging", "logging", "loggingConfig", SYSTEM_LOGS),
        ("enable_cloud_monitoring", "monitoring", "monitoringConfig", SYSTEM_METRICS),
    ):
        if params.get(option) is None:
            continue
        if params.get(today) is not None:
            notices.append(f"{option} is a switch of the past and has no effect: {today} is set too, and that counts.")
            continue
        _put(cluster, f"{field}.componentConfig.enableComponents", components if params[option] else [])
        told = f"{today}: [{', '.join(components if params[option] else [])}]"
        notices.append(f"{option} is a switch of the past: {told} says the same today.")
    return notices


def _pools(params: Mapping[str, Any], extra: dict[str, Json]) -> dict[str, Json]:
    listed = params.get("node_pools") or [{"name": DEFAULT_POOL}]
    found: dict[str, Json] = {}
    for entry in listed:
        name = str(entry["name"])
        if name in found:
            raise MeshError("read", f"the options of cluster {params['name']}", f"node pool {name} is listed twice")
        options = {option: params.get(option) for option in POOL_OPTIONS if option != "node_tags"}
        options |= {option: value for option, value in entry.items() if value is not None}
        wanted = merged(_pool(name, options, bool(params.get("workload_identity"))), extra.pop(name, {}))
        checked = schema.check("NodePool", wanted)
        _refuse(f"node pool {name}", checked.problems)
        found[name] = checked.body
    for name in extra:
        raise MeshError("read", "option extra", f"node pool {name!r} is not among node_pools", "List it there too.")
    return found


def _pool(name: str, options: Mapping[str, Any], metadata_server: bool) -> Json:
    pool: Json = {"name": name}
    for option, path, convert in _POOL_RULES:
        if options.get(option) is not None:
            _put(pool, path, convert(options[option]))
    scaling = pool.get("autoscaling") or {}
    if scaling.get("enabled") and options.get("node_count") is None:
        pool.pop("initialNodeCount", None)
    if metadata_server:
        _put(pool, "config.workloadMetadataConfig.mode", "GKE_METADATA")
    return merged(pool, options.get("extra") or {})


def _put(target: Json, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for key in parents:
        target = target.setdefault(key, {})
    target[last] = merged(target.get(last) or {}, value) if isinstance(value, Mapping) else value


def _as_is(value: Any) -> Any:
    return value


def _upper(value: str) -> str:
    return value.upper()


def _once(values: list[str]) -> list[str]:
    return sorted(set(values))


def _enabled(value: bool) -> Json:
    return {"enabled": value}


def _channel(value: str) -> str:
    return "UNSPECIFIED" if value == "none" else value.upper()


def _components(values: list[str]) -> list[str]:
    return [value.upper() for value in values]


def _scopes(values: list[str]) -> list[str]:
    """Full scope URLs, also for the short names that gcloud takes."""
    return sorted({value if "://" in value else _SCOPE + _SCOPE_ALIASES.get(value, value) for value in values})


_SCOPE = "https://www.googleapis.com/auth/"
_SCOPE_ALIASES = {
    "logging-write": "logging.write",
    "monitoring-write": "monitoring.write",
    "monitoring-read": "monitoring.read",
    "trace": "trace.append",
    "storage-ro": "devstorage.read_only",
    "storage-rw": "devstorage.read_write",
    "storage-full": "devstorage.full_control",
    "service-control": "servicecontrol",
    "service-management": "service.management.readonly",
}


def _control_plane(value: Mapping[str, Any]) -> Json:
    body: Json = {}
    for option, path in _CONTROL_PLANE.items():
        if value.get(option) is not None:
            _put(body, path, value[option])
    networks = value.get("authorized_networks")
    if networks is not None:
        blocks = [{"cidrBlock": one["cidr_block"], "displayName": one.get("name") or ""} for one in networks]
        blocks = [{key: text for key, text in block.items() if text} for block in blocks]
        _put(body, "ipEndpointsConfig.authorizedNetworksConfig", {"enabled": True, "cidrBlocks": blocks})
    return body


_CONTROL_PLANE = {
    "ip_endpoints": "ipEndpointsConfig.enabled",
    "public_endpoint": "ipEndpointsConfig.enablePublicEndpoint",
    "global_access": "ipEndpointsConfig.globalAccess",
    "private_endpoint_subnetwork": "ipEndpointsConfig.privateEndpointSubnetwork",
    "dns_external_traffic": "dnsEndpointConfig.allowExternalTraffic",
    "dns_kubernetes_tokens": "dnsEndpointConfig.enableK8sTokensViaDns",
}


def _maintenance(value: Mapping[str, Any]) -> Json:
    window: Json = {}
    if value.get("daily_start"):
        window["dailyMaintenanceWindow"] = {"startTime": value["daily_start"]}
    if value.get("recurrence"):
        window["recurringWindow"] = {
            "window": {"startTime": value["start_time"], "endTime": value["end_time"]},
            "recurrence": value["recurrence"],
        }
    if value.get("exclusions") is not None:
        window["maintenanceExclusions"] = {one["name"]: _exclusion(one) for one in value["exclusions"]}
    return {"window": window}


def _exclusion(one: Mapping[str, Any]) -> Json:
    body: Json = {"startTime": one["start_time"], "endTime": one["end_time"]}
    if one.get("scope"):
        body["maintenanceExclusionOptions"] = {"scope": one["scope"].upper()}
    return body


def _provisioning(value: Mapping[str, Any]) -> Json:
    body: Json = {"enableNodeAutoprovisioning": bool(value.get("enabled", True))}
    if value.get("limits") is not None:
        body["resourceLimits"] = [
            {"resourceType": one["resource"], "minimum": int(one.get("minimum") or 0), "maximum": int(one["maximum"])}
            for one in value["limits"]
        ]
    if value.get("service_account"):
        body["autoprovisioningNodePoolDefaults"] = {"serviceAccount": value["service_account"]}
    return body


def _autoscaling(value: Mapping[str, Any]) -> Json:
    names = {
        "minimum": "minNodeCount", "maximum": "maxNodeCount", "total_minimum": "totalMinNodeCount",
        "total_maximum": "totalMaxNodeCount", "location_policy": "locationPolicy",
    }  # fmt: skip
    body: Json = {"enabled": bool(value.get("enabled", True))}
    return body | {field: value[option] for option, field in names.items() if value.get(option) is not None}


def _taints(values: list[Mapping[str, Any]]) -> list[Json]:
    return [{"key": one["key"], "value": one.get("value") or "", "effect": one["effect"].upper()} for one in values]


def _encryption(key: str) -> Json:
    return {"state": "ENCRYPTED", "keyName": key} if key else {"state": "DECRYPTED"}


_Rule = tuple[str, str, Callable[[Any], Any]]

_RULES: tuple[_Rule, ...] = (
    ("description", "description", _as_is),
    ("cluster_version", "initialClusterVersion", _as_is),
    ("release_channel", "releaseChannel.channel", _channel),
    ("node_locations", "locations", _once),
    ("network", "network", _as_is),
    ("subnetwork", "subnetwork", _as_is),
    ("cluster_ipv4_cidr", "ipAllocationPolicy.clusterIpv4CidrBlock", _as_is),
    ("services_ipv4_cidr", "ipAllocationPolicy.servicesIpv4CidrBlock", _as_is),
    ("cluster_secondary_range_name", "ipAllocationPolicy.clusterSecondaryRangeName", _as_is),
    ("services_secondary_range_name", "ipAllocationPolicy.servicesSecondaryRangeName", _as_is),
    ("additional_pod_ranges", "ipAllocationPolicy.additionalPodRangesConfig.podRangeNames", sorted),
    ("stack_type", "ipAllocationPolicy.stackType", _upper),
    ("default_max_pods_per_node", "defaultMaxPodsConstraint.maxPodsPerNode", _as_is),
    ("logging", "loggingConfig.componentConfig.enableComponents", _components),
    ("monitoring", "monitoringConfig.componentConfig.enableComponents", _components),
    ("managed_prometheus", "monitoringConfig.managedPrometheusConfig", _enabled),
    ("autopilot", "autopilot", _enabled),
    ("private_nodes", "networkConfig.defaultEnablePrivateNodes", _as_is),
    ("control_plane", "controlPlaneEndpointsConfig", _control_plane),
    ("control_plane_ipv4_cidr", "privateClusterConfig.masterIpv4CidrBlock", _as_is),
    ("dataplane_v2", "networkConfig.datapathProvider", lambda on: "ADVANCED_DATAPATH" if on else "LEGACY_DATAPATH"),
    ("intra_node_visibility", "networkConfig.enableIntraNodeVisibility", _as_is),
    ("gateway_api", "networkConfig.gatewayApiConfig.channel", lambda name: f"CHANNEL_{name.upper()}"),
    ("autoscaling_profile", "autoscaling.autoscalingProfile", _upper),
    ("node_auto_provisioning", "autoscaling", _provisioning),
    ("vertical_pod_autoscaling", "verticalPodAutoscaling", _enabled),
    ("binary_authorization", "binaryAuthorization.evaluationMode", _upper),
    ("shielded_nodes", "shieldedNodes", _enabled),
    ("confidential_nodes", "confidentialNodes", _enabled),
    ("database_encryption_key", "databaseEncryption", _encryption),
    ("fleet_project", "fleet.project", _as_is),
    ("maintenance", "maintenancePolicy", _maintenance),
)
"""Option, path in the Cluster, conversion of its value."""

_POOL_RULES: tuple[_Rule, ...] = (
    ("node_count", "initialNodeCount", _as_is),
    ("autoscaling", "autoscaling", _autoscaling),
    ("node_locations", "locations", _once),
    ("machine_type", "config.machineType", _as_is),
    ("disk_size_gb", "config.diskSizeGb", _as_is),
    ("disk_type", "config.diskType", _as_is),
    ("image_type", "config.imageType", _upper),
    ("oauth_scopes", "config.oauthScopes", _scopes),
    ("service_account", "config.serviceAccount", _as_is),
    ("node_tags", "config.tags", sorted),
    ("node_labels", "config.labels", _texts),
    ("node_taints", "config.taints", _taints),
    ("spot", "config.spot", _as_is),
    ("auto_repair", "management.autoRepair", _as_is),
    ("auto_upgrade", "management.autoUpgrade", _as_is),
    ("max_surge", "upgradeSettings.maxSurge", _as_is),
    ("max_unavailable", "upgradeSettings.maxUnavailable", _as_is),
    ("max_pods_per_node", "maxPodsConstraint.maxPodsPerNode", _as_is),
    ("version", "version", _as_is),
    ("pod_range", "networkConfig.podRange", _as_is),
    ("private_nodes", "networkConfig.enablePrivateNodes", _as_is),
)
"""The same for the options of one pool."""
