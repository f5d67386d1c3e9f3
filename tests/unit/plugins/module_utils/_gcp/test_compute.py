# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to Compute."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import compute
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.firewall_rule import Step
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Deadline

from tests.unit.plugins.fake_google import Call, FakeTime, Script, failure, session

RULES = "projects/p/global/firewalls"
INSERT = Step("insert", "p", "fw", {"name": "fw"}, "create")
WAIT = "projects/p/global/operations/o/wait"


def op(status: str = "RUNNING", **more: Any) -> dict[str, Any]:
    return {"name": "o", "status": status, **more}


def write(*calls: Call, step: Step = INSERT) -> Script:
    script, time = Script(*calls), FakeTime()
    google = session(script, time)
    compute.write_firewall(google, step, Deadline(google.clock, 60))
    script.done()
    return script


def test_a_write_is_waited_for_on_the_services_side() -> None:
    script = write(Call("POST", RULES, op()), Call("POST", WAIT, op()), Call("POST", WAIT, op("DONE")))
    assert script.bodies[0] == {"name": "fw"}


@pytest.mark.parametrize(("verb", "method"), [("patch", "PATCH"), ("delete", "DELETE")])
def test_other_writes_name_the_rule(verb: str, method: str) -> None:
    write(Call(method, f"{RULES}/fw", op("DONE")), step=Step(verb, "p", "fw"))


def test_a_lost_reply_is_answered_with_the_same_request_id() -> None:
    script = write(
        Call("POST", RULES, None), Call("POST", RULES, failure(503, "later")), Call("POST", RULES, op("DONE"))
    )
    ids = {query["requestId"][0] for query in script.queries}
    assert len(ids) == 1 and uuid.UUID(ids.pop())


@pytest.mark.parametrize(
    "busy",
    [
        failure(400, "The resource 'projects/p/global/networks/default' is not ready", "resourceNotReady"),
        failure(403, "Rate Limit Exceeded", "rateLimitExceeded"),
    ],
)
def test_what_will_pass_is_waited_out(busy: Any) -> None:
    write(Call("POST", RULES, busy), Call("POST", RULES, op("DONE")))


def test_an_operation_that_failed_is_a_failure() -> None:
    error = {"errors": [{"code": "QUOTA_EXCEEDED", "message": "Quota 'FIREWALLS' exceeded.  Limit: 200.0 globally."}]}
    with pytest.raises(MeshError, match=r"Failed to create firewall rule fw in project p.*Limit: 200.0.*quota"):
        write(Call("POST", RULES, op("DONE", error=error, httpErrorStatusCode=403)))


def test_the_deadline_names_the_operation() -> None:
    with pytest.raises(MeshError, match="operation o is still running"):
        write(Call("POST", RULES, op()), *[Call("POST", WAIT, op())] * 400)


def test_missing_rights_in_the_host_project_are_named() -> None:
    refused = failure(403, "Required 'compute.firewalls.create' permission for 'projects/HOST/global/firewalls/fw'")
    with pytest.raises(MeshError, match=r"projects/HOST.*roles/compute.securityAdmin"):
        write(Call("POST", RULES, refused))


def test_lists_are_read_to_their_end() -> None:
    script = Script(
        Call("GET", RULES, {"items": [{"name": "a"}], "nextPageToken": "t"}),
        Call("GET", RULES, {"items": [{"name": "b"}]}),
    )
    assert [rule["name"] for rule in compute.list_firewalls(session(script), "p", "a.*")] == ["a", "b"]
    assert script.queries[1] == {"filter": ['name eq "a.*"'], "pageToken": ["t"]}
