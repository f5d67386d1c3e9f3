# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a difference and what does not."""

from __future__ import annotations

import random
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import (
    Difference,
    canonical,
    differences,
    picked,
    same,
    same_resource,
)
from hypothesis import given
from hypothesis import strategies as st

FULL = "https://www.googleapis.com/compute/v1/projects/host/global/networks/shared"


@pytest.mark.parametrize(
    ("key", "wanted", "have"),
    [
        ("x", False, None),
        ("x", 0, None),
        ("x", "", None),
        ("x", [], None),
        ("x", {}, None),
        ("maxPodsPerNode", 110, "110"),
        ("enableComponents", ["A", "B"], ["B", "A"]),
        ("network", "shared", FULL),
        ("network", "projects/host/global/networks/shared", FULL),
        ("subnetwork", "s", "projects/p/regions/r/subnetworks/s"),
        ("cidrBlock", "10.0.0.1/8", "10.0.0.0/8"),
        ("clusterIpv4CidrBlock", "/14", "10.4.0.0/14"),
        ("cidrBlocks", [{"cidrBlock": "10.0.0.0/8", "displayName": ""}], [{"cidrBlock": "10.0.0.0/8"}]),
        ("channel", "UNSPECIFIED", None),
        ("datapathProvider", "LEGACY_DATAPATH", "DATAPATH_PROVIDER_UNSPECIFIED"),
        ("stackType", "IPV4", None),
        ("startTime", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+00:00"),
        ("resourceLabels", {"a": "1"}, {"a": "1", "goog-fleet": "x"}),
        (
            "maintenanceExclusions",
            {"freeze": {"startTime": "x", "maintenanceExclusionOptions": {"scope": "NO_UPGRADES"}}},
            {"freeze": {"startTime": "x", "maintenanceExclusionOptions": {}}},
        ),
    ],
)
def test_spellings_of_the_same(key: str, wanted: Any, have: Any) -> None:
    assert same(key, wanted, have)


@pytest.mark.parametrize(
    ("key", "wanted", "have"),
    [
        ("x", True, None),
        ("x", False, True),
        ("x", 1, "2"),
        ("network", "projects/other/global/networks/shared", FULL),
        ("subnetwork", "projects/p/regions/q/subnetworks/s", "projects/p/regions/r/subnetworks/s"),
        ("clusterIpv4CidrBlock", "/14", "10.4.0.0/16"),
        ("clusterIpv4CidrBlock", "/4", "10.4.0.0/14"),
        ("tags", ["a"], ["a", "b"]),
        ("tags", [], ["a"]),
        ("resourceLabels", {"a": ""}, {}),
        ("resourceLabels", {}, {"a": "1"}),
        ("maintenanceExclusions", {}, {"freeze": {"startTime": "x"}}),
    ],
)
def test_real_differences(key: str, wanted: Any, have: Any) -> None:
    assert not same(key, wanted, have)


def test_only_what_was_asked_for_is_compared() -> None:
    have = {"a": {"b": 1, "default": True}, "more": 5}
    assert differences({"a": {"b": 2, "c": False}}, have) == [Difference(("a", "b"), 1, 2)]


def test_a_missing_branch_differs_in_its_leaves() -> None:
    assert [one.path for one in differences({"a": {"b": {"c": 1}}}, {})] == [("a", "b", "c")]


def test_a_difference_reads_well() -> None:
    assert str(Difference(("a", "b"), None, [True, "x"])) == "a.b: (none) -> [true, x]"
    assert str(Difference(("labels",), {"a": "1"}, {})) == "labels: {a: 1} -> (none)"


def test_picked_spells_what_fits_as_the_wish() -> None:
    have = {"tags": ["b", "a"], "n": {"x": "1", "y": 2}, "other": 1}
    assert picked({"tags": ["a", "b"], "n": {"x": 1, "z": 3}}, have) == {"tags": ["a", "b"], "n": {"x": 1}}


@pytest.mark.parametrize(("one", "other"), [("n", "n"), ("projects/p/global/networks/n", "n")])
def test_resources_by_what_both_say(one: str, other: str) -> None:
    assert same_resource(one, other)


SCALARS = st.one_of(st.booleans(), st.integers(0, 9), st.sampled_from(["", "a", "b", "10.0.0.0/8"]))
TREES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("klm"), inner, max_size=3)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("xyz"), TREES, max_size=3)


def respelled(value: Any, chance: random.Random) -> Any:
    """The same value as another service might say it: lists in another order, numbers as text, nothings left out."""
    if isinstance(value, dict):
        items = [(key, respelled(entry, chance)) for key, entry in value.items()]
        chance.shuffle(items)
        return {key: entry for key, entry in items if canonical(entry) is not None or chance.random() < 0.5}
    if isinstance(value, list):
        found = [respelled(entry, chance) for entry in value]
        chance.shuffle(found)
        return found
    if isinstance(value, int) and not isinstance(value, bool) and value:
        return str(value) if chance.random() < 0.5 else value
    return value


@given(OBJECTS, st.randoms(use_true_random=False))
def test_another_spelling_is_never_a_difference(wish: dict[str, Any], chance: random.Random) -> None:
    assert differences(wish, respelled(wish, chance)) == []


@given(OBJECTS, OBJECTS)
def test_what_is_no_difference_is_the_same(wish: dict[str, Any], have: dict[str, Any]) -> None:
    """Comparing the wish with what was picked finds the same differences: nothing is lost on the way to the diff."""
    assert differences(wish, picked(wish, have)) == differences(wish, have)
