# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing node pools, planned: every state on the way, and what must not be touched on it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Retirement
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.plan import Plan, plan
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import GENERATION_LABEL
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import successor_name

from tests.unit.plugins.applied import applied
from tests.unit.plugins.fake_google import cluster, pool, validated

Json = dict[str, Any]
SCALED = {"enabled": True, "minNodeCount": 1, "maxNodeCount": 5}
ACCOUNT = "nodePools.work.config.serviceAccount: default -> own"


def wish(*pools: Json, replace: bool = True, **params: Any) -> Desired:
    given = {"name": "central", "location": "us-central1-a", "node_pools": list(pools), **params}
    return desired(validated(ARGUMENT_SPEC, replace_node_pools=replace, **given), "p")


WORK = {"name": "work", "service_account": "own"}
NEW = successor_name(wish(WORK).pools["work"])


def new(name: str = NEW, of: str = "work", account: str = "own", **more: Any) -> Json:
    labels = {GENERATION_LABEL: of, "goog-x": "y"}
    return pool(name, config={"serviceAccount": account, "resourceLabels": labels, "tags": ["mesh1-node"]}, **more)


def planned(asked: Desired, *pools: Json, **totals: int) -> Plan:
    return plan(asked, cluster(nodePools=list(pools)), {}, totals)


def texts(found: Plan) -> list[str]:
    return [change.text for change in found.changes]


def test_create_then_drain_and_delete() -> None:
    create, delete = planned(wish(WORK), pool("work"), work=4).changes
    assert create.text == f"node pool work: create {NEW} in its place ({ACCOUNT})"
    assert (create.method, create.path) == ("POST", "/nodePools")
    body = create.body["nodePool"]
    assert (body["name"], body["initialNodeCount"]) == (NEW, 4)
    assert body["config"]["serviceAccount"] == "own" and body["config"]["machineType"] == "e2-medium"
    assert body["config"]["resourceLabels"] == {GENERATION_LABEL: "work"}
    assert (delete.text, delete.method, delete.path) == (
        "node pool work: drain and delete", "DELETE", "/nodePools/work",
    )  # fmt: skip
    assert delete.retires == Retirement("work", NEW, ("work",))


def test_the_diff_shows_both() -> None:
    found = planned(wish(WORK), pool("work"), work=4)
    assert found.before["nodePools"] == {"work": {"name": "work", "config": {"serviceAccount": "default"}}}
    assert list(found.after["nodePools"]) == [NEW]


def test_another_upgrade_strategy_comes_without_the_settings_of_the_old_pools() -> None:
    green = {"strategy": "BLUE_GREEN", "blueGreenSettings": {"nodePoolSoakDuration": "60s"}}
    create = planned(wish({**WORK, "extra": {"upgradeSettings": green}}), pool("work"), work=4).changes[0]
    assert create.body["nodePool"]["upgradeSettings"] == green


def test_not_without_being_told() -> None:
    with pytest.raises(MeshError) as caught:
        planned(wish(WORK, replace=False), pool("work"))
    assert ACCOUNT in str(caught.value)
    assert str(caught.value).endswith(
        "Take the options back, or, for node pools, let new ones take their place with replace_node_pools: true."
    )


def test_one_that_can_be_updated_is_never_replaced() -> None:
    found = planned(wish({"name": "work", "machine_type": "n2-standard-8", "node_labels": {"a": "b"}}), pool("work"))
    assert [change.path for change in found.changes] == ["/nodePools/work", "/nodePools/work"]


def test_afterwards_it_is_compared_under_its_own_name() -> None:
    assert planned(wish(WORK), new()).changes == []
    resize = plan(wish({**WORK, "node_count": 5}), cluster(nodePools=[new()]), {NEW: 4})
    (change,) = resize.changes
    assert change.path == f"/nodePools/{NEW}:setSize"
    assert change.text == f"nodePools.{NEW}.initialNodeCount: 4 -> 5"
    assert set(resize.before["nodePools"]) == set(resize.after["nodePools"]) == {NEW}


def test_what_else_differs_is_changed_before_anything_moves() -> None:
    found = planned(wish({**WORK, "node_labels": {"a": "b"}}), pool("work"), new())
    assert texts(found) == [
        f"nodePools.{NEW}.config.labels: (none) -> {{a: b}}", "node pool work: drain and delete",
    ]  # fmt: skip


def test_an_old_pool_that_grows_by_itself_is_stopped_first() -> None:
    found = planned(wish(WORK), pool("work", autoscaling=SCALED), new())
    stop, delete = found.changes
    assert stop.text == "nodePools.work.autoscaling.enabled: true -> false"
    assert (stop.path, stop.body) == ("/nodePools/work:setAutoscaling", {"autoscaling": {"enabled": False}})
    assert delete.retires


def test_all_new_pools_are_there_before_the_first_old_one_goes() -> None:
    second = {"name": "more", "service_account": "own"}
    asked = wish(WORK, second)
    names = [successor_name(asked.pools[name]) for name in ("work", "more")]
    found = planned(asked, pool("work", autoscaling=SCALED), pool("more"))
    assert [change.path for change in found.changes] == [
        "/nodePools", "/nodePools", "/nodePools/work:setAutoscaling", "/nodePools/work", "/nodePools/more",
    ]  # fmt: skip
    assert [change.retires for change in found.changes[3:]] == [
        Retirement("work", names[0], ("work", "more")), Retirement("more", names[1], ("work", "more")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "nodes"),
    [({}, 1), ({"maxSurge": 0, "maxUnavailable": 0}, 1), ({"maxSurge": 2, "maxUnavailable": 1}, 3)],
)
def test_as_many_nodes_at_a_time_as_an_upgrade_takes(settings: Json, nodes: int) -> None:
    (change,) = planned(wish(WORK), pool("work", upgradeSettings=settings), new()).changes
    assert change.retires and change.retires.at_once == nodes


def test_two_generations_that_are_left_over_both_go() -> None:
    found = planned(wish(WORK), pool("work"), new("work-000000", account="older"), new())
    assert texts(found) == ["node pool work: drain and delete", "node pool work-000000: drain and delete"]


def test_a_change_of_mind_half_way_goes_back_to_the_first() -> None:
    found = planned(wish({"name": "work", "service_account": "default"}), pool("work"), new())
    assert texts(found) == [f"node pool {NEW}: drain and delete"]
    assert found.changes[0].retires == Retirement(NEW, "work", (NEW,))


def test_left_over_without_being_told_it_is_said_how_to_go_on() -> None:
    found = planned(wish(WORK, replace=False, remove_other_node_pools=True), pool("work"), new())
    assert found.changes == []
    (notice,) = found.notices
    assert notice.startswith(f"Node pool work: {NEW} has taken the place of work, but not all the way")
    assert "replace_node_pools: true" in notice


def test_what_is_left_over_still_carries_the_tags_of_all_nodes() -> None:
    found = planned(wish(WORK, replace=False, node_tags=["new"]), pool("work"), new())
    assert [change.path for change in found.changes] == [f"/nodePools/{NEW}", "/nodePools/work"]
    assert found.changes[1].body == {"tags": {"tags": ["mesh1-node", "new"]}}


def test_generations_are_no_other_pools() -> None:
    asked = wish(WORK, remove_other_node_pools=True)
    assert planned(asked, new()).changes == []
    assert texts(planned(asked, pool("work"), new(), pool("stray"), new("lost", of="stray-too"))) == [
        "node pool work: drain and delete", "node pool stray: delete", "node pool lost: delete",
    ]  # fmt: skip


@pytest.mark.parametrize("status", ["ERROR", "RUNNING_WITH_ERROR"])
def test_nothing_moves_to_a_pool_that_is_not_well(status: str) -> None:
    sick = new(status=status, statusMessage="stockout")
    with pytest.raises(MeshError, match=rf"{NEW}, which is to take its place, is {status} stockout\. .*work is kept"):
        planned(wish(WORK), pool("work"), sick)
    assert planned(wish(WORK), sick).changes == []


def test_what_is_being_made_or_deleted_is_foreseen_as_done() -> None:
    assert texts(planned(wish(WORK), pool("work"), new(status="PROVISIONING"))) == ["node pool work: drain and delete"]
    assert planned(wish(WORK), pool("work", status="STOPPING"), new()).changes == []


def test_a_wish_that_the_service_does_not_fulfil_makes_no_endless_row_of_pools() -> None:
    with pytest.raises(MeshError) as caught:
        planned(wish(WORK), pool("work"), new(account="default"))
    assert f"{NEW}, made for this very wish, differs from it all the same" in str(caught.value)
    assert f"nodePools.{NEW}.config.serviceAccount: default -> own" in str(caught.value)


def test_our_label_is_no_drift_and_stays_beside_labels_of_others() -> None:
    labelled = {**WORK, "extra": {"config": {"resourceLabels": {"cost": "mesh"}}}}
    (change,) = planned(wish(labelled), new()).changes
    assert change.body["resourceLabels"] == {"labels": {"cost": "mesh", GENERATION_LABEL: "work"}}
    actual, dummy = applied(cluster(nodePools=[new()]), {}, change)
    assert plan(wish(labelled), actual, {}).changes == []


def test_the_etag_of_the_pool_rides_along_with_updates() -> None:
    (change,) = planned(wish({"name": "work", "image_type": "x"}), pool("work", etag="e")).changes
    assert change.body == {"imageType": "X", "etag": "e"}


def test_an_empty_part_of_extra_is_no_wish() -> None:
    found = planned(wish({"name": "work", "extra": {"config": {}, "management": {}, "autoscaling": {}}}), pool("work"))
    assert found.changes == []


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("second", [{"spot": True}, {"max_pods_per_node": 32}, {"spot": True, "machine_type": "m"}])
def test_each_state_on_the_way_foresees_exactly_the_rest(scaled: bool, second: Json) -> None:
    asked = wish(
        {"name": "work", "service_account": "own", **second}, {"name": "more", "node_count": 1, "spot": True},
        remove_other_node_pools=True,
    )  # fmt: skip
    more = pool("more", initialNodeCount=1)
    work = pool("work", **({"autoscaling": SCALED} if scaled else {}))
    actual, sizes = cluster(nodePools=[work, more, pool("stray")]), {"work": 4, "more": 1, "stray": 4}
    states, done = [actual], list[str]()
    while changes := plan(asked, actual, {}, {"work": 4}).changes:
        done.append(changes[0].text)
        actual, sizes = applied(actual, sizes, changes[0])
        states.append(actual)
    assert len(done) == 5 + scaled
    for number, state in enumerate(states):
        assert texts(plan(asked, copy.deepcopy(state), {}, {"work": 4})) == done[number:]
    kept = [str(one["name"]) for one in actual["nodePools"]]
    assert kept == [successor_name(asked.pools[name]) for name in ("work", "more")]


def test_a_cluster_that_differs_is_made_anew_when_told_to() -> None:
    found = plan(wish(WORK, description="b", allow_recreate=True), cluster(description="a"), {})
    assert [str(one) for one in found.recreate] == ["description: a -> b"] and found.changes == []


def test_a_pool_is_no_reason_to_make_the_cluster_anew() -> None:
    with pytest.raises(MeshError, match="replace_node_pools"):
        plan(wish(WORK, replace=False, allow_recreate=True), cluster(nodePools=[pool("work")]), {})


def test_what_an_update_does_is_no_reason_either() -> None:
    with pytest.raises(MeshError, match=r"datapathProvider.*allow_node_recreation: true") as caught:
        plan(wish(WORK, dataplane_v2=True, allow_recreate=True), cluster(), {})
    assert "state: absent" not in str(caught.value)


def test_without_leave_the_hint_names_each_option_that_would_do_it() -> None:
    asked = wish(WORK, replace=False, description="b", dataplane_v2=True)
    with pytest.raises(MeshError) as caught:
        plan(asked, cluster(nodePools=[pool("work")]), {})
    for words in ("description:", "datapathProvider:", ACCOUNT, "allow_recreate", "allow_node_recreation",
                  "replace_node_pools"):  # fmt: skip
        assert words in str(caught.value)
