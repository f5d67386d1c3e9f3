# SPDX-License-Identifier: GPL-3.0-or-later
"""What the model asks of a world, and how it takes the world's failures."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gkelab.model import firewalls
from gkelab.model.credentials import Issuer, write_credentials
from gkelab.model.errors import ApiError
from gkelab.model.lab import Lab
from gkelab.model.store import Store
from gkelab.world.plan import ApiWorld, ClusterAccess, ClusterPlan, Progress, WorldError

PROJECT, ZONE = "p", "us-central1-a"
POOL = {"name": "pool", "initialNodeCount": 2, "config": {"tags": ["mesh"], "labels": {"a": "b"}}}


class Recorder(ApiWorld):
    """A world that notes what it is asked for, and fails or waits when told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.plans: list[ClusterPlan] = []
        self.rules: list[Sequence[Mapping[str, Any]]] = []
        self.started_with: list[str] = []
        self.error: Exception | None = None
        self.gate: threading.Event | None = None

    def start(self, plans: Sequence[ClusterPlan], firewalls: Sequence[Mapping[str, Any]]) -> None:
        self.started_with = [plan.name for plan in plans]

    def create(self, plan: ClusterPlan, progress: Progress) -> ClusterAccess:
        self._note("create", plan)
        if self.gate is not None:
            self.gate.wait(10)
        return ClusterAccess(ca_certificate="CA")

    def resize(self, plan: ClusterPlan, progress: Progress) -> None:
        self._note("resize", plan)

    def delete(self, plan: ClusterPlan) -> None:
        self._note("delete", plan)

    def set_firewalls(self, firewalls: Sequence[Mapping[str, Any]]) -> None:
        self.calls.append("firewalls")
        self.rules.append(firewalls)

    def stop(self) -> None:
        self.calls.append("stop")

    def _note(self, call: str, plan: ClusterPlan) -> None:
        self.calls.append(call)
        self.plans.append(plan)
        if self.error is not None:
            raise self.error


Scenario = Callable[[Lab, Recorder], Awaitable[None]]


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Scenario], Recorder]:
    """Run a scenario in a lab over what earlier scenarios of the test left in the store."""
    key_file = tmp_path / "credentials.json"
    write_credentials(key_file, "http://127.0.0.1:1/token", "lab-project")
    issuer = Issuer(json.loads(key_file.read_text(encoding="utf-8")))

    def run(scenario: Scenario) -> Recorder:
        world = Recorder()

        async def main() -> None:
            lab = Lab(Store(tmp_path / "state.db"), world, issuer, depth="control-plane", seconds=0)
            await lab.start()
            await scenario(lab, world)
            await lab.leave()

        asyncio.run(main())
        return world

    return run


async def finish(lab: Lab, operation: Mapping[str, Any]) -> dict[str, Any]:
    while True:
        current = lab.operations.get(PROJECT, ZONE, operation["name"])
        if current["status"] == "DONE":
            return current
        await asyncio.sleep(0)


async def create(lab: Lab, name: str = "c") -> dict[str, Any]:
    return await finish(lab, lab.clusters.create(PROJECT, ZONE, {"name": name, "nodePools": [POOL]}))


def test_a_create_opens_the_firewall_first_and_plans_whole_machines(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        assert "error" not in await create(lab)

    world = play(scenario)
    assert world.calls == ["firewalls", "create"]
    plan = world.plans[0]
    assert (plan.key, plan.slot, plan.endpoint) == (f"{PROJECT}/{ZONE}/c", 0, "198.18.0.2")
    assert (plan.region, plan.network, plan.dns_address) == ("us-central1", "default", "34.118.224.10")
    assert [node.address for node in plan.nodes] == ["10.128.0.2", "10.128.0.3"]
    assert [node.pod_cidr for node in plan.nodes] == ["10.0.0.0/24", "10.0.1.0/24"]
    assert plan.nodes[0].tags == (plan.node_tag, "mesh")
    assert plan.nodes[0].labels["a"] == "b"
    assert plan.nodes[0].labels["topology.kubernetes.io/zone"] == ZONE
    assert any(rule["name"].endswith("-all") and rule["targetTags"] == [plan.node_tag] for rule in world.rules[0])


def test_a_world_that_fails_leaves_a_cluster_in_error(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        world.error = WorldError("kube-apiserver does not answer")
        done = await create(lab)
        assert done["error"]["message"] == done["statusMessage"] == "kube-apiserver does not answer"
        assert lab.clusters.get(PROJECT, ZONE, "c")["status"] == "ERROR"
        world.error = None
        assert "error" not in await finish(lab, lab.clusters.delete(PROJECT, ZONE, "c"))
        with pytest.raises(ApiError, match="Not found"):
            lab.clusters.get(PROJECT, ZONE, "c")

    assert play(scenario).calls == ["firewalls", "create", "delete", "firewalls"]


def test_a_failed_resize_keeps_the_old_size(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        await create(lab)
        world.error = RuntimeError("no such luck")
        operation = lab.clusters.set_pool_size(PROJECT, ZONE, "c", "pool", {"nodeCount": 3})
        assert (await finish(lab, operation))["error"]["message"] == "no such luck"
        cluster = lab.clusters.get(PROJECT, ZONE, "c")
        assert (cluster["status"], cluster["currentNodeCount"]) == ("RUNNING", 2)

    play(scenario)


def test_the_world_hears_only_of_changes_that_concern_machines(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        await create(lab)
        before = world.plans[0]
        world.calls.clear()
        label = lab.clusters.get(PROJECT, ZONE, "c")["labelFingerprint"]
        request = {"resourceLabels": {"a": "b"}, "labelFingerprint": label}
        await finish(lab, lab.clusters.set_labels(PROJECT, ZONE, "c", request))
        assert world.calls == []
        tags = {"tags": {"tags": ["mesh", "more"]}}
        await finish(lab, lab.clusters.update_pool(PROJECT, ZONE, "c", "pool", tags))
        assert world.calls == ["resize"]
        assert world.plans[-1].nodes[0].tags == (before.node_tag, "mesh", "more")
        await finish(lab, lab.clusters.set_pool_size(PROJECT, ZONE, "c", "pool", {"nodeCount": 1}))
        assert [node.name for node in world.plans[-1].nodes] == [before.nodes[0].name]

    play(scenario)


def test_clusters_alive_at_the_same_time_share_nothing(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        for name in ("a", "b"):
            await create(lab, name)
        await finish(lab, lab.clusters.delete(PROJECT, ZONE, "a"))
        await create(lab, "x")

    a, b, _, x = play(scenario).plans
    assert (a.slot, b.slot, x.slot) == (0, 1, 0)
    assert {node.address for node in x.nodes}.isdisjoint(node.address for node in b.nodes)
    assert x.pod_cidr != b.pod_cidr
    assert x.node_tag != a.node_tag


def test_a_start_heals_finished_clusters_and_resumes_the_others(play: Callable[[Scenario], Recorder]) -> None:
    async def first(lab: Lab, world: Recorder) -> None:
        await create(lab, "finished")
        lab.clusters.create(PROJECT, ZONE, {"name": "begun", "nodePools": [POOL]})
        lab.clusters.delete(PROJECT, ZONE, "finished")

    async def second(lab: Lab, world: Recorder) -> None:
        while lab.operations.unfinished():
            await asyncio.sleep(0)
        assert [record["name"] for record in lab.cloud.clusters.values()] == ["begun"]

    async def third(lab: Lab, world: Recorder) -> None:
        pass

    play(first)
    resumed = play(second)
    assert resumed.started_with == []
    assert {"create", "delete"} <= set(resumed.calls)
    assert play(third).started_with == ["begun"]


def test_stop_waits_for_a_create_under_way_and_stops_again(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        world.gate = threading.Event()
        lab.clusters.create(PROJECT, ZONE, {"name": "c", "nodePools": [POOL]})
        while "create" not in world.calls:
            await asyncio.sleep(0)
        stopping = asyncio.create_task(lab.stop())
        while "stop" not in world.calls:
            await asyncio.sleep(0)
        world.gate.set()
        await stopping
        assert lab.cloud.clusters.values() == []

    assert play(scenario).calls == ["firewalls", "create", "stop", "stop"]


def test_real_clusters_are_bounded(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        for number in range(128):
            lab.clusters.create(PROJECT, ZONE, {"name": f"c{number}", "nodePools": [POOL]})
        with pytest.raises(ApiError, match="128"):
            lab.clusters.create(PROJECT, ZONE, {"name": "more", "nodePools": [POOL]})

    play(scenario)


def test_an_operation_is_done_once_the_world_has_its_rule(play: Callable[[Scenario], Recorder]) -> None:
    async def scenario(lab: Lab, world: Recorder) -> None:
        def insert(name: str) -> dict[str, Any]:
            body = {"name": name, "allowed": [{"IPProtocol": "tcp"}]}
            rule = firewalls.insert(lab.cloud, lab.cloud.project_id(PROJECT), body)
            put = partial(lab.cloud.firewalls.put, f"{PROJECT}/{name}", rule)
            return lab.compute.start("insert", PROJECT, rule, put)

        begun = {name: insert(name) for name in ("r0", "r1", "r2")}
        for name, operation in begun.items():
            assert (await lab.compute.wait(PROJECT, operation["name"]))["status"] == "DONE"
            assert name in {rule["name"] for rule in world.rules[-1]}

    play(scenario)
