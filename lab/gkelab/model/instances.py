# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute's view of the machines of clusters: instances, their groups and templates."""

from __future__ import annotations

from collections.abc import Iterator

from gkelab.model import catalog, names, nodepools
from gkelab.model.cloud import Cloud
from gkelab.model.plans import node_tag
from gkelab.model.store import JSON


def _groups(cloud: Cloud, project: str) -> Iterator[tuple[JSON, JSON, str, str]]:
    """(cluster record, node pool, zone, base name) of every instance group of a project."""
    for record in cloud.clusters_of(project):
        for pool in record["body"]["nodePools"]:
            for zone, group in record["groups"].get(pool["name"], {}).items():
                yield record, pool, zone, nodepools.group_base(record["name"], pool["name"], group)


def managers(cloud: Cloud, project: str, zone: str) -> list[JSON]:
    """Instance group managers of a zone; ``-`` is every zone."""
    shown = []
    for record, pool, place, base in _groups(cloud, project):
        if zone not in ("-", place):
            continue
        template = names.compute_link(project, f"global/instanceTemplates/{base}")
        shown.append(
            {
                "kind": "compute#instanceGroupManager",
                "id": _number(base),
                "creationTimestamp": names.compute_timestamp(record["created"]),
                "name": f"{base}-grp",
                "zone": names.compute_link(project, f"zones/{place}"),
                "instanceTemplate": template,
                "versions": [{"instanceTemplate": template, "targetSize": {"calculated": _size(record, pool, place)}}],
                "instanceGroup": names.compute_link(project, f"zones/{place}/instanceGroups/{base}-grp"),
                "baseInstanceName": base,
                "targetSize": _size(record, pool, place),
                "status": {"isStable": True},
                "selfLink": names.compute_link(project, f"zones/{place}/instanceGroupManagers/{base}-grp"),
            }
        )
    return shown


def templates(cloud: Cloud, project: str) -> list[JSON]:
    """Instance templates: the only place where a client may read GKE's own node tag."""
    return [
        {
            "kind": "compute#instanceTemplate",
            "id": _number(f"{base} template"),
            "creationTimestamp": names.compute_timestamp(record["created"]),
            "name": base,
            "properties": _properties(record, pool),
            "selfLink": names.compute_link(project, f"global/instanceTemplates/{base}"),
        }
        for record, pool, _, base in _groups(cloud, project)
    ]


def instances(cloud: Cloud, project: str, zone: str) -> list[JSON]:
    """Machines of a zone; ``-`` is every zone."""
    shown = []
    for record in cloud.clusters_of(project):
        pools = {pool["name"]: pool for pool in record["body"]["nodePools"]}
        for node in record["nodes"]:
            if zone in ("-", node["zone"]) and node["pool"] in pools:
                shown.append(_instance(record, pools[node["pool"]], node))
    return shown


def _instance(record: JSON, pool: JSON, node: JSON) -> JSON:
    project, zone = record["project"], node["zone"]
    properties = _properties(record, pool)
    interface = properties["networkInterfaces"][0] | {
        "name": "nic0",
        "networkIP": node["address"],
        "aliasIpRanges": [{"ipCidrRange": node["podCidr"]}],
    }
    return {
        "kind": "compute#instance",
        "id": _number(node["name"]),
        "creationTimestamp": names.compute_timestamp(record["created"]),
        "name": node["name"],
        "status": "RUNNING",
        "zone": names.compute_link(project, f"zones/{zone}"),
        "machineType": names.compute_link(project, f"zones/{zone}/machineTypes/{properties['machineType']}"),
        "tags": properties["tags"],
        "labels": {"goog-gke-node": "", "goog-k8s-cluster-name": record["name"]},
        "networkInterfaces": [interface],
        "selfLink": names.compute_link(project, f"zones/{zone}/instances/{node['name']}"),
    }


def _properties(record: JSON, pool: JSON) -> JSON:
    config = pool["config"]
    tags = list(dict.fromkeys([node_tag(record), *config.get("tags", [])]))
    network = f"{names.COMPUTE}/{record['body']['networkConfig']['network']}"
    return {
        "machineType": config["machineType"],
        "tags": {"items": tags, "fingerprint": names.fingerprint(tags)},
        "networkInterfaces": [{"network": network, "subnetwork": record["subnet"]}],
        "serviceAccounts": [{"email": config["serviceAccount"], "scopes": config.get("oauthScopes", [])}],
        "labels": {"goog-gke-node": ""},
    }


def _size(record: JSON, pool: JSON, zone: str) -> int:
    return sum(node["pool"] == pool["name"] and node["zone"] == zone for node in record["nodes"])


def _number(name: str) -> str:
    """A stable id for what has no record of its own."""
    return catalog.project_number(f"id of {name}") + "0000000"
