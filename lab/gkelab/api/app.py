# SPDX-License-Identifier: GPL-3.0-or-later
"""The two ASGI applications: everything, for clients on the host; TokenReview alone, for API servers."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.types import ASGIApp

from gkelab.api.compute import ComputeApi
from gkelab.api.container import ContainerApi
from gkelab.api.control import ControlApi
from gkelab.api.faults import Faults
from gkelab.api.gate import Gate
from gkelab.api.oauth import OAuth
from gkelab.api.requestlog import RequestLog
from gkelab.model.lab import Lab


def main_app(lab: Lab, port: int, end: Callable[[], None]) -> ASGIApp:
    """All endpoints. ``port`` tells which audiences a self-signed token may have."""
    faults, log = Faults(), RequestLog()
    routes = [
        *ContainerApi(lab).routes(),
        *ComputeApi(lab).routes(),
        *OAuth(lab.issuer).routes(),
        *ControlApi(lab, faults, log, end).routes(),
    ]
    hosts = {f"{name}.googleapis.com" for name in ("container", "compute", "www")}
    hosts |= {f"{name}:{port}" for name in ("127.0.0.1", "localhost")} | {"127.0.0.1", "localhost"}
    return Gate(Starlette(routes=routes), issuer=lab.issuer, hosts=frozenset(hosts), faults=faults, log=log)


def review_app(lab: Lab) -> ASGIApp:
    """What API servers in their namespaces may reach."""
    return Starlette(routes=OAuth(lab.issuer).review_routes())
