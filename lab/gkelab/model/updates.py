# SPDX-License-Identifier: GPL-3.0-or-later
"""UpdateCluster: which fields may come together, and what each does to the cluster."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

from gkelab.model import catalog, defaults, nodepools, versions
from gkelab.model.errors import ApiError, invalid
from gkelab.model.schema import fields, message
from gkelab.model.store import JSON

_IMAGE_FIELDS = {"desiredImage": "image", "desiredImageProject": "imageProject"}
_TOGETHER = (
    {"desiredLoggingService", "desiredMonitoringService"},
    {"desiredLoggingConfig", "desiredMonitoringConfig"},
    {"desiredNodeVersion", "desiredNodePoolId", "desiredImageType", *_IMAGE_FIELDS},
    {"desiredNodePoolAutoscaling", "desiredNodePoolId"},
    {"desiredMasterVersion", "desiredRollbackSafeUpgrade"},
    {"additionalPodRangesConfig", "removedAdditionalPodRangesConfig"},
)
_MERGED = {"addonsConfig", "loggingConfig", "monitoringConfig", "controlPlaneEndpointsConfig"}
"""Fields of which an update changes only the parts that it names."""


def check(update: JSON, body_etag: str) -> None:
    """Refuse an empty update, two features in one, and a stale etag."""
    features = set(update) - {"etag"}
    if not features:
        raise invalid("Must specify a field to update.")
    if len(features) > 1 and not any(features <= allowed for allowed in _TOGETHER):
        named = ", ".join(sorted(features))
        raise invalid(f"Only one feature can be updated at a time, got: {named}.")
    if "etag" in update and update["etag"] != body_etag:
        raise ApiError("ABORTED", "The etag of the cluster does not match: concurrent modification.")


def operation_type(update: JSON) -> str:
    if "desiredMasterVersion" in update:
        return "UPGRADE_MASTER"
    if "desiredNodeVersion" in update or "desiredImageType" in update:
        return "UPGRADE_NODES"
    return "UPDATE_CLUSTER"


def apply(body: JSON, location: str, update: JSON) -> JSON:
    """The cluster's body after the update; raises ApiError for values that Google refuses."""
    result = deepcopy(body)
    for name, value in update.items():
        if name == "etag" or name == "desiredNodePoolId":
            continue
        special = _SPECIAL.get(name)
        if special:
            special(result, location, update)
        else:
            _plain(result, name, value)
    return result


def _plain(body: JSON, name: str, value: object) -> None:
    field = _undesired(name)
    home = body
    if field not in fields(message("Cluster")) and field in fields(message("NetworkConfig")):
        home = body["networkConfig"]
    if field in _MERGED and isinstance(value, dict):
        home[field] = {**home.get(field, {}), **value}
    else:
        home[field] = value
    if field in ("loggingConfig", "monitoringConfig"):
        defaults.settle_service_names(body)


def _undesired(name: str) -> str:
    bare = name.removeprefix("desired")
    return bare[0].lower() + bare[1:]


def _pools(body: JSON, update: JSON) -> list[JSON]:
    wanted = update.get("desiredNodePoolId")
    pools = [pool for pool in body["nodePools"] if wanted in (None, pool["name"])]
    if not pools:
        raise ApiError("NOT_FOUND", f'Node pool "{wanted}" not found.')
    if wanted is None and len(body["nodePools"]) > 1:
        raise invalid("Must specify desired_node_pool_id: the cluster has more than one node pool.")
    return pools


def _master_version(body: JSON, location: str, update: JSON) -> None:
    channel = body["releaseChannel"].get("channel", "")
    valid = versions.CHANNELS.get(channel, versions.MASTER_VERSIONS)
    asked = update["desiredMasterVersion"]
    version = valid[0] if asked == "-" else versions.resolve(asked, valid)
    current = body["currentMasterVersion"]
    if versions.minor(version) < versions.minor(current):
        raise invalid(f'Master cannot be downgraded from "{current}" to "{version}".')
    if versions.minor(version)[1] > versions.minor(current)[1] + 1:
        raise invalid(f'Master cannot be upgraded to "{version}": cannot skip minor versions from "{current}".')
    body["currentMasterVersion"] = version


def _node_version(body: JSON, location: str, update: JSON) -> None:
    for pool in _pools(body, update):
        pool["version"] = versions.resolve_node(update["desiredNodeVersion"], body["currentMasterVersion"])


def _image_type(body: JSON, location: str, update: JSON) -> None:
    for pool in _pools(body, update):
        pool["config"]["imageType"] = update["desiredImageType"].upper()


def _custom_image(body: JSON, location: str, update: JSON) -> None:
    for pool in _pools(body, update):
        image = pool["config"].setdefault("nodeImageConfig", {})
        image |= {name: update[wanted] for wanted, name in _IMAGE_FIELDS.items() if wanted in update}


def _pool_autoscaling(body: JSON, location: str, update: JSON) -> None:
    nodepools.check_autoscaling(update["desiredNodePoolAutoscaling"])
    for pool in _pools(body, update):
        pool["autoscaling"] = update["desiredNodePoolAutoscaling"]


def _channel(body: JSON, location: str, update: JSON) -> None:
    channel = update["desiredReleaseChannel"].get("channel", "")
    valid = versions.CHANNELS.get(channel)
    if valid and versions.minor(body["currentMasterVersion"]) > versions.minor(valid[0]):
        raise invalid(f'Master version "{body["currentMasterVersion"]}" is not available in channel "{channel}".')
    body["releaseChannel"] = {"channel": channel} if channel else {}


def _locations(body: JSON, location: str, update: JSON) -> None:
    old, new = set(body["locations"]), set(update["desiredLocations"])
    region = catalog.region_of(location)
    for zone in new:
        if not catalog.is_zone(zone) or catalog.region_of(zone) != region:
            raise invalid(f'Location "{zone}" is not a zone of region "{region}".')
    if new - old and old - new:
        raise invalid("Cannot add and remove locations in the same request.")
    if catalog.is_zone(location) and location not in new:
        raise invalid(f'Cluster locations must include the primary location "{location}".')
    body["locations"] = update["desiredLocations"]
    for pool in body["nodePools"]:
        pool["locations"] = list(update["desiredLocations"])


def _endpoints(body: JSON, location: str, update: JSON) -> None:
    current, wanted = body["controlPlaneEndpointsConfig"], update["desiredControlPlaneEndpointsConfig"]
    subnet = current.get("ipEndpointsConfig", {}).get("privateEndpointSubnetwork", "")
    if wanted.get("ipEndpointsConfig", {}).get("privateEndpointSubnetwork", subnet) != subnet:
        raise invalid("The subnetwork of the private endpoint cannot be changed after the cluster is created.")
    for part, values in wanted.items():
        current[part] = {**current.get(part, {}), **values}
    defaults.settle_endpoints(body)


def _authorized_networks(body: JSON, location: str, update: JSON) -> None:
    wanted = update["desiredMasterAuthorizedNetworksConfig"]
    body["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]["authorizedNetworksConfig"] = deepcopy(wanted)
    defaults.settle_endpoints(body)


def _private_endpoint(body: JSON, location: str, update: JSON) -> None:
    public = not update["desiredEnablePrivateEndpoint"]
    body["controlPlaneEndpointsConfig"]["ipEndpointsConfig"]["enablePublicEndpoint"] = public


def _private_nodes(body: JSON, location: str, update: JSON) -> None:
    body["networkConfig"]["defaultEnablePrivateNodes"] = update["desiredDefaultEnablePrivateNodes"]


def _service(kind: str) -> Callable[[JSON, str, JSON], None]:
    def apply_service(body: JSON, location: str, update: JSON) -> None:
        name = update[f"desired{kind.capitalize()}Service"]
        components = [] if name == "none" else ["SYSTEM_COMPONENTS", "WORKLOADS"][: 2 if kind == "logging" else 1]
        config = body[f"{kind}Config"]
        config["componentConfig"] = {"enableComponents": components} if components else {}
        body[f"{kind}Service"] = name

    return apply_service


def _cluster_autoscaling(body: JSON, location: str, update: JSON) -> None:
    body["autoscaling"] = {"autoscalingProfile": "BALANCED"} | update["desiredClusterAutoscaling"]


def _fleet(body: JSON, location: str, update: JSON) -> None:
    current, wanted = body.get("fleet", {}), update["desiredFleet"]
    if current.get("project") and wanted.get("project", current["project"]) != current["project"]:
        raise invalid(f'The cluster is registered to the fleet of project "{current["project"]}" already.')
    body["fleet"] = {**current, **wanted}


def _one_way(apply_it: Callable[[JSON, str, JSON], None], target: str) -> Callable[[JSON, str, JSON], None]:
    """An updater of a switch of the network configuration that cannot be turned off again."""

    def put(body: JSON, location: str, update: JSON) -> None:
        was = body["networkConfig"].get(target)
        apply_it(body, location, update)
        if was and not body["networkConfig"].get(target):
            raise invalid(f"{target} cannot be disabled once it is enabled.")

    return put


def _enterprise(body: JSON, location: str, update: JSON) -> None:
    body["enterpriseConfig"] = {"clusterTier": update["desiredEnterpriseConfig"].get("desiredTier", "STANDARD")}


def _add_pod_ranges(body: JSON, location: str, update: JSON) -> None:
    names = _extra_ranges(body)
    names += [name for name in update["additionalPodRangesConfig"].get("podRangeNames", []) if name not in names]


def _remove_pod_ranges(body: JSON, location: str, update: JSON) -> None:
    names = _extra_ranges(body)
    for name in update["removedAdditionalPodRangesConfig"].get("podRangeNames", []):
        if name not in names:
            raise invalid(f'Pod range "{name}" is not an additional range of the cluster.')
        names.remove(name)
    if not names:
        del body["ipAllocationPolicy"]["additionalPodRangesConfig"]


def _extra_ranges(body: JSON) -> list[str]:
    config = body["ipAllocationPolicy"].setdefault("additionalPodRangesConfig", {})
    names: list[str] = config.setdefault("podRangeNames", [])
    return names


def _ip_ranges(body: JSON, location: str, update: JSON) -> None:
    wanted = update["desiredAdditionalIpRangesConfig"]
    body["ipAllocationPolicy"]["additionalIpRangesConfigs"] = wanted.get("additionalIpRangesConfigs", [])


def _under(*path: str) -> Callable[[JSON, str, JSON], None]:
    """An updater that puts the value of desired field ``path[0]`` at the rest of the path."""

    def put(body: JSON, location: str, update: JSON) -> None:
        home = body
        for step in path[1:-1]:
            home = home.setdefault(step, {})
        home[path[-1]] = update[path[0]]

    return put


def _switch(name: str, target: str) -> Callable[[JSON, str, JSON], None]:
    """An updater from a message with ``enabled`` to a plain boolean of the network configuration."""

    def put(body: JSON, location: str, update: JSON) -> None:
        body["networkConfig"][target] = bool(update[name].get("enabled"))
        if not body["networkConfig"][target]:
            del body["networkConfig"][target]

    return put


_SPECIAL: dict[str, Callable[[JSON, str, JSON], None]] = {
    "desiredMasterVersion": _master_version,
    "desiredNodeVersion": _node_version,
    "desiredImageType": _image_type,
    "desiredImage": _custom_image,
    "desiredImageProject": _custom_image,
    "desiredNodePoolAutoscaling": _pool_autoscaling,
    "desiredReleaseChannel": _channel,
    "desiredLocations": _locations,
    "desiredControlPlaneEndpointsConfig": _endpoints,
    "desiredMasterAuthorizedNetworksConfig": _authorized_networks,
    "desiredEnablePrivateEndpoint": _private_endpoint,
    "desiredDefaultEnablePrivateNodes": _private_nodes,
    "desiredLoggingService": _service("logging"),
    "desiredMonitoringService": _service("monitoring"),
    "desiredClusterAutoscaling": _cluster_autoscaling,
    "desiredEnterpriseConfig": _enterprise,
    "additionalPodRangesConfig": _add_pod_ranges,
    "removedAdditionalPodRangesConfig": _remove_pod_ranges,
    "desiredAdditionalIpRangesConfig": _ip_ranges,
    "desiredIntraNodeVisibilityConfig": _switch("desiredIntraNodeVisibilityConfig", "enableIntraNodeVisibility"),
    "desiredFleet": _fleet,
    "desiredL4ilbSubsettingConfig": _one_way(
        _switch("desiredL4ilbSubsettingConfig", "enableL4ilbSubsetting"), "enableL4ilbSubsetting"
    ),
    "desiredEnableFqdnNetworkPolicy": _one_way(
        _under("desiredEnableFqdnNetworkPolicy", "networkConfig", "enableFqdnNetworkPolicy"), "enableFqdnNetworkPolicy"
    ),
    "desiredStackType": _under("desiredStackType", "ipAllocationPolicy", "stackType"),
    "desiredAutoIpamConfig": _under("desiredAutoIpamConfig", "ipAllocationPolicy", "autoIpamConfig"),
    "desiredNetworkTierConfig": _under("desiredNetworkTierConfig", "ipAllocationPolicy", "networkTierConfig"),
    "desiredNodePoolAutoConfigNetworkTags": _under(
        "desiredNodePoolAutoConfigNetworkTags", "nodePoolAutoConfig", "networkTags"
    ),
    "desiredNodePoolAutoConfigResourceManagerTags": _under(
        "desiredNodePoolAutoConfigResourceManagerTags", "nodePoolAutoConfig", "resourceManagerTags"
    ),
    "desiredNodePoolAutoConfigKubeletConfig": _under(
        "desiredNodePoolAutoConfigKubeletConfig", "nodePoolAutoConfig", "nodeKubeletConfig"
    ),
    "desiredNodePoolAutoConfigLinuxNodeConfig": _under(
        "desiredNodePoolAutoConfigLinuxNodeConfig", "nodePoolAutoConfig", "linuxNodeConfig"
    ),
    "desiredNodePoolLoggingConfig": _under(
        "desiredNodePoolLoggingConfig", "nodePoolDefaults", "nodeConfigDefaults", "loggingConfig"
    ),
    "desiredNodeKubeletConfig": _under(
        "desiredNodeKubeletConfig", "nodePoolDefaults", "nodeConfigDefaults", "nodeKubeletConfig"
    ),
    "desiredGcfsConfig": _under("desiredGcfsConfig", "nodePoolDefaults", "nodeConfigDefaults", "gcfsConfig"),
    "desiredContainerdConfig": _under(
        "desiredContainerdConfig", "nodePoolDefaults", "nodeConfigDefaults", "containerdConfig"
    ),
    "desiredAutopilotWorkloadPolicyConfig": _under(
        "desiredAutopilotWorkloadPolicyConfig", "autopilot", "workloadPolicyConfig"
    ),
    "desiredPrivilegedAdmissionConfig": _under(
        "desiredPrivilegedAdmissionConfig", "autopilot", "privilegedAdmissionConfig"
    ),
    "desiredAutopilotClusterPolicyConfig": _under(
        "desiredAutopilotClusterPolicyConfig", "autopilot", "clusterPolicyConfig"
    ),
    "desiredK8sBetaApis": _under("desiredK8sBetaApis", "enableK8sBetaApis"),
    "desiredEmulatedVersion": _under("desiredEmulatedVersion", "currentEmulatedVersion"),
}
