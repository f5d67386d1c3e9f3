# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for operations, and telling their ends apart."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import operations
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Deadline, Place

from tests.unit.plugins.fake_google import (
    LOCATION,
    OPERATIONS,
    PROJECT,
    Call,
    FakeTime,
    Script,
    failure,
    missing,
    operation,
    session,
)

PLACE = Place(PROJECT, LOCATION, "central")
ONE = f"{OPERATIONS}/operation-1"


def wait(script: Script, seconds: float = 600, time: FakeTime | None = None) -> tuple[dict[str, Any], list[str]]:
    time = time or FakeTime()
    said: list[str] = []
    google = session(script, time)
    ended = operations.wait(google, PLACE, "operation-1", Deadline(google.clock, seconds), said.append, "create")
    script.done()
    return ended, said


def progress(name: str, count: int, total: int) -> dict[str, Any]:
    metrics = [
        {"name": "CLUSTER_CONFIGURING", "intValue": "8"},
        {"name": "CLUSTER_CONFIGURING_TOTAL", "intValue": "8"},
        {"name": name, "intValue": str(count)},
        {"name": f"{name}_TOTAL", "intValue": str(total)},
    ]
    return operation(status="RUNNING", operationType="CREATE_CLUSTER", progress={"metrics": metrics})


def test_a_line_only_when_the_stage_changes() -> None:
    script = Script(
        Call("GET", ONE, progress("CLUSTER_DEPLOYING", 3, 12)),
        Call("GET", ONE, progress("CLUSTER_DEPLOYING", 9, 12)),
        Call("GET", ONE, progress("CLUSTER_HEALTHCHECKING", 0, 2)),
        Call("GET", ONE, operation()),
    )
    _, said = wait(script)
    assert said == [
        "central: creating (CLUSTER_DEPLOYING 3 of 12, 0s)",
        "central: creating (CLUSTER_HEALTHCHECKING 0 of 2, 1s)",
    ]


def test_an_operation_that_is_not_known_yet_is_pending() -> None:
    script = Script(Call("GET", ONE, missing("operation-1")), Call("GET", ONE, operation()))
    assert wait(script)[0]["status"] == "DONE"


def test_one_that_stays_unknown_is_an_error() -> None:
    time = FakeTime()
    with pytest.raises(ApiError, match="Not found"):
        wait(Script(*[Call("GET", ONE, missing("operation-1"))] * 200), time=time)
    assert 60 <= time.now < 80


def test_the_deadline_leaves_it_running_and_names_it() -> None:
    time = FakeTime()
    with pytest.raises(MeshError, match=r"operation-1 is still RUNNING after 5m00s.*run again") as caught:
        wait(Script(*[Call("GET", ONE, operation(status="RUNNING"))] * 500), seconds=300, time=time)
    assert "wait_timeout" in str(caught.value)
    assert time.now == pytest.approx(300, abs=0.1)


class Service(Script):
    """An operation that takes a number of seconds, looked at as often as one likes."""

    def __init__(self, time: FakeTime, length: float) -> None:
        super().__init__()
        self._time = time
        self._length = length

    def __call__(self, *request: Any) -> Any:
        self.calls = [Call("GET", ONE, operation(status="DONE" if self._time.now >= self._length else "RUNNING"))]
        return super().__call__(*request)


def test_eight_minutes_cost_few_looks_and_end_in_time() -> None:
    time = FakeTime()
    script = Service(time, 480)
    wait(script, time=time)
    assert len(script.seen) <= 70
    assert time.now - 480 <= 20


@pytest.mark.parametrize("length", [2.0, 10.0, 39.0])
def test_short_waits_end_within_a_tenth(length: float) -> None:
    time = FakeTime()
    wait(Service(time, length), time=time)
    assert time.now <= max(length * 1.11, length + 0.6)


def test_a_state_that_is_newer_than_this_is_waited_for() -> None:
    assert wait(Script(Call("GET", ONE, operation(status="PAUSED_FOR_FUN")), Call("GET", ONE, operation())))


@pytest.mark.parametrize(
    ("ended", "part"),
    [
        (operation(statusMessage="Quota 'CPUS' exceeded", clusterConditions=[{"code": "GCE_QUOTA_EXCEEDED"}]), "quota"),
        (operation(error={"code": 8, "message": "out of it"}), "out of it"),
        (operation(error={"code": 8}), "error code 8"),
        (
            operation(statusMessage="All cluster resources were brought up, but: 3 nodes out of 3 are unhealthy."),
            "unhealthy",
        ),
        (
            operation(statusMessage="Try a different location", clusterConditions=[{"code": "GCE_STOCKOUT"}]),
            "another zone",
        ),
        (operation(status="ABORTING"), "aborted"),
    ],
)
def test_done_is_not_success(ended: dict[str, Any], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        operations.check(ended, "create", "cluster central")


def test_a_detail_alone_is_no_failure() -> None:
    operations.check(operation(detail="upgraded 3 of 3"), "create", "cluster central")


def test_the_clusters_own_unfinished_operation_is_found() -> None:
    others = [
        operation("operation-a"),
        operation("operation-b", "RUNNING", targetLink="https://x/v1/projects/42/zones/z/clusters/central-2"),
        operation("operation-c", "RUNNING", targetLink="https://x/v1/projects/42/zones/z/clusters/central/nodePools/p"),
    ]
    found = operations.running(session(Script(Call("GET", OPERATIONS, {"operations": others}))), PLACE)
    assert found and found["name"] == "operation-c"
    assert operations.running(session(Script(Call("GET", OPERATIONS))), PLACE) is None


def test_the_blamed_operation_is_read_from_the_answer() -> None:
    answer = failure(400, "Cluster is running incompatible operation operation-179-ab-3.")
    assert operations.named_in(ApiError("change", "c", answer)) == "operation-179-ab-3"
    assert operations.named_in(ApiError("change", "c", failure(400, "busy"))) == ""


@pytest.mark.parametrize(("seconds", "text"), [(0, "0s"), (59.6, "1m00s"), (80, "1m20s"), (3700, "1h01m40s")])
def test_durations_read_well(seconds: float, text: str) -> None:
    assert operations.duration(seconds) == text
