# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operations of a cluster do: drive the world, then write the cluster's new state."""

from __future__ import annotations

from typing import Any

from gkelab.model import firewalls
from gkelab.model.cloud import Cloud
from gkelab.model.firewalls import FirewallSync
from gkelab.model.plans import cluster_plan
from gkelab.model.store import JSON
from gkelab.model.threads import Threads
from gkelab.world.plan import Progress, World, WorldError


class _ClusterJob:
    """What every operation of a cluster works with. One that fails leaves the cluster in ERROR."""

    def __init__(self, cloud: Cloud, world: World, sync: FirewallSync, threads: Threads) -> None:
        self._cloud = cloud
        self._world = world
        self._sync = sync
        self._threads = threads

    def fail(self, operation: JSON, message: str) -> None:
        record = _cluster(self._cloud, operation)
        self._cloud.clusters.put(operation["cluster"], record | {"status": "ERROR", "statusMessage": message})


class CreateJob(_ClusterJob):
    """CREATE_CLUSTER: firewall rules, then the cluster itself."""

    async def work(self, operation: JSON, progress: Progress) -> Any:
        _refuse(operation)
        record = _cluster(self._cloud, operation)
        for key, rule in firewalls.cluster_rules(self._cloud, record):
            if key not in self._cloud.firewalls:
                self._cloud.firewalls.put(key, rule)
        await self._sync.apply()
        return await self._threads.call(self._world.create, cluster_plan(record), progress)

    def commit(self, operation: JSON, result: Any) -> None:
        record = _cluster(self._cloud, operation)
        self._cloud.clusters.put(operation["cluster"], record | {"status": "RUNNING", "ca": result.ca_certificate})


class DeleteJob(_ClusterJob):
    """DELETE_CLUSTER: the cluster and GKE's firewall rules for it."""

    async def work(self, operation: JSON, progress: Progress) -> Any:
        record = _cluster(self._cloud, operation)
        await self._threads.call(self._world.delete, cluster_plan(record))
        for key in firewalls.rule_keys(self._cloud, record):
            self._cloud.firewalls.drop(key)
        await self._sync.apply()

    def commit(self, operation: JSON, result: Any) -> None:
        self._cloud.clusters.drop(operation["cluster"])


class ChangeJob(_ClusterJob):
    """Every other operation: make the cluster what its ``pending`` says."""

    async def work(self, operation: JSON, progress: Progress) -> Any:
        _refuse(operation)
        record = _cluster(self._cloud, operation)
        if self._widen_rules(record):
            await self._sync.apply()
        plan = cluster_plan(record, record["pending"])
        if plan != cluster_plan(record):
            await self._threads.call(self._world.resize, plan, progress)

    def _widen_rules(self, record: JSON) -> bool:
        """Let the cluster's own rules cover pod ranges that came or went; true if any rule changed."""
        if record["pending"]["body"] == record["body"]:
            return False
        wanted = firewalls.all_pod_ranges(self._cloud, record, record["pending"]["body"])
        changed = False
        for key in firewalls.rule_keys(self._cloud, record):
            rule = self._cloud.firewalls.get(key)
            if rule and key.endswith(("-all", "-inkubelet")) and rule["sourceRanges"] != wanted:
                self._cloud.firewalls.put(key, rule | {"sourceRanges": wanted})
                changed = True
        return changed

    def commit(self, operation: JSON, result: Any) -> None:
        record = _cluster(self._cloud, operation)
        relabelled = record["pending"]["body"].get("resourceLabels") != record["body"].get("resourceLabels")
        done = _settled(record) | record["pending"] | {"revision": record["revision"] + 1}
        done["labelRevision"] = record.get("labelRevision", 0) + relabelled
        self._cloud.clusters.put(operation["cluster"], done)

    def fail(self, operation: JSON, message: str) -> None:
        self._cloud.clusters.put(operation["cluster"], _settled(_cluster(self._cloud, operation)))


class NoJob:
    """An operation that Google began by itself: it only keeps the cluster busy."""

    async def work(self, operation: JSON, progress: Progress) -> Any:
        return None

    def commit(self, operation: JSON, result: Any) -> None:
        """Nothing changed."""

    def fail(self, operation: JSON, message: str) -> None:
        """Nothing changed."""


def _cluster(cloud: Cloud, operation: JSON) -> JSON:
    record = cloud.clusters.get(operation["cluster"])
    if record is None:
        raise WorldError(f"cluster {operation['cluster']} disappeared")
    return record


def _settled(record: JSON) -> JSON:
    """The record as it is when no operation runs."""
    return {key: value for key, value in record.items() if key not in ("pending", "busyPool")} | {"status": "RUNNING"}


def _refuse(operation: JSON) -> None:
    failure = operation["args"].get("failure")
    if failure:
        raise WorldError(failure)
