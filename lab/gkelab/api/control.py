# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own endpoints under /lab: status, request log, faults, out-of-band edits, repair, stop."""

from __future__ import annotations

from collections.abc import Callable

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gkelab.api.faults import BadFault, Faults
from gkelab.api.requestlog import RequestLog
from gkelab.model.cloud import cluster_key
from gkelab.model.lab import Lab


class ControlApi:
    """The routes, over one lab. ``end`` makes the daemon end once the answer is out."""

    def __init__(self, lab: Lab, faults: Faults, log: RequestLog, end: Callable[[], None]) -> None:
        self._lab = lab
        self._faults = faults
        self._log = log
        self._end = end

    def routes(self) -> list[Route]:
        edit = "/lab/clusters/{project}/{location}/{cluster}"
        return [
            Route("/lab/status", self.status, methods=["GET"]),
            Route("/lab/requests", self.requests, methods=["GET"]),
            Route("/lab/requests", self.forget_requests, methods=["DELETE"]),
            Route("/lab/faults", self.list_faults, methods=["GET"]),
            Route("/lab/faults", self.add_fault, methods=["POST"]),
            Route("/lab/faults", self.clear_faults, methods=["DELETE"]),
            Route(edit, self.edit_cluster, methods=["PATCH"]),
            Route(edit, self.lose_cluster, methods=["DELETE"]),
            Route("/lab/repair", self.repair, methods=["POST"]),
            Route("/lab/stop", self.stop, methods=["POST"]),
        ]

    async def status(self, request: Request) -> JSONResponse:
        return JSONResponse(await self._lab.status())

    async def requests(self, request: Request) -> JSONResponse:
        return JSONResponse(self._log.shown())

    async def forget_requests(self, request: Request) -> JSONResponse:
        self._log.clear()
        return JSONResponse({})

    async def list_faults(self, request: Request) -> JSONResponse:
        return JSONResponse({"faults": self._faults.listing()})

    async def add_fault(self, request: Request) -> JSONResponse:
        try:
            return JSONResponse(self._faults.add(await request.json()))
        except (BadFault, ValueError) as error:
            return JSONResponse({"error": str(error)}, 400)

    async def clear_faults(self, request: Request) -> JSONResponse:
        """Forget the rules and let operations go on that they hold."""
        self._faults.clear()
        self._lab.release_stuck()
        return JSONResponse({})

    async def edit_cluster(self, request: Request) -> JSONResponse:
        """Change a cluster behind its clients' backs: ``status`` and ``statusMessage`` of the record, any other field
        of what the API shows (``conditions``, …); null takes an edit back."""
        given = request.path_params
        key = cluster_key(given["project"], given["location"], given["cluster"])
        record, edits = self._lab.cloud.clusters.get(key), await request.json()
        if record is None:
            return JSONResponse({"error": f"no cluster {key}"}, 404)
        own = {name: edits.pop(name) for name in ("status", "statusMessage") if name in edits}
        kept = {name: value for name, value in {**record.get("edits", {}), **edits}.items() if value is not None}
        self._lab.cloud.clusters.put(key, {**record, **own, "edits": kept})
        return JSONResponse({})

    async def lose_cluster(self, request: Request) -> JSONResponse:
        """Delete a cluster out of band, even while an operation runs on it."""
        given = request.path_params
        found = await self._lab.lose(cluster_key(given["project"], given["location"], given["cluster"]))
        return JSONResponse({}, 200 if found else 404)

    async def repair(self, request: Request) -> JSONResponse:
        await self._lab.repair()
        return JSONResponse(await self._lab.status())

    async def stop(self, request: Request) -> JSONResponse:
        await self._lab.stop()
        return JSONResponse({}, background=BackgroundTask(self._end))
