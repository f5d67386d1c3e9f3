# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's one process: `python -m gkelab.daemon` serves the APIs over what `home()` holds.

SIGTERM and SIGINT end the process and leave clusters running, for the next start to adopt; POST /lab/stop takes
everything down first.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from gkelab import config, paths
from gkelab.api.app import main_app, review_app
from gkelab.errors import LabError
from gkelab.model.credentials import Issuer
from gkelab.model.lab import Lab
from gkelab.model.store import Store
from gkelab.world import make_world
from gkelab.world.plan import WorldError

HOST = "127.0.0.1"
REVIEW_HOST = "198.18.255.1"
"""The host's end of the veth pair, which API servers in their namespaces reach."""

_KEEP_ALIVE = 3600
"""Seconds; longer than any client keeps an idle connection, so that none loses a request to a closing one."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: here one process has two servers."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(home: Path) -> None:
    """Run until a signal or /lab/stop. Raises OSError if a port is taken, ConfigError or ValueError for a bad home."""
    settings = config.load(home)
    if settings is None:
        raise config.ConfigError(f"no {config.FILE} in {home}: start the lab with `gkelab up`")
    listener = _listen(HOST, settings.port)
    issuer = Issuer(json.loads((home / "credentials.json").read_text(encoding="utf-8")))
    world = make_world(settings.depth, home)
    lab = Lab(Store(home / "state.db"), world, issuer, depth=settings.depth, seconds=settings.operation_seconds)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await lab.start()
    servers = [(_server(main_app(lab, settings.port, ended.set)), listener)]
    if settings.depth != "api":
        servers.append((_server(review_app(lab)), _listen(REVIEW_HOST, settings.port)))
    await _run(servers, ended)
    await lab.leave()


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port), backlog=1024)
    # Inherited by connections. asyncio sets it only where a socket says its protocol; this one does not, and an answer
    # in two segments would wait 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _server(app: ASGIApp) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            access_log=False,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=1,
        )
    )


async def _run(servers: list[tuple[_Server, socket.socket]], ended: asyncio.Event) -> None:
    tasks = [asyncio.create_task(server.serve(sockets=[listener])) for server, listener in servers]
    await ended.wait()
    for server, _ in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


def main() -> int:
    """Entry point; one line on standard error when the lab cannot start."""
    home = paths.home()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(serve(home))
    except (OSError, ValueError, LabError, WorldError) as error:
        print(f"gkelab daemon: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    # A world's call still running in a thread must not keep the process: what it does is begun again at the next start.
    code = main()
    logging.shutdown()
    os._exit(code)
