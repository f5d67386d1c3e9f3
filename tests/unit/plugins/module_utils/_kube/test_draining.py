# SPDX-License-Identifier: GPL-3.0-or-later
"""Emptying nodes: closed first, every pod asked that must go, budgets kept to, and a clear word when pods stay."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube import draining
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Response

from tests.unit.plugins.fake_kube import FakeApi, FakeTime

Object = dict[str, Any]
PODS = "/api/v1/namespaces/shop/pods"
NODES = "/api/v1/nodes"
BUDGET = "The disruption budget web needs 2 healthy pods and has 2 currently"


class World:
    """A cluster with pools ``old`` (two nodes) and ``new`` (one), and a clock."""

    def __init__(self) -> None:
        self.api, self.time, self.lines = FakeApi("central"), FakeTime(), list[str]()
        for name, pool in (("o1", "old"), ("o2", "old"), ("n1", "new")):
            self.node(name, pool)

    def node(self, name: str, pool: str, **more: Any) -> Object:
        labels = {draining.POOL_LABEL: pool}
        kept = {"metadata": {"uid": f"uid-{name}", "labels": labels}, "spec": {}, **more}
        return self.api.put(f"{NODES}/{name}", apiVersion="v1", kind="Node", **kept)

    def pod(self, name: str, node: str, phase: str = "Running", **metadata: Any) -> Object:
        kept = {"uid": f"uid-{name}", **metadata}
        state = {"spec": {"nodeName": node}, "status": {"phase": phase}}
        return self.api.put(f"{PODS}/{name}", apiVersion="v1", kind="Pod", metadata=kept, **state)

    def drain(
        self, seconds: float = 60, *, closed: tuple[str, ...] = ("old",), at_once: int = 9, wait: bool = True
    ) -> bool:
        job = draining.Job("old", closed, "new", at_once)
        return draining.drain(self.api.client, job, seconds, self.lines.append, wait=wait, clock=self.time.clock)

    @property
    def closed(self) -> list[str]:
        return [
            path.removeprefix(f"{NODES}/")
            for path, obj in self.api.objects.items()
            if path.startswith(NODES) and obj["spec"].get("unschedulable")
        ]

    @property
    def pods(self) -> list[str]:
        return [path.removeprefix(f"{PODS}/") for path in self.api.objects if path.startswith(PODS)]

    @property
    def evictions(self) -> list[str]:
        return [call.split("/")[-2] for call in self.api.calls if call.endswith("/eviction")]


@pytest.fixture
def world() -> World:
    return World()


def refusal(message: str = BUDGET, status: int = 429, reason: str = "DisruptionBudget") -> Response:
    told = {"message": "Cannot evict pod.", "details": {"causes": [{"reason": reason, "message": message}]}}
    return Response(status, json.dumps(told).encode())


def test_pods_go_nodes_are_closed_first_and_the_rest_is_left_alone(world: World) -> None:
    world.pod("web-1", "o1")
    world.pod("web-2", "o2", phase="Pending")
    world.pod("elsewhere", "n1")
    assert world.drain()
    assert world.pods == ["elsewhere"]
    assert world.closed == ["o1", "o2"]
    writes = [call.split("/")[-2:] for call in world.api.writes]
    assert writes == [["nodes", "o1"], ["nodes", "o2"], ["web-1", "eviction"], ["web-2", "eviction"]]
    assert world.lines == [
        "node pool old: draining (0 of 2 nodes empty, 2 pods left)",
        "node pool old: draining (2 of 2 nodes empty, 0 pods left)",
    ]


def test_what_belongs_to_the_node_or_is_over_stays(world: World) -> None:
    daemon = [{"kind": "DaemonSet", "name": "agent", "controller": True}]
    world.pod("agent", "o1", ownerReferences=daemon)
    world.pod("static", "o1", annotations={draining.MIRROR: "hash"})
    world.pod("done", "o1", phase="Succeeded")
    world.pod("broken", "o2", phase="Failed")
    world.pod("web", "o2", ownerReferences=[{"kind": "ReplicaSet", "name": "web", "controller": True}])
    assert world.drain()
    assert world.evictions == ["web"]


def test_an_empty_pool_is_one_look_and_no_word(world: World) -> None:
    world.drain()
    world.api.calls.clear()
    world.lines.clear()
    assert world.drain()
    assert world.api.calls == [f"GET {NODES}", f"GET {NODES}", "GET /api/v1/pods", "GET /api/v1/pods"]
    assert not world.lines


def test_a_pool_without_nodes_is_empty(world: World) -> None:
    for name in ("o1", "o2"):
        del world.api.objects[f"{NODES}/{name}"]
    assert world.drain()
    assert not world.api.writes


def test_nodes_have_their_turn(world: World) -> None:
    """What has no budget is not ended everywhere at once."""
    for name, node in (("web-1", "o1"), ("web-2", "o1"), ("web-3", "o2")):
        world.pod(name, node)

    def evict(path: str, pod: Object) -> Response:
        pod["metadata"]["deletionTimestamp"] = "2026-11-23T20:00:00Z"
        world.time.at(world.time.seconds + 4, lambda: world.api.objects.pop(path))
        return Response(201, b"{}")

    world.api.on_evict = evict
    with pytest.raises(
        MeshError, match=r"shop/web-1 \(it is ending\).*shop/web-3 \(the turn of its node has not come\)"
    ):
        world.drain(1, at_once=1)
    assert world.evictions == ["web-1", "web-2"] and world.closed == ["o1", "o2"]
    assert world.drain(at_once=1)
    assert world.evictions[2:] == ["web-3"]
    assert world.lines[-2:] == [
        "node pool old: draining (1 of 2 nodes empty, 1 pod left)",
        "node pool old: draining (2 of 2 nodes empty, 0 pods left)",
    ]


def test_after_a_long_wait_the_next_node_is_not_kept_waiting(world: World) -> None:
    world.pod("slow", "o1", deletionTimestamp="2026-11-23T20:00:00Z")
    world.pod("web", "o2")
    world.time.at(60, lambda: world.api.objects.pop(f"{PODS}/slow"))
    asked: list[float] = []
    world.api.on_evict = lambda path, pod: asked.append(world.time.seconds)
    assert world.drain(300, at_once=1)
    assert world.time.seconds - asked[0] < 1


def test_a_budget_is_waited_for(world: World) -> None:
    world.pod("web-1", "o1")
    world.pod("web-2", "o2")
    healthy = {"web-1", "web-2", "web-3"}

    def evict(path: str, pod: Object) -> Response | None:
        if len(healthy) <= 2:
            return refusal()
        healthy.discard(pod["metadata"]["name"])
        world.time.at(world.time.seconds + 7, lambda: healthy.add("web-4"))
        return None

    world.api.on_evict = evict
    assert world.drain()
    assert not world.pods
    assert world.evictions[:2] == ["web-1", "web-2"] and len(world.evictions) > 2
    assert world.time.seconds >= 7
    assert world.lines[1] == "node pool old: draining (1 of 2 nodes empty, 1 pod left)"
    assert len(world.lines) == 3, "a line for each change, not for each look"


def test_pods_that_stay_are_named_with_the_budget_that_holds_them(world: World) -> None:
    world.pod("web-1", "o1")
    world.pod("slow", "o2", deletionTimestamp="2026-11-23T20:00:00Z")
    world.api.on_evict = lambda path, pod: refusal()
    with pytest.raises(MeshError) as caught:
        world.drain(30)
    assert str(caught.value) == (
        "Failed to drain node pool old of cluster central: after 30 s these pods are still there: "
        f"shop/web-1 ({BUDGET}), shop/slow (it is ending). "
        "Nothing is deleted, and the nodes take in no pods. See to what holds them and run again to go on."
    )
    assert world.closed == ["o1", "o2"]
    assert set(world.evictions) == {"web-1"}, "what is ending is not asked again"
    assert 30 <= world.time.seconds < 36


def test_a_long_list_is_cut(world: World) -> None:
    for number in range(14):
        world.pod(f"web-{number}", "o1")
    world.api.on_evict = lambda path, pod: refusal()
    with pytest.raises(MeshError, match=r"shop/web-1 .* and 4 more\."):
        world.drain(1)


def test_the_next_run_goes_on(world: World) -> None:
    world.pod("web-1", "o1")
    world.pod("web-2", "o2")
    world.api.on_evict = lambda path, pod: refusal() if pod["metadata"]["name"] == "web-2" else None
    with pytest.raises(MeshError):
        world.drain(1)
    world.api.on_evict = lambda path, pod: None
    world.api.calls.clear()
    assert world.drain()
    assert world.api.writes == [f"POST {PODS}/web-2/eviction"]


def test_a_pod_that_ends_slowly_is_asked_once(world: World) -> None:
    web = world.pod("web", "o1")

    def evict(path: str, pod: Object) -> Response:
        web["metadata"]["deletionTimestamp"] = "2026-11-23T20:00:00Z"
        world.time.at(world.time.seconds + 20, lambda: world.api.objects.pop(path))
        return Response(201, b"{}")

    world.api.on_evict = evict
    assert world.drain()
    assert world.evictions == ["web"]


@pytest.mark.parametrize("status", [404, 409])
def test_a_pod_that_vanishes_or_is_another_by_now(world: World, status: int) -> None:
    world.pod("web", "o1")

    def evict(path: str, pod: Object) -> Response:
        del world.api.objects[path]
        return Response(status, b"{}")

    world.api.on_evict = evict
    assert world.drain()


def test_a_node_that_vanishes_is_not_made_again(world: World) -> None:
    world.pod("web", "o1")
    listed, going = world.api.client.list, [f"{NODES}/o1", f"{PODS}/web"]

    def list_and_lose(*arguments: Any, **options: Any) -> list[Object]:
        found = listed(*arguments, **options)
        while going:
            del world.api.objects[going.pop()]
        return found

    world.api.client.list = list_and_lose  # type: ignore[method-assign]
    assert world.drain()
    assert f"PATCH {NODES}/o1" in world.api.calls
    assert f"{NODES}/o1" not in world.api.objects


def test_a_node_that_joins_meanwhile_is_closed_and_emptied_too(world: World) -> None:
    world.pod("web-1", "o1")

    def evict(path: str, pod: Object) -> None:
        if pod["metadata"]["name"] == "web-1":
            world.node("o3", "old")
            world.pod("web-2", "o3")

    world.api.on_evict = evict
    assert world.drain()
    assert world.closed == ["o1", "o2", "o3"]
    assert world.pods == []


def test_a_pod_that_slips_in_last_is_found(world: World) -> None:
    """One was bound to a node that had been found empty: all are looked at once more."""
    world.pod("web-1", "o2")

    def evict(path: str, pod: Object) -> None:
        if pod["metadata"]["name"] == "web-1":
            world.pod("late", "o1")

    world.api.on_evict = evict
    assert world.drain()
    assert world.evictions == ["web-1", "late"]


def test_pods_of_one_old_pool_do_not_move_to_another(world: World) -> None:
    world.node("e1", "older")
    world.pod("web", "o1")
    assert world.drain(closed=("old", "older"))
    assert world.closed == ["o1", "o2", "e1"]


def test_what_we_closed_of_the_new_pool_is_opened_and_what_others_did_is_not(world: World) -> None:
    """After a change of mind half way: the pool that was being drained takes the pods back."""
    job = draining.Job("new", ("new",), "old")
    draining.drain(world.api.client, job, 60, world.lines.append, clock=world.time.clock)
    world.node("n2", "new", spec={"unschedulable": True})
    assert world.closed == ["n1", "n2"]
    assert world.drain()
    assert world.closed == ["o1", "o2", "n2"]
    assert f"PATCH {NODES}/n2" not in world.api.calls


def test_without_waiting_it_is_one_round(world: World) -> None:
    world.pod("web-1", "o1")
    world.pod("web-2", "o2")
    assert not world.drain(wait=False)
    assert world.pods == [] and world.time.seconds == 0
    assert world.drain(wait=False)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_answer_that_may_be_another_later(world: World, status: int) -> None:
    world.pod("web", "o1")
    answers = [Response(status, b'{"message": "busy"}'), None]
    world.api.on_evict = lambda path, pod: answers.pop(0)
    assert world.drain()


def test_a_namespace_that_is_going_takes_its_pods_along(world: World) -> None:
    world.pod("web", "o1")
    world.time.at(10, lambda: world.api.objects.pop(f"{PODS}/web"))
    world.api.on_evict = lambda path, pod: refusal("it is being terminated", 403, "NamespaceTerminating")
    assert world.drain()


def test_a_right_that_is_missing_is_said_at_once(world: World) -> None:
    world.pod("web", "o1")
    world.api.on_evict = lambda path, pod: Response(403, b'{"message": "pods/eviction is forbidden"}')
    with pytest.raises(ApiError, match=r"Failed to evict Pod shop/web in cluster central: pods/eviction is forbidden"):
        world.drain()
    assert world.time.seconds == 0


def test_a_node_that_may_not_be_closed_is_said_at_once(world: World) -> None:
    world.api.refusals["PATCH", f"{NODES}/o1"] = Response(403, b'{"message": "nodes is forbidden"}')
    with pytest.raises(ApiError, match="nodes is forbidden"):
        world.drain()


@pytest.mark.parametrize("lasting", [False, True])
def test_an_api_server_that_is_away_is_waited_for(world: World, lasting: bool) -> None:
    world.pod("web", "o1")
    ask, away = world.api.request, [True, True]

    def request(*arguments: Any, **options: Any) -> Response:
        if away:
            away.pop()
            raise Unreachable("central", "https://x", "no answer in time", lasting=lasting)
        return ask(*arguments, **options)

    world.api.request = request  # type: ignore[method-assign]
    if lasting:
        with pytest.raises(Unreachable):
            world.drain()
    else:
        assert world.drain()
        assert not world.pods


def test_an_api_server_that_stays_away(world: World) -> None:
    def request(*arguments: Any, **options: Any) -> Response:
        raise Unreachable("central", "https://x", "no answer in time")

    world.api.request = request  # type: ignore[method-assign]
    with pytest.raises(Unreachable):
        world.drain(30)
    assert world.time.seconds >= 30


def test_rights_are_checked_before_anything_is_made_for_them(world: World) -> None:
    draining.check(world.api.client)
    world.api.forbidden = {"create pods"}
    with pytest.raises(MeshError) as caught:
        draining.check(world.api.client)
    assert str(caught.value) == (
        "Failed to prepare to drain nodes of cluster central: this account may not create pods/eviction. "
        "Grant it roles/container.admin, or those rights inside the cluster."
    )
    world.api.forbidden |= {"patch nodes"}
    with pytest.raises(MeshError, match="may not patch nodes nor create pods/eviction"):
        draining.check(world.api.client)
    assert not world.api.writes
