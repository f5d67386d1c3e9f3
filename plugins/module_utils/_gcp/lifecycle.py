# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings one cluster to the wished-for state: creates, adopts what is under way, changes feature by feature, deletes.

Every step begins by reading the cluster again and ends by waiting for the operation it started. So a run that was
killed, or met another one, is continued by simply running again: there is no state but the service's own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import advice, node_sizes, operations, preflight
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Change, Retirement, described
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import (
    Cluster,
    cluster_path,
    get_cluster,
    location_path,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import differences
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import (
    Desired,
    added_later,
    create_body,
    merged,
    node_arithmetic,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import (
    Deadline,
    Operation,
    OperationFailed,
    Place,
    Report,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.plan import Plan, grouped, plan
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import CONTAINER, GoogleSession

MOST_SURPRISES = 10
"""Lost replies, stale fingerprints and vanished clusters that one run puts up with before it gives up."""
RUNNING = "RUNNING"
_ALIVE = frozenset({"PROVISIONING", RUNNING, "RECONCILING", "DEGRADED"})
"""States in which nobody removes a cluster but on purpose."""


@dataclass
class Outcome:
    """What a run did, or would do.

    Attributes:
        changed: whether anything was or would be changed.
        cluster: the cluster afterwards; None when there is none.
        operation: the last operation that was started or waited for.
        changes: what was changed, in order, a line each.
        before: managed fields as they were.
        after: managed fields as they are or will be.
        notices: sentences for the user.
    """

    changed: bool = False
    cluster: Cluster | None = None
    operation: Operation | None = None
    changes: list[str] = field(default_factory=list)
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Policy:
    """How to go about it: see the options of gke_cluster with the same names."""

    check_mode: bool = False
    wait: bool = True
    wait_timeout: float = 5400.0
    recreate_on_error: bool = False
    fail_on_degraded: bool = True
    deletion_protection: bool = False


class Drain(Protocol):
    """The way to what runs on nodes; see ``_kube/draining``."""

    def check(self) -> None:
        """Raise MeshError where nodes could not be emptied."""

    def empty(self, going: Retirement, *, wait: bool) -> bool:
        """Empty a node pool's nodes, waiting for that or not; whether they are empty."""


class Lifecycle:
    """One cluster, one run."""

    def __init__(self, session: GoogleSession, place: Place, policy: Policy, report: Report, drain: Drain) -> None:
        self._session = session
        self._drain = drain
        self._place = place
        self._policy = policy
        self._report = report
        self._deadline = Deadline(session.clock, policy.wait_timeout)
        self._outcome = Outcome()
        self._surprises = 0
        self._unsure = ""
        """The change whose request got no reply, until it is known what became of it."""
        self._reply_lost = False
        """Whether the last write may have been carried out although it failed."""
        self._refused: tuple[Any, ...] = ()
        """The last request that was refused for being based on what has changed since."""
        self._created = False
        """Whether this run has created the cluster."""
        self._last = ""
        """State in which the cluster was seen last."""

    def present(self, wish: Desired) -> Outcome:
        """Make the cluster exist and be as wished."""
        first = True
        while True:
            cluster = self._read()
            if first:
                self._outcome.notices += wish.notices
                self._open_diff(wish, cluster)
                first = False
            status = str((cluster or {}).get("status", ""))
            self._check_presence(status)
            if cluster is None:
                done = self._create(wish)
            elif status == "STOPPING":
                done = self._let_go(wish)
            elif status == "ERROR":
                done = self._replace_broken(wish, cluster)
            elif status == "PROVISIONING":
                done = self._adopt(cluster)
            elif status not in (RUNNING, "DEGRADED") and self._await_other(status):
                done = False
            elif status not in _ALIVE and self._policy.wait and not self._policy.check_mode:
                self._pause_or_fail("use", f"it is in state {status}, which tells this module nothing")
                done = False
            else:
                done = self._change(wish, cluster)
            if done:
                self._say_ready(wish)
                return self._outcome

    def absent(self) -> Outcome:
        """Make the cluster not exist; a protected one is not touched."""
        while True:
            cluster = self._read()
            self._outcome.cluster = cluster
            if cluster is None:
                return self._outcome
            if self._policy.deletion_protection:
                raise MeshError("delete", self._place.subject, "it has deletion_protection", "Set that to false first.")
            if cluster.get("status") == "STOPPING" and not self._policy.wait:
                self._outcome.operation = operations.running(self._session, self._place)
                return self._outcome
            if not self._outcome.changed:
                self._outcome.before = {"name": cluster.get("name"), "location": self._place.location}
            self._note_change(f"cluster {self._place.cluster}: delete")
            if self._policy.check_mode or self._delete_step(cluster):
                return self._outcome

    # A step returns True when the run is over, False when the cluster is to be read again.

    def _create(self, wish: Desired) -> bool:
        preflight.check(self._session, self._place, wish)
        arithmetic = node_arithmetic(wish)
        if arithmetic:
            self._outcome.notices.append(arithmetic)
        self._note_change(f"cluster {wish.name}: create in {wish.location}")
        if self._policy.check_mode:
            for group in grouped(differences(added_later(wish), {})).values():
                self._note_change(described(group))
            return True
        self._report(f"{wish.name}: creating in {wish.location}")
        path = f"{location_path(self._place.project, self._place.location)}/clusters"
        operation = self._write("create", "POST", path, {"cluster": create_body(wish)})
        self._created = operation is not None
        return self._follow(operation, "create")

    def _adopt(self, cluster: Cluster) -> bool:
        """Somebody, as a rule an earlier run of ours, is creating it."""
        self._outcome.cluster = cluster
        if self._policy.check_mode or not self._policy.wait:
            if self._policy.check_mode and self._policy.wait:
                self._note_change(f"cluster {self._place.cluster}: wait for its creation")
            else:
                self._outcome.operation = operations.running(self._session, self._place)
            return True
        self._note_change(f"cluster {self._place.cluster}: wait for its creation")
        operation = operations.running(self._session, self._place)
        if operation is None:
            self._pause_or_fail("create", "it is PROVISIONING, but no operation works on it")
            return False
        return self._follow(operation, "create")

    def _let_go(self, wish: Desired) -> bool:
        """It is being deleted: wait until it is gone, then it can be created."""
        if self._policy.check_mode:
            return self._create(wish)
        self._report(f"{wish.name}: waiting for the deletion of its namesake")
        self._await_operation("delete", must_succeed=False)
        return False

    def _replace_broken(self, wish: Desired, cluster: Cluster) -> bool:
        why = str(cluster.get("statusMessage") or _conditions(cluster) or "no reason was given")
        if not self._policy.recreate_on_error:
            raise MeshError(
                "use", wish.subject, f"it is in state ERROR: {why}",
                "The service will remove it by itself; recreate_on_error: true deletes it and creates it anew.",
            )  # fmt: skip
        self._note_change(f"cluster {wish.name}: delete (it is in state ERROR) and create anew")
        if self._policy.check_mode:
            return self._create(wish)
        self._report(f"{wish.name}: in state ERROR, deleting it to create it anew")
        self._delete_step(cluster, keep_going=True)
        return False

    def _recreate(self, wish: Desired, cluster: Cluster, planned: Plan) -> bool:
        """It differs in what no call changes, and whoever runs this would rather have another one."""
        why = described(planned.recreate)
        if self._policy.deletion_protection:
            raise MeshError(
                "replace", wish.subject, f"it has deletion_protection, and these cannot be changed: {why}",
                "Set deletion_protection: false first, or take the options back.",
            )  # fmt: skip
        if self._created:
            raise MeshError(
                "replace", wish.subject, f"it was created anew and differs all the same: {why}",
                "Take the options back: the service does not do what they say.",
            )  # fmt: skip
        if not self._outcome.changed:
            self._outcome.before, self._outcome.after = planned.before, _whole(wish)
            self._outcome.notices.append(f"{wish.name}: deleted with all that runs in it and created anew, for {why}")
        self._note_change(f"cluster {wish.name}: delete and create anew, since these cannot be changed: {why}")
        if self._policy.check_mode:
            return self._create(wish)
        preflight.check(self._session, self._place, wish)  # what cannot be created is no reason to delete
        self._report(f"{wish.name}: deleting it to create it anew")
        self._delete_step(cluster, keep_going=True)
        self._last = ""  # whatever is seen next, it is our doing
        return False

    def _change(self, wish: Desired, cluster: Cluster) -> bool:
        if cluster.get("status") == "DEGRADED":
            self._on_degraded(wish, cluster)
        planned = self._plan(wish, cluster)
        if self._unsure and all(change.text != self._unsure for change in planned.changes):
            self._note_change(self._unsure)  # its reply was lost, but it did happen
            self._unsure = ""
        self._outcome.cluster = cluster
        if planned.recreate:
            return self._recreate(wish, cluster, planned)
        if not planned.changes:
            self._outcome.notices += _health(cluster)
            return True
        if not self._outcome.changed and any(change.asks_for_a_version for change in planned.changes):
            preflight.check(self._session, self._place, wish, "change")
        going = planned.changes[0].retires
        if going and not self._policy.wait and _pool_status(cluster, going.successor) != RUNNING:
            self._outcome.operation = operations.running(self._session, self._place)
            return True
        if self._policy.check_mode:
            self._note_changes(planned.changes)
            return True
        return self._apply(cluster, planned.changes[0], remaining=planned.changes[1:])

    def _apply(self, cluster: Cluster, change: Change, remaining: list[Change]) -> bool:
        if change.text in self._outcome.changes:
            raise MeshError(
                "change", self._place.subject, f"the service accepted this, but it did not happen: {change.text}",
                "Look at the cluster in the console; if the option is of no use there, leave it out.",
            )  # fmt: skip
        if change.retires and _pool_status(cluster, change.retires.successor) != RUNNING:
            status = _pool_status(cluster, change.retires.successor)
            self._pause_or_fail("replace a node pool of", f"{change.retires.successor} is {status}")
            return False
        self._report(f"{self._place.cluster}: {change.text}")
        if change.retires and not self._emptied(change.retires):
            self._note_changes([change, *remaining])
            return True
        if change.retires and _pool_status(self._read() or {}, change.retires.successor) != RUNNING:
            return False  # draining takes its time: what was read before is not what to delete on
        if change.replaces:
            self._drain.check()  # better now than when the new nodes are there and paid for
        path = cluster_path(self._place.project, self._place.location, self._place.cluster) + change.path
        operation = self._write("change", change.method, path, change.body or None)
        if operation is None:
            # What a mere refusal was about may be somebody else's doing, if it is done next time.
            self._unsure = change.text if self._reply_lost else self._unsure
            return False
        self._note_changes([change] if self._policy.wait else [change, *remaining])
        return self._follow(operation, "change")

    def _emptied(self, going: Retirement) -> bool:
        """Whether nothing is left on the pool's nodes; evictions have a time limit of their own."""
        before = self._deadline.elapsed
        empty = self._drain.empty(going, wait=self._policy.wait)
        self._deadline.seconds += self._deadline.elapsed - before
        return empty

    def _delete_step(self, cluster: Cluster, keep_going: bool = False) -> bool:
        """Start the deletion, or join the one under way."""
        if cluster.get("status") == "STOPPING":
            return self._await_operation("delete", must_succeed=True)
        if cluster.get("status") in ("PROVISIONING", "RECONCILING") and (self._policy.wait or keep_going):
            # a deletion is refused while anything runs
            self._await_operation("delete", must_succeed=False)
            cluster = self._read() or {}
            if not cluster or cluster.get("status") == "STOPPING":
                return False
        self._report(f"{self._place.cluster}: deleting")
        path = cluster_path(self._place.project, self._place.location, self._place.cluster)
        operation = self._write("delete", "DELETE", path, None)
        return self._follow(operation, "delete", keep_going=keep_going)

    # Calls and waiting

    def _check_presence(self, status: str) -> None:
        """Whoever removes a cluster while this works on it has a reason: making it anew would be no help."""
        if status in ("", "STOPPING") and self._last in _ALIVE:
            what = "somebody else is deleting it" if status else "it disappeared, somebody else has deleted it"
            doing = "create" if self._last == "PROVISIONING" else "change"
            raise MeshError(doing, self._place.subject, what, "Run again to create it anew.")
        self._last = status

    def _read(self) -> Cluster | None:
        return get_cluster(self._session, self._place.project, self._place.location, self._place.cluster)

    def _write(self, doing: str, method: str, path: str, body: dict[str, Any] | None) -> Operation | None:
        """Start an operation; None when the cluster must be read again (busy, stale, lost reply, gone, there)."""
        self._reply_lost = False
        try:
            return self._session.call(method, CONTAINER, path, doing=doing, subject=self._place.subject, body=body)
        except ApiError as error:
            self._reply_lost = error.unknown_outcome
            if error.busy:
                self._wait_for_blocker(doing, error)
                return None
            exists = error.status == 409 and (doing == "create" or path.endswith("/nodePools"))
            gone = error.not_found and doing != "create"
            if not (error.unknown_outcome or error.stale or exists or gone):
                raise self._explained(error) from error
            if error.stale and _is_guarded(body or {}):
                self._check_stale(error, (method, path, body))
            self._surprises += 1
            if self._surprises > MOST_SURPRISES or self._deadline.passed:
                raise
            self._deadline.pause(self._deadline.elapsed)
            return None

    def _check_stale(self, error: ApiError, request: tuple[Any, ...]) -> None:
        """Others may change the cluster time and again; but then the same request is never made twice."""
        if request == self._refused:
            raise MeshError(
                error.doing, error.subject, error.answer,
                "It was read again, nobody has changed it, and the same was refused once more: "
                "the service is at odds with itself. Run again later.",
            ) from error  # fmt: skip
        self._refused = request

    def _wait_for_blocker(self, doing: str, error: ApiError) -> None:
        """The service works on the cluster by itself now and then, above all right after a creation."""
        name = operations.named_in(error) or str((operations.running(self._session, self._place) or {}).get("name", ""))
        if not name:
            if self._deadline.passed:
                raise error
            self._deadline.pause(self._deadline.elapsed)
            return
        self._report(f"{self._place.cluster}: busy, waiting for {name}")
        operations.wait(self._session, self._place, name, self._deadline, self._report, doing)

    def _follow(self, operation: Operation | None, doing: str, *, keep_going: bool = False) -> bool:
        """Wait for an operation of ours and insist on its success."""
        if operation is None:
            return False
        self._outcome.operation = operation
        if not self._policy.wait and not keep_going:
            self._outcome.cluster = self._read()
            return True
        ended = operations.wait(self._session, self._place, str(operation["name"]), self._deadline, self._report, doing)
        self._check_end(ended, doing)
        if doing == "create":
            self._last = "PROVISIONING"
        return False

    def _await_operation(self, doing: str, *, must_succeed: bool) -> bool:
        """Wait for whatever works on the cluster; always False: read it again."""
        operation = operations.running(self._session, self._place)
        if operation is None:
            self._pause_or_fail(doing, "it is not ready, but no operation works on it")
            return False
        ended = operations.wait(self._session, self._place, str(operation["name"]), self._deadline, self._report, doing)
        self._outcome.operation = ended
        if must_succeed:
            self._check_end(ended, doing)
        return False

    def _check_end(self, ended: Operation, doing: str) -> None:
        self._outcome.operation = ended
        try:
            operations.check(ended, doing, self._place.subject)
        except OperationFailed as error:
            left = ""
            if doing == "create" and (self._read() or {}).get("status") == "ERROR":
                left = "It is left in state ERROR until the service removes it; recreate_on_error: true replaces it."
            raise self._explained(error, left) from error
        detail = str(ended.get("detail") or "").strip()
        if detail:
            self._outcome.notices.append(f"{self._place.cluster}: operation {ended.get('name')} says: {detail}")

    def _explained(self, error: ApiError | OperationFailed, also: str = "") -> MeshError:
        """The error with what the service can tell about a way out."""
        more = advice.more(self._session, self._place, error)
        hint = " ".join(filter(None, [error.hint, more, also]))
        return MeshError(error.doing, error.subject, error.answer, hint) if hint != error.hint else error

    def _await_other(self, status: str) -> bool:
        """Wait for what the service does by itself; False when there is nothing to wait for, or no leave to wait."""
        if self._policy.check_mode or not self._policy.wait:
            return False
        operation = operations.running(self._session, self._place)
        if operation is None:
            # it may just have ended; what was read before that must not be planned on
            return (self._read() or {}).get("status") != status
        operations.wait(self._session, self._place, str(operation["name"]), self._deadline, self._report, "change")
        return True

    def _pause_or_fail(self, doing: str, answer: str) -> None:
        if self._deadline.passed:
            raise MeshError(doing, self._place.subject, answer, "Run again, or look at it in the console.")
        self._deadline.pause(self._deadline.elapsed)

    # Bookkeeping

    def _plan(self, wish: Desired, cluster: Cluster) -> Plan:
        sizes = node_sizes.read(self._session, wish, cluster)
        planned = plan(wish, cluster, sizes.each, sizes.totals)
        for line in [*sizes.notices, *planned.notices]:
            if line not in self._outcome.notices:
                self._outcome.notices.append(line)
        if not self._outcome.before and not self._outcome.changed:
            self._outcome.before, self._outcome.after = planned.before, planned.after
        return planned

    def _open_diff(self, wish: Desired, cluster: Cluster | None) -> None:
        """A cluster that is not there yet, or will be created anew, differs in everything."""
        if cluster is None or cluster.get("status") in ("STOPPING", "ERROR"):
            self._outcome.after = _whole(wish)

    def _on_degraded(self, wish: Desired, cluster: Cluster) -> None:
        why = str(cluster.get("statusMessage") or _conditions(cluster) or "no reason was given")
        if self._policy.fail_on_degraded:
            raise MeshError(
                "use", wish.subject, f"it is DEGRADED: {why}", "Mend it, or go on with fail_on_degraded: false."
            )
        line = f"{wish.name} is DEGRADED: {why}"
        if line not in self._outcome.notices:
            self._outcome.notices.append(line)

    def _say_ready(self, wish: Desired) -> None:
        if self._outcome.changed and self._policy.wait and not self._policy.check_mode:
            status = str((self._outcome.cluster or {}).get("status", "")).lower()
            self._report(f"{wish.name}: {status} after {operations.duration(self._deadline.elapsed)}")

    def _note_changes(self, changes: list[Change]) -> None:
        for change in changes:
            self._note_change(change.text)

    def _note_change(self, text: str) -> None:
        self._outcome.changed = True
        if text not in self._outcome.changes:
            self._outcome.changes.append(text)


def _whole(wish: Desired) -> dict[str, Any]:
    """A new cluster as the diff shows it."""
    body = merged(create_body(wish), added_later(wish))
    if "nodePools" in body:
        body["nodePools"] = {pool["name"]: pool for pool in body["nodePools"]}
    return body


def _conditions(cluster: Cluster) -> str:
    return "; ".join(
        f"{one.get('code') or one.get('canonicalCode')}: {one.get('message', '')}"
        for one in cluster.get("conditions") or ()
    )


def _is_guarded(body: dict[str, Any]) -> bool:
    """Whether a request says which state of things it is based on."""
    return not {"etag", "labelFingerprint"}.isdisjoint({*body, *(body.get("update") or {})})


def _pool_status(cluster: Cluster, name: str) -> str:
    return next((str(pool.get("status")) for pool in cluster.get("nodePools") or () if pool["name"] == name), "gone")


def _health(cluster: Cluster) -> list[str]:
    """Node pools that are not well although the cluster is."""
    return [
        f"{cluster['name']}: node pool {pool['name']} is {pool['status']} {pool.get('statusMessage', '')}".rstrip()
        for pool in cluster.get("nodePools") or ()
        if pool.get("status") in ("ERROR", "RUNNING_WITH_ERROR")
    ]
