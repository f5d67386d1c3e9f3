# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gke_cluster_info: one call, whatever is asked."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster_info

from tests.unit.plugins.fake_google import CENTRAL, LOCATION, Call, Script, cluster, missing
from tests.unit.plugins.module_utils._core.google_run import Runner

ALL = "projects/p/locations/-/clusters"
LISTED = {
    "clusters": [
        cluster("west", location="us-west1-b", resourceLabels={"mesh": "2"}),
        cluster("central", location="us-east1-b"),
        cluster(),
    ]
}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(gke_cluster_info, monkeypatch)


def places(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["name"], one["location"]) for one in result["clusters"]]


def test_all_in_one_order(run: Runner) -> None:
    result = run(Script(Call("GET", ALL, LISTED)))
    assert places(result) == [("central", LOCATION), ("central", "us-east1-b"), ("west", "us-west1-b")]
    assert not result["changed"] and result["missing_zones"] == []


def test_by_name_and_by_label(run: Runner) -> None:
    assert places(run(Script(Call("GET", ALL, LISTED)), name=["west", "none"])) == [("west", "us-west1-b")]
    assert places(run(Script(Call("GET", ALL, LISTED)), labels={"mesh": 2})) == [("west", "us-west1-b")]


def test_one_by_its_place(run: Runner) -> None:
    assert places(run(Script(Call("GET", CENTRAL, cluster())), name="central", location=LOCATION)) == [
        ("central", LOCATION)
    ]
    assert places(run(Script(Call("GET", CENTRAL, missing())), name="central", location=LOCATION)) == []


def test_zones_that_do_not_answer_are_named(run: Runner) -> None:
    result = run(Script(Call("GET", ALL, {"missingZones": ["us-x1-a"]})))
    assert result["missing_zones"] == ["us-x1-a"] and "us-x1-a" in result["warnings"][0]
