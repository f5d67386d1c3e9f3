# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of the four modules, and what of it reaches the service; an option without a row fails the test."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcistio.gke.plugins.module_utils._core import (
    gke_cluster,
    gke_cluster_info,
    gke_kubeconfig,
    mesh_firewall,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Response

from tests.lab.modules.in_process import PROJECT, ZONE, Cloud

JSON = dict[str, Any]
Row = tuple[JSON, str, Any]
"""Options, where in the create call something must stand, and what."""
MARCH = {"start_time": "2026-03-01T00:00:00Z", "end_time": "2026-03-01T06:00:00Z"}
SHARED = {"network": "shared", "subnetwork": "gke"}
NETWORKS = "controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.cidrBlocks"
POOL = "nodePools.0"


def scaled(**options: Any) -> JSON:
    return {"autoscaling": options}


def control_plane(**options: Any) -> JSON:
    return {"control_plane": options}


def listed(**options: Any) -> JSON:
    return {"node_pools": [{"name": "work", **options}]}


def provisioning(**options: Any) -> JSON:
    limits = [{"resource": "cpu", "minimum": 1, "maximum": 8}]
    return {"node_auto_provisioning": {"limits": limits, **options}}


_EXCLUDED = {"name": "freeze", **MARCH, "scope": "NO_MINOR_UPGRADES"}
_EXCLUSIONS = {"maintenance": {"daily_start": "03:00", "exclusions": [_EXCLUDED]}}
_WEEKLY = {"maintenance": {**MARCH, "recurrence": "FREQ=WEEKLY"}}
_WINDOW, _EXCLUSION = "maintenancePolicy.window", "maintenancePolicy.window.maintenanceExclusions.freeze"
_LIMIT = "autoscaling.resourceLimits.0"
_TAINT = {"key": "mesh", "value": "only", "effect": "NO_EXECUTE"}

_OF_POOLS: dict[str, Row] = {
    "node_count": ({"node_count": 2}, "initialNodeCount", 2),
    "autoscaling.enabled": (scaled(enabled=False, maximum=1), "autoscaling.enabled", False),
    "autoscaling.minimum": (scaled(minimum=2, maximum=3), "autoscaling.minNodeCount", 2),
    "autoscaling.maximum": (scaled(maximum=3), "autoscaling.maxNodeCount", 3),
    "autoscaling.total_minimum": (scaled(total_minimum=1, total_maximum=3), "autoscaling.totalMinNodeCount", 1),
    "autoscaling.total_maximum": (scaled(total_maximum=3), "autoscaling.totalMaxNodeCount", 3),
    "autoscaling.location_policy": (scaled(maximum=3, location_policy="ANY"), "autoscaling.locationPolicy", "ANY"),
    "machine_type": ({"machine_type": "n2-standard-8"}, "config.machineType", "n2-standard-8"),
    "disk_size_gb": ({"disk_size_gb": 50}, "config.diskSizeGb", 50),
    "disk_type": ({"disk_type": "pd-ssd"}, "config.diskType", "pd-ssd"),
    "image_type": ({"image_type": "ubuntu_containerd"}, "config.imageType", "UBUNTU_CONTAINERD"),
    "oauth_scopes": (
        {"oauth_scopes": ["trace"]}, "config.oauthScopes", ["https://www.googleapis.com/auth/trace.append"]
    ),
    "service_account": ({"service_account": "nodes@p"}, "config.serviceAccount", "nodes@p"),
    "node_tags": ({"node_tags": ["mesh1-node"]}, "config.tags", ["mesh1-node"]),
    "node_labels": ({"node_labels": {"tier": 1}}, "config.labels", {"tier": "1"}),
    "node_taints.key": ({"node_taints": [_TAINT]}, "config.taints.0.key", "mesh"),
    "node_taints.value": ({"node_taints": [_TAINT]}, "config.taints.0.value", "only"),
    "node_taints.effect": ({"node_taints": [_TAINT]}, "config.taints.0.effect", "NO_EXECUTE"),
    "spot": ({"spot": True}, "config.spot", True),
    "auto_repair": ({"auto_repair": False}, "management.autoRepair", False),
    "auto_upgrade": ({"auto_upgrade": False}, "management.autoUpgrade", False),
    "max_surge": ({"max_surge": 3}, "upgradeSettings.maxSurge", 3),
    "max_unavailable": ({"max_unavailable": 2}, "upgradeSettings.maxUnavailable", 2),
    "max_pods_per_node": ({"max_pods_per_node": 32}, "maxPodsConstraint.maxPodsPerNode", 32),
}  # fmt: skip
_ENDPOINTS = "controlPlaneEndpointsConfig.ipEndpointsConfig"
_DNS = "controlPlaneEndpointsConfig.dnsEndpointConfig"

CLUSTER_ROWS: dict[str, Row] = {
    "description": ({"description": "mesh"}, "description", "mesh"),
    "cluster_version": ({"cluster_version": "1.35"}, "initialClusterVersion", "1.35"),
    "release_channel": ({"release_channel": "rapid"}, "releaseChannel.channel", "RAPID"),
    "node_locations": ({"node_locations": [ZONE, "us-central1-b"]}, "locations", [ZONE, "us-central1-b"]),
    "network": (SHARED, "network", "shared"),
    "subnetwork": (SHARED, "subnetwork", "gke"),
    "cluster_ipv4_cidr": ({"cluster_ipv4_cidr": "/18"}, "ipAllocationPolicy.clusterIpv4CidrBlock", "/18"),
    "services_ipv4_cidr": (
        {"services_ipv4_cidr": "10.120.0.0/20"}, "ipAllocationPolicy.servicesIpv4CidrBlock", "10.120.0.0/20"
    ),
    "cluster_secondary_range_name": (
        {**SHARED, "cluster_secondary_range_name": "pods"}, "ipAllocationPolicy.clusterSecondaryRangeName", "pods"
    ),
    "services_secondary_range_name": (
        {**SHARED, "services_secondary_range_name": "services"},
        "ipAllocationPolicy.servicesSecondaryRangeName", "services",
    ),
    "stack_type": ({"stack_type": "IPV4_IPV6"}, "ipAllocationPolicy.stackType", "IPV4_IPV6"),
    "default_max_pods_per_node": ({"default_max_pods_per_node": 32}, "defaultMaxPodsConstraint.maxPodsPerNode", 32),
    "logging": ({"logging": ["workloads"]}, "loggingConfig.componentConfig.enableComponents", ["WORKLOADS"]),
    "monitoring": ({"monitoring": ["POD"]}, "monitoringConfig.componentConfig.enableComponents", ["POD"]),
    "managed_prometheus": ({"managed_prometheus": True}, "monitoringConfig.managedPrometheusConfig.enabled", True),
    "enable_cloud_logging": (
        {"enable_cloud_logging": True}, "loggingConfig.componentConfig.enableComponents",
        ["SYSTEM_COMPONENTS", "WORKLOADS"],
    ),
    "enable_cloud_monitoring": (
        {"enable_cloud_monitoring": False}, "monitoringConfig.componentConfig.enableComponents", []
    ),
    "labels": ({"labels": {"mesh": 1}}, "resourceLabels", {"mesh": "1"}),
    "autopilot": ({"autopilot": True}, "autopilot.enabled", True),
    "workload_identity": ({"workload_identity": True}, "workloadIdentityConfig.workloadPool", f"{PROJECT}.svc.id.goog"),
    "private_nodes": ({"private_nodes": True}, "networkConfig.defaultEnablePrivateNodes", True),
    "control_plane.ip_endpoints": (control_plane(ip_endpoints=False), f"{_ENDPOINTS}.enabled", False),
    "control_plane.public_endpoint": (
        control_plane(public_endpoint=False), f"{_ENDPOINTS}.enablePublicEndpoint", False
    ),
    "control_plane.global_access": (control_plane(global_access=True), f"{_ENDPOINTS}.globalAccess", True),
    "control_plane.private_endpoint_subnetwork": (
        control_plane(private_endpoint_subnetwork="cp"), f"{_ENDPOINTS}.privateEndpointSubnetwork", "cp"
    ),
    "control_plane.authorized_networks.cidr_block": (
        control_plane(authorized_networks=[{"cidr_block": "203.0.113.0/24"}]),
        f"{NETWORKS}.0.cidrBlock", "203.0.113.0/24",
    ),
    "control_plane.authorized_networks.name": (
        control_plane(authorized_networks=[{"cidr_block": "203.0.113.0/24", "name": "office"}]),
        f"{NETWORKS}.0.displayName", "office",
    ),
    "control_plane.dns_external_traffic": (
        control_plane(dns_external_traffic=True), f"{_DNS}.allowExternalTraffic", True
    ),
    "control_plane.dns_kubernetes_tokens": (
        control_plane(dns_kubernetes_tokens=True), f"{_DNS}.enableK8sTokensViaDns", True
    ),
    "control_plane_ipv4_cidr": (
        {"control_plane_ipv4_cidr": "172.30.0.0/28"}, "privateClusterConfig.masterIpv4CidrBlock", "172.30.0.0/28"
    ),
    "dataplane_v2": ({"dataplane_v2": True}, "networkConfig.datapathProvider", "ADVANCED_DATAPATH"),
    "intra_node_visibility": ({"intra_node_visibility": True}, "networkConfig.enableIntraNodeVisibility", True),
    "gateway_api": ({"gateway_api": "standard"}, "networkConfig.gatewayApiConfig.channel", "CHANNEL_STANDARD"),
    "autoscaling_profile": (
        {"autoscaling_profile": "OPTIMIZE_UTILIZATION"}, "autoscaling.autoscalingProfile", "OPTIMIZE_UTILIZATION"
    ),
    "node_auto_provisioning.enabled": (provisioning(enabled=True), "autoscaling.enableNodeAutoprovisioning", True),
    "node_auto_provisioning.service_account": (
        provisioning(service_account="n@p"), "autoscaling.autoprovisioningNodePoolDefaults.serviceAccount", "n@p"
    ),
    "node_auto_provisioning.limits.resource": (provisioning(), f"{_LIMIT}.resourceType", "cpu"),
    "node_auto_provisioning.limits.minimum": (provisioning(), f"{_LIMIT}.minimum", 1),
    "node_auto_provisioning.limits.maximum": (provisioning(), f"{_LIMIT}.maximum", 8),
    "vertical_pod_autoscaling": ({"vertical_pod_autoscaling": True}, "verticalPodAutoscaling.enabled", True),
    "binary_authorization": (
        {"binary_authorization": "PROJECT_SINGLETON_POLICY_ENFORCE"}, "binaryAuthorization.evaluationMode",
        "PROJECT_SINGLETON_POLICY_ENFORCE",
    ),
    "shielded_nodes": ({"shielded_nodes": False}, "shieldedNodes.enabled", False),
    "confidential_nodes": ({"confidential_nodes": True}, "confidentialNodes.enabled", True),
    "database_encryption_key": ({"database_encryption_key": "k"}, "databaseEncryption.keyName", "k"),
    "fleet_project": ({"fleet_project": "fleet-host"}, "fleet.project", "fleet-host"),
    "maintenance.daily_start": (_EXCLUSIONS, f"{_WINDOW}.dailyMaintenanceWindow.startTime", "03:00"),
    "maintenance.start_time": (_WEEKLY, f"{_WINDOW}.recurringWindow.window.startTime", MARCH["start_time"]),
    "maintenance.end_time": (_WEEKLY, f"{_WINDOW}.recurringWindow.window.endTime", MARCH["end_time"]),
    "maintenance.recurrence": (_WEEKLY, f"{_WINDOW}.recurringWindow.recurrence", "FREQ=WEEKLY"),
    "maintenance.exclusions.name": (_EXCLUSIONS, f"{_EXCLUSION}.startTime", MARCH["start_time"]),
    "maintenance.exclusions.start_time": (_EXCLUSIONS, f"{_EXCLUSION}.startTime", MARCH["start_time"]),
    "maintenance.exclusions.end_time": (_EXCLUSIONS, f"{_EXCLUSION}.endTime", MARCH["end_time"]),
    "maintenance.exclusions.scope": (
        _EXCLUSIONS, f"{_EXCLUSION}.maintenanceExclusionOptions.scope", "NO_MINOR_UPGRADES"
    ),
    "extra": ({"extra": {"cost_management_config": {"enabled": True}}}, "costManagementConfig.enabled", True),
    **{name: (given, f"{POOL}.{path}", value) for name, (given, path, value) in _OF_POOLS.items()},
    **{
        f"node_pools.{name}": (listed(**given), f"{POOL}.{path}", value)
        for name, (given, path, value) in _OF_POOLS.items()
    },
    "node_pools.name": (listed(), f"{POOL}.name", "work"),
    "node_pools.node_locations": (listed(node_locations=["us-central1-b"]), f"{POOL}.locations", ["us-central1-b"]),
    "node_pools.version": (listed(version="1.35"), f"{POOL}.version", "1.35"),
    "node_pools.pod_range": (
        {**SHARED, **listed(pod_range="more-pods")}, f"{POOL}.networkConfig.podRange", "more-pods"
    ),
    "node_pools.private_nodes": (listed(private_nodes=True), f"{POOL}.networkConfig.enablePrivateNodes", True),
    "node_pools.extra": (
        listed(extra={"config": {"minCpuPlatform": "Intel"}}), f"{POOL}.config.minCpuPlatform", "Intel"
    ),
}  # fmt: skip
"""By option; suboptions after a dot."""


def leaves(spec: JSON, where: str = "") -> set[str]:
    """All options of a specification, suboptions instead of what holds them."""
    found: set[str] = set()
    for name, option in spec.items():
        found |= leaves(option["options"], f"{where}{name}.") if "options" in option else {f"{where}{name}"}
    return found


def at(tree: Any, path: str) -> Any:
    """What stands at a dotted path."""
    for key in path.split("."):
        tree = tree[int(key)] if isinstance(tree, list) else (tree or {}).get(key)
    return tree


@pytest.mark.parametrize("option", sorted(CLUSTER_ROWS))
def test_option_of_gke_cluster(option: str, cloud: Cloud) -> None:
    given, path, value = CLUSTER_ROWS[option]
    wish = {"name": "central", "location": ZONE, **given}
    made = cloud.run(gke_cluster, wish)
    assert not made.error, made.error
    assert at(made.writes[0].body["cluster"], path) == value
    again = cloud.run(gke_cluster, wish)
    assert not again.result["changed"] and not again.writes


def other(cloud: Cloud, **options: Any) -> JSON:
    """The result of a run of gke_cluster."""
    run = cloud.run(gke_cluster, {"name": "central", "location": ZONE, **options})
    return run.result | {"error": run.error, "writes": run.writes}


def _name_and_location(cloud: Cloud, _folder: Path) -> None:
    assert other(cloud, location="us-east1-b", name="c")["writes"][0].path.endswith("locations/us-east1-b/clusters")


def _state(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    assert [one.method for one in other(cloud, state="absent")["writes"]] == ["DELETE"]


def _additional_pod_ranges(cloud: Cloud, _folder: Path) -> None:
    made = other(cloud, **SHARED, additional_pod_ranges=["more-pods"])
    assert made["writes"][-1].body["update"]["additionalPodRangesConfig"] == {"podRangeNames": ["more-pods"]}


def _purge_labels(cloud: Cloud, _folder: Path) -> None:
    other(cloud, labels={"a": "1"})
    assert other(cloud, labels={"b": "2"}, purge_labels=False)["cluster"]["labels"] == {"a": "1", "b": "2"}
    assert other(cloud, labels={"b": "2"})["cluster"]["labels"] == {"b": "2"}


def _remove_other_node_pools(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    assert len(other(cloud, **listed())["cluster"]["node_pools"]) == 2
    kept = other(cloud, **listed(), remove_other_node_pools=True)["cluster"]["node_pools"]
    assert [pool["name"] for pool in kept] == ["work"]


def _allow_node_recreation(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    assert "datapathProvider" in other(cloud, dataplane_v2=True)["error"]
    assert other(cloud, dataplane_v2=True, allow_node_recreation=True)["changed"]


SPOT = {"node_pools": [{"name": "work", "spot": True}]}


def _replaced(cloud: Cloud, **options: Any) -> JSON:
    """What a run says that is told to replace a pool, on one of whose nodes a pod runs."""
    other(cloud, **listed())
    labels = {"cloud.google.com/gke-nodepool": "work"}
    cloud.kube.put("/api/v1/nodes/n", metadata={"uid": "n", "labels": labels}, spec={})
    cloud.kube.put("/api/v1/namespaces/shop/pods/web", metadata={"uid": "w"}, spec={"nodeName": "n"})
    return other(cloud, **SPOT, replace_node_pools=True, **options)


def _replace_node_pools(cloud: Cloud, _folder: Path) -> None:
    other(cloud, **listed())
    assert "spot" in other(cloud, **SPOT)["error"]
    (pool,) = _replaced(cloud)["cluster"]["node_pools"]
    assert pool["name"].startswith("work-")
    assert "/api/v1/namespaces/shop/pods/web" not in cloud.kube.objects
    assert not other(cloud, **SPOT)["writes"]


def _drain_timeout(cloud: Cloud, _folder: Path) -> None:
    cloud.kube.on_evict = lambda path, pod: Response(429, b'{"message": "not now"}')
    run = _replaced(cloud, drain_timeout=17)
    assert "after 17 s these pods are still there: shop/web (not now)" in run["error"]
    assert [one.method for one in run["writes"]] == ["POST"], "the old pool is kept"


def _drain_endpoint(cloud: Cloud, _folder: Path) -> None:
    _replaced(cloud, drain_endpoint="dns")
    assert cloud.kube_reference["endpoint"] == "dns"


def _allow_recreate(cloud: Cloud, _folder: Path) -> None:
    other(cloud, description="a")
    assert "description: a -> b" in other(cloud, description="b")["error"]
    told = {"description": "b", "allow_recreate": True}
    assert "deletion_protection" in other(cloud, **told, deletion_protection=True)["error"]
    assert [one.method for one in other(cloud, **told)["writes"]] == ["DELETE", "POST"]


def _deletion_protection(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    assert "deletion_protection" in other(cloud, state="absent", deletion_protection=True)["error"]


def _recreate_on_error(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    cloud.meddle(cloud.cluster() | {"status": "ERROR", "statusMessage": "no nodes"})
    assert "no nodes" in other(cloud)["error"]
    assert [one.method for one in other(cloud, recreate_on_error=True)["writes"]] == ["DELETE", "POST"]


def _fail_on_degraded(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    cloud.meddle(cloud.cluster() | {"status": "DEGRADED", "statusMessage": "a key is gone"})
    assert "a key is gone" in other(cloud)["error"]
    assert "a key is gone" in other(cloud, fail_on_degraded=False)["warnings"][0]


def _wait(cloud: Cloud, _folder: Path) -> None:
    cloud.hold = True
    started = other(cloud, wait=False)
    assert started["operation"]["status"] == "RUNNING" and started["cluster"]["status"] == "PROVISIONING"
    assert not other(cloud, wait=False)["changed"]
    cloud.hold = False
    assert other(cloud)["cluster"]["status"] == "RUNNING"


def _wait_timeout(cloud: Cloud, _folder: Path) -> None:
    cloud.lab.operations._seconds = 3600
    cloud.hold = True
    assert "is still RUNNING after" in other(cloud, wait_timeout=60)["error"]
    cloud.lab.operations.forget(f"{PROJECT}/{ZONE}/central")


def _firewall(cloud: Cloud, **options: Any) -> JSON:
    """The first rule that the module writes."""
    name = options.pop("cluster", "central")
    other(cloud, name=name, node_tags=["mesh1-node"], **options.pop("having", {}))
    wish = {"clusters": [{"name": name, "location": ZONE}], **options}
    run = cloud.run(mesh_firewall, wish)
    assert not run.error, run.error
    return run.writes[0].body | {"names": [one.body.get("name") for one in run.writes], "path": run.writes[0].path}


def _fw_name(cloud: Cloud, _folder: Path) -> None:
    assert _firewall(cloud, name="own-name")["name"] == "own-name"


def _fw_state(cloud: Cloud, _folder: Path) -> None:
    _firewall(cloud)
    assert [one.method for one in cloud.run(mesh_firewall, {"state": "absent"}).writes] == ["DELETE"]


def _fw_clusters(cloud: Cloud, _folder: Path) -> None:
    assert _firewall(cloud)["sourceRanges"] == [cloud.cluster()["body"]["clusterIpv4Cidr"]]
    others = [{"name": "k3s", "kubeconfig": "~/.kube/config", "context": "k3s", "endpoint": "private", "project": "p"}]
    told = cloud.run(mesh_firewall, {"clusters": [{"name": "central", "location": ZONE}, *others]})
    assert not told.error and "k3s" in told.result["warnings"][0]


def _fw_node_tag(cloud: Cloud, _folder: Path) -> None:
    assert _firewall(cloud, node_tag="mesh1-node")["targetTags"] == ["mesh1-node"]


def _fw_network_project(cloud: Cloud, _folder: Path) -> None:
    assert "/projects/host/" in _firewall(cloud, network_project="host")["path"]


def _fw_priority(cloud: Cloud, _folder: Path) -> None:
    assert _firewall(cloud, priority=800)["priority"] == 800


def _fw_protocols(cloud: Cloud, _folder: Path) -> None:
    assert _firewall(cloud, protocols=["tcp:1-5"])["allowed"] == [{"IPProtocol": "tcp", "ports": ["1-5"]}]


def _fw_extra_source_ranges(cloud: Cloud, _folder: Path) -> None:
    assert "10.200.0.0/16" in _firewall(cloud, extra_source_ranges=["10.200.0.0/16"])["sourceRanges"]


def _fw_node_ranges(cloud: Cloud, _folder: Path) -> None:
    assert "10.128.0.0/20" in _firewall(cloud, node_ranges=True)["sourceRanges"]


def _fw_peered_networks(cloud: Cloud, _folder: Path) -> None:
    other(cloud, name="second", **SHARED, cluster_secondary_range_name="pods")
    other(cloud)
    members = [{"name": name, "location": ZONE} for name in ("central", "second")]
    run = cloud.run(mesh_firewall, {"clusters": members, "peered_networks": True})
    assert all("10.64.0.0/16" in one.body["sourceRanges"] for one in run.writes) and len(run.writes) == 2


def _fw_webhooks(cloud: Cloud, _folder: Path) -> None:
    private = {"private_nodes": True, "control_plane_ipv4_cidr": "172.30.0.0/28"}
    assert any(str(name).endswith("-webhooks") for name in _firewall(cloud, having=private)["names"])
    assert cloud.run(mesh_firewall, {"clusters": [{"name": "central", "location": ZONE}], "webhooks": False}).writes


def _fw_max_source_ranges(cloud: Cloud, _folder: Path) -> None:
    assert len(_firewall(cloud, max_source_ranges=1, extra_source_ranges=["10.200.0.0/16"])["names"]) == 2


def _fw_log(cloud: Cloud, _folder: Path) -> None:
    assert _firewall(cloud, log=True)["logConfig"] == {"enable": True}


def _fw_adopt(cloud: Cloud, _folder: Path) -> None:
    name = _firewall(cloud)["name"]
    rules = cloud.lab.cloud.firewalls
    rules.put(f"{PROJECT}/{name}", (rules.get(f"{PROJECT}/{name}") or {}) | {"description": "by hand"})
    wish = {"clusters": [{"name": "central", "location": ZONE}]}
    assert "did not make it" in cloud.run(mesh_firewall, wish).error
    assert [one.method for one in cloud.run(mesh_firewall, {**wish, "adopt": True}).writes] == ["PATCH"]


def _fw_wait_timeout(cloud: Cloud, _folder: Path) -> None:
    other(cloud)
    cloud.lab.compute._seconds = 3600
    cloud.hold = True
    wish = {"clusters": [{"name": "central", "location": ZONE}], "wait_timeout": 5}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gkelab.model.compute._WAIT", 0.01)
        assert "is still running" in cloud.run(mesh_firewall, wish).error


def _kubeconfig(cloud: Cloud, folder: Path, **options: Any) -> JSON:
    """The file after a run, with its mode."""
    other(cloud, **options.pop("having", {}))
    path = folder / "config"
    reference = {"name": "central", "location": ZONE, "project": PROJECT, **options.pop("reference", {})}
    run = cloud.run(gke_kubeconfig, {"path": str(path), "clusters": [reference], **options})
    assert not run.error, run.error
    found: JSON = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found | {"mode": stat.S_IMODE(path.stat().st_mode)} if found else {}


def _kc_path(cloud: Cloud, folder: Path) -> None:
    assert _kubeconfig(cloud, folder)["mode"] == 0o600


def _kc_state(cloud: Cloud, folder: Path) -> None:
    assert _kubeconfig(cloud, folder)
    assert not _kubeconfig(cloud, folder, state="absent")


def _kc_clusters(cloud: Cloud, folder: Path) -> None:
    server = _kubeconfig(cloud, folder)["clusters"][0]["cluster"]["server"]
    reference = {"endpoint": "dns"}
    reachable = {"control_plane": {"dns_external_traffic": True}}
    by_name = _kubeconfig(cloud, folder, reference=reference, having=reachable)["clusters"][0]["cluster"]
    assert server != by_name["server"] and by_name["server"].endswith(".gke.goog")
    assert "certificate-authority-data" not in by_name
    mine = {"kubeconfig": "~/.kube/config", "context": "elsewhere"}
    assert _kubeconfig(cloud, folder / "none", reference=mine) == {}


def _kc_auth(cloud: Cloud, folder: Path) -> None:
    assert "exec" in _kubeconfig(cloud, folder)["users"][0]["user"]
    assert _kubeconfig(cloud, folder, auth="token")["users"][0]["user"] == {"token": "token"}


def _kc_set_current_context(cloud: Cloud, folder: Path) -> None:
    assert not _kubeconfig(cloud, folder).get("current-context")
    assert _kubeconfig(cloud, folder, set_current_context=True)["current-context"] == "central"


def _info(cloud: Cloud, **options: Any) -> list[str]:
    other(cloud, labels={"mesh": "mesh1"})
    other(cloud, name="west", location="us-west1-b")
    run = cloud.run(gke_cluster_info, options)
    assert len(run.requests) == 1
    return [one["name"] for one in run.result["clusters"]]


def _info_name(cloud: Cloud, _folder: Path) -> None:
    assert _info(cloud, name=["west"]) == ["west"]


def _info_location(cloud: Cloud, _folder: Path) -> None:
    assert _info(cloud, location="us-west1-b") == ["west"]


def _info_labels(cloud: Cloud, _folder: Path) -> None:
    assert _info(cloud, labels={"mesh": "mesh1"}) == ["central"]
    assert _info(cloud) == ["central", "west"]


BEHAVIOUR: dict[str, dict[str, Callable[[Cloud, Path], None]]] = {
    "gke_cluster": {
        "name": _name_and_location, "location": _name_and_location, "state": _state, "purge_labels": _purge_labels,
        "additional_pod_ranges": _additional_pod_ranges, "remove_other_node_pools": _remove_other_node_pools,
        "allow_node_recreation": _allow_node_recreation, "deletion_protection": _deletion_protection,
        "replace_node_pools": _replace_node_pools, "drain_timeout": _drain_timeout, "drain_endpoint": _drain_endpoint,
        "allow_recreate": _allow_recreate,
        "recreate_on_error": _recreate_on_error, "fail_on_degraded": _fail_on_degraded, "wait": _wait,
        "wait_timeout": _wait_timeout,
    },
    "mesh_firewall": {
        "name": _fw_name, "state": _fw_state, "node_tag": _fw_node_tag, "network_project": _fw_network_project,
        "priority": _fw_priority, "protocols": _fw_protocols, "extra_source_ranges": _fw_extra_source_ranges,
        "node_ranges": _fw_node_ranges, "peered_networks": _fw_peered_networks, "webhooks": _fw_webhooks,
        "max_source_ranges": _fw_max_source_ranges, "log": _fw_log, "adopt": _fw_adopt,
        "wait_timeout": _fw_wait_timeout,
        **{f"clusters.{one}": _fw_clusters
           for one in ("name", "location", "project", "kubeconfig", "context", "endpoint")},
    },
    "gke_kubeconfig": {
        "path": _kc_path, "state": _kc_state, "auth": _kc_auth, "set_current_context": _kc_set_current_context,
        **{f"clusters.{one}": _kc_clusters
           for one in ("name", "location", "project", "kubeconfig", "context", "endpoint")},
    },
    "gke_cluster_info": {"name": _info_name, "location": _info_location, "labels": _info_labels},
}  # fmt: skip
"""Options whose effect is more than a field of one call; by module, then by option."""
_TRIED = {(module, test.__name__): test for module, rows in BEHAVIOUR.items() for test in rows.values()}


@pytest.mark.parametrize(("module", "name"), sorted(_TRIED))
def test_what_an_option_does(module: str, name: str, cloud: Cloud, tmp_path: Path) -> None:
    _TRIED[module, name](cloud, tmp_path)


@pytest.mark.parametrize(
    ("module", "core"),
    [
        ("gke_cluster", gke_cluster),
        ("gke_cluster_info", gke_cluster_info),
        ("gke_kubeconfig", gke_kubeconfig),
        ("mesh_firewall", mesh_firewall),
    ],
)
def test_every_option_has_its_row(module: str, core: Any) -> None:
    rows = set(BEHAVIOUR[module]) | (set(CLUSTER_ROWS) if module == "gke_cluster" else set())
    assert leaves({name: option for name, option in core.ARGUMENT_SPEC.items() if name not in AUTH_SPEC}) == rows
