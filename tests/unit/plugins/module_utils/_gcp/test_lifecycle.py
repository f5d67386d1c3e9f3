# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's life, call by call: what is read, written and waited for, in every state that it can be in."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Retirement
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.lifecycle import Lifecycle, Outcome, Policy
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Place
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.transport import Reply

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
    session,
    validated,
)

CONFIG = Call(
    "GET", f"projects/{PROJECT}/locations/{LOCATION}/serverConfig", {"validMasterVersions": ["1.33.5-gke.100"]}
)
GONE = Call("GET", CENTRAL, missing())
ONE = f"{OPERATIONS}/operation-1"
WAIT = Call("GET", ONE, operation())
BUSY = failure(
    400,
    "Cluster is running incompatible operation operation-9.",
    "failedPrecondition",
    info="CLUSTER_ALREADY_HAS_OPERATION",
)
PAGE = Reply(502, b"<html>Bad Gateway</html>")


def there(**more: Any) -> Call:
    return Call("GET", CENTRAL, cluster(**more))


def create(answer: Any = None) -> Call:
    return Call("POST", CLUSTERS, operation(status="RUNNING") if answer is None else answer)


def update(answer: Any = None) -> Call:
    return Call("PUT", CENTRAL, operation(status="RUNNING") if answer is None else answer)


def delete(answer: Any = None) -> Call:
    return Call("DELETE", CENTRAL, operation(status="RUNNING") if answer is None else answer)


def running(name: str = "operation-1") -> Call:
    return Call("GET", OPERATIONS, {"operations": [operation(name, "RUNNING")]})


def life(*calls: Call, policy: Policy | None = None, absent: bool = False, **params: Any) -> tuple[Outcome, Script]:
    script, time = Script(*calls), FakeTime()
    place = Place(PROJECT, LOCATION, "central")
    one = Lifecycle(session(script, time), place, policy or Policy(), lambda line: None, NoDrain())
    if absent:
        outcome = one.absent()
    else:
        outcome = one.present(desired(validated(ARGUMENT_SPEC, name="central", location=LOCATION, **params), PROJECT))
    script.done()
    return outcome, script


class NoDrain:
    """Nobody told it to drain anything."""

    def check(self) -> None:
        raise AssertionError("it was about to replace a pool")

    def empty(self, going: Retirement, *, wait: bool) -> bool:
        raise AssertionError(f"it was about to drain {going.pool}")


CHECK = Policy(check_mode=True)


def test_nothing_to_do_is_one_get() -> None:
    outcome, _ = life(there(), node_count=4, labels={"mesh": "mesh1"})
    assert not outcome.changed and outcome.changes == [] and outcome.before == outcome.after


def test_create() -> None:
    outcome, script = life(GONE, CONFIG, create(), WAIT, there(), node_count=4)
    assert outcome.changed and outcome.changes == [f"cluster central: create in {LOCATION}"]
    assert outcome.cluster and outcome.cluster["status"] == "RUNNING"
    assert script.bodies[2]["cluster"]["nodePools"][0]["initialNodeCount"] == 4
    assert outcome.before == {} and outcome.after["nodePools"]["default-pool"]["initialNodeCount"] == 4


def test_check_mode_foresees_the_creation_and_writes_nothing() -> None:
    outcome, script = life(GONE, CONFIG, policy=CHECK)
    assert outcome.changes == [f"cluster central: create in {LOCATION}"] and not script.writes


def test_a_version_that_is_not_offered_is_found_before_anything_is_written() -> None:
    with pytest.raises(MeshError, match=r"version 1.99 is not offered.*Offered: 1.33.5-gke.100"):
        life(GONE, CONFIG, cluster_version="1.99")


def test_an_unknown_location_is_found_before_anything_is_written() -> None:
    refused = failure(403, f"Permission denied on 'locations/{LOCATION}' (or it may not exist).")
    with pytest.raises(MeshError, match="spelling"):
        life(GONE, Call("GET", CONFIG.path, refused))


def test_without_waiting_the_operation_is_returned() -> None:
    outcome, _ = life(GONE, CONFIG, create(), there(status="PROVISIONING"), policy=Policy(wait=False))
    assert outcome.operation and outcome.operation["name"] == "operation-1"
    assert outcome.cluster and outcome.cluster["status"] == "PROVISIONING"


def test_a_failed_creation_is_a_failure() -> None:
    ended = operation(error={"code": 8, "message": "Insufficient regional quota to satisfy request"})
    with pytest.raises(MeshError, match=r"Failed to create cluster central.*operation-1.*quota.*left in state ERROR"):
        life(GONE, CONFIG, create(), Call("GET", ONE, ended), there(status="ERROR"))


@pytest.mark.parametrize("lost", [PAGE, failure(503, "later"), None])
def test_a_lost_reply_is_followed_by_a_look_and_no_second_creation(lost: Reply | None) -> None:
    outcome, script = life(
        GONE, CONFIG, Call("POST", CLUSTERS, lost), there(status="PROVISIONING"), running(), WAIT, there()
    )
    assert outcome.changed and script.writes == [("POST", CLUSTERS)]


def test_a_request_that_never_arrived_is_made_again() -> None:
    outcome, _ = life(GONE, CONFIG, Call("POST", CLUSTERS, None), GONE, CONFIG, create(), WAIT, there())
    assert outcome.changed


def test_what_somebody_else_created_meanwhile_is_adopted() -> None:
    exists = failure(409, "Already exists: projects/p/zones/z/clusters/central.", "alreadyExists")
    outcome, script = life(GONE, CONFIG, create(exists), there(status="PROVISIONING"), running(), WAIT, there())
    assert outcome.changed and len(script.writes) == 1


def test_a_cluster_that_is_being_created_is_adopted() -> None:
    outcome, script = life(there(status="PROVISIONING"), running(), WAIT, there())
    assert outcome.changed and not script.writes
    assert life(there(status="PROVISIONING"), policy=CHECK)[0].changes == outcome.changes


def test_a_creation_that_cannot_be_seen_ends_at_the_deadline() -> None:
    calls = [call for _ in range(200) for call in (there(status="PROVISIONING"), Call("GET", OPERATIONS))]
    with pytest.raises(MeshError, match="no operation works on it"):
        life(*calls, policy=Policy(wait_timeout=60))


def test_an_adopted_creation_that_fails_is_a_failure() -> None:
    ended = Call("GET", ONE, operation(statusMessage="Google Compute Engine: [GCE_STOCKOUT]"))
    region = Call("GET", f"projects/{PROJECT}/regions/us-central1", {"zones": [f".../{LOCATION}", ".../us-central1-b"]})
    with pytest.raises(MeshError, match=r"another zone or machine type\. us-central1 also has us-central1-b\.$"):
        life(there(status="PROVISIONING"), running(), ended, GONE, region)


def test_one_that_is_being_deleted_is_waited_for_and_made_anew() -> None:
    outcome, script = life(there(status="STOPPING"), running(), WAIT, GONE, CONFIG, create(), WAIT, there())
    assert outcome.changed and script.writes == [("POST", CLUSTERS)]
    assert life(there(status="STOPPING"), CONFIG, policy=CHECK)[0].changes == outcome.changes


def test_what_google_does_by_itself_is_waited_for() -> None:
    outcome, script = life(there(status="RECONCILING"), running(), WAIT, there())
    assert not outcome.changed and not script.writes


def test_what_was_read_before_an_operation_ended_is_not_planned_on() -> None:
    old = there(status="RECONCILING", releaseChannel={"channel": "STABLE"})
    done = there(releaseChannel={"channel": "RAPID"})
    outcome, script = life(old, Call("GET", OPERATIONS, {}), done, done, release_channel="rapid")
    assert not outcome.changed and not script.writes


def test_an_unknown_state_is_waited_for() -> None:
    outcome, _ = life(there(status="CONTEMPLATING"), running(), WAIT, there())
    assert not outcome.changed


def test_error_is_an_error_with_googles_words() -> None:
    with pytest.raises(MeshError, match=r"ERROR: out of quota.*recreate_on_error"):
        life(there(status="ERROR", statusMessage="out of quota"))


def test_error_is_replaced_when_told_to() -> None:
    policy = Policy(recreate_on_error=True)
    outcome, script = life(there(status="ERROR"), delete(), WAIT, GONE, CONFIG, create(), WAIT, there(), policy=policy)
    assert outcome.changed and [method for method, _ in script.writes] == ["DELETE", "POST"]
    check = Policy(recreate_on_error=True, check_mode=True)
    assert life(there(status="ERROR"), CONFIG, policy=check)[0].changes == outcome.changes


def test_degraded_fails_or_warns() -> None:
    conditions = [{"code": "NODE_SERVICE_ACCOUNT_MISSING_PERMISSIONS", "message": "no logging"}]
    with pytest.raises(MeshError, match="NODE_SERVICE_ACCOUNT_MISSING_PERMISSIONS"):
        life(there(status="DEGRADED", conditions=conditions))
    outcome, _ = life(there(status="DEGRADED", conditions=conditions), policy=Policy(fail_on_degraded=False))
    assert "no logging" in outcome.notices[0] and not outcome.changed


def test_one_change_after_the_other_each_waited_for() -> None:
    outcome, script = life(
        there(),
        Call("POST", f"{CENTRAL}:setResourceLabels", operation(status="RUNNING")),
        WAIT,
        there(resourceLabels={}, etag="new"),
        update(),
        WAIT,
        there(resourceLabels={}, releaseChannel={"channel": "RAPID"}),
        labels={}, release_channel="rapid",
    )  # fmt: skip
    assert [method for method, _ in script.writes] == ["POST", "PUT"]
    assert script.bodies[4] == {"update": {"desiredReleaseChannel": {"channel": "RAPID"}, "etag": "new"}}
    assert outcome.changes == life(there(), policy=CHECK, labels={}, release_channel="rapid")[0].changes


def test_without_waiting_only_the_first_change_is_started() -> None:
    outcome, script = life(
        there(), update(), there(status="RECONCILING"), policy=Policy(wait=False), release_channel="rapid", logging=[]
    )
    assert len(script.writes) == 1 and len(outcome.changes) == 2


def test_a_busy_cluster_is_waited_for_by_the_operation_that_it_names() -> None:
    outcome, _ = life(
        there(), update(BUSY), Call("GET", f"{OPERATIONS}/operation-9", operation("operation-9")),
        there(), update(), WAIT, there(releaseChannel={"channel": "RAPID"}), release_channel="rapid",
    )  # fmt: skip
    assert outcome.changed


def test_a_busy_cluster_that_names_none_is_searched_and_tried_until_the_deadline() -> None:
    busy = failure(400, "Cluster is currently being created, deleted, updated or repaired and cannot be updated.")
    calls = [call for _ in range(300) for call in (there(), update(busy), Call("GET", OPERATIONS))]
    with pytest.raises(MeshError, match="currently being"):
        life(*calls, policy=Policy(wait_timeout=120), release_channel="rapid")


@pytest.mark.parametrize("stale", [failure(409, "The etag does not match", "aborted"), None, failure(503, "later")])
def test_a_stale_or_lost_change_is_planned_anew(stale: Reply | None) -> None:
    outcome, script = life(
        there(), Call("PUT", CENTRAL, stale), there(), update(), WAIT, there(releaseChannel={"channel": "RAPID"}),
        release_channel="rapid",
    )  # fmt: skip
    assert outcome.changed and len(script.writes) == 2


def test_a_lost_reply_to_a_change_that_happened_is_enough() -> None:
    calls = (there(), Call("PUT", CENTRAL, None), there(releaseChannel={"channel": "RAPID"}))
    outcome, script = life(*calls, release_channel="rapid")
    assert len(script.writes) == 1
    assert outcome.changed and outcome.changes


def test_what_somebody_else_did_while_the_cluster_was_busy_is_not_ours() -> None:
    nine, done = Call("GET", f"{OPERATIONS}/operation-9", operation("operation-9")), {"channel": "RAPID"}
    outcome, _ = life(there(), update(BUSY), nine, there(releaseChannel=done), release_channel="rapid")
    assert not outcome.changed and outcome.changes == []


def test_what_a_lost_request_still_does_is_ours_although_the_next_one_meets_it() -> None:
    nine, done = Call("GET", f"{OPERATIONS}/operation-9", operation("operation-9")), {"channel": "RAPID"}
    outcome, _ = life(
        there(), update(PAGE), there(), update(BUSY), nine, there(releaseChannel=done), release_channel="rapid"
    )
    assert outcome.changed and outcome.changes == ["releaseChannel.channel: REGULAR -> RAPID"]


def test_an_operation_that_ends_well_may_have_something_to_say() -> None:
    said = Call("GET", ONE, operation(detail="Two nodes were not recreated.\n"))
    outcome, _ = life(there(), update(), said, there(releaseChannel={"channel": "RAPID"}), release_channel="rapid")
    assert outcome.changed
    assert outcome.notices == ["central: operation operation-1 says: Two nodes were not recreated."]


def test_endless_surprises_end() -> None:
    calls = [call for _ in range(30) for call in (there(), Call("PUT", CENTRAL, None))]
    with pytest.raises(MeshError, match="connection reset"):
        life(*calls, release_channel="rapid")


def test_a_change_that_does_not_happen_is_said_and_not_repeated() -> None:
    with pytest.raises(MeshError, match="accepted this, but it did not happen"):
        life(there(), update(), WAIT, there(), release_channel="rapid")


def test_a_cluster_that_somebody_removes_meanwhile_is_not_made_anew() -> None:
    with pytest.raises(MeshError, match=r"Failed to change cluster central .* it disappeared"):
        life(there(), update(missing()), GONE, release_channel="rapid")
    with pytest.raises(MeshError, match="somebody else is deleting it"):
        life(there(), update(BUSY), Call("GET", f"{OPERATIONS}/operation-9", operation()), there(status="STOPPING"),
             release_channel="rapid")  # fmt: skip
    with pytest.raises(MeshError, match=r"Failed to create cluster central .* it disappeared"):
        life(GONE, CONFIG, create(), WAIT, GONE)


def test_an_unknown_state_without_an_operation_lasts_until_the_deadline() -> None:
    strange = [there(status="CONTEMPLATING"), Call("GET", OPERATIONS, {}), there(status="CONTEMPLATING")]
    assert not life(*strange, there())[0].changed
    with pytest.raises(MeshError, match="it is in state CONTEMPLATING"):
        life(*strange, policy=Policy(wait_timeout=0))


def test_a_refused_change_is_an_error() -> None:
    refused = update(failure(400, 'Master version "1.33.5-gke.100" is unsupported.'))
    older = there(currentMasterVersion="1.33.4-gke.1")
    with pytest.raises(MeshError, match=r"Failed to change cluster central .* is unsupported.*Offered: 1.33.5"):
        life(older, CONFIG, refused, CONFIG, cluster_version="1.33.5")


def test_a_version_that_is_not_offered_is_never_asked_for() -> None:
    with pytest.raises(MeshError, match=r"Failed to change cluster central .*1.34 is not offered.*Offered: 1.33.5"):
        life(there(), CONFIG, cluster_version="1.34")


def test_pools_that_are_not_well_are_reported() -> None:
    sick = cluster()["nodePools"][0] | {"status": "RUNNING_WITH_ERROR", "statusMessage": "one zone is out"}
    outcome, _ = life(there(nodePools=[sick]))
    assert "RUNNING_WITH_ERROR one zone is out" in outcome.notices[0]


def test_delete() -> None:
    outcome, script = life(there(), delete(), WAIT, GONE, absent=True)
    assert outcome.changed and outcome.cluster is None and len(script.writes) == 1
    assert life(there(), absent=True, policy=CHECK)[0].changes == outcome.changes


def test_what_is_gone_needs_no_deleting() -> None:
    assert not life(GONE, absent=True)[0].changed


def test_a_protected_cluster_is_not_deleted() -> None:
    with pytest.raises(MeshError, match="deletion_protection"):
        life(there(), absent=True, policy=Policy(deletion_protection=True))


@pytest.mark.parametrize("status", ["PROVISIONING", "RECONCILING"])
def test_a_deletion_waits_for_what_runs(status: str) -> None:
    outcome, _ = life(there(status=status), running(), WAIT, there(), delete(), WAIT, GONE, absent=True)
    assert outcome.changed


def test_a_deletion_under_way_is_joined() -> None:
    outcome, script = life(there(status="STOPPING"), running(), WAIT, GONE, absent=True)
    assert outcome.changed and not script.writes


def test_without_waiting_the_deletion_under_way_is_returned() -> None:
    outcome, _ = life(there(status="STOPPING"), running("operation-9"), absent=True, policy=Policy(wait=False))
    assert not outcome.changed
    assert outcome.operation and outcome.operation["name"] == "operation-9"


@pytest.mark.parametrize("answer", [None, failure(503, "later"), missing()])
def test_a_deletion_whose_reply_was_lost_is_not_sent_blindly_again(answer: Reply | None) -> None:
    outcome, script = life(there(), Call("DELETE", CENTRAL, answer), GONE, absent=True)
    assert outcome.changed and len(script.writes) == 1


def test_a_busy_cluster_is_deleted_after_its_operation() -> None:
    nine = Call("GET", f"{OPERATIONS}/operation-9", operation("operation-9"))
    outcome, _ = life(there(), delete(BUSY), nine, there(), delete(), WAIT, GONE, absent=True)
    assert outcome.changed


def test_a_failed_deletion_is_a_failure() -> None:
    with pytest.raises(MeshError, match="firewall in use"):
        life(there(), delete(), Call("GET", ONE, operation(statusMessage="firewall in use")), absent=True)
