# SPDX-License-Identifier: GPL-3.0-or-later
"""Others at work on the same cluster: Google itself, a second controller, somebody at the console."""

from __future__ import annotations

import pytest

from gkelab.model.errors import error_info
from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CLUSTER, CREATE, ZONE, Cloud, refusal

SHIELDED = {"update": {"desiredShieldedNodes": {"enabled": False}}}
BODY = {"cluster": {"name": "c", "nodePools": [{"name": "default-pool", "initialNodeCount": 1}]}}
LABELS = r":setResourceLabels$"


def _begin(cloud: Cloud, body: JSON = SHIELDED, seconds: float = 0.2) -> str:
    """Somebody else starts to change the cluster; the operation's name."""
    cloud.fault({"operation_seconds": seconds}, method="PUT", path=CLUSTER, count=1)
    status, operation = cloud.rest.container("PUT", "clusters/c", body)
    assert status == 200, operation
    return str(operation["name"])


def test_14_busy_from_the_start(cloud: Cloud) -> None:
    cloud.cluster()
    _begin(cloud)
    run = cloud.cluster(labels={"team": "a"})
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert run.writes == ["POST clusters/c:setResourceLabels 200"]


def test_14_busy_when_writing(cloud: Cloud) -> None:
    cloud.cluster()
    names: list[str] = []
    run = cloud.cluster(labels={"team": "a"}, on={"resourceLabels": lambda: names.append(_begin(cloud))})
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert run.writes == ["POST clusters/c:setResourceLabels 400", "POST clusters/c:setResourceLabels 200"]
    assert f"c: busy, waiting for {names[0]}" in run.lines


@pytest.mark.parametrize(
    "message",
    [
        "Operation {operation} is currently upgrading cluster c. Please wait and try again once it is done.",
        "Operation {operation} is currently deleting a node pool for cluster c. Please wait and try again once it is "
        "done.",
        "Cluster is currently being created, deleted, updated or repaired and cannot be updated.",
        "Cluster is running incompatible operation {operation}.",
    ],
    ids=["upgrading", "deleting-pool", "nameless", "without-reason"],
)
def test_14_busy_in_the_words_of_older_services(cloud: Cloud, message: str) -> None:
    cloud.cluster()
    told = message.format(operation=cloud.operations()[0]["name"])
    cloud.fault(refusal("FAILED_PRECONDITION", told), method="POST", path=LABELS, count=2)
    run = cloud.cluster(labels={"team": "a"})
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert len(run.writes) == 3


def test_14_busy_by_its_reason_alone(cloud: Cloud) -> None:
    cloud.cluster()
    details = [error_info("CLUSTER_ALREADY_HAS_OPERATION", "container.googleapis.com")]
    cloud.fault(refusal("FAILED_PRECONDITION", "Not now.", details=details), method="POST", path=LABELS, count=2)
    run = cloud.cluster(labels={"team": "a"})
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert len(run.writes) == 3


def test_14_a_precondition_that_no_waiting_fulfils(cloud: Cloud) -> None:
    cloud.cluster()
    message = "Node pool default-pool has an unsupported configuration."
    cloud.fault(refusal("FAILED_PRECONDITION", message), method="POST", path=LABELS)
    run = cloud.cluster(labels={"team": "a"}).failed_with("Failed to change cluster c", message)
    assert len(run.writes) == 1


def test_14_busy_past_the_deadline(cloud: Cloud) -> None:
    cloud.cluster()
    name = _begin(cloud, seconds=5)
    run = cloud.cluster(labels={"team": "a"}, wait_timeout=30).failed_with(f"operation {name} is still RUNNING")
    assert not run.writes


def test_15_google_starts_work_right_after_a_creation(cloud: Cloud) -> None:
    own = {"type": "UPGRADE_NODES", "seconds": 0.2}
    cloud.fault({"auto_operation": own}, method="POST", path=CREATE)
    run = cloud.cluster()
    assert run.result["cluster"]["status"] == "RUNNING"
    changed = cloud.cluster(labels={"team": "a"})
    assert changed.result["cluster"]["labels"] == {"team": "a"}
    assert changed.writes == ["POST clusters/c:setResourceLabels 400", "POST clusters/c:setResourceLabels 200"]


def test_15_google_starts_work_between_two_changes(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.fault({"auto_operation": {"type": "UPGRADE_NODES", "seconds": 0.2}}, method="POST", path=LABELS)
    run = cloud.cluster(labels={"team": "a"}, release_channel="rapid")
    assert run.result["cluster"]["release_channel"] == "RAPID"
    assert run.writes == ["POST clusters/c:setResourceLabels 200", "PUT clusters/c 400", "PUT clusters/c 200"]


def _create_too(cloud: Cloud, **fields: object) -> None:
    status, operation = cloud.rest.container("POST", "clusters", {"cluster": BODY["cluster"] | fields})
    assert status == 200, operation


def test_16_created_by_another_controller_meanwhile(cloud: Cloud) -> None:
    run = cloud.cluster(on={"creating in": lambda: _create_too(cloud)})
    assert run.result["changed"]
    assert run.result["cluster"]["status"] == "RUNNING"
    assert len([one for one in cloud.operations() if one["operationType"] == "CREATE_CLUSTER"]) == 1
    assert "POST clusters 409" in run.writes
    assert not cloud.cluster().writes


def test_16_created_otherwise_by_another_controller(cloud: Cloud) -> None:
    run = cloud.cluster(
        labels={"team": "a"}, on={"creating in": lambda: _create_too(cloud, resourceLabels={"team": "b"})}
    )
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert "POST clusters/c:setResourceLabels 200" in run.writes


def test_16_created_beyond_change_by_another_controller(cloud: Cloud) -> None:
    run = cloud.cluster(
        description="ours", on={"creating in": lambda: _create_too(cloud, description="theirs")}
    ).failed_with("these cannot be changed on an existing cluster: description")
    assert run.writes == ["POST clusters 409"]


def test_16_the_words_of_the_conflict(cloud: Cloud) -> None:
    _create_too(cloud)
    status, answer = cloud.rest.container("POST", "clusters", BODY)
    assert status == 409
    assert answer["error"]["message"] == f"Already exists: projects/{cloud.project}/zones/{ZONE}/clusters/c."


def test_16_a_conflict_over_nothing(cloud: Cloud) -> None:
    message = f"Already exists: projects/{cloud.project}/zones/{ZONE}/clusters/c."
    cloud.fault(refusal("ALREADY_EXISTS", message), method="POST", path=CREATE)
    run = cloud.cluster().failed_with("Failed to create cluster c in us-central1-a", message)
    assert len(run.writes) <= 12


def _delete(cloud: Cloud) -> None:
    cloud.fault({"operation_seconds": 0.2}, method="DELETE", path=CLUSTER)
    assert cloud.rest.container("DELETE", "clusters/c")[0] == 200


def test_17_its_namesake_is_being_deleted(cloud: Cloud) -> None:
    cloud.cluster()
    _delete(cloud)
    assert cloud.cluster(check=True).result["changed"]
    run = cloud.cluster()
    assert run.result["cluster"]["status"] == "RUNNING"
    assert run.writes == ["POST clusters 200"]
    assert "c: waiting for the deletion of its namesake" in run.lines


def test_17_a_deletion_that_takes_longer_than_we_wait(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.fault({"stuck": True}, method="DELETE", path=CLUSTER)
    assert cloud.rest.container("DELETE", "clusters/c")[0] == 200
    name = cloud.operations()[-1]["name"]
    assert not cloud.cluster(wait_timeout=30).failed_with(name).writes


def test_24_lost_while_it_is_created(cloud: Cloud) -> None:
    cloud.fault({"stuck": True}, method="POST", path=CREATE)
    run = cloud.cluster(on={"c: creating (0 of 3 stages": cloud.lose}).failed_with(
        "Failed to create cluster c in us-central1-a: it disappeared", "Run again to create it anew."
    )
    assert run.writes == ["POST clusters 200"]
    cloud.heal()
    assert cloud.cluster().result["changed"]


def test_24_lost_while_it_is_changed(cloud: Cloud) -> None:
    cloud.cluster()
    run = cloud.cluster(labels={"team": "a"}, on={"resourceLabels": cloud.lose}).failed_with(
        "Failed to change cluster c in us-central1-a: it disappeared"
    )
    assert run.writes == ["POST clusters/c:setResourceLabels 404"]


def test_24_deleted_by_somebody_while_it_is_changed(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.cluster(labels={"team": "a"}, on={"resourceLabels": lambda: _delete(cloud)}).failed_with(
        "somebody else", "Run again to create it anew."
    )


def test_24_lost_while_it_is_deleted(cloud: Cloud) -> None:
    cloud.cluster()
    run = cloud.cluster(state="absent", on={"c: deleting": cloud.lose})
    assert run.result["cluster"]["exists"] is False
    assert run.writes == ["DELETE clusters/c 404"]


def test_35_somebody_changes_it_between_reading_and_writing(cloud: Cloud) -> None:
    cloud.cluster()
    run = cloud.cluster(
        release_channel="rapid", on={"releaseChannel": lambda: cloud.rest.change("PUT", "clusters/c", SHIELDED)}
    )
    assert run.result["cluster"]["release_channel"] == "RAPID"
    assert run.writes == ["PUT clusters/c 409", "PUT clusters/c 200"]


def test_35_somebody_labels_it_between_reading_and_writing(cloud: Cloud) -> None:
    cloud.cluster()

    def label() -> None:
        print_ = cloud.rest.get()["labelFingerprint"]
        body = {"resourceLabels": {"team": "b"}, "labelFingerprint": print_}
        cloud.rest.change("POST", "clusters/c:setResourceLabels", body)

    run = cloud.cluster(labels={"team": "a"}, on={"resourceLabels": label})
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert run.writes == ["POST clusters/c:setResourceLabels 400", "POST clusters/c:setResourceLabels 200"]


def test_35_an_etag_that_never_fits(cloud: Cloud) -> None:
    cloud.cluster()
    message = "The etag of the cluster does not match: concurrent modification."
    cloud.fault(refusal("ABORTED", message), method="PUT", path=CLUSTER)
    run = cloud.cluster(release_channel="rapid").failed_with("Failed to change cluster c", message)
    assert len(run.writes) == 2, "tried once more, as nobody has changed anything"


def test_51_deleted_while_it_is_created(cloud: Cloud) -> None:
    cloud.fault({"operation_seconds": 0.2}, method="POST", path=CREATE)
    _create_too(cloud)
    run = cloud.cluster(state="absent")
    assert run.result["changed"]
    assert run.writes == ["DELETE clusters/c 200"]
    assert not cloud.exists()
    assert [one["operationType"] for one in cloud.operations()] == ["CREATE_CLUSTER", "DELETE_CLUSTER"]


def test_51_the_refusal_to_delete_a_busy_cluster(cloud: Cloud) -> None:
    cloud.cluster()
    names: list[str] = []
    run = cloud.cluster(state="absent", on={"c: deleting": lambda: names.append(_begin(cloud))})
    assert run.writes == ["DELETE clusters/c 400", "DELETE clusters/c 200"]
    assert f"c: busy, waiting for {names[0]}" in run.lines
    assert not cloud.exists()


def test_51_the_words_of_the_refusal(cloud: Cloud) -> None:
    cloud.fault({"stuck": True}, method="POST", path=CREATE)
    _create_too(cloud)
    status, answer = cloud.rest.container("DELETE", "clusters/c")
    name = cloud.operations()[0]["name"]
    assert (status, answer["error"]["status"]) == (400, "FAILED_PRECONDITION")
    assert answer["error"]["message"] == f"Cluster is running incompatible operation {name}."
    assert answer["error"]["details"][0]["reason"] == "CLUSTER_ALREADY_HAS_OPERATION"
