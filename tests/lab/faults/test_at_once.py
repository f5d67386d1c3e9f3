# SPDX-License-Identifier: GPL-3.0-or-later
"""Controllers that work on the same thing at the same time, each in a thread of its own, over real HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster, mesh_firewall

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import FIREWALLS, RULE, ZONE, Cloud

MEMBERS = [{"name": "c", "location": ZONE}, {"name": "d", "location": "us-west1-a"}]
FIREWALL: JSON = {"name": RULE, "clusters": MEMBERS}
CLUSTER: JSON = {"name": "c", "location": ZONE, "node_count": 1}
MANY = 4
"""Controllers at once."""


@pytest.fixture
def mesh(cloud: Cloud) -> Cloud:
    """Two clusters whose nodes carry the mesh's tag, without a rule."""
    for member in MEMBERS:
        cloud.cluster(**member, node_tags=["mesh-node"])
    return cloud


def _opens_everything(cloud: Cloud, *names: str) -> None:
    """The mesh has just the rules of these names; they let its members' pods through, each range once, and no other."""
    assert cloud.rules() == sorted(names)
    rules = [cloud.rule(name) or {} for name in names]
    ranges = [one for rule in rules for one in rule["sourceRanges"]]
    assert sorted(ranges) == sorted(
        cloud.at(str(member["location"])).get(str(member["name"]))["clusterIpv4Cidr"] for member in MEMBERS
    )
    for rule in rules:
        assert (rule["priority"], rule["direction"], rule["disabled"]) == (900, "INGRESS", False)
        assert len(rule["targetTags"]) == len(MEMBERS)
        assert not {"sourceTags", "denied"} & rule.keys()
    run = cloud.firewall(*MEMBERS, max_source_ranges=len(ranges) // len(names))
    assert not run.result["changed"]


def test_a_rule_made_by_many(mesh: Cloud) -> None:
    runs = mesh.at_once(mesh_firewall, *[FIREWALL] * MANY, meet="create in")
    assert [run.error for run in runs] == [""] * MANY
    assert sorted(run.result["changed"] for run in runs) == [False] * (MANY - 1) + [True]
    _opens_everything(mesh, RULE)


def test_a_rule_that_takes_its_time_is_made_by_one_and_awaited_by_the_others(mesh: Cloud) -> None:
    mesh.fault({"operation_seconds": 0.5}, method="POST", path=FIREWALLS)
    runs = mesh.at_once(mesh_firewall, *[FIREWALL] * MANY, meet="create in")
    assert sum(run.result["changed"] for run in runs) == 1
    _opens_everything(mesh, RULE)


def test_numbered_rules_made_by_many(mesh: Cloud) -> None:
    runs = mesh.at_once(mesh_firewall, *[FIREWALL | {"max_source_ranges": 1}] * MANY, meet="create in")
    assert [run.error for run in runs] == [""] * MANY
    made = [change for run in runs for change in run.result["changes"]]
    assert sorted(made) == [f"firewall rule {name}: create in {mesh.project}" for name in (f"{RULE}-2", RULE)]
    _opens_everything(mesh, RULE, f"{RULE}-2")


@pytest.mark.parametrize(
    "edit",
    [
        lambda rule: {"sourceRanges": ["0.0.0.0/0"]},
        lambda rule: {"sourceRanges": rule["sourceRanges"][:1]},
        lambda rule: {"targetTags": []},
        lambda rule: {"disabled": True, "priority": 7},
        lambda rule: {"sourceTags": ["web"]},
    ],
    ids=["world", "member-lost", "every-machine", "disabled", "source-tag"],
)
def test_a_rule_mended_by_many_while_somebody_edits_it(mesh: Cloud, edit: Callable[[JSON], JSON]) -> None:
    mesh.firewall(*MEMBERS)
    good = mesh.rule() or {}
    mesh.change_rule("PATCH", f"/{RULE}", {"priority": 1200})
    runs = mesh.at_once(
        mesh_firewall, *[FIREWALL] * MANY, meet=f"rule {RULE}: priority",
        other=lambda: mesh.change_rule("PATCH", f"/{RULE}", edit(good)),
    )  # fmt: skip
    assert [run.error for run in runs] == [""] * MANY
    mesh.firewall(*MEMBERS)  # an edit after the last of them had looked is the next run's
    _opens_everything(mesh, RULE)


def test_a_rule_deleted_by_hand_while_many_mend_it(mesh: Cloud) -> None:
    mesh.firewall(*MEMBERS)
    mesh.change_rule("PATCH", f"/{RULE}", {"priority": 1200})
    runs = mesh.at_once(
        mesh_firewall, *[FIREWALL] * MANY, meet=f"rule {RULE}: priority",
        other=lambda: mesh.change_rule("DELETE", f"/{RULE}"),
    )  # fmt: skip
    assert [run.error for run in runs] == [""] * MANY
    mesh.firewall(*MEMBERS)
    _opens_everything(mesh, RULE)


def test_a_rule_made_anew_by_many(mesh: Cloud) -> None:
    mesh.firewall(*MEMBERS)
    rule = mesh.rule() or {}
    mesh.change_rule("DELETE", f"/{RULE}")
    turned = {key: rule[key] for key in ("name", "description", "allowed", "priority")} | {"direction": "EGRESS"}
    mesh.change_rule("POST", "", {**turned, "destinationRanges": ["10.0.0.0/8"]})
    runs = mesh.at_once(mesh_firewall, *[FIREWALL] * MANY, meet="to be made anew")
    assert [run.error for run in runs] == [""] * MANY
    _opens_everything(mesh, RULE)


def test_a_rule_removed_by_many(mesh: Cloud) -> None:
    mesh.firewall(*MEMBERS)
    runs = mesh.at_once(mesh_firewall, *[FIREWALL | {"state": "absent"}] * MANY, meet="delete from")
    assert sorted(run.result["changed"] for run in runs) == [False] * (MANY - 1) + [True]
    assert mesh.rules() == []


def test_a_cluster_made_by_many(cloud: Cloud) -> None:
    runs = cloud.at_once(gke_cluster, *[CLUSTER] * MANY, meet="creating in")
    assert {run.result["cluster"]["status"] for run in runs} == {"RUNNING"}
    assert [one["operationType"] for one in cloud.operations()] == ["CREATE_CLUSTER"]
    assert not cloud.cluster().result["changed"]


def test_a_cluster_made_otherwise_by_each_ends_as_one_of_them_wants_it(cloud: Cloud) -> None:
    wishes = [CLUSTER | {"labels": {"team": team}} for team in ("a", "b")]
    runs = cloud.at_once(gke_cluster, *wishes, meet="creating in")
    assert [run.error for run in runs] == ["", ""]
    assert [one["operationType"] for one in cloud.operations()].count("CREATE_CLUSTER") == 1
    assert cloud.rest.get()["resourceLabels"] in ({"team": "a"}, {"team": "b"})


def test_different_features_changed_by_each_are_all_changed(cloud: Cloud) -> None:
    cloud.cluster()
    wishes = [
        CLUSTER | {"labels": {"team": "a"}},
        CLUSTER | {"release_channel": "rapid"},
        CLUSTER | {"node_labels": {"tier": "1"}},
        CLUSTER | {"node_pools": [{"name": "default-pool"}, {"name": "work", "node_count": 1}]},
    ]
    runs = cloud.at_once(gke_cluster, *wishes, meet="c: ")
    assert [run.error for run in runs] == [""] * len(wishes)
    made = cloud.rest.get()
    assert (made["resourceLabels"], made["releaseChannel"]) == ({"team": "a"}, {"channel": "RAPID"})
    assert [pool["name"] for pool in made["nodePools"]] == ["default-pool", "work"]
    assert made["nodePools"][0]["config"]["labels"] == {"tier": "1"}
    for wish in wishes:
        assert cloud.run(gke_cluster, **wish).result["changes"] == []


def test_the_same_change_by_many_is_made_once(cloud: Cloud) -> None:
    cloud.cluster()
    runs = cloud.at_once(gke_cluster, *[CLUSTER | {"labels": {"team": "a"}}] * MANY, meet="resourceLabels")
    assert [run.error for run in runs] == [""] * MANY
    assert [one["operationType"] for one in cloud.operations()] == ["CREATE_CLUSTER", "UPDATE_CLUSTER"]
    assert not cloud.cluster(labels={"team": "a"}).result["changed"]


def test_a_cluster_deleted_by_many(cloud: Cloud) -> None:
    cloud.cluster()
    runs = cloud.at_once(gke_cluster, *[CLUSTER | {"state": "absent"}] * MANY, meet="c: deleting")
    assert [run.error for run in runs] == [""] * MANY
    assert not cloud.exists()
    assert [one["operationType"] for one in cloud.operations()] == ["CREATE_CLUSTER", "DELETE_CLUSTER"]
