# SPDX-License-Identifier: GPL-3.0-or-later
"""Injected faults, as a client meets them."""

from __future__ import annotations

import time

import pytest
import requests
from google.api_core import exceptions

from tests.lab.emulator.emulator import JSON, Emulator, Rest, until

CREATE = r"/clusters$"


def _body(name: str = "c") -> JSON:
    return {"cluster": {"name": name, "nodePools": [{"name": "p", "initialNodeCount": 1}]}}


def _create(rest: Rest) -> JSON:
    status, operation = rest.container("POST", "clusters", _body())
    assert status == 200, operation
    return operation


def test_delay(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"delay": 0.3}, method="GET", path=CREATE, count=1)
    started = time.monotonic()
    assert rest.container("GET", "clusters")[0] == 200
    assert time.monotonic() - started >= 0.3


def test_the_nth_request_fails(emulator: Emulator, rest: Rest) -> None:
    body = {"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}
    emulator.fault({"error": {"status": 503, "body": body}}, method="GET", path=CREATE, nth=2, count=2)
    assert [rest.container("GET", "clusters")[0] for _ in range(5)] == [200, 503, 503, 200, 200]
    listed = emulator.lab("GET", "faults")["faults"]
    assert (listed[0]["seen"], listed[0]["applied"]) == (5, 2)


def test_without_numbers_a_fault_lasts_until_cleared(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"error": {"status": 429, "body": {}, "headers": {"Retry-After": "7"}}}, path=CREATE)
    for _ in range(2):
        answer = emulator.session().get(f"{emulator.url}/v1/projects/p/locations/-/clusters")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    emulator.lab("DELETE", "faults")
    assert rest.container("GET", "clusters")[0] == 200


def test_html(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"error": {"status": 502, "body": "<html>Bad Gateway</html>"}}, path=CREATE, count=1)
    answer = emulator.session().get(f"{emulator.url}/v1/projects/p/locations/-/clusters")
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=UTF-8")
    assert answer.text.startswith("<html>")


@pytest.mark.parametrize(("after", "exists"), [(False, 404), (True, 200)])
def test_an_error_before_the_work_or_in_place_of_its_answer(
    emulator: Emulator, rest: Rest, after: bool, exists: int
) -> None:
    page = {"status": 502, "body": "<html>Bad Gateway</html>", "after": after}
    emulator.fault({"error": page}, method="POST", path=CREATE, count=1)
    answer = rest.raw("POST", "clusters", _body())
    assert (answer.status_code, answer.text) == (502, "<html>Bad Gateway</html>")
    assert rest.container("GET", "clusters/c")[0] == exists


@pytest.mark.parametrize(("when", "exists"), [("before", 404), ("after", 200)])
def test_a_lost_reply(emulator: Emulator, rest: Rest, when: str, exists: int) -> None:
    emulator.fault({"drop": when}, method="POST", path=CREATE, count=1)
    with pytest.raises(requests.ConnectionError):
        rest.container("POST", "clusters", _body())
    assert rest.container("GET", "clusters/c")[0] == exists
    log = emulator.lab("GET", "requests")["requests"]
    assert [one["status"] for one in log if one["method"] == "POST" and rest.project in one["path"]] == [0]


def test_a_401_in_the_middle_makes_google_auth_log_in_again(emulator: Emulator, rest: Rest) -> None:
    rest.container("GET", "clusters")
    emulator.lab("DELETE", "requests")
    error = {"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}
    emulator.fault({"error": {"status": 401, "body": error}}, path=CREATE, count=1)
    assert rest.container("GET", "clusters")[0] == 200
    assert emulator.lab("GET", "requests")["counts"]["oauth.token"] == 1


def test_revoked_credentials(emulator: Emulator) -> None:
    body = {"error": "invalid_grant", "error_description": "Account has been disabled."}
    emulator.fault({"error": {"status": 400, "body": body}}, path="^/token$")
    with pytest.raises(Exception, match="invalid_grant"):
        emulator.session().get(f"{emulator.url}/v1/projects/p/locations/-/clusters")


def test_an_operation_ends_with_an_error(emulator: Emulator, rest: Rest) -> None:
    text = "Google Compute Engine: Not all instances running in IGM after 35m4.03s."
    conditions = [{"code": "GCE_STOCKOUT", "message": text}]
    emulator.fault(
        {"operation_error": {"code": 8, "message": text, "conditions": conditions}}, method="POST", path=CREATE
    )
    done = rest.done(_create(rest))
    assert done["error"] == {"code": 8, "message": text}
    assert (done["statusMessage"], done["clusterConditions"]) == (text, conditions)
    assert (rest.get()["status"], rest.get()["statusMessage"]) == ("ERROR", text)
    assert rest.container("PUT", "clusters/c", {"update": {"desiredShieldedNodes": {}}})[0] == 400


@pytest.mark.parametrize(
    ("switch", "absent"), [({"status_message": False}, "statusMessage"), ({"only_status_message": True}, "error")]
)
def test_an_error_in_one_place_only(emulator: Emulator, rest: Rest, switch: JSON, absent: str) -> None:
    emulator.fault({"operation_error": {"message": "m"} | switch}, method="POST", path=CREATE)
    done = rest.done(_create(rest))
    assert absent not in done
    assert {"statusMessage", "error"} & set(done)


def test_a_failed_update_leaves_the_cluster_as_it_was(emulator: Emulator, rest: Rest) -> None:
    before = rest.cluster()
    emulator.fault({"operation_error": {"message": "m"}}, method="PUT", path="/clusters/c$")
    _, operation = rest.container("PUT", "clusters/c", {"update": {"desiredReleaseChannel": {"channel": "RAPID"}}})
    assert rest.done(operation)["error"]["message"] == "m"
    assert rest.get() == before


def test_a_stuck_operation_goes_on_when_faults_are_cleared(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"stuck": True}, method="POST", path=CREATE)
    operation = _create(rest)
    rest_of_it = f"operations/{operation['name']}"
    until(lambda: time.time() > _seconds(operation) + 0.5)
    assert rest.container("GET", rest_of_it)[1]["status"] == "RUNNING"
    assert rest.get()["status"] == "PROVISIONING"
    emulator.lab("DELETE", "faults")
    assert rest.done(operation)["status"] == "DONE"


def _seconds(operation: JSON) -> float:
    return float(operation["name"].split("-")[1]) / 1000


def test_an_operation_takes_its_own_time(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"operation_seconds": 0.6}, method="POST", path=CREATE)
    started = time.monotonic()
    rest.done(_create(rest))
    assert time.monotonic() - started >= 0.6


def test_google_starts_an_operation_of_its_own(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"auto_operation": {"type": "UPGRADE_NODES", "stuck": True}}, method="POST", path=CREATE)
    rest.done(_create(rest))
    status, answer = rest.container("PUT", "clusters/c", {"update": {"desiredShieldedNodes": {}}})
    assert status == 400
    running = [one for one in rest.container("GET", "operations")[1]["operations"] if one["status"] != "DONE"]
    assert [one["operationType"] for one in running] == ["UPGRADE_NODES"]
    assert running[0]["name"] in answer["error"]["message"]
    emulator.lab("DELETE", "faults")
    rest.done(running[0])
    rest.change("PUT", "clusters/c", {"update": {"desiredShieldedNodes": {}}})


def test_missing_zones(emulator: Emulator, rest: Rest) -> None:
    rest.cluster()
    emulator.fault({"missing_zones": ["us-central1-a"]}, path=CREATE)
    assert rest.container("GET", "clusters") == (200, {"missingZones": ["us-central1-a"]})


def test_unknown_values_in_an_answer(emulator: Emulator, rest: Rest) -> None:
    rest.cluster()
    emulator.fault({"merge": {"status": "NEW_STATE", "newThing": {"a": 1}}}, path="/clusters/c$")
    cluster = rest.get()
    assert (cluster["status"], cluster["newThing"], cluster["name"]) == ("NEW_STATE", {"a": 1}, "c")


def test_a_firewall_operation_ends_with_an_error(emulator: Emulator, rest: Rest) -> None:
    error = {"code": "QUOTA_EXCEEDED", "message": "Quota 'FIREWALLS' exceeded.  Limit: 200.0 globally."}
    emulator.fault({"operation_error": error}, method="POST", path="/firewalls$")
    rule = {"name": "r", "allowed": [{"IPProtocol": "tcp"}]}
    _, operation = rest.compute("POST", "global/firewalls", rule)
    _, done = rest.compute("POST", f"global/operations/{operation['name']}/wait")
    assert done["error"] == {"errors": [error]}
    assert (done["status"], done["httpErrorStatusCode"]) == ("DONE", 403)
    assert rest.compute("GET", "global/firewalls/r")[0] == 404


def test_edits_behind_the_clients_back(emulator: Emulator, rest: Rest) -> None:
    rest.cluster()
    path = f"clusters/{rest.project}/us-central1-a/c"
    conditions = [{"canonicalCode": "PERMISSION_DENIED", "message": "m"}]
    emulator.lab("PATCH", path, {"status": "DEGRADED", "conditions": conditions})
    assert (rest.get()["status"], rest.get()["conditions"]) == ("DEGRADED", conditions)
    emulator.lab("PATCH", path, {"status": "RUNNING", "conditions": None})
    assert "conditions" not in rest.get()
    emulator.lab("DELETE", path)
    assert rest.container("GET", "clusters/c")[0] == 404


def test_a_cluster_lost_while_it_is_created(emulator: Emulator, rest: Rest) -> None:
    emulator.fault({"stuck": True}, method="POST", path=CREATE)
    operation = _create(rest)
    emulator.lab("DELETE", f"clusters/{rest.project}/us-central1-a/c")
    assert rest.done(operation)["status"] == "DONE"
    assert rest.container("GET", "clusters/c")[0] == 404
    emulator.lab("DELETE", "faults")
    rest.cluster()


def test_googles_client_retries_a_503_on_get(emulator: Emulator, rest: Rest) -> None:
    rest.cluster()
    body = {"error": {"code": 503, "message": "try again", "status": "UNAVAILABLE"}}
    emulator.fault({"error": {"status": 503, "body": body}}, method="GET", path="/clusters/c$", count=2)
    name = f"projects/{rest.project}/locations/us-central1-a/clusters/c"
    assert emulator.clusters().get_cluster(name=name).name == "c"
    emulator.fault({"error": {"status": 500, "body": "<p>oops"}}, method="DELETE", path="/clusters/c$")
    with pytest.raises(exceptions.InternalServerError):
        emulator.clusters().delete_cluster(name=name)


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"action": {}},
        {"action": {"explode": True}},
        {"match": {"colour": 1}, "action": {"delay": 1}},
        {"match": {"path": "("}, "action": {"delay": 1}},
        {"action": {"drop": "sometimes"}},
        {"action": {"error": {"body": "x"}}},
    ],
)
def test_rules_that_make_no_sense(emulator: Emulator, rule: JSON) -> None:
    assert requests.post(f"{emulator.url}/lab/faults", json=rule, timeout=30).status_code == 400
