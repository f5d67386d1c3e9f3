# SPDX-License-Identifier: GPL-3.0-or-later
"""What is swept: runs that change something, and what is there before them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster, mesh_firewall
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import firewall_rule

from tests.lab.sweep.site import Call, Site

TAG = "mesh-node"
RULE = "mesh-pods"
AWHILE = 0.8
"""Seconds that an operation takes which a run must meet."""


def _nothing(site: Site) -> None:
    """An empty project."""


@dataclass(frozen=True)
class Scenario:
    """A run that gets disturbed.

    Attributes:
        call: the run.
        before: makes what is there before it.
        again: the run after it, where that is not the same one.
        changes: whether the run changes anything.
    """

    call: Call
    before: Callable[[Site], None] = _nothing
    again: Call | None = None
    changes: bool = True

    @property
    def repeat(self) -> Call:
        """What a person does after the disturbance."""
        return self.again or self.call


def _cluster(name: str = "central", location: str = "us-central1-a", **options: Any) -> Call:
    return Call(gke_cluster, {"name": name, "location": location, **options})


_POOLS = [
    {"name": "front", "node_count": 1, "node_labels": {"tier": "front"}},
    {"name": "back", "node_count": 2, "machine_type": "e2-standard-8"},
]
_DEFAULT = _cluster()
_FULL = _cluster(
    location="us-central1",
    node_locations=["us-central1-a", "us-central1-b"],
    release_channel="regular",
    labels={"team": "mesh"},
    node_tags=[TAG],
    workload_identity=True,
    logging=["SYSTEM_COMPONENTS"],
    control_plane={"authorized_networks": [{"cidr_block": "203.0.113.0/24", "name": "office"}]},
    node_pools=_POOLS,
)
_PLAIN = _cluster(node_count=1, labels={"team": "mesh"}, release_channel="stable")
_UPDATED = _PLAIN.but(
    labels={"team": "other", "stage": "live"},
    release_channel="regular",
    logging=["SYSTEM_COMPONENTS"],
    monitoring=["SYSTEM_COMPONENTS"],
    control_plane={"authorized_networks": [{"cidr_block": "198.51.100.0/24"}]},
    node_tags=[TAG],
)
_POOLED = _cluster(node_pools=_POOLS)
_REPOOLED = _POOLED.but(
    node_pools=[
        {
            "name": "front",
            "node_count": 3,
            "node_labels": {"tier": "edge"},
            "node_tags": [TAG],
            "node_taints": [{"key": "edge", "value": "yes", "effect": "NO_SCHEDULE"}],
            "max_surge": 2,
        },
        {"name": "spare", "node_count": 1},
        {"name": "wide", "autoscaling": {"minimum": 1, "maximum": 3}},
    ],
    remove_other_node_pools=True,
)
_ZONED = _cluster(location="us-central1", node_count=1, node_locations=["us-central1-a", "us-central1-b"])


_WORK = {"name": "work", "node_count": 1, "autoscaling": {"minimum": 1, "maximum": 3}}
_SCALED = _cluster(node_pools=[_WORK])
_REPLACED = _SCALED.but(
    node_pools=[{**_WORK, "service_account": "own", "node_labels": {"tier": "back"}}], replace_node_pools=True
)
_DESCRIBED = _PLAIN.but(description="one")


def _made(*calls: Call) -> Callable[[Site], None]:
    """What undisturbed runs make."""

    def make(site: Site) -> None:
        for call in calls:
            site.run(call)

    return make


def _inhabited(site: Site) -> None:
    """A cluster with pods on its two nodes, one of them held by a budget at first, and one of a DaemonSet."""
    site.run(_SCALED)
    objects: dict[str, Any] = {}
    for number in (1, 2):
        metadata = {"uid": f"node-{number}", "labels": {"cloud.google.com/gke-nodepool": "work"}}
        objects[f"/api/v1/nodes/node-{number}"] = {"metadata": metadata, "spec": {}}
    owner = [{"kind": "DaemonSet", "name": "agent", "controller": True}]
    for name, node, owners in (("web", 1, []), ("held", 2, []), ("agent", 2, owner)):
        pod = {"metadata": {"uid": name, "ownerReferences": owners}, "spec": {"nodeName": f"node-{node}"}}
        objects[f"/api/v1/namespaces/shop/pods/{name}"] = pod
    site.populate(objects)


def _broken(site: Site) -> None:
    """A cluster in state ERROR."""
    site.run(_PLAIN)
    site.ask("PATCH", "lab/clusters/{project}/us-central1-a/central", {"status": "ERROR", "statusMessage": "stockout"})


def _going(site: Site) -> None:
    """A cluster whose deletion takes a while yet."""
    site.run(_PLAIN)
    site.fault({"operation_seconds": AWHILE}, method="DELETE", nth=1)
    site.run(_PLAIN.but(state="absent", wait=False))


def _busy(site: Site) -> None:
    """A cluster on which the service has just begun to work by itself."""
    site.run(_PLAIN)
    site.fault({"auto_operation": {"seconds": AWHILE}}, method="POST", nth=1)
    site.ask("POST", "v1/projects/{project}/locations/us-central1-a/clusters/central:startIpRotation", {})
    while not site.operations()["UPGRADE_NODES"]:
        time.sleep(0.01)


def _subnetted(site: Site) -> None:
    """A network of one's own with a range more than a cluster needs at first."""
    compute = "compute/v1/projects/{project}"
    site.ask("POST", f"{compute}/global/networks", {"name": "own", "autoCreateSubnetworks": False})
    subnet = {
        "name": "nodes",
        "network": "global/networks/own",
        "ipCidrRange": "10.0.0.0/20",
        "secondaryIpRanges": [{"rangeName": "more-pods", "ipCidrRange": "10.8.0.0/16"}],
    }
    site.ask("POST", f"{compute}/regions/us-central1/subnetworks", subnet)


_MEMBERS = (
    _cluster("central", node_count=1, node_tags=[TAG], cluster_ipv4_cidr="10.4.0.0/17"),
    _cluster("west", "us-west1-b", node_count=1, node_tags=[TAG], cluster_ipv4_cidr="10.5.0.0/17"),
)
_FIREWALL = Call(
    mesh_firewall,
    {
        "name": RULE,
        "node_tag": TAG,
        "clusters": [
            {"name": "central", "location": "us-central1-a"},
            {"name": "west", "location": "us-west1-b"},
        ],
    },
)
_CHUNKED = _FIREWALL.but(max_source_ranges=1, extra_source_ranges=["192.0.2.0/28", "203.0.113.0/28"])


def _rule(**fields: Any) -> dict[str, Any]:
    """A rule that bears our mark, as an older configuration may have left it."""
    return {
        "name": RULE,
        "description": firewall_rule.marker(RULE),
        "network": "global/networks/default",
        "sourceRanges": ["10.0.0.0/8"],
        "targetTags": [TAG],
        "allowed": [{"IPProtocol": "tcp"}],
        **fields,
    }


def _drifted(site: Site) -> None:
    """Rules that were edited by hand: one opened to the world, one switched off, one deleted, one left over."""
    _made(*_MEMBERS, _CHUNKED)(site)
    rules = "compute/v1/projects/{project}/global/firewalls"
    site.ask("PATCH", f"{rules}/{RULE}", {"sourceRanges": ["0.0.0.0/0"], "priority": 5})
    site.ask("PATCH", f"{rules}/{RULE}-2", {"disabled": True, "targetTags": ["bastion"]})
    site.ask("DELETE", f"{rules}/{RULE}-3")
    site.ask("POST", rules, _rule(name=f"{RULE}-9"))


def _elsewhere(site: Site) -> None:
    """The rule is there, but on another network."""
    _made(*_MEMBERS)(site)
    site.ask("POST", "compute/v1/projects/{project}/global/networks", {"name": "old"})
    site.ask("POST", "compute/v1/projects/{project}/global/firewalls", _rule(network="global/networks/old"))


SCENARIOS = {
    "create-default": Scenario(_DEFAULT),
    "create-regional-pools": Scenario(_FULL),
    "create-pod-ranges": Scenario(
        _cluster(network="own", subnetwork="nodes", additional_pod_ranges=["more-pods"]), _subnetted
    ),
    "create-not-waited-for": Scenario(_PLAIN.but(wait=False), again=_PLAIN),
    "create-after-deletion": Scenario(_PLAIN, _going),
    "create-anew-after-error": Scenario(_PLAIN.but(recreate_on_error=True), _broken),
    "no-change": Scenario(_DEFAULT, _made(_DEFAULT), changes=False),
    "update": Scenario(_UPDATED, _made(_PLAIN)),
    "update-busy": Scenario(_PLAIN.but(labels={"team": "other"}, logging=["SYSTEM_COMPONENTS"]), _busy),
    "update-zones": Scenario(_ZONED.but(node_locations=["us-central1-b", "us-central1-c"]), _made(_ZONED)),
    "node-pools": Scenario(_REPOOLED, _made(_POOLED)),
    "pool-replacement": Scenario(_REPLACED, _inhabited),
    "cluster-replacement": Scenario(_DESCRIBED.but(description="two", allow_recreate=True), _made(_DESCRIBED)),
    "delete": Scenario(_PLAIN.but(state="absent"), _made(_PLAIN)),
    "delete-busy": Scenario(_PLAIN.but(state="absent"), _busy),
    "firewall-create": Scenario(_FIREWALL, _made(*_MEMBERS)),
    "firewall-chunks": Scenario(_CHUNKED, _made(*_MEMBERS)),
    "firewall-drift": Scenario(_CHUNKED, _drifted),
    "firewall-fewer": Scenario(_FIREWALL, _made(*_MEMBERS, _CHUNKED)),
    "firewall-network": Scenario(_FIREWALL, _elsewhere),
    "firewall-delete": Scenario(_CHUNKED.but(state="absent"), _made(*_MEMBERS, _CHUNKED)),
}
