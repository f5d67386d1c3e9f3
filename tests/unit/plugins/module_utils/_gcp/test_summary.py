# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape that playbooks rely on."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.summary import operation_summary, summarise

from tests.unit.plugins.fake_google import cluster, operation


def test_the_shape_is_the_same_with_and_without_a_cluster() -> None:
    full = summarise(cluster(), name="central", location="l", project="p")
    empty = summarise(None, name="central", location="l", project="p")
    assert full.keys() == empty.keys()
    assert full["exists"] and not empty["exists"]
    assert (empty["name"], empty["location"], empty["status"], empty["node_pools"]) == ("central", "l", None, [])


def test_facts() -> None:
    network = {"network": "projects/host/global/networks/shared", "subnetwork": "projects/host/regions/r/subnetworks/s"}
    facts = summarise(cluster(networkConfig=network), name="", location="", project="p")
    assert (facts["network"], facts["network_project"], facts["subnetwork"]) == ("shared", "host", "s")
    assert (facts["pod_range"], facts["version"], facts["node_count"]) == ("10.4.0.0/14", "1.33.5-gke.100", 4)
    assert facts["node_pools"][0]["tags"] == ["mesh1-node"]


def test_operations() -> None:
    found = operation_summary(operation(startTime="t"))
    assert found == {
        "name": "operation-1", "type": "UPDATE_CLUSTER", "status": "DONE", "start_time": "t", "end_time": None,
    }  # fmt: skip
    assert operation_summary(None) is None
