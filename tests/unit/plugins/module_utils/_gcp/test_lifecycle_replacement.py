# SPDX-License-Identifier: GPL-3.0-or-later
"""Something new in the place of what cannot be changed, call by call: node pools, and whole clusters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Retirement
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.lifecycle import Lifecycle, Outcome, Policy
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Place
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import GENERATION_LABEL
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_generations import successor_name

from tests.unit.plugins.fake_google import (
    CENTRAL,
    CLUSTERS,
    LOCATION,
    OPERATIONS,
    PROJECT,
    Call,
    FakeTime,
    Script,
    cluster,
    failure,
    missing,
    operation,
    pool,
    session,
    validated,
)

Json = dict[str, Any]
ONE = f"{OPERATIONS}/operation-1"
WAIT = Call("GET", ONE, operation())
GONE = Call("GET", CENTRAL, missing())
CONFIG = Call("GET", f"projects/{PROJECT}/locations/{LOCATION}/serverConfig")
GROUP = Call("GET", f"projects/p/zones/{LOCATION}/instanceGroupManagers/g", {"targetSize": 4})
POOLS = f"{CENTRAL}/nodePools"
STARTED = operation(status="RUNNING")
CHECK = Policy(check_mode=True)
BUSY = failure(400, "Cluster is running incompatible operation operation-1.")
ASKED: Json = {"node_pools": [{"name": "work", "service_account": "own"}], "replace_node_pools": True}


def wish(**params: Any) -> Desired:
    return desired(validated(ARGUMENT_SPEC, name="central", location=LOCATION, **{**ASKED, **params}), PROJECT)


NEW = successor_name(wish().pools["work"])
CREATED = f"node pool work: create {NEW} in its place (nodePools.work.config.serviceAccount: default -> own)"
DRAINED = "node pool work: drain and delete"
OLD = pool("work")
STOPPED = "nodePools.work.autoscaling.enabled: true -> false"


def new(status: str = "RUNNING", **more: Any) -> Json:
    return pool(
        NEW, status=status, config={"serviceAccount": "own", "resourceLabels": {GENERATION_LABEL: "work"}}, **more
    )


def there(*pools: Json, **more: Any) -> Call:
    return Call("GET", CENTRAL, cluster(nodePools=list(pools), **more))


def create(answer: Any = STARTED) -> Call:
    return Call("POST", POOLS, answer)


def delete(answer: Any = STARTED) -> tuple[Call, Call]:
    """Before the old pool is deleted it is looked once more whether the new one runs."""
    return there(OLD, new()), Call("DELETE", f"{POOLS}/work", answer)


class Drains:
    """Draining as it was asked for; each answer once, and then success."""

    def __init__(self, *answers: bool | MeshError, takes: float = 0.0, refusal: MeshError | None = None) -> None:
        self.answers, self.takes, self.refusal = list(answers), takes, refusal
        self.checks = 0
        self.asked: list[tuple[Retirement, bool]] = []
        self.sleep: Callable[[float], None] = lambda seconds: None

    def check(self) -> None:
        self.checks += 1
        if self.refusal:
            raise self.refusal

    def empty(self, going: Retirement, *, wait: bool) -> bool:
        self.asked.append((going, wait))
        self.sleep(self.takes)
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, MeshError):
            raise answer
        return answer


def run(
    *calls: Call, policy: Policy | None = None, drains: Drains | None = None, **params: Any
) -> tuple[Outcome, Script]:
    script, time, emptied = Script(*calls), FakeTime(), drains or Drains()
    emptied.sleep = time.sleep
    place = Place(PROJECT, LOCATION, "central")
    one = Lifecycle(session(script, time), place, policy or Policy(), lambda line: None, emptied)
    outcome = one.present(wish(**params))
    script.done()
    return outcome, script


def test_created_waited_for_drained_deleted() -> None:
    drains = Drains()
    outcome, script = run(
        there(OLD), GROUP, create(), WAIT, there(OLD, new()), *delete(), WAIT, there(new()), drains=drains
    )
    assert outcome.changes == [CREATED, DRAINED]
    assert script.writes == [("POST", POOLS), ("DELETE", f"{POOLS}/work")]
    assert drains.asked == [(Retirement("work", NEW, ("work",)), True)] and drains.checks == 1
    assert run(there(OLD), GROUP, policy=CHECK)[0].changes == outcome.changes
    assert not run(there(new()))[0].changed


def test_no_pool_is_made_where_the_old_one_could_not_be_drained() -> None:
    drains = Drains(refusal=MeshError("prepare to drain", "nodes", "this account may not create pods/eviction"))
    with pytest.raises(MeshError, match="may not create pods/eviction"):
        run(there(OLD), GROUP, drains=drains)  # the script has no write


def test_a_pool_that_is_made_in_the_place_of_none_is_not_checked() -> None:
    drains = Drains()
    run(there(), Call("POST", POOLS, STARTED), WAIT, there(OLD), node_pools=[{"name": "work"}], drains=drains)
    assert drains.checks == 0


def test_the_size_of_the_old_is_that_of_the_new() -> None:
    group = Call("GET", GROUP.path, {"targetSize": 7})
    dummy, script = run(there(OLD), group, create(), WAIT, there(new()))
    assert script.bodies[2]["nodePool"]["initialNodeCount"] == 7


def test_where_groups_cannot_be_read_it_is_the_size_at_creation_and_that_is_said() -> None:
    group = Call("GET", GROUP.path, failure(403, "Required 'compute.instanceGroupManagers.get' permission"))
    outcome, script = run(there(OLD), group, create(), WAIT, there(new()))
    assert script.bodies[2]["nodePool"]["initialNodeCount"] == 4
    assert "creation time" in outcome.notices[0]


def test_a_size_that_is_declared_is_not_asked_for() -> None:
    pools = [{**ASKED["node_pools"][0], "node_count": 2}]
    dummy, script = run(there(OLD), create(), WAIT, there(new(), currentNodeCount=2), node_pools=pools)
    assert script.bodies[1]["nodePool"]["initialNodeCount"] == 2


def test_the_old_ones_autoscaling_is_switched_off_before() -> None:
    scaled, drains = pool("work", autoscaling={"enabled": True}), Drains()
    stop = Call("POST", f"{POOLS}/work:setAutoscaling", STARTED, {"autoscaling": {"enabled": False}})
    outcome, dummy = run(
        there(scaled, new()), stop, WAIT, there(OLD, new()), *delete(), WAIT, there(new()), drains=drains
    )
    assert outcome.changes == [STOPPED, DRAINED]
    assert run(there(scaled, new()), policy=CHECK)[0].changes == outcome.changes


def test_pods_that_stay_end_the_run_and_nothing_is_deleted() -> None:
    drains = Drains(MeshError("drain", "node pool work", "these pods are still there"))
    with pytest.raises(MeshError, match="still there"):
        run(there(OLD, new()), drains=drains)
    outcome, dummy = run(there(OLD, new()), *delete(), WAIT, there(new()))
    assert outcome.changes == [DRAINED]


def test_the_new_pool_must_run_before_pods_move() -> None:
    drains = Drains()
    outcome, dummy = run(
        there(OLD, new("PROVISIONING")), there(OLD, new("RECONCILING")), there(OLD, new()), *delete(), WAIT,
        there(new()), drains=drains,
    )  # fmt: skip
    assert outcome.changed and len(drains.asked) == 1
    never = [there(OLD, new("PROVISIONING")) for _each in range(200)]
    with pytest.raises(MeshError, match=rf"Failed to replace a node pool of cluster .*{NEW} is PROVISIONING"):
        run(*never, policy=Policy(wait_timeout=60))


def test_a_new_pool_that_goes_while_the_old_is_drained_keeps_that() -> None:
    """Draining may take an hour."""
    drains = Drains()
    sick = there(OLD, new("ERROR", statusMessage="no machines"))
    with pytest.raises(MeshError, match="is ERROR no machines"):
        run(there(OLD, new()), sick, sick, drains=drains)  # the script has no deletion
    assert len(drains.asked) == 1


def test_a_creation_that_fails_leaves_the_old_pool_alone() -> None:
    failed = Call("GET", ONE, operation(statusMessage="Insufficient quota"))
    drains = Drains()
    with pytest.raises(MeshError, match="Insufficient quota"):
        run(there(OLD), GROUP, create(), failed, drains=drains)
    with pytest.raises(MeshError, match="is ERROR no machines"):
        run(there(OLD, new("ERROR", statusMessage="no machines")), drains=drains)
    assert not drains.asked


def test_a_lost_reply_to_the_creation_makes_no_second_pool() -> None:
    outcome, script = run(there(OLD), GROUP, create(None), there(OLD, new()), *delete(), WAIT, there(new()))
    assert outcome.changes == [CREATED, DRAINED] and len(script.writes) == 2


def test_one_that_somebody_else_created_meanwhile_is_taken() -> None:
    exists = failure(409, f"Already exists: {POOLS}/{NEW}.", "alreadyExists")
    outcome, script = run(there(OLD), GROUP, create(exists), there(OLD, new()), *delete(), WAIT, there(new()))
    assert outcome.changed and len(script.writes) == 2


def test_a_busy_cluster_is_drained_once_more_before_the_deletion() -> None:
    drains = Drains()
    outcome, dummy = run(
        there(OLD, new()), *delete(BUSY), WAIT, there(OLD, new()), *delete(), WAIT, there(new()), drains=drains
    )
    assert outcome.changes == [DRAINED] and len(drains.asked) == 2


def test_a_deletion_under_way_is_waited_for_and_no_change() -> None:
    going = there(pool("work", status="STOPPING"), new(), status="RECONCILING")
    running = Call("GET", OPERATIONS, {"operations": [STARTED]})
    outcome, script = run(going, running, WAIT, there(new()))
    assert not outcome.changed and not script.writes
    assert not run(going, policy=CHECK)[0].changed


def test_draining_does_not_use_up_the_time_for_operations() -> None:
    still = Call("GET", ONE, operation(status="RUNNING"))
    outcome, dummy = run(
        there(OLD, new()),
        *delete(),
        still,
        WAIT,
        there(new()),
        drains=Drains(takes=3000),
        policy=Policy(wait_timeout=60),
    )
    assert outcome.changed


WITHOUT = Policy(wait=False)


def test_without_waiting_each_run_takes_a_step() -> None:
    made = run(there(OLD), GROUP, create(), there(OLD, new("PROVISIONING"), status="RECONCILING"), policy=WITHOUT)[0]
    assert made.changes == [CREATED, DRAINED]

    drains = Drains()
    coming = there(OLD, new("PROVISIONING"), status="RECONCILING")
    running = Call("GET", OPERATIONS, {"operations": [STARTED]})
    waiting = run(coming, running, policy=WITHOUT, drains=drains)[0]
    assert not waiting.changed and waiting.operation == STARTED and not drains.asked
    assert not run(coming, running, policy=Policy(wait=False, check_mode=True))[0].changed

    drains = Drains(False)
    asked = run(there(OLD, new()), policy=WITHOUT, drains=drains)[0]
    assert asked.changes == [DRAINED] and drains.asked[0][1] is False
    gone = run(there(OLD, new()), *delete(), there(pool("work", status="STOPPING"), new()), policy=WITHOUT)[0]
    assert gone.changes == [DRAINED] and gone.operation == STARTED
    check = run(there(OLD, new()), policy=Policy(wait=False, check_mode=True))[0]
    assert check.changes == gone.changes


# a cluster in the place of another

OTHER: Json = {"description": "b", "allow_recreate": True, "node_pools": None, "replace_node_pools": False}
WAS = Call("GET", CENTRAL, cluster(description="a"))
IS = Call("GET", CENTRAL, cluster(description="b"))
ANEW = ["cluster central: delete and create anew, since these cannot be changed: description: a -> b",
        f"cluster central: create in {LOCATION}"]  # fmt: skip
REMOVE = Call("DELETE", CENTRAL, STARTED)
MAKE = Call("POST", CLUSTERS, STARTED)


def test_a_cluster_is_deleted_and_created() -> None:
    outcome, script = run(WAS, CONFIG, REMOVE, WAIT, GONE, CONFIG, MAKE, WAIT, IS, **OTHER)
    assert outcome.changes == ANEW and script.writes == [("DELETE", CENTRAL), ("POST", CLUSTERS)]
    assert outcome.before == {"description": "a"} and outcome.after["nodePools"]["default-pool"]
    assert outcome.notices == ["central: deleted with all that runs in it and created anew, for description: a -> b"]
    check, dummy = run(WAS, CONFIG, policy=CHECK, **OTHER)
    assert (check.changes, check.before, check.after, check.notices) == (
        outcome.changes, outcome.before, outcome.after, outcome.notices,
    )  # fmt: skip


def test_what_cannot_be_created_is_not_deleted() -> None:
    refused = Call("GET", CONFIG.path, {"validMasterVersions": ["1.33.5-gke.100"]})
    with pytest.raises(MeshError, match="is not offered"):
        run(WAS, refused, cluster_version="1.99", **OTHER)


@pytest.mark.parametrize("check", [False, True])
def test_deletion_protection_protects_from_this_too(check: bool) -> None:
    with pytest.raises(MeshError, match=r"has deletion_protection, and these cannot be changed: description: a -> b"):
        run(WAS, policy=Policy(deletion_protection=True, check_mode=check), **OTHER)


def test_the_deletion_may_lose_its_reply_or_meet_another_operation() -> None:
    lost = Call("DELETE", CENTRAL, None)
    going = Call("GET", CENTRAL, cluster(description="a", status="STOPPING"))
    running = Call("GET", OPERATIONS, {"operations": [STARTED]})
    outcome, dummy = run(WAS, CONFIG, lost, going, running, WAIT, GONE, CONFIG, MAKE, WAIT, IS, **OTHER)
    assert outcome.changes == ANEW
    busy = Call("DELETE", CENTRAL, BUSY)
    outcome, dummy = run(WAS, CONFIG, busy, WAIT, WAS, CONFIG, REMOVE, WAIT, GONE, CONFIG, MAKE, WAIT, IS, **OTHER)
    assert outcome.changes == ANEW and len(outcome.notices) == 1


def test_a_run_that_died_after_the_deletion_is_continued() -> None:
    going = Call("GET", CENTRAL, cluster(description="a", status="STOPPING"))
    running = Call("GET", OPERATIONS, {"operations": [STARTED]})
    outcome, dummy = run(going, running, WAIT, GONE, CONFIG, MAKE, WAIT, IS, **OTHER)
    assert outcome.changes == ANEW[1:]
    assert run(going, CONFIG, policy=CHECK, **OTHER)[0].changes == outcome.changes


def test_a_new_cluster_that_differs_as_well_is_not_deleted() -> None:
    with pytest.raises(MeshError, match="created anew and differs all the same: description: a -> b"):
        run(WAS, CONFIG, REMOVE, WAIT, GONE, CONFIG, MAKE, WAIT, WAS, **OTHER)


# an etag that does not fit

STALE = failure(409, "The etag does not match: concurrent modification.", "aborted")


def change(answer: Any, etag: str) -> Call:
    return Call("PUT", CENTRAL, answer, {"update": {"desiredReleaseChannel": {"channel": "RAPID"}, "etag": etag}})


def plain(etag: str, channel: str = "REGULAR") -> Call:
    return Call("GET", CENTRAL, cluster(etag=etag, releaseChannel={"channel": channel}))


RAPID: Json = {"release_channel": "rapid", "node_pools": None, "replace_node_pools": False}


def test_an_etag_that_nobody_has_changed_is_tried_twice() -> None:
    with pytest.raises(MeshError, match=r"The etag does not match.*refused once more"):
        run(plain("e"), change(STALE, "e"), plain("e"), change(STALE, "e"), **RAPID)


def test_a_refusal_of_a_request_that_is_based_on_nothing_is_tried_more_often() -> None:
    """ABORTED is also said of what is going on elsewhere."""
    bare = {"update": {"desiredReleaseChannel": {"channel": "RAPID"}}}
    calls = [
        call for _each in range(4) for call in (Call("GET", CENTRAL, cluster()), Call("PUT", CENTRAL, STALE, bare))
    ]
    outcome, dummy = run(
        *calls, Call("GET", CENTRAL, cluster()), Call("PUT", CENTRAL, STARTED), WAIT, plain("e", "RAPID"), **RAPID
    )
    assert outcome.changed


def test_others_may_change_the_cluster_time_and_again() -> None:
    calls = [call for number in range(5) for call in (plain(f"e{number}"), change(STALE, f"e{number}"))]
    outcome, dummy = run(*calls, plain("e5"), change(STARTED, "e5"), WAIT, plain("e6", "RAPID"), **RAPID)
    assert outcome.changed
