# SPDX-License-Identifier: GPL-3.0-or-later
"""What GKE makes of a cluster request: refusals, and the many fields that it fills in by itself."""

from __future__ import annotations

import re
from copy import deepcopy

from gkelab.model import addresses, catalog, names, networks, nodepools, versions
from gkelab.model.cloud import Cloud
from gkelab.model.errors import invalid
from gkelab.model.store import JSON

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_MONITORED = [
    "SYSTEM_COMPONENTS",
    "STORAGE",
    "POD",
    "DEPLOYMENT",
    "STATEFULSET",
    "DAEMONSET",
    "HPA",
    "CADVISOR",
    "KUBELET",
    "DCGM",
    "JOBSET",
]
_OUTPUT_ONLY = [
    "selfLink",
    "zone",
    "location",
    "endpoint",
    "currentMasterVersion",
    "currentNodeVersion",
    "createTime",
    "status",
    "statusMessage",
    "nodeIpv4CidrSize",
    "servicesIpv4Cidr",
    "instanceGroupUrls",
    "currentNodeCount",
    "expireTime",
    "conditions",
    "id",
    "etag",
    "labelFingerprint",
]

_ADDED_LATER = ("additionalPodRangesConfig", "additionalIpRangesConfigs")
"""Output-only parts of the allocation policy: only updates add them."""


def check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid(
            f'Invalid value for field "cluster.name": "{name}". Must be a match of regex '
            "(?:[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?)."
        )


def complete(cloud: Cloud, project: str, location: str, request: JSON) -> tuple[JSON, JSON, str]:
    """(body, subnetwork, hash) of a new cluster. Raises ApiError for what Google refuses at once."""
    body = {key: deepcopy(value) for key, value in request.items() if key not in _OUTPUT_ONLY}
    check_name(body.get("name", ""))
    requested_pools = _requested_pools(body)
    network = networks.cluster_network(cloud, project, _network_reference(body))
    region = catalog.region_of(location)
    subnet = networks.cluster_subnetwork(cloud, network, region, _subnetwork_reference(body))
    body["network"], body["subnetwork"] = network["name"], subnet["name"]
    _settle_locations(body, location)
    _settle_version(body)
    cluster_hash = names.hash8()
    _settle_ranges(cloud, body, subnet, cluster_hash)
    _settle_features(body, network, subnet)
    _settle_legacy_services(body)
    body["nodePools"] = [
        nodepools.complete(nodepools.settle_pod_range(cloud, subnet, pool, body["name"]), body)
        for pool in requested_pools
    ]
    if len({pool["name"] for pool in body["nodePools"]}) != len(body["nodePools"]):
        raise invalid("Node pool names must be unique within a cluster.")
    return body, subnet, cluster_hash


def _requested_pools(body: JSON) -> list[JSON]:
    pools: list[JSON] = body.pop("nodePools", [])
    count, config = body.get("initialNodeCount", 0), body.pop("nodeConfig", None)
    if pools and (count or config):
        raise invalid(
            "Cluster.initial_node_count and Cluster.node_config must not be set along with Cluster.node_pools."
        )
    if body.get("autopilot", {}).get("enabled"):
        auto = {"enabled": True, "maxNodeCount": 1000, "autoprovisioned": True}
        return [{"name": "default-pool", "initialNodeCount": 1, "autoscaling": auto}]
    if not pools:
        if count <= 0:
            raise invalid("Cluster.initial_node_count must be greater than zero.")
        pools = [{"name": "default-pool", "initialNodeCount": count, "config": config or {}}]
    body["initialNodeCount"] = sum(pool.get("initialNodeCount", 0) for pool in pools)
    return pools


def _network_reference(body: JSON) -> str:
    return body.get("network") or body.get("networkConfig", {}).get("network") or "default"


def _subnetwork_reference(body: JSON) -> str:
    policy = body.get("ipAllocationPolicy", {})
    if policy.get("createSubnetwork"):
        raise invalid("ip_allocation_policy.create_subnetwork is not offered by this lab: make the subnetwork first.")
    return body.get("subnetwork") or body.get("networkConfig", {}).get("subnetwork") or ""


def _settle_locations(body: JSON, location: str) -> None:
    body.setdefault("locations", catalog.default_node_locations(location))
    region = catalog.region_of(location)
    for zone in body["locations"]:
        if not catalog.is_zone(zone) or catalog.region_of(zone) != region:
            raise invalid(f'Location "{zone}" is not a zone of region "{region}".')
    if catalog.is_zone(location) and location not in body["locations"]:
        raise invalid(f'Cluster locations must include the primary location "{location}".')


def _settle_version(body: JSON) -> None:
    channel = body.get("releaseChannel", {}).get("channel", "UNSPECIFIED" if "releaseChannel" in body else "")
    version, channel = versions.choose(body.get("initialClusterVersion", ""), channel)
    body["initialClusterVersion"] = version
    body["currentMasterVersion"] = version
    body["releaseChannel"] = {} if channel == "UNSPECIFIED" else {"channel": channel}


def _settle_ranges(cloud: Cloud, body: JSON, subnet: JSON, cluster_hash: str) -> None:
    policy = {key: part for key, part in body.get("ipAllocationPolicy", {}).items() if key not in _ADDED_LATER}
    asked = policy.get("clusterIpv4CidrBlock") or policy.get("clusterIpv4Cidr") or body.get("clusterIpv4Cidr") or ""
    pods_name = policy.get("clusterSecondaryRangeName", "")
    if pods_name and asked:
        raise invalid("Only one of cluster_secondary_range_name and cluster_ipv4_cidr_block may be set.")
    if pods_name:
        pods = networks.range_cidr(cloud, subnet, pods_name, "Pod")
    else:
        pods = addresses.pod_block(cloud, asked, body["network"], body["name"])
        policy["clusterSecondaryRangeName"] = f"gke-{body['name']}-pods-{cluster_hash}"
    services = _services(cloud, policy, subnet)
    policy |= {
        "useIpAliases": True,
        "clusterIpv4Cidr": pods,
        "clusterIpv4CidrBlock": pods,
        "servicesIpv4Cidr": services,
        "servicesIpv4CidrBlock": services,
        "stackType": policy.get("stackType", "IPV4"),
        "podCidrOverprovisionConfig": policy.get("podCidrOverprovisionConfig", {}),
    }
    body |= {"ipAllocationPolicy": policy, "clusterIpv4Cidr": pods, "servicesIpv4Cidr": services}


def _services(cloud: Cloud, policy: JSON, subnet: JSON) -> str:
    if policy.get("servicesSecondaryRangeName"):
        return networks.range_cidr(cloud, subnet, policy["servicesSecondaryRangeName"], "Services")
    asked = policy.get("servicesIpv4CidrBlock") or policy.get("servicesIpv4Cidr") or ""
    if not asked or asked.startswith("/"):
        return addresses.SERVICES
    return str(networks.cidr_value("cluster.ip_allocation_policy.services_ipv4_cidr_block", asked))


def _settle_features(body: JSON, network: JSON, subnet: JSON) -> None:
    """Everything that comes back though nobody sent it: what makes a naive comparison see drift."""
    addons = body.setdefault("addonsConfig", {})
    addons.setdefault("gcePersistentDiskCsiDriverConfig", {"enabled": True})
    addons.setdefault("kubernetesDashboard", {"disabled": True})
    addons.setdefault("networkPolicyConfig", {"disabled": True})
    body.setdefault("anonymousAuthenticationConfig", {"mode": "ENABLED"})
    body.setdefault("autopilot", {})
    body["autoscaling"] = {"autoscalingProfile": "BALANCED"} | body.get("autoscaling", {})
    body.setdefault("databaseEncryption", {"state": "DECRYPTED"})
    encrypted = body["databaseEncryption"].get("state") == "ENCRYPTED"
    body["databaseEncryption"]["currentState"] = "CURRENT_STATE_" + ("ENCRYPTED" if encrypted else "DECRYPTED")
    body.setdefault("defaultMaxPodsConstraint", {"maxPodsPerNode": "110"})
    body.setdefault("enterpriseConfig", {"clusterTier": "STANDARD"})
    body.setdefault("maintenancePolicy", {})
    body.setdefault("masterAuth", {"clientCertificateConfig": {}})
    body.setdefault("notificationConfig", {"pubsub": {}})
    body.setdefault(
        "rbacBindingConfig",
        {
            "enableInsecureBindingSystemUnauthenticated": True,
            "enableInsecureBindingSystemAuthenticated": True,
        },
    )
    body.setdefault("securityPostureConfig", {"mode": "BASIC", "vulnerabilityMode": "VULNERABILITY_DISABLED"})
    body.setdefault("shieldedNodes", {"enabled": True})
    _settle_network_config(body, network, subnet)
    settle_endpoints(body)


def _settle_network_config(body: JSON, network: JSON, subnet: JSON) -> None:
    config = body.setdefault("networkConfig", {})
    config["network"] = network["selfLink"].partition("/compute/v1/")[2]
    config["subnetwork"] = subnet["selfLink"].partition("/compute/v1/")[2]
    config.setdefault("serviceExternalIpsConfig", {})
    _settle_private_nodes(config, body.get("privateClusterConfig", {}))
    if config.get("datapathProvider") == "ADVANCED_DATAPATH" and body.get("networkPolicy", {}).get("enabled"):
        raise invalid("Enabling NetworkPolicy for clusters with DatapathProvider=ADVANCED_DATAPATH is not allowed.")


def _settle_private_nodes(config: JSON, legacy: JSON) -> None:
    """Today's field and its deprecated twin must agree where both messages are sent; a missing boolean is false."""
    private = bool(legacy.get("enablePrivateNodes"))
    if legacy and config.get("defaultEnablePrivateNodes", private) != private:
        raise invalid("enable_private_nodes and default_enable_private_nodes must be the same.")
    config.setdefault("defaultEnablePrivateNodes", private)


def settle_endpoints(body: JSON) -> None:
    """Make today's endpoint settings and their deprecated twins say the same."""
    endpoints = body.setdefault("controlPlaneEndpointsConfig", {})
    dns = endpoints.setdefault("dnsEndpointConfig", {})
    dns.setdefault("allowExternalTraffic", False)
    by_ip = endpoints.setdefault("ipEndpointsConfig", {})
    legacy = body.get("privateClusterConfig", {})
    by_ip.setdefault("enabled", True)
    by_ip.setdefault("enablePublicEndpoint", not legacy.get("enablePrivateEndpoint", False))
    by_ip.setdefault("globalAccess", legacy.get("masterGlobalAccessConfig", {}).get("enabled", False))
    authorized = by_ip.setdefault("authorizedNetworksConfig", deepcopy(body.get("masterAuthorizedNetworksConfig", {})))
    authorized.setdefault("gcpPublicCidrsAccessEnabled", True)
    body["masterAuthorizedNetworksConfig"] = deepcopy(authorized)


def _settle_legacy_services(body: JSON) -> None:
    """Logging and monitoring: component lists, and the deprecated service names that stand for them."""
    if "loggingConfig" not in body:
        off = body.get("loggingService") == "none"
        body["loggingConfig"] = {
            "componentConfig": {} if off else {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}
        }
    if "monitoringConfig" not in body:
        off = body.get("monitoringService") == "none"
        body["monitoringConfig"] = {"componentConfig": {} if off else {"enableComponents": list(_MONITORED)}}
        body["monitoringConfig"]["managedPrometheusConfig"] = {} if off else {"enabled": True}
        body["monitoringConfig"]["advancedDatapathObservabilityConfig"] = {"enableRelay": False}
    settle_service_names(body)


def settle_service_names(body: JSON) -> None:
    """Derive ``loggingService`` and ``monitoringService`` from the component lists."""
    for kind in ("logging", "monitoring"):
        components = body[f"{kind}Config"].get("componentConfig", {}).get("enableComponents", [])
        body[f"{kind}Service"] = f"{kind}.googleapis.com/kubernetes" if components else "none"
