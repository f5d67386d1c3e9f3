# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for operations, and telling their ends apart."""

from __future__ import annotations

from collections.abc import Callable
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
STAGES = {"CLUSTER_CONFIGURING": 8, "CLUSTER_DEPLOYING": 12, "CLUSTER_HEALTHCHECKING": 2}
"""What a creation tells of itself, with the count at which each stage is complete."""


def wait(script: Script, seconds: float = 600, time: FakeTime | None = None) -> tuple[dict[str, Any], list[str]]:
    time = time or FakeTime()
    said: list[str] = []
    google = session(script, time)
    ended = operations.wait(google, PLACE, "operation-1", Deadline(google.clock, seconds), said.append, "create")
    script.done()
    return ended, said


def stages(*counts: int) -> dict[str, Any]:
    """A creation that is so far in each of its stages."""
    metrics = []
    for (name, total), count in zip(STAGES.items(), counts, strict=True):
        metrics += [{"name": name, "intValue": str(count)}, {"name": f"{name}_TOTAL", "intValue": str(total)}]
    return operation(status="RUNNING", operationType="CREATE_CLUSTER", progress={"metrics": metrics})


class Slow(Script):
    """Every answer takes 20 seconds."""

    def __init__(self, time: FakeTime, *calls: Call) -> None:
        super().__init__(*calls)
        self._time = time

    def __call__(self, *request: Any) -> Any:
        self._time.now += 20
        return super().__call__(*request)


def test_a_line_only_when_a_stage_is_complete_or_the_work_is_another() -> None:
    time, upgrade = FakeTime(), operation(status="RUNNING", operationType="UPGRADE_MASTER")
    script = Slow(
        time,
        Call("GET", ONE, stages(3, 0, 0)),
        Call("GET", ONE, stages(7, 0, 0)),
        Call("GET", ONE, stages(8, 3, 0)),
        Call("GET", ONE, stages(8, 11, 0)),
        Call("GET", ONE, stages(8, 12, 1)),
        Call("GET", ONE, upgrade),
        Call("GET", ONE, upgrade),
        Call("GET", ONE, operation()),
    )
    _, said = wait(script, time=time)
    assert said == [
        "central: creating (0 of 3 stages, 20 s)",
        "central: creating (1 of 3 stages, 1 m 06 s)",
        "central: creating (2 of 3 stages, 2 m 00 s)",
        "central: upgrading the control plane (2 m 24 s)",
    ]


@pytest.mark.parametrize(
    ("metrics", "line"),
    [
        ([], "creating (1 m 20 s)"),
        ([{"name": "NODES_DRAINED", "intValue": "3"}], "creating (1 m 20 s)"),
        ([{"name": "A", "intValue": "soon"}, {"name": "A_TOTAL", "intValue": "2"}], "creating (1 m 20 s)"),
        ([{"name": "A", "intValue": "2"}, {"name": "A_TOTAL", "intValue": "2"}], "creating (1 of 1 stages, 1 m 20 s)"),
    ],
    ids=["none", "no-total", "no-number", "one"],
)
def test_progress_that_tells_of_no_stages_is_left_out(metrics: list[dict[str, str]], line: str) -> None:
    told = operation(operationType="CREATE_CLUSTER", progress={"metrics": metrics})
    assert operations.state_line(told, 80) == line


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
    with pytest.raises(MeshError, match=r"operation-1 is still RUNNING after 5 m 00 s.*run again") as caught:
        wait(Script(*[Call("GET", ONE, operation(status="RUNNING"))] * 500), seconds=300, time=time)
    assert "wait_timeout" in str(caught.value)
    assert time.now == pytest.approx(300, abs=0.1)


class Service(Script):
    """An operation that takes a number of seconds, looked at as often as one likes.

    ``steps``: how many of the 22 steps of a creation are done after a share of the time; without it none is told of.
    """

    def __init__(self, time: FakeTime, length: float, steps: Callable[[float], float] | None = None) -> None:
        super().__init__()
        self._time = time
        self._length = length
        self._steps = steps

    def __call__(self, *request: Any) -> Any:
        told = operation(status="DONE" if self._time.now >= self._length else "RUNNING")
        if self._steps:
            done = int(self._steps(self._time.now / self._length))
            told |= {"progress": stages(min(done, 8), max(0, min(done - 8, 12)), max(0, min(done - 20, 2)))["progress"]}
        self.calls = [Call("GET", ONE, told)]
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


@pytest.mark.parametrize("length", [39.0, 180.0])
def test_the_end_of_what_tells_its_progress_is_noticed_within_a_twentieth(length: float) -> None:
    time = FakeTime()
    wait(Service(time, length, lambda share: 22 * share), time=time)
    assert time.now <= length * 1.05


@pytest.mark.parametrize(
    ("steps", "looks"),
    [
        (lambda share: 22 * share, 75),
        (lambda share: 35 * share, 85),
        (lambda share: 22 * share**2, 75),
        (lambda share: 22, 160),
        (lambda share: 0, 70),
    ],
    ids=["evenly", "fast at first", "slow at first", "done long before its end", "not a step"],
)
def test_progress_of_any_kind_costs_few_looks(steps: Callable[[float], float], looks: int) -> None:
    time = FakeTime()
    script = Service(time, 480, steps)
    wait(script, time=time)
    assert len(script.seen) <= looks
    assert time.now - 480 <= 20


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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (45, "45 s"), (59.6, "1 m 00 s"), (80, "1 m 20 s"), (3609, "1 h 00 m 09 s"), (3920, "1 h 05 m 20 s")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert operations.duration(seconds) == text
