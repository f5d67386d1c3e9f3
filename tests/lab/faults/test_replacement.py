# SPDX-License-Identifier: GPL-3.0-or-later
"""What cannot be changed gets something new in its place, if told to; and what may go wrong with that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect, draining
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport, Response

from tests.lab.emulator.emulator import JSON, until
from tests.lab.faults.api_server import ApiServer, api_server
from tests.lab.faults.cloud import ZONE, Cloud, FastClock, failure, refusal

POOLS = r"/nodePools$"
BEFORE: JSON = {"node_pools": [{"name": "work", "node_count": 2, "autoscaling": {"minimum": 1, "maximum": 4}}]}
AFTER: JSON = {
    "node_pools": [{**BEFORE["node_pools"][0], "service_account": "own", "node_labels": {"a": "b"}}],
    "replace_node_pools": True,
}
BUDGET = "The disruption budget web needs 1 healthy pods and has 1 currently"
HELD = {"message": "Cannot evict pod.", "details": {"causes": [{"reason": "DisruptionBudget", "message": BUDGET}]}}
DRAINED = "node pool work: drain and delete"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, clock: FastClock) -> Iterator[ApiServer]:
    """The cluster's API server, with two pods on two nodes of pool ``work``."""
    with api_server() as running:
        endpoint = Endpoint("c", running.url)
        client = KubeClient(HttpTransport(endpoint, clock.clock), endpoint, gke={"status": "RUNNING"})
        monkeypatch.setattr(connect, "connect", lambda ref, params: client)
        for number in (1, 2):
            labels = {draining.POOL_LABEL: "work"}
            running.api.put(f"/api/v1/nodes/n{number}", metadata={"uid": f"n{number}", "labels": labels}, spec={})
            running.api.put(
                f"/api/v1/namespaces/shop/pods/web-{number}",
                metadata={"uid": f"w{number}"},
                spec={"nodeName": f"n{number}"},
            )
        yield running


def _pods(server: ApiServer) -> list[str]:
    return [path.rsplit("/", 1)[1] for path in server.api.objects if "/pods/" in path]


def _hold(server: ApiServer, times: int) -> None:
    """Let a budget forbid so many evictions."""
    left = [HELD] * times
    server.api.on_evict = lambda path, pod: Response(429, json.dumps(left.pop()).encode()) if left else None


def test_28_a_pool_that_cannot_be_changed_is_named_with_the_way_out(cloud: Cloud) -> None:
    cloud.cluster(**BEFORE)
    run = cloud.cluster(**{**AFTER, "replace_node_pools": False}).failed_with(
        "these cannot be changed on an existing cluster: nodePools.work.config.serviceAccount: default -> own. ",
        "replace_node_pools: true",
    )
    assert not run.writes


def test_28_a_new_pool_takes_its_place_when_told_to(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)
    _hold(server, 2)
    foreseen = cloud.cluster(**AFTER, check=True)
    assert not foreseen.writes and not server.asked
    run = cloud.cluster(**AFTER)
    assert run.result["changes"] == foreseen.result["changes"]
    assert run.result["diff"] == foreseen.result["diff"]
    (pool,) = run.result["cluster"]["node_pools"]
    new = pool["name"]
    assert run.result["changes"] == [
        f"node pool work: create {new} in its place (nodePools.work.config.serviceAccount: default -> own)",
        "nodePools.work.autoscaling.enabled: true -> false",
        DRAINED,
    ]
    assert run.writes == [
        "POST clusters/c/nodePools 200", "POST clusters/c/nodePools/work:setAutoscaling 200",
        "DELETE clusters/c/nodePools/work 200",
    ]  # fmt: skip
    assert _pods(server) == []
    assert [line for line in run.lines if "draining" in line] == [
        "c: node pool work: draining (0 of 2 nodes empty, 2 pods left)",
        "c: node pool work: draining (1 of 2 nodes empty, 1 pod left)",
        "c: node pool work: draining (2 of 2 nodes empty, 0 pods left)",
    ]
    again = cloud.cluster(**AFTER)
    assert (again.result["changed"], again.calls) == (False, ["GET clusters/c 200"])
    without = cloud.cluster(**{**AFTER, "replace_node_pools": False, "remove_other_node_pools": True})
    assert not without.result["changed"]


def test_28_pods_that_stay_keep_their_pool(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)
    _hold(server, 10_000)
    run = cloud.cluster(**AFTER, drain_timeout=40).failed_with(
        "Failed to drain node pool work of cluster c: after 40 s these pods are still there: ",
        f"shop/web-1 ({BUDGET})",
    )  # fmt: skip
    assert not any("DELETE" in write for write in run.writes)
    assert len(cloud.rest.get()["nodePools"]) == 2
    server.api.on_evict = lambda path, pod: None
    foreseen = cloud.cluster(**AFTER, check=True)
    rest = cloud.cluster(**AFTER)
    assert rest.result["changes"] == foreseen.result["changes"] == [DRAINED]
    assert len(cloud.rest.get()["nodePools"]) == 1


def test_28_a_replacement_that_is_not_finished_is_told(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)
    _hold(server, 10_000)
    cloud.cluster(**AFTER, drain_timeout=1).failed_with("still there")
    run = cloud.cluster(**{**AFTER, "replace_node_pools": False, "remove_other_node_pools": True})
    assert "has taken the place of work, but not all the way: replace_node_pools: true" in run.warnings
    assert not run.writes


def test_28_the_api_server_is_away_while_google_works(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)
    server.away = 9
    assert cloud.cluster(**AFTER).result["changed"]
    assert _pods(server) == []


def test_28_no_new_pool_where_the_old_one_could_not_be_drained(
    cloud: Cloud, server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.cluster(**BEFORE)
    server.api.forbidden = {"create pods"}
    assert not cloud.cluster(**AFTER).failed_with("this account may not create pods/eviction").writes
    server.api.forbidden = set()
    server.away = 10_000
    monkeypatch.setattr(connect, "RUNNING_SECONDS", 0.4)
    assert not cloud.cluster(**AFTER).failed_with("Failed to reach the API server of cluster c").writes


def test_28_a_new_pool_that_is_not_made_leaves_the_old_one_alone(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)
    cloud.fault(failure("Insufficient regional quota to satisfy request.", "GCE_QUOTA_EXCEEDED"), path=POOLS)
    cloud.cluster(**AFTER).failed_with("Insufficient regional quota")
    assert "work" in [pool["name"] for pool in cloud.rest.get()["nodePools"]]
    assert not server.api.writes


def test_28_two_controllers_replace_one_pool(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)

    def too() -> None:
        options = cloud.validated(gke_cluster, name="c", location=ZONE, node_count=1, **AFTER)
        assert gke_cluster.run(options, check_mode=False, diff=False, report=lambda line: None)["changed"]

    run = cloud.cluster(**AFTER, on={"in its place": too})
    assert run.writes == ["POST clusters/c/nodePools 409"]
    assert not run.result["changed"], "it was the other one's doing"
    assert len(cloud.rest.get()["nodePools"]) == 1
    made = [one["operationType"] for one in cloud.operations()]
    assert (made.count("CREATE_NODE_POOL"), made.count("DELETE_NODE_POOL")) == (1, 1)


def test_28_without_waiting_it_goes_on_run_by_run(cloud: Cloud, server: ApiServer) -> None:
    cloud.cluster(**BEFORE)
    seen: list[list[str]] = []
    for dummy in range(12):
        run = cloud.cluster(**AFTER, wait=False)
        seen.append(run.result["changes"])
        until(lambda: all(one["status"] == "DONE" for one in cloud.operations()) or None)
        if not run.result["changed"]:
            break
    assert len(seen[0]) == 3 and seen[-2:] == [[DRAINED], []]
    assert len(cloud.rest.get()["nodePools"]) == 1 and _pods(server) == []


def test_28_a_cluster_is_made_anew_when_told_to(cloud: Cloud) -> None:
    cloud.cluster(description="one")
    other: dict[str, Any] = {"description": "two", "labels": {"team": "a"}}
    cloud.cluster(**other).failed_with("description: one -> two", "allow_recreate: true")
    told = {**other, "allow_recreate": True}
    cloud.cluster(**told, deletion_protection=True).failed_with("deletion_protection", "description: one -> two")
    foreseen = cloud.cluster(**told, check=True)
    assert not foreseen.writes
    run = cloud.cluster(**told)
    assert run.writes == ["DELETE clusters/c 200", "POST clusters 200"]
    assert (run.result["changes"], run.result["diff"], run.warnings) == (
        foreseen.result["changes"], foreseen.result["diff"], foreseen.warnings,
    )  # fmt: skip
    assert "deleted with all that runs in it and created anew" in run.warnings
    assert not cloud.cluster(**told).result["changed"]


LABELS: JSON = {"node_pools": [{**BEFORE["node_pools"][0], "node_labels": {"a": "b"}}]}


def test_35_somebody_changes_a_pool_between_reading_and_writing(cloud: Cloud) -> None:
    cloud.cluster(**BEFORE)
    theirs = {"taints": {"taints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}]}}
    run = cloud.cluster(
        **LABELS, on={"config.labels": lambda: cloud.rest.change("PUT", "clusters/c/nodePools/work", theirs)}
    )
    assert run.writes == ["PUT clusters/c/nodePools/work 409", "PUT clusters/c/nodePools/work 200"]
    (pool,) = cloud.rest.get()["nodePools"]
    assert pool["config"]["labels"] == {"a": "b"} and pool["config"]["taints"] == theirs["taints"]["taints"]


def test_35_an_etag_of_a_pool_that_never_fits(cloud: Cloud) -> None:
    cloud.cluster(**BEFORE)
    message = "The etag of the node pool does not match: concurrent modification."
    cloud.fault(refusal("ABORTED", message), method="PUT", path=r"/nodePools/work$")
    run = cloud.cluster(**LABELS).failed_with("Failed to change cluster c", message, "nobody has changed it")
    assert len(run.writes) == 2
