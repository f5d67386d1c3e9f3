# SPDX-License-Identifier: GPL-3.0-or-later
"""Canonical JSON: whatever spelling comes in, one goes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.cloud.container_v1.types import Cluster

from gkelab.model.errors import ApiError
from gkelab.model.schema import canonical, message, numbered

CLUSTER = message("Cluster")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"initial_node_count": 3}, {"initialNodeCount": 3}),
        ({"initialNodeCount": "3"}, {"initialNodeCount": 3}),
        ({"initialNodeCount": 0, "name": "", "locations": [], "resourceLabels": {}}, {}),
        ({"name": None, "autopilot": {}}, {"autopilot": {}}),
        ({"autopilot": {"enabled": False}}, {"autopilot": {}}),
        ({"status": 2}, {"status": "RUNNING"}),
        ({"status": 99}, {"status": 99}),
        ({"status": "STATUS_UNSPECIFIED"}, {}),
        (
            {"defaultMaxPodsConstraint": {"maxPodsPerNode": 110}},
            {"defaultMaxPodsConstraint": {"maxPodsPerNode": "110"}},
        ),
        (
            {"networkConfig": {"defaultEnablePrivateNodes": False}},
            {"networkConfig": {"defaultEnablePrivateNodes": False}},
        ),
        ({"resourceLabels": {"a": ""}}, {"resourceLabels": {"a": ""}}),
        ({"newThing": {"a_b": None}}, {"newThing": {"a_b": None}}),
        ({"shieldedNodes": {"enabled": "true"}}, {"shieldedNodes": {"enabled": True}}),
    ],
)
def test_canonical(given: dict[str, Any], kept: dict[str, Any]) -> None:
    assert canonical(CLUSTER, given) == kept
    assert canonical(CLUSTER, kept) == kept


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"initialNodeCount": True}, "initial_node_count"),
        ({"initialNodeCount": 1.5}, "initial_node_count"),
        ({"initialNodeCount": 2**31}, "initial_node_count"),
        ({"locations": "a"}, "locations"),
        ({"locations": [1]}, r"locations\[0\]"),
        ({"resourceLabels": ["a"]}, "resource_labels"),
        ({"resourceLabels": {"a": 1}}, "resource_labels"),
        ({"shieldedNodes": {"enabled": 1}}, "shielded_nodes.enabled"),
        ({"autopilot": "yes"}, "autopilot"),
        ({"nodePools": [{"config": {"diskSizeGb": "big"}}]}, r"node_pools\[0\].config.disk_size_gb"),
    ],
)
def test_bad_values_are_named_by_their_path(given: dict[str, Any], path: str) -> None:
    with pytest.raises(ApiError, match=path):
        canonical(CLUSTER, given)


def test_numbers_for_enums_everywhere() -> None:
    given = {
        "status": "RUNNING",
        "nodePools": [{"status": "ERROR", "conditions": [{"code": "GCE_STOCKOUT"}]}],
        "loggingConfig": {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}},
        "newEnum": "SOMETHING",
    }
    shown = numbered(CLUSTER, given)
    assert shown["status"] == 2
    assert shown["nodePools"] == [{"status": 6, "conditions": [{"code": 1}]}]
    assert shown["loggingConfig"]["componentConfig"]["enableComponents"] == [1, 2]
    assert shown["newEnum"] == "SOMETHING"
    assert canonical(CLUSTER, shown) == given


def test_the_library_reads_the_same() -> None:
    given = {
        "name": "c",
        "status": "RUNNING",
        "resourceLabels": {"a": "b"},
        "nodePools": [{"name": "p", "initialNodeCount": 2}],
    }
    cluster = Cluster.from_json(json.dumps(given))
    dumped = json.loads(Cluster.to_json(cluster, preserving_proto_field_name=True))
    assert canonical(CLUSTER, dumped) == given
