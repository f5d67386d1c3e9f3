# SPDX-License-Identifier: GPL-3.0-or-later
"""gke_cluster_info over clusters of every kind: one call, and one shape that playbooks can rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster, gke_cluster_info

from tests.lab.modules.in_process import ZONE, Cloud

JSON = dict[str, Any]
KINDS: dict[str, JSON] = {
    "zonal": {"location": ZONE, "labels": {"mesh": "mesh1", "stage": "test"}},
    "regional": {"location": "us-central1", "labels": {"mesh": "mesh1"}, "node_pools": [{"name": "a"}, {"name": "b"}]},
    "autopilot": {"location": "us-central1", "autopilot": True},
    "private": {"location": ZONE, "private_nodes": True, "control_plane": {"public_endpoint": False}},
    "by-name-only": {"location": ZONE, "control_plane": {"ip_endpoints": False, "dns_external_traffic": True}},
    "shared": {
        "location": "us-central1", "network": "shared", "subnetwork": "gke", "cluster_secondary_range_name": "pods"
    },
    "broken": {"location": "us-west1-b", "labels": {"mesh": "mesh2"}},
    "coming": {"location": "us-west1-b"},
}  # fmt: skip


@pytest.fixture(scope="module")
def estate(new_cloud: Callable[[], Cloud]) -> Iterator[Cloud]:
    """A cluster of each kind, one of them in ERROR and one on its way."""
    cloud = new_cloud()
    for name, options in KINDS.items():
        cloud.hold = name == "coming"
        cloud.lab.operations._seconds = 3600 if cloud.hold else 0
        made = cloud.run(gke_cluster, {"name": name, "node_count": 1, "wait": not cloud.hold, **options})
        assert not made.error, made.error
    cloud.meddle(cloud.cluster("broken", "us-west1-b") | {"status": "ERROR", "statusMessage": "no machines"})
    yield cloud
    cloud.close()


def ask(cloud: Cloud, **options: Any) -> list[JSON]:
    """What the module returns, which costs one call and changes nothing."""
    run = cloud.run(gke_cluster_info, options)
    assert not run.error, run.error
    assert (len(run.requests), run.writes, run.result["changed"]) == (1, [], False)
    return list(run.result["clusters"])


def names(found: list[JSON]) -> list[str]:
    return [one["name"] for one in found]


def shape(value: Any) -> Any:
    """Keys all the way down; lists by their entries."""
    if isinstance(value, dict):
        return {key: shape(entry) for key, entry in value.items() if key != "labels"}
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


def test_one_shape_for_clusters_of_every_kind(estate: Cloud) -> None:
    found = ask(estate)
    assert sorted(names(found)) == sorted(KINDS)
    assert {one["status"] for one in found} == {"RUNNING", "ERROR", "PROVISIONING"}
    shapes = [shape(one) for one in found]
    assert all(one == shapes[0] for one in shapes)
    for one in found:
        assert all(shape(pool) == shape(one["node_pools"][0]) for pool in one["node_pools"])


def test_a_cluster_that_is_not_there_has_the_same_shape_where_it_is_asked_for(estate: Cloud) -> None:
    absent = estate.run(gke_cluster, {"name": "none", "location": ZONE, "state": "absent"}).result["cluster"]
    assert absent.keys() == ask(estate, name=["zonal"])[0].keys()
    assert ask(estate, name=["none"]) == []


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"name": ["zonal"], "location": ZONE}, ["zonal"]),
        ({"name": ["zonal", "regional", "none"]}, ["regional", "zonal"]),
        ({"location": "us-central1"}, ["autopilot", "regional", "shared"]),
        ({"labels": {"mesh": "mesh1"}}, ["regional", "zonal"]),
        ({"labels": {"mesh": "mesh1", "stage": "test"}}, ["zonal"]),
        ({"labels": {"mesh": "mesh1"}, "name": ["broken", "regional"]}, ["regional"]),
        ({"labels": {"mesh": "mesh3"}}, []),
    ],
    ids=["one", "list", "place", "label", "labels", "label-and-list", "nothing"],
)
def test_one_many_and_by_label(estate: Cloud, options: JSON, found: list[str]) -> None:
    assert names(ask(estate, **options)) == found


def test_facts_of_each_kind(estate: Cloud) -> None:
    by_name = {one["name"]: one for one in ask(estate)}
    assert by_name["regional"]["node_count"] == 6
    assert [pool["name"] for pool in by_name["regional"]["node_pools"]] == ["a", "b"]
    assert by_name["autopilot"]["autopilot"] is True
    assert by_name["private"]["endpoint"] == by_name["private"]["private_endpoint"]
    assert by_name["by-name-only"]["endpoint"] == by_name["by-name-only"]["dns_endpoint"]
    assert by_name["by-name-only"]["private_endpoint"] is None
    assert (by_name["shared"]["network"], by_name["shared"]["pod_range"]) == ("shared", "10.64.0.0/16")
    assert by_name["broken"]["status_message"] == "no machines"
    assert (by_name["coming"]["status"], by_name["coming"]["endpoint"]) == ("PROVISIONING", None)
