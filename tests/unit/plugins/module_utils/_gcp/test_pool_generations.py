# SPDX-License-Identifier: GPL-3.0-or-later
"""Pools that take another's place: whose they are, how they are called, and what they are made of."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import GENERATION_LABEL
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import (
    Generations,
    generations,
    standing,
    successor,
    successor_name,
)
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.fake_google import cluster, pool, validated

Json = dict[str, Any]
NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")


def wish(*pools: Json, **params: Any) -> Desired:
    given = {"name": "central", "location": "us-central1-a", "node_pools": list(pools), **params}
    return desired(validated(ARGUMENT_SPEC, **given), "p")


def name_of(entry: Json) -> str:
    return successor_name(wish(entry).pools[entry["name"]])


def marked(name: str, of: str = "work", **config: Any) -> Json:
    return pool(name, config={"resourceLabels": {GENERATION_LABEL: of}, **config})


def found(*pools: Json, **entry: Any) -> tuple[str, list[str]]:
    """Names of the current generation and of the old ones."""
    asked = wish({"name": "work", **entry})
    result = generations(asked, "work", standing(cluster(nodePools=list(pools))))
    return str((result.current or {}).get("name", "")), [str(one["name"]) for one in result.old]


def test_the_same_wish_always_has_the_same_name() -> None:
    """This very name: another version of the collection must find what this one made."""
    assert name_of({"name": "work", "spot": True}) == "work-10eb55"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"oauth_scopes": ["trace", "monitoring"]}, {"oauth_scopes": ["monitoring", "trace", "trace"]}),
        ({"spot": False}, {}),
        ({"max_pods_per_node": 32}, {"extra": {"max_pods_constraint": {"max_pods_per_node": "32"}}}),
        ({"extra": {"config": {"min_cpu_platform": "Intel"}}}, {"extra": {"config": {"minCpuPlatform": "Intel"}}}),
        ({"node_count": 1, "machine_type": "a", "node_labels": {"a": "b"}, "version": "1.33"}, {"node_tags": ["x"]}),
        ({"extra": {"config": {"resourceLabels": {"a": "b"}}}}, {"max_surge": 2}),
    ],
)
def test_spelling_and_what_can_be_changed_have_no_part_in_the_name(one: Json, other: Json) -> None:
    assert name_of({"name": "work", **one}) == name_of({"name": "work", **other})


def test_each_immutable_part_makes_another_name() -> None:
    entries: list[Json] = [
        {}, {"spot": True}, {"service_account": "a"}, {"service_account": "b"}, {"max_pods_per_node": 32},
        {"oauth_scopes": ["trace"]}, {"pod_range": "a"}, {"spot": True, "service_account": "a"},
    ]  # fmt: skip
    assert len({name_of({"name": "work", **entry}) for entry in entries}) == len(entries)


def test_a_long_name_is_cut_to_a_name() -> None:
    made = name_of({"name": f"{'a' * 32}-{'b' * 7}"})
    assert re.fullmatch("a{32}-[0-9a-f]{6}", made)


@given(st.from_regex(NAME, fullmatch=True))
def test_names_are_names_and_differ_where_the_wished_for_ones_do(name: str) -> None:
    made = name_of({"name": name})
    assert NAME.fullmatch(made)
    assert made.startswith(name[:33].rstrip("-"))
    assert made != name_of({"name": f"{name[:-1]}{'a' if name[-1] != 'a' else 'b'}"})


def test_the_pool_of_the_name_and_those_that_bear_the_mark() -> None:
    assert found(pool("work"), pool("other")) == ("work", [])
    assert found(marked("work-1")) == ("work-1", [])
    assert found(pool("other"), marked("work-1", of="other")) == ("", [])
    assert found() == ("", [])


def test_those_that_differ_in_what_no_call_changes_are_old() -> None:
    assert found(pool("work"), spot=True) == ("", ["work"])
    assert found(pool("work"), marked("work-1", spot=True), spot=True) == ("work-1", ["work"])
    assert found(marked("work-2"), pool("work"), marked("work-1"), spot=True) == ("", ["work", "work-1", "work-2"])


def test_what_a_call_changes_does_not_make_one_old() -> None:
    assert found(pool("work"), machine_type="n2-standard-8", node_labels={"a": "b"}, max_surge=3) == ("work", [])


def test_the_own_name_comes_first_then_that_of_the_wish() -> None:
    newest = name_of({"name": "work"})
    assert found(marked(newest), pool("work")) == ("work", [newest])
    assert found(marked("work-000000"), marked(newest)) == (newest, ["work-000000"])


def test_one_that_is_listed_by_its_own_name_stands_for_that() -> None:
    asked = wish({"name": "work"}, {"name": "work-1"})
    pools = standing(cluster(nodePools=[pool("work"), marked("work-1")]))
    assert generations(asked, "work", pools) == Generations(pools["work"])
    assert generations(asked, "work-1", pools) == Generations(pools["work-1"])


def test_one_that_is_being_deleted_stands_for_nothing() -> None:
    assert found(pool("work", status="STOPPING"), marked("work-1")) == ("work-1", [])


OLD = pool(
    "work",
    autoscaling={"enabled": True, "minNodeCount": 1, "maxNodeCount": 9, "autoprovisioned": True},
    locations=["us-central1-a", "us-central1-b"],
    maxPodsConstraint={"maxPodsPerNode": "64"},
    upgradeSettings={"strategy": "SURGE", "maxSurge": 3},
    management={"autoRepair": False, "autoUpgrade": True, "upgradeOptions": {"description": "soon"}},
    placementPolicy={"type": "COMPACT"},
    podIpv4CidrSize=24,
    networkConfig={"podRange": "more", "podIpv4CidrBlock": "10.0.0.0/20", "enablePrivateNodes": True},
    config={
        "machineType": "n2-standard-8", "diskSizeGb": 50, "diskType": "pd-ssd", "imageType": "COS_CONTAINERD",
        "serviceAccount": "nodes", "oauthScopes": ["s"], "spot": True, "metadata": {"a": "b"},
        "accelerators": [{"acceleratorCount": "1", "acceleratorType": "nvidia-l4"}], "windowsNodeConfig": {},
        "kubeletConfig": {"podPidsLimit": "4096"}, "bootDisk": {"diskType": "pd-ssd", "sizeGb": "50"},
        "tags": ["kept"], "labels": {"tier": "1", "cloud.google.com/gke-x": "y"}, "effectiveCgroupMode": "V2",
        "taints": [{"key": "k", "value": "", "effect": "NO_EXECUTE"}], "resourceLabels": {"goog-x": "y", "cost": "1"},
    },
)  # fmt: skip


def made(nodes: int = 5, old: Json = OLD, **entry: Any) -> Json:
    asked = wish({"name": "work", **entry})
    return successor(asked.pools["work"], old, cluster(), asked.node_tags, nodes)


def test_what_the_options_leave_open_is_as_it_was() -> None:
    body = made(service_account="other")
    assert body == {
        "name": name_of({"name": "work", "service_account": "other"}),
        "initialNodeCount": 3,
        "autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 9},
        "locations": ["us-central1-a", "us-central1-b"],
        "maxPodsConstraint": {"maxPodsPerNode": "64"},
        "upgradeSettings": {"strategy": "SURGE", "maxSurge": 3},
        "management": {"autoRepair": False, "autoUpgrade": True},
        "networkConfig": {"podRange": "more", "enablePrivateNodes": True},
        "config": {
            "machineType": "n2-standard-8", "diskSizeGb": 50, "diskType": "pd-ssd", "imageType": "COS_CONTAINERD",
            "serviceAccount": "other", "oauthScopes": ["s"], "spot": True, "tags": ["kept"], "labels": {"tier": "1"},
            "taints": [{"key": "k", "value": "", "effect": "NO_EXECUTE"}],
            "resourceLabels": {"cost": "1", GENERATION_LABEL: "work"}, "metadata": {"a": "b"},
            "accelerators": [{"acceleratorCount": "1", "acceleratorType": "nvidia-l4"}],
            "kubeletConfig": {"podPidsLimit": "4096"},
        },
        "placementPolicy": {"type": "COMPACT"},
    }  # fmt: skip


def test_what_the_options_say_holds_whole() -> None:
    body = made(
        spot=False, node_labels={}, node_taints=[], node_tags=["new"], machine_type="e2-small", max_surge=1,
        autoscaling={"maximum": 4}, node_locations=["us-central1-c"], auto_repair=True,
        extra={"config": {"resource_labels": {"a": "b"}, "boot_disk": {"size_gb": 70}}},
    )  # fmt: skip
    config = body["config"]
    assert "labels" not in config and "taints" not in config and not config["spot"]
    assert config["tags"] == ["kept", "new"] and config["machineType"] == "e2-small"
    assert config["resourceLabels"] == {"a": "b", GENERATION_LABEL: "work"}
    assert config["bootDisk"] == {"diskType": "pd-ssd", "sizeGb": 70} and "diskSizeGb" not in config
    assert body["autoscaling"] == {"enabled": True, "minNodeCount": 1, "maxNodeCount": 4}
    assert body["locations"] == ["us-central1-c"] and body["initialNodeCount"] == 4
    assert body["management"]["autoRepair"] and body["upgradeSettings"]["maxSurge"] == 1


def test_what_the_options_say_of_a_part_is_added_to_it() -> None:
    body = made(extra={"config": {"kubelet_config": {"cpuManagerPolicy": "static"}}})
    assert body["config"]["kubeletConfig"] == {"podPidsLimit": "4096", "cpuManagerPolicy": "static"}


def test_what_the_options_empty_is_not_kept() -> None:
    assert "accelerators" not in made(extra={"config": {"accelerators": []}})["config"]


BOOT_DISK = {"diskType": "hyperdisk-balanced", "sizeGb": "50", "provisionedIops": "3000"}


@pytest.mark.parametrize(
    ("entry", "disk"),
    [
        ({}, {"bootDisk": BOOT_DISK}),
        ({"disk_size_gb": 70}, {"diskType": "hyperdisk-balanced", "diskSizeGb": 70}),
        ({"extra": {"config": {"boot_disk": {"size_gb": 70}}}}, {"bootDisk": {**BOOT_DISK, "sizeGb": 70}}),
    ],
)
def test_the_boot_disk_is_described_in_one_way_only(entry: Json, disk: Json) -> None:
    config = {"diskType": "hyperdisk-balanced", "diskSizeGb": 50, "bootDisk": BOOT_DISK}
    found = made(old=pool("work", config=config), **entry)["config"]
    assert {key: value for key, value in found.items() if "isk" in key} == disk


def test_the_tags_of_all_nodes_are_on_it() -> None:
    asked = wish({"name": "work"}, node_tags=["mesh"])
    assert successor(asked.pools["work"], OLD, cluster(), asked.node_tags, 1)["config"]["tags"] == ["kept", "mesh"]


def test_the_clusters_own_pod_range_is_not_asked_for() -> None:
    policy = {"clusterSecondaryRangeName": "more"}
    asked = wish({"name": "work"}).pools["work"]
    body = successor(asked, OLD, cluster(ipAllocationPolicy=policy), (), 1)
    assert body["networkConfig"] == {"enablePrivateNodes": True}
    made_by_google = {**OLD, "networkConfig": {"podRange": "gke-central-work-pods-1a2b3c4d"}}
    assert "networkConfig" not in successor(asked, made_by_google, cluster(), (), 1)


def test_bounds_are_of_one_sort_and_of_what_is_autoscaled() -> None:
    assert made(autoscaling={"total_maximum": 6})["autoscaling"] == {"enabled": True, "totalMaxNodeCount": 6}
    assert made(autoscaling={"enabled": False}, node_count=1)["autoscaling"] == {"enabled": False}
    stopped = {**OLD, "autoscaling": {"minNodeCount": 1, "maxNodeCount": 9}}
    assert "autoscaling" not in made(old=stopped)


def test_one_that_still_grows_is_the_model() -> None:
    """The other was stopped when this one took its place, which a change of mind has interrupted."""
    scaled = marked("work-000000", serviceAccount="b") | {"autoscaling": {"enabled": True}}
    assert Generations(None, (pool("work"), scaled)).model is scaled
    assert Generations(None, (pool("work"), pool("work-1"))).model["name"] == "work"


FIXED_SIZE = {**OLD, "autoscaling": {}, "locations": ["us-central1-a"]}


@pytest.mark.parametrize(
    ("nodes", "old", "entry", "count"),
    [
        (5, FIXED_SIZE, {"node_count": 2}, 2),
        (5, FIXED_SIZE, {}, 5),
        (0, FIXED_SIZE, {}, 0),
        (5, OLD, {"node_count": 2}, 3),
        (5, OLD, {"node_count": 2, "autoscaling": {"enabled": False}}, 2),
        (40, OLD, {}, 9),
        (0, OLD, {}, 1),
        (0, FIXED_SIZE, {"autoscaling": {"minimum": 2, "maximum": 3}}, 2),
        (9, OLD, {"autoscaling": {"total_maximum": 6}}, 3),
        (0, OLD, {"autoscaling": {"total_minimum": 5, "total_maximum": 9}}, 3),
    ],
)
def test_it_starts_with_as_many_nodes_unless_their_number_is_declared(
    nodes: int, old: Json, entry: Json, count: int
) -> None:
    assert made(nodes, old, **entry)["initialNodeCount"] == count
