# SPDX-License-Identifier: GPL-3.0-or-later
"""Operations of the Container API: finding one that runs, waiting for its end, and telling success from failure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import location_path
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError, hint_for
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import CONTAINER, GoogleSession

Operation = dict[str, Any]
Report = Callable[[str], None]

SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 20.0
PAUSE_SHARE = 0.1
"""A pause is this share of the time waited so far: short waits are noticed at once, long ones cost little."""
LEAST_SHARE = 0.03
"""Its share where the end seems near: a creation is noticed to be ready soon, for one to twelve looks more."""
UNSEEN_SECONDS = 60.0
"""How long a fresh operation may be unknown to the service that made it."""

_WORDS = {
    "CREATE_CLUSTER": "creating",
    "DELETE_CLUSTER": "deleting",
    "UPDATE_CLUSTER": "updating",
    "UPGRADE_MASTER": "upgrading the control plane",
    "UPGRADE_NODES": "upgrading nodes",
    "REPAIR_CLUSTER": "repairing",
    "CREATE_NODE_POOL": "creating a node pool",
    "DELETE_NODE_POOL": "deleting a node pool",
    "SET_NODE_POOL_SIZE": "resizing a node pool",
    "RESIZE_CLUSTER": "resizing",
    "SET_LABELS": "setting labels",
}


class OperationFailed(MeshError):
    """An operation ended badly.

    Attributes:
        message: everything that it says about the reason, the codes of its conditions too.
    """

    def __init__(self, doing: str, subject: str, operation: Operation) -> None:
        codes = [str(entry.get("code", "")) for entry in _conditions(operation)]
        answer = failure(operation)
        self.message = " ".join([answer, *codes])
        hint = hint_for(0, frozenset(codes), self.message)
        super().__init__(doing, subject, f"operation {operation.get('name')}: {answer}", hint)


class Deadline:
    """A moment after which to stop waiting.

    Args:
        clock: whose time counts.
        seconds: how far away the moment is.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds
        self._start = clock.now()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock.now() - self._start

    @property
    def passed(self) -> bool:
        """Whether the moment has come."""
        return self.elapsed >= self.seconds

    def pause(self, waited: float, left: float | None = None) -> None:
        """Sleep before the next look at something.

        Args:
            waited: seconds that it has been waited for.
            left: seconds that it may still take, if there is an estimate: half of them are slept, within bounds.
        """
        pause = min(max(waited * PAUSE_SHARE, SHORTEST_PAUSE), LONGEST_PAUSE)
        if left is not None:
            pause = min(pause, max(left / 2, waited * LEAST_SHARE, SHORTEST_PAUSE))
        pause *= 0.8 + 0.4 * self.clock.jitter()
        self.clock.sleep(max(0.0, min(pause, self.seconds - self.elapsed)))


@dataclass(frozen=True)
class Place:
    """Where a cluster's operations are, and how messages call it."""

    project: str
    location: str
    cluster: str

    @property
    def subject(self) -> str:
        """The cluster in a sentence."""
        return f"cluster {self.cluster} in {self.location}"


def running(session: GoogleSession, place: Place) -> Operation | None:
    """An unfinished operation on the cluster, or None."""
    found = session.call(
        "GET", CONTAINER, f"{location_path(place.project, place.location)}/operations",
        doing="list", subject=f"operations in {place.location}",
    )  # fmt: skip
    for operation in found.get("operations") or ():
        target = str(operation.get("targetLink", ""))
        if operation.get("status") != "DONE" and re.search(rf"/clusters/{re.escape(place.cluster)}(/|$)", target):
            return dict(operation)
    return None


def named_in(error: ApiError) -> str:
    """Name of the operation that a "busy" answer blames; empty when it names none."""
    match = re.search(r"operation-[0-9a-z-]*[0-9a-z]", error.message)
    return match[0] if match else ""


def wait(session: GoogleSession, place: Place, name: str, deadline: Deadline, report: Report, doing: str) -> Operation:
    """Wait until an operation has ended, whatever its end; judge that with ``check``.

    Raises:
        MeshError: the deadline came first. The operation goes on, and the message names it.
    """
    clock, started, status = session.clock, session.clock.now(), "PENDING"
    said: tuple[str, tuple[int, int] | None] | None = None
    while True:
        operation = _look(session, place, name, clock.now() - started)
        status = str(operation.get("status", status))
        if status == "DONE":
            return operation
        if _state(operation) != said:
            said = _state(operation)
            report(f"{place.cluster}: {state_line(operation, deadline.elapsed)}")
        if deadline.passed:
            raise MeshError(
                doing, place.subject, f"operation {name} is still {status} after {duration(deadline.elapsed)}",
                "It goes on by itself: run again to wait for it, or raise wait_timeout.",
            )  # fmt: skip
        waited = clock.now() - started
        deadline.pause(waited, _left(operation, waited))


def _look(session: GoogleSession, place: Place, name: str, waited: float) -> Operation:
    path = f"{location_path(place.project, place.location)}/operations/{name}"
    try:
        return session.call("GET", CONTAINER, path, doing="read", subject=f"operation {name} of {place.subject}")
    except ApiError as error:
        if error.not_found and waited < UNSEEN_SECONDS:
            return {"name": name, "status": "PENDING"}
        raise


def check(operation: Operation, doing: str, subject: str) -> None:
    """Raise OperationFailed for one that ended in failure: ``DONE`` alone says nothing about success."""
    if failure(operation):
        raise OperationFailed(doing, subject, operation)


def failure(operation: Operation) -> str:
    """Why a finished operation failed; empty when it did not."""
    error = operation.get("error") or {}
    told = str(error.get("message") or operation.get("statusMessage") or "")
    if not told and error.get("code"):
        told = f"error code {error['code']}"
    return told or ("it was aborted" if operation.get("status") == "ABORTING" else "")


def state_line(operation: Operation, elapsed: float) -> str:
    """What is going on, how far it is and for how long: ``creating (2 of 3 stages, 1 m 20 s)``."""
    word, stages = _state(operation)
    counted = f"{stages[0]} of {stages[1]} stages, " if stages else ""
    return f"{word} ({counted}{duration(elapsed)})"


def duration(seconds: float) -> str:
    """``80`` → ``1 m 20 s``; below an hour no hours, below a minute no minutes."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} m {rest:02} s"
    return f"{minutes} m {rest:02} s" if minutes else f"{rest} s"


def _state(operation: Operation) -> tuple[str, tuple[int, int] | None]:
    """What an operation does, and its completed stages of all; a new line of progress is due when this changes."""
    return _WORDS.get(str(operation.get("operationType", "")), "working"), _stages(operation)


def _stages(operation: Operation) -> tuple[int, int] | None:
    """Completed stages of all stages; None where the operation tells of none."""
    stages = _steps(operation)
    return (sum(done >= of for done, of in stages), len(stages)) if stages else None


def _left(operation: Operation, waited: float) -> float | None:
    """Seconds that are left if the steps to come take as long as those that were done; None where none is known."""
    stages = _steps(operation)
    done, of = sum(min(count, total) for count, total in stages), sum(total for _count, total in stages)
    return waited * (of - done) / done if done else None


def _steps(operation: Operation) -> list[tuple[int, int]]:
    """Of each stage, how many steps are done and how many it has."""
    metrics = {
        str(metric.get("name")): int(metric.get("intValue", 0))
        for metric in (operation.get("progress") or {}).get("metrics") or ()
        if str(metric.get("intValue", "0")).isdigit()
    }
    return [(count, metrics[f"{name}_TOTAL"]) for name, count in metrics.items() if f"{name}_TOTAL" in metrics]


def _conditions(operation: Operation) -> list[dict[str, Any]]:
    return [*(operation.get("clusterConditions") or ()), *(operation.get("nodepoolConditions") or ())]
