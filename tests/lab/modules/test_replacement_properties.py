# SPDX-License-Identifier: GPL-3.0-or-later
"""Node pools that are replaced, by Google's rules: foreseen from every state on the way, and finished from each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from hypothesis import event, given
from hypothesis import strategies as st

from tests.lab.modules.cluster_options import LISTED_POOL_VALUES
from tests.lab.modules.in_process import ZONE, Cloud, Killed

JSON = dict[str, Any]
FIXED = ("oauth_scopes", "service_account", "spot", "max_pods_per_node")
NAMES = ("system", "work", "a-name-of-exactly-forty-letters-in-all-x")


def _entries(draw: st.DrawFn) -> list[JSON]:
    """Each of the pools, with options of both sorts."""
    entries: list[JSON] = []
    for name in NAMES:
        fixed = draw(st.lists(st.sampled_from(FIXED), max_size=2, unique=True))
        other = draw(st.lists(st.sampled_from(sorted({*LISTED_POOL_VALUES} - {*FIXED})), max_size=3, unique=True))
        entries.append({"name": name} | {one: draw(st.sampled_from(LISTED_POOL_VALUES[one])) for one in fixed + other})
    return entries


@st.composite
def _wishes(draw: st.DrawFn) -> JSON:
    return {
        "name": "central", "location": ZONE, "node_pools": _entries(draw), "replace_node_pools": True,
        "remove_other_node_pools": draw(st.booleans()),
    }  # fmt: skip


@given(wishes=st.lists(_wishes(), min_size=2, max_size=3), lives=st.lists(st.integers(1, 6), min_size=2, max_size=2))
def test_a_run_that_dies_on_the_way_is_foreseen_and_finished(
    new_cloud: Callable[[], Cloud], wishes: list[JSON], lives: list[int]
) -> None:
    """Runs for wish after wish, all but the last one killed; what a further run does is what check mode says."""
    cloud = new_cloud()
    try:
        assert not cloud.run(gke_cluster, wishes[0]).error
        for wish, life in zip(wishes[1:], lives, strict=False):
            cloud.writes_to_live = life
            try:
                cloud.run(gke_cluster, wish)
            except Killed:
                event("killed")
            cloud.writes_to_live = None
            cloud.settle()
        wish = wishes[-1]
        predicted = cloud.run(gke_cluster, wish, check_mode=True)
        assert not predicted.writes
        real = cloud.run(gke_cluster, wish)
        assert not real.error, real.error
        assert predicted.told == real.told
        event(f"drained: {sum('drain' in change for change in real.result['changes'])}")
        assert real.result["changed"] == (real.result["diff"]["before"] != real.result["diff"]["after"])
        again = cloud.run(gke_cluster, wish)
        assert (again.told[:3], again.writes) == (("", False, []), [])
        assert len(again.result["cluster"]["node_pools"]) == len(NAMES)
    finally:
        cloud.close()


@pytest.mark.parametrize("option", FIXED)
def test_each_option_that_no_call_changes_is_fulfilled_by_a_new_pool(option: str, cloud: Cloud) -> None:
    before, after = LISTED_POOL_VALUES[option][:2]
    wish = {"name": "central", "location": ZONE, "replace_node_pools": True}
    cloud.run(gke_cluster, {**wish, "node_pools": [{"name": "work", option: before}]})
    run = cloud.run(gke_cluster, {**wish, "node_pools": [{"name": "work", option: after}]})
    assert [one.method for one in run.writes] == ["POST", "DELETE"]
    assert len(run.result["cluster"]["node_pools"]) == 1
