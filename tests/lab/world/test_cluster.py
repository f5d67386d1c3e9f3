# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes a change of plan keeps, updates or rebuilds, and how they are numbered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gkelab.world.cluster import Cluster, _change, _needs_rebuild
from gkelab.world.folders import ClusterFolder

from .plans import cluster_plan, node_plan

TAINT = {"key": "a", "value": "b", "effect": "NoSchedule"}


def links(tmp_path: Path, nodes: int) -> list[str]:
    cluster = Cluster(cluster_plan(nodes), tmp_path, tmp_path, 7480, None)
    return [instance.link for instance in cluster.instances()]


def test_nodes_are_numbered_from_nought(tmp_path: Path) -> None:
    assert links(tmp_path, 3) == ["gln3x0", "gln3x1", "gln3x2"]


def test_a_node_keeps_its_number_and_others_take_what_is_free(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path, 3)
    folder.claim(cluster_plan())
    folder.remember_node(1, node_plan(0))
    folder.remember_node(2, node_plan(9))
    assert links(tmp_path, 3) == ["gln3x1", "gln3x0", "gln3x3"], "2 is still the node's that has to go"


@pytest.mark.parametrize(
    ("fields", "rebuild"),
    [
        ({"tags": ("mesh",)}, False),
        ({"labels": {"a": "b"}}, False),
        ({"taints": (TAINT,)}, False),
        ({"address": "10.128.0.99"}, True),
        ({"pod_cidr": "10.0.99.0/24"}, True),
        ({"machine_type": "e2-standard-4"}, True),
        ({"zone": "us-central1-b"}, True),
    ],
)
def test_what_needs_a_new_machine(fields: dict[str, Any], rebuild: bool) -> None:
    assert _needs_rebuild(node_plan(), node_plan(**fields)) is rebuild


def test_labels_and_taints_come_and_go() -> None:
    before = node_plan(labels={"old": "1", "kept": "1"}, taints=(TAINT,))
    after = node_plan(labels={"kept": "2", "new": "1"})
    change = _change(cluster_plan(), before, after)
    labels = change["metadata"]["labels"]  # type: ignore[index]
    assert {name: labels[name] for name in ("old", "kept", "new")} == {"old": None, "kept": "2", "new": "1"}
    assert change["spec"] == {"taints": None}
    assert _change(cluster_plan(), after, before)["spec"] == {"taints": [TAINT]}


def test_the_firewall_s_view_of_a_cluster(tmp_path: Path) -> None:
    plan = cluster_plan(2, private_master_cidr="172.16.0.0/28")
    cluster = Cluster(plan, tmp_path, tmp_path, 7480, None)
    master = cluster.master()
    assert master.nodes == ("10.128.0.2", "10.128.0.3")
    assert master.pod_cidrs[0] == "10.0.0.0/17"
    assert master.private_cidr == "172.16.0.0/28"
    assert [instance.tags for instance in cluster.instances()] == [("gke-central-0a1b2c3d-node",)] * 2


def test_a_lab_without_nodes_sends_load_balancers_nowhere(tmp_path: Path) -> None:
    cluster = Cluster(cluster_plan(2), tmp_path, tmp_path, 7480, None)
    assert cluster.target() is None
    assert set(cluster.state().processes) == {
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    }
