# SPDX-License-Identifier: GPL-3.0-or-later
"""How many nodes a pool has: without a call where the cluster's total proves it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import node_sizes
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.node_sizes import NodeSizes
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import successor_name

from tests.unit.plugins.fake_google import Call, Script, cluster, failure, pool, session, validated

GROUP = "projects/p/zones/us-central1-a/instanceGroupManagers/g"


def found(script: Script, actual: dict[str, Any], **params: Any) -> NodeSizes:
    asked = desired(validated(ARGUMENT_SPEC, name="central", location="us-central1-a", **params), "p")
    sizes = node_sizes.read(session(script), asked, actual)
    script.done()
    return sizes


def read(script: Script, actual: dict[str, Any], **params: Any) -> tuple[dict[str, int], list[str]]:
    sizes = found(script, actual, **params)
    return sizes.each, sizes.notices


def test_a_total_that_adds_up_needs_no_call() -> None:
    assert read(Script(), cluster(currentNodeCount=4), node_count=4) == ({"default-pool": 4}, [])


def test_counts_that_nobody_asked_for_need_no_call() -> None:
    assert read(Script(), cluster(currentNodeCount=9)) == ({}, [])


def test_otherwise_the_instance_groups_are_asked() -> None:
    script = Script(Call("GET", GROUP, {"targetSize": 3}))
    assert read(script, cluster(currentNodeCount=3), node_count=4) == ({"default-pool": 3}, [])


def test_a_node_that_is_being_repaired_is_no_drift() -> None:
    assert read(Script(Call("GET", GROUP, {"targetSize": 4})), cluster(currentNodeCount=3), node_count=4)[0] == {
        "default-pool": 4
    }


def test_zones_of_different_size_fit_no_wish() -> None:
    urls = [f"https://www.googleapis.com/compute/v1/projects/p/zones/z{n}/instanceGroups/g" for n in (1, 2)]
    script = Script(*[
        Call("GET", f"projects/p/zones/z{n}/instanceGroupManagers/g", {"targetSize": n}) for n in (1, 2)
    ])  # fmt: skip
    actual = cluster(currentNodeCount=3, nodePools=[pool(instanceGroupUrls=urls, locations=["z1", "z2"])])
    assert read(script, actual, node_count=2) == ({"default-pool": node_sizes.UNEVEN}, [])


def test_both_groups_of_a_blue_green_pool_count() -> None:
    urls = [f"https://www.googleapis.com/compute/v1/projects/p/zones/z/instanceGroupManagers/{n}" for n in ("b", "g")]
    script = Script(
        *[Call("GET", f"projects/p/zones/z/instanceGroupManagers/{n}", {"targetSize": 2}) for n in ("b", "g")]
    )
    assert read(script, cluster(nodePools=[pool(instanceGroupUrls=urls)]), node_count=5)[0] == {"default-pool": 4}


def test_without_the_right_to_look_the_count_of_creation_serves_and_that_is_said() -> None:
    script = Script(Call("GET", GROUP, failure(403, "Required 'compute.instanceGroupManagers.get' permission")))
    counts, notices = read(script, cluster(currentNodeCount=3), node_count=5)
    assert counts == {"default-pool": 4} and "creation time" in notices[0]


def test_other_errors_are_errors() -> None:
    with pytest.raises(ApiError):
        read(Script(Call("GET", GROUP, failure(400, "bad"))), cluster(), node_count=5)


def groups(*sizes: int) -> list[str]:
    return [f"https://www.googleapis.com/compute/v1/projects/p/zones/z/instanceGroupManagers/{n}" for n in sizes]


def asked_for(*sizes: int) -> list[Call]:
    return [Call("GET", f"projects/p/zones/z/instanceGroupManagers/{n}", {"targetSize": n}) for n in sizes]


REPLACED: dict[str, Any] = {
    "node_pools": [{"name": "work", "spot": True}, {"name": "rest", "node_count": 1}], "replace_node_pools": True,
}  # fmt: skip


def test_the_nodes_of_what_is_to_be_replaced_are_counted_in_all_zones() -> None:
    actual = cluster(nodePools=[pool("work", instanceGroupUrls=groups(2, 3))])
    assert found(Script(*asked_for(2, 3)), actual, **REPLACED).totals == {"work": 5}
    assert found(Script(), actual, **{**REPLACED, "replace_node_pools": False}).totals == {}


def test_what_an_earlier_replacement_left_is_not_counted_twice() -> None:
    left = pool("work-1", instanceGroupUrls=groups(7), config={"resourceLabels": {"mcistio-gke-node-pool": "work"}})
    actual = cluster(nodePools=[pool("work", instanceGroupUrls=groups(4)), left])
    assert found(Script(*asked_for(4, 7)), actual, **REPLACED).totals == {"work": 7}


def test_a_declared_number_is_compared_with_the_pool_that_stands_for_it() -> None:
    name = successor_name(
        desired(validated(ARGUMENT_SPEC, name="c", location="us-central1-a", **REPLACED), "p").pools["rest"]
    )
    new = pool(name, instanceGroupUrls=groups(3), config={"resourceLabels": {"mcistio-gke-node-pool": "rest"}})
    sizes = found(Script(*asked_for(3)), cluster(nodePools=[pool("work", config={"spot": True}), new]), **REPLACED)
    assert sizes.each == {name: 3} and sizes.totals == {}
