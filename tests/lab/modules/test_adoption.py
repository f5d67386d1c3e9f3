# SPDX-License-Identifier: GPL-3.0-or-later
"""Clusters that somebody made in another way, through the module's own entry: foreseen, done, and done again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.lab.modules.entry import run_module
from tests.lab.modules.in_process import ZONE, Cloud, Run

JSON = dict[str, Any]
CLUSTER = {"name": "central", "location": ZONE}
TAGGED = {"node_tags": ["mesh1-node"]}
GREEN = {"strategy": "BLUE_GREEN", "blueGreenSettings": {"nodePoolSoakDuration": "60s"}}
PRIVATE = {"private_nodes": True, "control_plane_ipv4_cidr": "172.30.0.0/28"}


def network(**switches: bool) -> JSON:
    return {"extra": {"networkConfig": switches}}


def run(cloud: Cloud, folder: Path, options: JSON, *, check_mode: bool = False) -> Run:
    return run_module(cloud, "gke_cluster", {**CLUSTER, **options}, folder, check_mode=check_mode)


@pytest.mark.parametrize(
    ("made", "asked", "writes"),
    [
        ({"location": "us-central1", "autopilot": True}, {"location": "us-central1", **TAGGED}, 1),
        ({"node_auto_provisioning": {"enabled": True}}, TAGGED, 2),
        ({"node_pools": [{"name": "workers"}]}, {**TAGGED, "node_count": 9}, 1),
        ({}, {"node_pools": [{"name": "default-pool", "extra": {"upgradeSettings": GREEN}}]}, 1),
        (PRIVATE, PRIVATE, 0),
        (PRIVATE, {"private_nodes": False}, 1),
        ({}, {"fleet_project": "one", **network(enableL4ilbSubsetting=True, enableFqdnNetworkPolicy=True)}, 3),
    ],
    ids=["Autopilot", "auto-provisioning", "other pools", "strategy", "private", "no longer private", "one way"],
)
def test_what_can_be_changed_is(made: JSON, asked: JSON, writes: int, cloud: Cloud, tmp_path: Path) -> None:
    assert not run(cloud, tmp_path, made).error
    predicted, real, again = (run(cloud, tmp_path, asked, check_mode=check) for check in (True, False, False))
    assert not real.error and predicted.told == real.told
    assert [len(one.writes) for one in (predicted, real, again)] == [0, writes, 0]


@pytest.mark.parametrize(
    ("made", "asked", "field"),
    [
        ({"fleet_project": "one"}, {"fleet_project": "other"}, "fleet.project: one -> other"),
        (
            {"control_plane": {"private_endpoint_subnetwork": "a"}},
            {"control_plane": {"private_endpoint_subnetwork": "b"}},
            "privateEndpointSubnetwork: a -> b",
        ),
        (network(enableL4ilbSubsetting=True), network(enableL4ilbSubsetting=False), "enableL4ilbSubsetting"),
        (network(enableFqdnNetworkPolicy=True), network(enableFqdnNetworkPolicy=False), "enableFqdnNetworkPolicy"),
    ],
    ids=["fleet", "private endpoint", "ILB subsetting", "FQDN policies"],
)
def test_a_way_of_no_return_is_named_or_leads_to_another_cluster(
    made: JSON, asked: JSON, field: str, cloud: Cloud, tmp_path: Path
) -> None:
    assert not run(cloud, tmp_path, made).error
    for check in (True, False):
        refused = run(cloud, tmp_path, asked, check_mode=check)
        assert field in refused.error and "cannot be changed on an existing cluster" in refused.error
        assert refused.writes == []
    replaced = run(cloud, tmp_path, {**asked, "allow_recreate": True})
    assert [one.method for one in replaced.writes] == ["DELETE", "POST"]
    assert run(cloud, tmp_path, asked).result["changed"] is False
