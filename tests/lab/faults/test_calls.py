# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that are answered badly or not at all: rates, outages, proxies, lost replies, lost sight of an operation."""

from __future__ import annotations

import pytest

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CLUSTER, CREATE, OPERATIONS, Cloud, Run, refusal

PER_MINUTE = (
    "Quota exceeded for quota metric 'Cluster writes' and limit 'Cluster writes per minute' of service "
    "'container.googleapis.com' for consumer 'project_number:123456789012'."
)
PAGE = "<html><head><style>p {color: red}</style></head><body><h1>502 Bad Gateway</h1>nginx</body></html>"


def _rate(status: str, **more: str) -> JSON:
    return refusal(status, PER_MINUTE, headers=more)


def _once_created(cloud: Cloud, run: Run) -> None:
    """However many requests it took: one creation, said, and nothing left to do."""
    assert run.result["changed"]
    assert run.result["cluster"]["status"] == "RUNNING"
    assert [one["operationType"] for one in cloud.operations()] == ["CREATE_CLUSTER"]
    again = cloud.cluster()
    assert not again.result["changed"]
    assert not again.writes


@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "PERMISSION_DENIED"])
def test_10_rate_of_writes(cloud: Cloud, status: str) -> None:
    cloud.fault(_rate(status, **{"Retry-After": "7"}), method="POST", path=CREATE, count=2)
    run = cloud.cluster()
    code = 429 if status == "RESOURCE_EXHAUSTED" else 403
    assert run.writes == [f"POST clusters {code}"] * 2 + ["POST clusters 200"]
    assert cloud.clock.slept.count(7.0) == 2
    _once_created(cloud, run)


def test_10_rate_of_reads(cloud: Cloud) -> None:
    cloud.fault(_rate("RESOURCE_EXHAUSTED", **{"Retry-After": "9"}), method="GET", count=3)
    run = cloud.cluster()
    assert run.calls[:4] == ["GET clusters/c 429"] * 3 + ["GET clusters/c 404"]
    assert cloud.clock.slept[:3] == [9.0] * 3
    _once_created(cloud, run)


def test_10_a_rate_that_does_not_fall(cloud: Cloud) -> None:
    cloud.fault(_rate("RESOURCE_EXHAUSTED"), method="POST", path=CREATE)
    run = cloud.cluster().failed_with(PER_MINUTE, "run fewer hosts at a time")
    assert 5 <= len(run.writes) <= 12
    assert 80 <= sum(cloud.clock.slept) <= 120
    assert not cloud.exists()


@pytest.mark.parametrize(
    "answer",
    [
        {"error": {"status": 503, "body": {"error": {"code": 503, "message": "Again", "status": "UNAVAILABLE"}}}},
        refusal("INTERNAL", "Internal error encountered."),
        {"error": {"status": 502, "body": PAGE}},
        {"error": {"status": 504, "body": ""}},
    ],
    ids=["503", "500-backend", "502-html", "504-empty"],
)
class Test11Outage:
    """Answers of a service in trouble."""

    def test_11_of_every_read(self, cloud: Cloud, answer: JSON) -> None:
        cloud.fault(answer, method="GET", path=CLUSTER, count=1)
        cloud.fault(answer, method="GET", path="/serverConfig$", count=2)
        cloud.fault(answer, method="GET", path=OPERATIONS, count=2)
        run = cloud.cluster()
        assert run.writes == ["POST clusters 200"]
        _once_created(cloud, run)

    def test_11_of_a_write_that_was_not_done(self, cloud: Cloud, answer: JSON) -> None:
        cloud.fault(answer, method="POST", path=CREATE, count=1)
        run = cloud.cluster()
        assert [one.rpartition(" ")[0] for one in run.writes] == ["POST clusters"] * 2
        _once_created(cloud, run)

    def test_11_of_a_write_that_was_done(self, cloud: Cloud, answer: JSON) -> None:
        after = {"error": {**answer["error"], "after": True}}
        cloud.fault(after, method="POST", path=CREATE, count=1)
        run = cloud.cluster()
        assert [one.rpartition(" ")[0] for one in run.writes] == ["POST clusters"]
        _once_created(cloud, run)


def test_11_an_outage_that_lasts(cloud: Cloud) -> None:
    cloud.fault({"error": {"status": 502, "body": PAGE}}, path="/v1/")
    run = cloud.cluster().failed_with("Failed to read cluster c in us-central1-a: HTTP 502 502 Bad Gateway nginx")
    assert "<" not in run.error
    assert "color" not in run.error
    assert not run.writes


def test_20_a_lost_reply_to_a_creation(cloud: Cloud) -> None:
    cloud.fault({"drop": "after"}, method="POST", path=CREATE, count=1)
    run = cloud.cluster()
    assert run.writes == ["POST clusters 0"]
    _once_created(cloud, run)


def test_20_a_creation_that_never_arrived(cloud: Cloud) -> None:
    cloud.fault({"drop": "before"}, method="POST", path=CREATE, count=1)
    run = cloud.cluster()
    assert run.writes == ["POST clusters 0", "POST clusters 200"]
    _once_created(cloud, run)


@pytest.mark.parametrize("when", ["before", "after"])
def test_20_a_lost_reply_to_a_change(cloud: Cloud, when: str) -> None:
    cloud.cluster()
    cloud.fault({"drop": when}, method="POST", path="setResourceLabels$", count=1)
    run = cloud.cluster(labels={"team": "a"})
    assert run.result["changed"]
    assert run.result["cluster"]["labels"] == {"team": "a"}
    assert len(run.writes) == (1 if when == "after" else 2)
    assert not cloud.cluster(labels={"team": "a"}).result["changed"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_20_a_lost_reply_to_a_deletion(cloud: Cloud, when: str) -> None:
    cloud.cluster()
    cloud.fault({"drop": when}, method="DELETE", path=CLUSTER, count=1)
    run = cloud.cluster(state="absent")
    assert run.result["changed"]
    assert len(run.writes) == (1 if when == "after" else 2)
    assert not cloud.exists()


def test_20_lost_reads(cloud: Cloud) -> None:
    cloud.fault({"drop": "before"}, method="GET", count=2)
    _once_created(cloud, cloud.cluster())


NOT_YET = "Not found: projects/p/locations/us-central1-a/operations/operation-1."


def test_21_an_operation_not_seen_at_first(cloud: Cloud) -> None:
    cloud.fault(refusal("NOT_FOUND", NOT_YET), method="GET", path=OPERATIONS, count=3)
    run = cloud.cluster()
    assert sum("operations/" in one and one.endswith("404") for one in run.calls) == 3
    _once_created(cloud, run)


def test_21_an_operation_never_seen(cloud: Cloud) -> None:
    cloud.fault(refusal("NOT_FOUND", NOT_YET), method="GET", path=OPERATIONS)
    cloud.cluster().failed_with("operation operation-", NOT_YET)
    assert 50 <= sum(cloud.clock.slept) <= 90
    cloud.heal()
    assert not cloud.cluster().writes


def test_18_a_creation_that_never_ends(cloud: Cloud) -> None:
    cloud.fault({"stuck": True}, method="POST", path=CREATE)
    run = cloud.cluster(wait_timeout=60)
    name = cloud.operations()[0]["name"]
    run.failed_with(
        f"operation {name} is still RUNNING after 1 m 00 s", "run again to wait for it, or raise wait_timeout"
    )
    again = cloud.cluster(wait_timeout=30).failed_with(name)
    assert not again.writes
    last = cloud.cluster(on={"c: creating": cloud.heal})
    assert last.result["changed"]
    assert not last.writes
    assert len(cloud.operations()) == 1


def test_19_interrupted_while_creating(cloud: Cloud) -> None:
    def press_control_c() -> None:
        raise KeyboardInterrupt

    cloud.fault({"stuck": True}, method="POST", path=CREATE)
    with pytest.raises(KeyboardInterrupt):
        cloud.cluster(on={"c: creating (0 of 3 stages": press_control_c})
    foreseen = cloud.cluster(check=True)
    assert foreseen.result["changed"]
    run = cloud.cluster(on={"c: creating (0 of 3 stages": cloud.heal})
    assert run.result["changed"]
    assert run.result["changes"] == ["cluster c: wait for its creation"]
    assert not run.writes
    assert len(cloud.operations()) == 1


@pytest.mark.parametrize("place", ["cluster", "operation", "both"])
def test_48_words_that_nobody_knows_yet(cloud: Cloud, place: str) -> None:
    news = {"status": "NEW_STATE", "newThing": {"kind": "SURPRISE", "many": [1, None, {}]}}
    if place != "operation":
        cloud.fault({"merge": news}, method="GET", path=CLUSTER, nth=2, count=2)
    if place != "cluster":
        cloud.fault({"merge": {**news, "operationType": "NEW_TYPE"}}, method="GET", path=OPERATIONS, count=3)
    _once_created(cloud, cloud.cluster())


def test_48_an_unknown_state_that_lasts(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.fault({"merge": {"status": "NEW_STATE"}}, method="GET", path=CLUSTER)
    run = cloud.cluster(labels={"team": "a"}, wait_timeout=60).failed_with("it is in state NEW_STATE")
    assert not run.writes
    assert sum(cloud.clock.slept) >= 50


def test_48_unknown_fields_everywhere(cloud: Cloud) -> None:
    cloud.cluster()
    strange = {"newThing": "x", "releaseChannel": {"channel": "GLACIAL", "new": 1}, "nodePools": [{"name": "p"}]}
    cloud.fault({"merge": strange}, method="GET", path=CLUSTER)
    assert cloud.cluster(node_pools=[{"name": "p"}], check=True).result["cluster"]["release_channel"] == "GLACIAL"
