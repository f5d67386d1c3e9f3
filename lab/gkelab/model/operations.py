# SPDX-License-Identifier: GPL-3.0-or-later
"""Cluster operations: one at a time a cluster, at least so many seconds each, finished after a restart.

A record holds what Google shows of an operation and, for us, ``kind`` (who carries it out), ``args``, ``seconds`` and
the injected faults that apply to it. Everything here runs on the event loop; only worlds work in threads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from gkelab.model import injected, names
from gkelab.model.cloud import Cloud, cluster_key
from gkelab.model.errors import ApiError, error_info
from gkelab.model.store import JSON
from gkelab.world.plan import Progress

_LOG = logging.getLogger(__name__)
_STAGES = (("CLUSTER_CONFIGURING", 8), ("CLUSTER_DEPLOYING", 12), ("CLUSTER_HEALTHCHECKING", 2))
_KEPT_ACTIONS = ("operation_error", "stuck", "auto_operation")


class Job(Protocol):
    """What one kind of operation does."""

    async def work(self, operation: JSON, progress: Progress) -> Any:
        """The slow part; may be repeated after a crash. Raises for failure."""

    def commit(self, operation: JSON, result: Any) -> None:
        """Write the new state; in one transaction with the operation's end."""

    def fail(self, operation: JSON, message: str) -> None:
        """Write the state after a failure."""


class Operations:
    """The operations of all clusters. ``seconds`` is the least time that one takes."""

    def __init__(self, cloud: Cloud, seconds: float) -> None:
        self._cloud = cloud
        self._seconds = seconds
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._metrics: dict[str, dict[str, int]] = {}
        self._released = asyncio.Event()

    def register(self, kind: str, job: Job) -> None:
        self._jobs[kind] = job

    def start(self, kind: str, operation_type: str, cluster: JSON, *, pool: str = "", args: JSON | None = None) -> JSON:
        """Begin an operation on a cluster; gives back the operation as the API shows it."""
        actions = injected.actions.get()
        now = self._cloud.clock()
        record: JSON = {
            "name": names.operation_name(now),
            "project": cluster["project"],
            "location": cluster["location"],
            "cluster": cluster_key(cluster["project"], cluster["location"], cluster["name"]),
            "target": f"clusters/{cluster['name']}" + (f"/nodePools/{pool}" if pool else ""),
            "type": operation_type,
            "status": "RUNNING",
            "start": now,
            "kind": kind,
            "args": args or {},
            "seconds": float(actions.get("operation_seconds", self._seconds)),
            "actions": {name: actions[name] for name in _KEPT_ACTIONS if name in actions},
        }
        self._cloud.operations.put(record["name"], record)
        self._launch(record)
        return self.view(record)

    def resume(self) -> None:
        """Carry on with what an earlier process left unfinished."""
        for record in self._cloud.operations.values():
            if record["status"] != "DONE":
                self._launch(record)

    def running(self, cluster: str) -> JSON | None:
        """The operation in flight on a cluster, by its key."""
        for name in self._tasks:
            record = self._cloud.operations.get(name)
            if record and record["cluster"] == cluster and record["status"] != "DONE":
                return record
        return None

    def refuse_if_busy(self, cluster: str) -> None:
        """Raise what Google answers while another operation runs on the cluster."""
        record = self.running(cluster)
        if record is not None:
            raise ApiError(
                "FAILED_PRECONDITION",
                f"Cluster is running incompatible operation {record['name']}.",
                details=[error_info("CLUSTER_ALREADY_HAS_OPERATION", "container.googleapis.com")],
            )

    def get(self, project: str, location: str, name: str) -> JSON:
        return self.view(self._find(project, location, name))

    def listing(self, project: str, location: str) -> list[JSON]:
        """Operations of a project; ``-`` is every location."""
        return [
            self.view(record)
            for record in self._cloud.operations.values()
            if record["project"] == project and location in ("-", record["location"])
        ]

    def cancel(self, project: str, location: str, name: str) -> None:
        """Only node upgrades can be cancelled."""
        record = self._find(project, location, name)
        if record["type"] != "UPGRADE_NODES" or record["status"] == "DONE":
            raise ApiError("FAILED_PRECONDITION", f"Operation {name} cannot be cancelled.")
        self._tasks[name].cancel()
        with self._cloud.store.together():
            self._jobs[record["kind"]].fail(record, "")
            self._finish(record)

    def forget(self, cluster: str) -> None:
        """End what runs on a cluster that is gone."""
        for name, task in list(self._tasks.items()):
            record = self._cloud.operations.get(name)
            if record and record["cluster"] == cluster:
                task.cancel()
                self._finish(record)

    def release(self) -> None:
        """Let stuck operations go on."""
        self._released.set()
        self._released = asyncio.Event()

    def unfinished(self) -> int:
        return sum(record["status"] != "DONE" for record in self._cloud.operations.values())

    async def abandon(self) -> None:
        """Stop following all operations, as a process that ends does."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _find(self, project: str, location: str, name: str) -> JSON:
        record = self._cloud.operations.get(name)
        if record is None or record["project"] != project or location not in ("-", record["location"]):
            where = f"{names.container_parent(project, location)}/operations/{name}"
            raise ApiError("NOT_FOUND", f"Not found: {where}.")
        return record

    def _launch(self, record: JSON) -> None:
        task = asyncio.get_running_loop().create_task(self._run(record))
        self._tasks[record["name"]] = task
        task.add_done_callback(lambda _: self._tasks.pop(record["name"], None))

    async def _run(self, record: JSON) -> None:
        job, actions = self._jobs[record["kind"]], record["actions"]
        try:
            await self._wait(record)
            if "operation_error" in actions:
                self._fail(record, job, actions["operation_error"])
                return
            result = await self._work(record, job)
        except Exception as error:
            _LOG.exception("operation %s on %s failed", record["name"], record["cluster"])
            self._fail(record, job, {"message": str(error)})
            return
        with self._cloud.store.together():
            job.commit(record, result)
            self._finish(record)
        self._start_own(record)

    async def _wait(self, record: JSON) -> None:
        if record["actions"].get("stuck"):
            await self._released.wait()
        if "operation_error" in record["actions"]:
            await asyncio.sleep(self._left(record))

    async def _work(self, record: JSON, job: Job) -> Any:
        metrics = self._metrics.setdefault(record["name"], {})

        def progress(stage: str, done: int, of: int) -> None:
            metrics[stage] = done
            metrics[f"{stage}_TOTAL"] = of

        result = await job.work(record, progress)
        await asyncio.sleep(self._left(record))
        return result

    def _left(self, record: JSON) -> float:
        return max(0.0, float(record["start"] + record["seconds"] - self._cloud.clock()))

    def _fail(self, record: JSON, job: Job, error: Mapping[str, Any]) -> None:
        """``error``: message; optional code, status_message (false: leave it out), only_status_message, conditions."""
        message = str(error.get("message", "Internal error."))
        with self._cloud.store.together():
            job.fail(record, message)
            if not error.get("only_status_message"):
                record["error"] = {"code": int(error.get("code", 13)), "message": message}
            if error.get("status_message", True):
                record["statusMessage"] = message
            if error.get("conditions"):
                record["clusterConditions"] = list(error["conditions"])
            self._finish(record)

    def _finish(self, record: JSON) -> None:
        record |= {"status": "DONE", "end": self._cloud.clock()}
        self._cloud.operations.put(record["name"], record)

    def _start_own(self, record: JSON) -> None:
        """An operation that Google begins by itself right after this one (injected fault)."""
        wanted = record["actions"].get("auto_operation")
        cluster = self._cloud.clusters.get(record["cluster"])
        if not wanted or cluster is None:
            return
        own: JSON = {"operation_seconds": wanted.get("seconds", self._seconds)}
        token = injected.actions.set(own | ({"stuck": True} if wanted.get("stuck") else {}))
        try:
            pool = cluster["body"]["nodePools"][0]["name"]
            self.start("nothing", str(wanted.get("type", "UPGRADE_NODES")), cluster, pool=pool)
        finally:
            injected.actions.reset(token)

    def view(self, record: JSON) -> JSON:
        """The operation as the API shows it."""
        project, location = record["project"], record["location"]
        shown: JSON = {
            "name": record["name"],
            "zone": location,
            "location": location,
            "operationType": record["type"],
            "status": record["status"],
            "startTime": names.timestamp(record["start"]),
            "selfLink": names.container_link(project, location, f"operations/{record['name']}"),
            "targetLink": names.container_link(project, location, record["target"]),
        }
        if "end" in record:
            shown["endTime"] = names.timestamp(record["end"])
        for field in ("statusMessage", "error", "clusterConditions"):
            if field in record:
                shown[field] = record[field]
        if record["type"] == "CREATE_CLUSTER":
            shown["progress"] = {"metrics": self._progress(record)}
        return shown

    def _progress(self, record: JSON) -> list[JSON]:
        """Stages as far as the world has reported them, but not ahead of the time the operation is to take."""
        done = record["status"] == "DONE" and "error" not in record
        elapsed = (self._cloud.clock() - record["start"]) / max(record["seconds"], 0.001)
        allowed = 22 if done else int(22 * min(elapsed, 1.0))
        reported = self._metrics.get(record["name"], {})
        metrics: list[JSON] = []
        for stage, total in _STAGES:
            of = reported.get(f"{stage}_TOTAL", total)
            reached = of if done else min(reported.get(stage, 0), max(allowed, 0))
            allowed -= total
            metrics.append({"name": stage, "intValue": str(reached)})
            metrics.append({"name": f"{stage}_TOTAL", "intValue": str(of)})
        return metrics
