# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of one running lab, put together; and what concerns all of it: start, repair, stop."""

from __future__ import annotations

from gkelab.model import addresses, firewalls
from gkelab.model.cloud import Cloud
from gkelab.model.clusters import Clusters
from gkelab.model.compute import ComputeOperations
from gkelab.model.credentials import Issuer
from gkelab.model.firewalls import FirewallSync
from gkelab.model.jobs import ChangeJob, CreateJob, DeleteJob, NoJob
from gkelab.model.operations import Operations
from gkelab.model.plans import cluster_plan
from gkelab.model.store import JSON, Store
from gkelab.model.threads import Threads
from gkelab.world.plan import ClusterPlan, World

_STOP_PATIENCE = 30.0


class Lab:
    """Everything behind the APIs. ``seconds`` is the least time of a cluster operation."""

    def __init__(self, store: Store, world: World, issuer: Issuer, *, depth: str, seconds: float) -> None:
        self.depth = depth
        self.seconds = seconds
        self.issuer = issuer
        self.cloud = Cloud(store)
        self._world = world
        self._threads = Threads()
        sync = FirewallSync(self.cloud, world, self._threads)
        self.operations = Operations(self.cloud, seconds)
        self.compute = ComputeOperations(self.cloud, sync, seconds)
        self.clusters = Clusters(self.cloud, self.operations, 0 if depth == "api" else addresses.REAL_SLOTS)
        self.operations.register("create", CreateJob(self.cloud, world, sync, self._threads))
        self.operations.register("delete", DeleteJob(self.cloud, world, sync, self._threads))
        self.operations.register("change", ChangeJob(self.cloud, world, sync, self._threads))
        self.operations.register("nothing", NoJob())

    async def start(self) -> None:
        """Bring the world to what the store says, then carry on with unfinished operations."""
        await self.repair()
        self.operations.resume()
        self.compute.resume()

    async def repair(self) -> None:
        """Heal what has died; what is well is left alone."""
        await self._threads.call(self._world.start, self._plans(), firewalls.snapshot(self.cloud))

    async def stop(self) -> None:
        """Take the world down and forget every resource."""
        self.operations.release()
        await self.operations.abandon()
        await self.compute.abandon()
        under_way = self._threads.busy
        await self._threads.call(self._world.stop)
        if under_way:
            # A create may have made more after its cluster was taken down: once it has given up, again.
            await self._threads.idle(_STOP_PATIENCE)
            await self._threads.call(self._world.stop)
        self.cloud.clear()

    async def leave(self) -> None:
        """End this process's part; clusters stay up and unfinished operations wait for the next process."""
        await self.operations.abandon()
        await self.compute.abandon()
        self.cloud.store.close()

    async def status(self) -> JSON:
        """What `gkelab status` shows."""
        states = {state.key: state for state in await self._threads.call(self._world.states)}
        clusters = []
        for key, record in ((cluster_plan(record).key, record) for record in self.cloud.clusters.values()):
            state = states.get(key)
            clusters.append(
                {
                    "project": record["project"],
                    "location": record["location"],
                    "name": record["name"],
                    "status": record["status"],
                    "version": record["body"]["currentMasterVersion"],
                    "endpoint": addresses.endpoint(record["slot"]),
                    "podRange": record["body"]["clusterIpv4Cidr"],
                    "slot": record["slot"],
                    "nodes": len(record["nodes"]),
                    "nodeNames": [node["name"] for node in record["nodes"]],
                    "healthy": state.healthy if state else None,
                    "processes": dict(state.processes) if state else {},
                }
            )
        return {
            "depth": self.depth,
            "operationSeconds": self.seconds,
            "clusters": clusters,
            "unfinishedOperations": self.operations.unfinished(),
            "firewalls": len(self.cloud.firewalls.values()),
        }

    async def lose(self, key: str) -> bool:
        """Delete a cluster out of band, whatever runs on it; false if there is none."""
        record = self.cloud.clusters.get(key)
        if record is None:
            return False
        await self._threads.call(self._world.delete, cluster_plan(record))
        self.operations.forget(key)
        for rule in firewalls.rule_keys(self.cloud, record):
            self.cloud.firewalls.drop(rule)
        self.cloud.clusters.drop(key)
        return True

    def release_stuck(self) -> None:
        """Let operations go on that an injected fault holds."""
        self.operations.release()
        self.compute.release()

    def _plans(self) -> list[ClusterPlan]:
        """Clusters that finished their create and are not on their way out."""
        alive = [record for record in self.cloud.clusters.values() if record["ca"] and record["status"] != "STOPPING"]
        return [cluster_plan(record) for record in alive]
