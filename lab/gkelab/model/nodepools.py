# SPDX-License-Identifier: GPL-3.0-or-later
"""Node pools: server defaults, refusals, and the machines a pool stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from gkelab.model import addresses, names, networks, versions
from gkelab.model.cloud import Cloud
from gkelab.model.errors import invalid
from gkelab.model.store import JSON

_NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")
_DEFAULT_SCOPES = [
    f"https://www.googleapis.com/auth/{scope}"
    for scope in (
        "devstorage.read_only",
        "logging.write",
        "monitoring",
        "service.management.readonly",
        "servicecontrol",
        "trace.append",
    )
]
_MAX_NODES = 1000


def complete(pool: JSON, cluster: JSON) -> JSON:
    """A requested pool with GKE's defaults; ``cluster`` gives locations and control-plane version."""
    name = pool.get("name", "")
    if not _NAME.fullmatch(name):
        raise invalid(
            f'Invalid value for field "node_pool.name": "{name}". Must be a match of regex '
            "(?:[a-z](?:[-a-z0-9]{0,38}[a-z0-9])?)."
        )
    _check_size(pool)
    check_autoscaling(pool.get("autoscaling", {}))
    done = deepcopy(pool)
    done["config"] = _config(done.get("config", {}), cluster)
    done.setdefault("locations", list(cluster["locations"]))
    for zone in done["locations"]:
        if zone.rpartition("-")[0] != cluster["locations"][0].rpartition("-")[0]:
            raise invalid(f'Location "{zone}" is not in the region of the cluster.')
    done["version"] = versions.resolve_node(done.get("version", ""), cluster["currentMasterVersion"])
    done.setdefault("management", {"autoRepair": True, "autoUpgrade": True})
    done["upgradeSettings"] = {"strategy": "SURGE", "maxSurge": 1} | done.get("upgradeSettings", {})
    done.setdefault("maxPodsConstraint", {"maxPodsPerNode": "110"})
    done["podIpv4CidrSize"] = addresses.NODE_PREFIX
    done["networkConfig"] = {
        "podRange": cluster["ipAllocationPolicy"]["clusterSecondaryRangeName"],
        "podIpv4CidrBlock": cluster["clusterIpv4Cidr"],
    } | done.get("networkConfig", {})
    return done


def settle_pod_range(cloud: Cloud, subnet: JSON, pool: JSON, cluster: str) -> JSON:
    """The requested pool with its own pod range found by name or made, if it is to have one."""
    config = pool.get("networkConfig", {})
    if config.get("createPodRange"):
        network = names.last_segment(subnet["network"])
        block = addresses.pod_block(cloud, config.get("podIpv4CidrBlock", ""), network, cluster)
        name = config.get("podRange") or f"gke-{cluster}-{pool.get('name', '')}-pods-{names.hash8()}"
    elif config.get("podRange"):
        name = config["podRange"]
        block = networks.range_cidr(cloud, subnet, name, "Pod")
    else:
        return {**pool, "networkConfig": without_pod_range(config)}
    return {**pool, "networkConfig": without_pod_range(config) | {"podRange": name, "podIpv4CidrBlock": block}}


def without_pod_range(config: JSON) -> JSON:
    """A pool's network configuration without what decides its pod range, which no update can change."""
    return {
        key: value for key, value in config.items() if key not in ("createPodRange", "podRange", "podIpv4CidrBlock")
    }


def _check_size(pool: JSON) -> None:
    count = pool.get("initialNodeCount", 0)
    if not 0 <= count <= _MAX_NODES:
        raise invalid(f"Node pool size must be between 0 and {_MAX_NODES}, got {count}.")


def check_autoscaling(scaling: JSON) -> None:
    """Refuse bounds for each zone beside bounds for all of them."""
    each = [name for name in ("minNodeCount", "maxNodeCount") if scaling.get(name)]
    if each and (scaling.get("totalMinNodeCount") or scaling.get("totalMaxNodeCount")):
        raise invalid("The total_*_node_count fields are mutually exclusive with the *_node_count fields.")


def disk_size(value: object) -> int:
    """GB of a boot disk; an update carries them as a 64-bit number, so as a string."""
    size = int(str(value))
    if not 10 <= size <= 65536:
        raise invalid(f"Disk size must be between 10 GB and 65536 GB, got {size}.")
    return size


def _config(config: JSON, cluster: JSON) -> JSON:
    defaults: JSON = {
        "machineType": "e2-medium",
        "diskSizeGb": 100,
        "diskType": "pd-balanced",
        "imageType": "COS_CONTAINERD",
        "serviceAccount": "default",
        "oauthScopes": list(_DEFAULT_SCOPES),
        "shieldedInstanceConfig": {"enableIntegrityMonitoring": True},
        "windowsNodeConfig": {},
        "effectiveCgroupMode": "EFFECTIVE_CGROUP_MODE_V2",
    }
    done = {**defaults, **config}
    done["imageType"] = str(done["imageType"]).upper()
    done["diskSizeGb"] = disk_size(done["diskSizeGb"])
    done["metadata"] = {"disable-legacy-endpoints": "true"} | done.get("metadata", {})
    model = "spot" if done.get("spot") else "preemptible" if done.get("preemptible") else "on-demand"
    done["resourceLabels"] = {"goog-gke-node-pool-provisioning-model": model} | done.get("resourceLabels", {})
    done["bootDisk"] = {"diskType": done["diskType"], "sizeGb": str(done["diskSizeGb"])} | done.get("bootDisk", {})
    if cluster.get("workloadIdentityConfig", {}).get("workloadPool"):
        done.setdefault("workloadMetadataConfig", {"mode": "GKE_METADATA"})
    return done


def new_groups(groups: JSON, body: JSON) -> JSON:
    """Instance group hashes by pool and zone: those that stand, and new ones where a pool reaches a new zone."""
    return {
        pool["name"]: {zone: groups.get(pool["name"], {}).get(zone) or names.hash8() for zone in pool["locations"]}
        for pool in body["nodePools"]
    }


def group_base(cluster: str, pool: str, group: str) -> str:
    """Common start of an instance group's name and its machines': cut so that names stay within 63 characters."""
    return f"gke-{cluster[:20].rstrip('-')}-{pool[:20].rstrip('-')}-{group}"


def place_nodes(cloud: Cloud, record: JSON, body: JSON, sizes: JSON, groups: JSON) -> list[JSON]:
    """The machines of a cluster after a change: those that stay keep name and addresses.

    Raises IpSpaceExhausted when the subnet or a pod range has no room left.
    """
    standing = record.get("nodes", [])
    kept: list[JSON] = []
    wanted: list[tuple[JSON, str, int]] = []
    for pool in body["nodePools"]:
        for zone in pool["locations"]:
            here = [node for node in standing if node["pool"] == pool["name"] and node["zone"] == zone]
            stay = here[: sizes[pool["name"]]]
            kept += stay
            wanted.append((pool, zone, sizes[pool["name"]] - len(stay)))
    fresh = addresses.node_addresses(record["subnetCidr"], addresses.used_node_addresses(cloud))
    taken = addresses.used_pod_ranges(cloud, record["subnet"])
    for pool, zone, missing in wanted:
        for _ in range(missing):
            node = _new_node(record, pool, zone, groups, fresh, taken)
            taken.add(node["podCidr"])
            kept.append(node)
    return kept


def _new_node(record: JSON, pool: JSON, zone: str, groups: JSON, fresh: Iterator[str], taken: set[str]) -> JSON:
    base = group_base(record["name"], pool["name"], groups[pool["name"]][zone])
    name = f"{base}-{names.instance_suffix()}"
    address = next(fresh, None)
    if address is None:
        raise addresses.IpSpaceExhausted(_exhausted(name, record["subnet"]))
    pod_cidr = next(addresses.node_pod_ranges(pool["networkConfig"]["podIpv4CidrBlock"], taken), None)
    if pod_cidr is None:
        raise addresses.IpSpaceExhausted(_exhausted(name, f"{record['subnet']}-range"))
    return {"name": name, "pool": pool["name"], "zone": zone, "address": address, "podCidr": pod_cidr}


def _exhausted(instance: str, where: str) -> str:
    path = where.partition("/compute/v1/")[2]
    return f"[IP_SPACE_EXHAUSTED]: Instance '{instance}' creation failed: IP space of '{path}' is exhausted."
