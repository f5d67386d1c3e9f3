# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cluster's record to the plan that a world carries out."""

from __future__ import annotations

import ipaddress

from gkelab.model import catalog
from gkelab.model.addresses import endpoint
from gkelab.model.store import JSON
from gkelab.world.plan import ClusterPlan, NodePlan

LEGACY_CA_LABEL = "gkelab-legacy-ca"
"""Resource label of a cluster whose CA is to be made as old GKE made it."""

_TAINT_EFFECTS = {
    "NO_SCHEDULE": "NoSchedule",
    "PREFER_NO_SCHEDULE": "PreferNoSchedule",
    "NO_EXECUTE": "NoExecute",
}


def cluster_plan(record: JSON, state: JSON | None = None) -> ClusterPlan:
    """Plan of the cluster as it is, or as ``state`` (its ``pending``) says it is to be."""
    state = state or record
    body = state["body"]
    services = body["servicesIpv4Cidr"]
    return ClusterPlan(
        project=record["project"],
        location=record["location"],
        region=catalog.region_of(record["location"]),
        name=record["name"],
        slot=record["slot"],
        version=body["currentMasterVersion"],
        endpoint=endpoint(record["slot"]),
        pod_cidr=body["clusterIpv4Cidr"],
        service_cidr=services,
        dns_address=str(ipaddress.ip_network(services)[10]),
        network=body["network"],
        node_tag=node_tag(record),
        nodes=tuple(_node_plan(record, body, node) for node in state["nodes"]),
        legacy_ca=body.get("resourceLabels", {}).get(LEGACY_CA_LABEL) == "true",
    )


def node_tag(record: JSON) -> str:
    """The network tag that GKE itself puts on every node of a cluster; no field of the API shows it."""
    return f"gke-{record['name']}-{record['hash']}-node"


def _node_plan(record: JSON, body: JSON, node: JSON) -> NodePlan:
    pool = next(pool for pool in body["nodePools"] if pool["name"] == node["pool"])
    config = pool["config"]
    return NodePlan(
        name=node["name"],
        pool=node["pool"],
        zone=node["zone"],
        address=node["address"],
        pod_cidr=node["podCidr"],
        tags=tuple(dict.fromkeys([node_tag(record), *config.get("tags", [])])),
        labels=_node_labels(record, pool, node["zone"]),
        taints=tuple(_taint(taint) for taint in config.get("taints", [])),
        machine_type=config["machineType"],
    )


def _node_labels(record: JSON, pool: JSON, zone: str) -> dict[str, str]:
    config = pool["config"]
    return {
        "cloud.google.com/gke-nodepool": pool["name"],
        "cloud.google.com/gke-boot-disk": config["diskType"],
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/gke-os-distribution": config["imageType"].partition("_")[0].lower(),
        "cloud.google.com/machine-family": config["machineType"].partition("-")[0],
        "node.kubernetes.io/instance-type": config["machineType"],
        "topology.kubernetes.io/region": catalog.region_of(record["location"]),
        "topology.kubernetes.io/zone": zone,
        **config.get("labels", {}),
    }


def _taint(taint: JSON) -> dict[str, str]:
    effect = taint.get("effect", "")
    return {
        "key": taint.get("key", ""),
        "value": taint.get("value", ""),
        "effect": _TAINT_EFFECTS.get(effect, effect),
    }
