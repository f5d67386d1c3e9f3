# SPDX-License-Identifier: GPL-3.0-or-later
"""Option ``wait: false``: the operation is begun and given back, and a later run takes it up where it is."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CLUSTER, CREATE, Cloud, Run, failure

LABELS = r":setResourceLabels$"
WISH: JSON = {"labels": {"team": "a"}, "release_channel": "rapid"}


def _operation(run: Run) -> tuple[str, str]:
    """Name and state of the operation that a run gave back."""
    return run.result["operation"]["name"], run.result["operation"]["status"]


@pytest.fixture
def created(cloud: Cloud) -> Cloud:
    """A project in which a cluster is being created, and will be until the faults are healed."""
    cloud.fault({"stuck": True}, method="POST", path=CREATE)
    run = cloud.cluster(wait=False)
    assert run.result["changed"]
    assert (run.result["cluster"]["status"], run.writes) == ("PROVISIONING", ["POST clusters 200"])
    assert _operation(run) == (cloud.operations()[0]["name"], "RUNNING")
    return cloud


def test_a_second_run_without_waiting_gives_the_same_operation_back(created: Cloud) -> None:
    again = created.cluster(wait=False)
    assert (again.result["changed"], again.writes) == (False, [])
    assert _operation(again) == (created.operations()[0]["name"], "RUNNING")


def test_a_run_that_waits_adopts_the_creation(created: Cloud) -> None:
    run = created.cluster(on={"c: creating (0 of 3 stages": created.heal})
    assert run.result["changes"] == ["cluster c: wait for its creation"]
    assert (run.result["cluster"]["status"], run.writes) == ("RUNNING", [])
    assert _operation(run) == (created.operations()[0]["name"], "DONE")
    assert len(created.operations()) == 1


def test_a_wish_that_has_grown_meanwhile_is_fulfilled_after_the_adoption(created: Cloud) -> None:
    run = created.cluster(**WISH, on={"c: creating (0 of 3 stages": created.heal})
    assert run.result["cluster"]["labels"] == WISH["labels"]
    assert run.writes == ["POST clusters/c:setResourceLabels 200", "PUT clusters/c 200"]


def test_an_adopted_creation_that_fails_is_a_failure(cloud: Cloud) -> None:
    message = "All cluster resources were brought up, but: 3 nodes out of 3 are unhealthy."
    cloud.fault({"stuck": True, **failure(message)}, method="POST", path=CREATE)
    assert cloud.cluster(wait=False).result["operation"]["status"] == "RUNNING"
    cloud.cluster(on={"c: creating": cloud.heal}).failed_with("Failed to create cluster c", message)


def test_a_deletion_waits_for_the_creation_that_nobody_waited_for(created: Cloud) -> None:
    run = created.cluster(state="absent", on={"c: creating (0 of 3 stages": created.heal})
    assert (run.result["cluster"]["exists"], run.writes) == (False, ["DELETE clusters/c 200"])


def test_changes_are_begun_one_a_run_and_all_of_them_told(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.fault({"stuck": True}, method="POST", path=LABELS)
    begun = cloud.cluster(**WISH, wait=False)
    assert len(begun.result["changes"]) == 2
    assert begun.writes == ["POST clusters/c:setResourceLabels 200"]
    assert _operation(begun) == (cloud.operations()[-1]["name"], "RUNNING")
    done = cloud.cluster(**WISH, on={"c: updating": cloud.heal})
    assert done.writes == ["PUT clusters/c 200"]
    assert (done.result["cluster"]["labels"], done.result["cluster"]["release_channel"]) == (WISH["labels"], "RAPID")
    assert not cloud.cluster(**WISH).result["changed"]


def test_a_deletion_is_begun_once_and_joined(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.fault({"stuck": True}, method="DELETE", path=CLUSTER)
    begun = cloud.cluster(state="absent", wait=False)
    assert (begun.result["changed"], begun.writes) == (True, ["DELETE clusters/c 200"])
    assert _operation(begun) == (cloud.operations()[-1]["name"], "RUNNING")
    assert not cloud.cluster(state="absent", wait=False).result["changed"]
    joined = cloud.cluster(state="absent", on={"c: deleting": cloud.heal})
    assert (joined.result["cluster"]["exists"], joined.writes) == (False, [])
    assert len(cloud.operations()) == 2


def test_many_are_begun_before_any_is_waited_for(cloud: Cloud) -> None:
    cloud.fault({"stuck": True}, method="POST", path=CREATE)
    names = ["c", "d", "e"]
    for name in names:
        cloud.cluster(name, wait=False)
    assert {cloud.rest.get(name)["status"] for name in names} == {"PROVISIONING"}
    cloud.heal()
    wishes = [{"name": name, "location": "us-central1-a", "node_count": 1} for name in names]
    runs = cloud.at_once(gke_cluster, *wishes)
    assert {run.result["cluster"]["status"] for run in runs} == {"RUNNING"}
    assert len(cloud.operations()) == len(names)
