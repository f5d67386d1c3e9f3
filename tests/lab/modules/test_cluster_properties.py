# SPDX-License-Identifier: GPL-3.0-or-later
"""gke_cluster against Google's rules as the lab knows them: what holds whatever is asked for and whatever is there."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from hypothesis import assume, event, given
from hypothesis import strategies as st

from tests.lab.modules.cluster_options import (
    FIELD_NAMES,
    FIXED,
    LISTED_POOL_VALUES,
    POOL_VALUES,
    VALUES,
    respelled,
    wishes,
)
from tests.lab.modules.in_process import ZONE, Cloud, Run

JSON = dict[str, Any]
IMMUTABLE = "these cannot be changed on an existing cluster"
REFUSALS = (IMMUTABLE, "is not offered in")
"""What a prediction foresees."""


@contextmanager
def cloud_with(new_cloud: Callable[[], Cloud], wish: JSON, *, surely: bool = False) -> Iterator[Cloud]:
    """A cloud in which a first run has made what a wish asks for; surely: a wish that must be possible."""
    cloud = new_cloud()
    try:
        made = cloud.run(gke_cluster, wish)
        assert not (surely and made.error), made.error
        if not surely:
            assume(not fails_whole(made))
        yield cloud
    finally:
        cloud.close()


def fails_whole(run: Run) -> bool:
    """Whether the run refused the wish; it must have done so before it touched anything."""
    if run.error and any(words in run.error for words in REFUSALS):
        assert not run.writes, run.error
        return True
    assert not run.error, run.error
    return False


def changeable(first: JSON, wish: JSON) -> JSON:
    """The second wish, with what no call changes as in the first."""
    kept = {name: value for name, value in wish.items() if name not in _ASKED_ONCE}
    if "subnetwork" not in first:
        kept.pop("additional_pod_ranges", None)  # the default subnetwork has none
    return kept | {name: value for name, value in first.items() if name in _ASKED_ONCE}


_ASKED_ONCE = FIXED | {
    "location", "autopilot", "network", "subnetwork", "cluster_secondary_range_name", "services_secondary_range_name",
}  # fmt: skip


@given(first=wishes(), wish=wishes(), reasonable=st.integers(0, 3))
def test_a_prediction_comes_true_and_leaves_nothing_to_do(
    new_cloud: Callable[[], Cloud], first: JSON, wish: JSON, reasonable: int
) -> None:
    wish = changeable(first, wish) if reasonable else {**wish, "location": first["location"]}
    with cloud_with(new_cloud, first) as cloud:
        predicted = cloud.run(gke_cluster, wish, check_mode=True)
        assert not predicted.writes
        real = cloud.run(gke_cluster, wish)
        assert predicted.told == real.told
        if fails_whole(real):
            event("refused")
            return
        event(f"changes: {len(real.result['changes'])}")
        assert real.result["changed"] == bool(real.writes)
        assert real.result["changed"] == (real.result["diff"]["before"] != real.result["diff"]["after"])
        again = cloud.run(gke_cluster, wish)
        assert (again.told[:3], again.writes) == (("", False, []), [])
        assert again.result["diff"]["before"] == again.result["diff"]["after"]


@given(wish=wishes(most=8))
def test_a_prediction_of_a_creation_comes_true(new_cloud: Callable[[], Cloud], wish: JSON) -> None:
    cloud = new_cloud()
    try:
        predicted = cloud.run(gke_cluster, wish, check_mode=True)
        assert not predicted.writes
        assert predicted.told == cloud.run(gke_cluster, wish).told
    finally:
        cloud.close()


@given(wish=wishes(most=8), seed=st.integers(0, 999))
def test_defaults_order_and_spelling_are_no_drift(new_cloud: Callable[[], Cloud], wish: JSON, seed: int) -> None:
    with cloud_with(new_cloud, wish) as cloud:
        for words in (wish, respelled(wish, random.Random(seed))):
            run = cloud.run(gke_cluster, words)
            assert (run.told[:3], run.writes) == (("", False, []), []), words
            assert run.result["diff"]["before"] == run.result["diff"]["after"]


@given(wish=wishes(), data=st.data())
def test_each_real_difference_is_seen(new_cloud: Callable[[], Cloud], wish: JSON, data: st.DataObject) -> None:
    listed = bool(wish.get("node_pools")) and data.draw(st.booleans())
    target = data.draw(st.sampled_from(wish["node_pools"])) if listed else wish
    values = LISTED_POOL_VALUES if listed else VALUES
    option = data.draw(st.sampled_from(sorted(values)))
    assume(_matters(option, target, wish, listed))
    before, after = data.draw(st.permutations(values[option]))[:2]
    target[option] = before
    with cloud_with(new_cloud, wish) as cloud:
        other = copy.deepcopy(wish)
        changed = next(one for one in other["node_pools"] if one["name"] == target["name"]) if listed else other
        changed[option] = after
        is_seen(cloud, other, option)


@pytest.mark.parametrize("option", sorted(VALUES))
def test_each_option_is_compared(option: str, new_cloud: Callable[[], Cloud]) -> None:
    basis = {"name": "central", "location": ZONE}
    for before, after in itertools.pairwise([*VALUES[option], VALUES[option][0]]):
        with cloud_with(new_cloud, {**basis, option: before}, surely=True) as cloud:
            is_seen(cloud, {**basis, option: after}, option)


@pytest.mark.parametrize("option", sorted(LISTED_POOL_VALUES))
def test_each_option_of_a_listed_pool_is_compared(option: str, new_cloud: Callable[[], Cloud]) -> None:
    basis = {"name": "central", "location": ZONE}
    values = LISTED_POOL_VALUES[option]
    for before, after in itertools.pairwise([*values, values[0]]):
        first = {**basis, "node_pools": [{"name": "work", option: before}]}
        with cloud_with(new_cloud, first, surely=True) as cloud:
            is_seen(cloud, {**basis, "node_pools": [{"name": "work", option: after}]}, option)


def is_seen(cloud: Cloud, wish: JSON, option: str) -> None:
    """The wish differs from what is there in one option: that is changed, or refused by its name.

    Where the wish says so, something new takes the place of what cannot be changed.
    """
    run = cloud.run(gke_cluster, wish)
    anew = "replace_node_pools" if option in POOL_VALUES else "allow_recreate"
    if option in FIXED and (option == "dataplane_v2" or not wish.get(anew)):
        assert IMMUTABLE in run.error
        assert FIELD_NAMES[option] in run.error
        assert not run.writes
    else:
        assert not run.error, run.error
        assert run.result["changes"], wish
        assert run.result["diff"]["before"] != run.result["diff"]["after"]


def _matters(option: str, target: JSON, wish: JSON, listed: bool) -> bool:
    """Whether the option has any say, given the others."""
    if option == "node_count" and ("autoscaling" in target or "autoscaling" in wish):
        return False
    if not listed and option in LISTED_POOL_VALUES and option not in ("node_locations", "private_nodes", "extra"):
        if wish.get("autopilot"):
            return False
        if wish.get("node_pools") and option != "node_tags":
            settled = {option, "autoscaling"} if option == "node_count" else {option}
            return any(not settled & pool.keys() for pool in wish["node_pools"])
    if option == "autoscaling" or (option == "node_auto_provisioning" and wish.get("autopilot")):
        return not wish.get("autopilot")
    clash = {"cluster_ipv4_cidr": "cluster_secondary_range_name", "services_ipv4_cidr": "services_secondary_range_name"}
    return clash.get(option, "") not in wish
