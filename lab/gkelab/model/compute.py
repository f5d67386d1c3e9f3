# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute's global operations: a change is visible at once, its operation is done once the world has followed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from gkelab.model import injected, names
from gkelab.model.cloud import Cloud
from gkelab.model.errors import ApiError
from gkelab.model.firewalls import FirewallSync
from gkelab.model.networks import not_found
from gkelab.model.store import JSON

SHARE = 0.1
"""A firewall operation takes this part of a cluster operation's time."""
_WAIT = 120.0


class ComputeOperations:
    """Operations on firewalls and networks of all projects."""

    def __init__(self, cloud: Cloud, sync: FirewallSync, seconds: float) -> None:
        self._cloud = cloud
        self._sync = sync
        self._seconds = seconds * SHARE
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._released = asyncio.Event()

    def repeated(self, project: str, request_id: str) -> JSON | None:
        """The operation that an earlier request with the same requestId began."""
        if not request_id:
            return None
        for record in self._cloud.compute_operations.values():
            if record["requestId"] == request_id and record["project"] == project:
                return self.view(record)
        return None

    def start(
        self,
        kind: str,
        project: str,
        target: JSON,
        change: Callable[[], None],
        *,
        request_id: str = "",
        scope: str = "",
    ) -> JSON:
        """Make the change and begin its operation, in one transaction. ``scope`` is ``regions/R`` or global."""
        actions = injected.actions.get()
        now = self._cloud.clock()
        record: JSON = {
            "name": f"operation-{int(now * 1000)}-{names.hash8()}{names.hash8()}-{names.hash8()}",
            "id": names.numeric_id(),
            "project": project,
            "scope": scope or "global",
            "type": kind,
            "status": "RUNNING",
            "target": target["selfLink"],
            "targetId": target["id"],
            "requestId": request_id,
            "start": now,
            "seconds": float(actions.get("operation_seconds", self._seconds)),
            "actions": {name: actions[name] for name in ("operation_error", "stuck") if name in actions},
        }
        with self._cloud.store.together():
            if "operation_error" not in actions:
                change()
            self._cloud.compute_operations.put(record["name"], record)
        self._launch(record)
        return self.view(record)

    def resume(self) -> None:
        """Finish what an earlier process left."""
        for record in self._cloud.compute_operations.values():
            if record["status"] != "DONE":
                self._launch(record)

    def get(self, project: str, name: str) -> JSON:
        return self.view(self._find(project, name))

    async def wait(self, project: str, name: str) -> JSON:
        """The operation once it is done, or as it is after two minutes."""
        record = self._find(project, name)
        task = self._tasks.get(record["name"])
        if task is not None:
            await asyncio.wait([task], timeout=_WAIT)
        return self.view(record)

    def listing(self, project: str) -> list[JSON]:
        return [self.view(one) for one in self._cloud.compute_operations.values() if one["project"] == project]

    def release(self) -> None:
        """Let stuck operations go on."""
        self._released.set()
        self._released = asyncio.Event()

    async def abandon(self) -> None:
        """Stop following all operations, as a process that ends does."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _find(self, project: str, name: str) -> JSON:
        for record in (self._cloud.compute_operations.get(name), *self._by_id(name)):
            if record is not None and record["project"] == project:
                return record
        raise not_found(project, f"global/operations/{name}")

    def _by_id(self, number: str) -> list[JSON]:
        if not number.isdigit():
            return []
        return [record for record in self._cloud.compute_operations.values() if record["id"] == number]

    def _launch(self, record: JSON) -> None:
        task = asyncio.get_running_loop().create_task(self._run(record))
        self._tasks[record["name"]] = task
        task.add_done_callback(lambda _: self._tasks.pop(record["name"], None))

    async def _run(self, record: JSON) -> None:
        if record["actions"].get("stuck"):
            await self._released.wait()
        error: Any = record["actions"].get("operation_error")
        try:
            if error is None:
                await self._sync.apply()
            await asyncio.sleep(max(0.0, record["start"] + record["seconds"] - self._cloud.clock()))
        except Exception as failure:
            error = {"code": "INTERNAL_ERROR", "message": str(failure), "http": 500}
        if error is not None:
            record["error"] = error
        record |= {"status": "DONE", "end": self._cloud.clock()}
        self._cloud.compute_operations.put(record["name"], record)

    def view(self, record: JSON) -> JSON:
        """The operation as the API shows it."""
        project = record["project"]
        started = names.compute_timestamp(record["start"])
        done = record["status"] == "DONE"
        shown: JSON = {
            "kind": "compute#operation",
            "id": record["id"],
            "name": record["name"],
            "operationType": record["type"],
            "status": record["status"],
            "progress": 100 if done else 0,
            "targetLink": record["target"],
            "targetId": record["targetId"],
            "insertTime": started,
            "startTime": started,
            "selfLink": names.compute_link(project, f"{record['scope']}/operations/{record['name']}"),
        }
        if record["scope"] != "global":
            shown["region"] = names.compute_link(project, record["scope"])
        if done:
            shown["endTime"] = names.compute_timestamp(record["end"])
        if "error" in record:
            shown |= _error(record["error"])
        return shown


def _error(error: JSON) -> JSON:
    code = str(error.get("code", "INTERNAL_ERROR"))
    http = int(error.get("http", 403))
    text = {400: "BAD REQUEST", 403: "FORBIDDEN", 404: "NOT FOUND"}.get(http, "INTERNAL ERROR")
    errors = [{"code": code, "message": str(error.get("message", ""))}]
    return {"error": {"errors": errors}, "httpErrorStatusCode": http, "httpErrorMessage": text}


def in_use(resource: str, user: str) -> ApiError:
    """Compute's refusal to delete what something else needs."""
    return ApiError(
        "INVALID_ARGUMENT",
        f"The resource '{resource}' is already being used by '{user}'",
        reason="resourceInUseByAnotherResource",
    )
