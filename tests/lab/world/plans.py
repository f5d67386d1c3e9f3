# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for the tests of the world."""

from __future__ import annotations

from gkelab.world.plan import ClusterPlan, NodePlan


def node_plan(number: int = 0, **fields: object) -> NodePlan:
    """A node of `cluster_plan`."""
    values = {
        "name": f"gke-central-default-pool-abcd-{number:04d}",
        "pool": "default-pool",
        "zone": "us-central1-a",
        "address": f"10.128.0.{2 + number}",
        "pod_cidr": f"10.0.{number}.0/24",
        "tags": ("gke-central-0a1b2c3d-node",),
        **fields,
    }
    return NodePlan(**values)  # type: ignore[arg-type]


def cluster_plan(nodes: int = 1, **fields: object) -> ClusterPlan:
    """A cluster with so many nodes."""
    values = {
        "project": "lab-project",
        "location": "us-central1-a",
        "region": "us-central1",
        "name": "central",
        "slot": 3,
        "version": "1.36.1-gke.1000000",
        "endpoint": "198.18.3.2",
        "pod_cidr": "10.0.0.0/17",
        "service_cidr": "34.118.224.0/20",
        "dns_address": "34.118.224.10",
        "network": "default",
        "node_tag": "gke-central-0a1b2c3d-node",
        "nodes": tuple(node_plan(number) for number in range(nodes)),
        **fields,
    }
    return ClusterPlan(**values)  # type: ignore[arg-type]
