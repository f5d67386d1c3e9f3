# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster keeps on disk between two daemons."""

from __future__ import annotations

from pathlib import Path

from gkelab.world.folders import ClusterFolder

from .plans import cluster_plan, node_plan


def test_nodes_are_read_back_as_they_were(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path, 3)
    taint = {"key": "a", "value": "b", "effect": "NoSchedule"}
    node = node_plan(1, labels={"x": "y"}, taints=(taint,))
    folder.remember_node(4, node)
    folder.remember_node(0, node_plan(0))
    assert folder.nodes() == {0: node_plan(0), 4: node}
    folder.forget_node(4)
    assert list(folder.nodes()) == [0]


def test_a_slot_that_changes_hands_is_emptied(tmp_path: Path) -> None:
    folder = ClusterFolder(tmp_path, 3)
    folder.claim(cluster_plan())
    folder.remember_node(0, node_plan())
    folder.claim(cluster_plan())
    assert list(folder.nodes()) == [0]
    folder.claim(cluster_plan(name="west"))
    assert folder.nodes() == {}
    assert folder.owner() == "lab-project/us-central1-a/west"


def test_an_empty_slot_has_no_owner(tmp_path: Path) -> None:
    assert ClusterFolder(tmp_path, 3).owner() is None
