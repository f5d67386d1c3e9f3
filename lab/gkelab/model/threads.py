# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads for the world's blocking calls, which can be waited for even after their caller is gone."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable

_MOST = 64


class Threads:
    """A pool that knows which calls are under way."""

    def __init__(self) -> None:
        self._pool = concurrent.futures.ThreadPoolExecutor(_MOST, thread_name_prefix="world")
        self._running: set[concurrent.futures.Future[object]] = set()

    async def call[**P, T](self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a blocking function; cancelling the caller leaves the function running."""
        future = self._pool.submit(function, *args, **kwargs)
        self._running.add(future)  # type: ignore[arg-type]
        try:
            return await asyncio.wrap_future(future)
        finally:
            future.add_done_callback(self._running.discard)

    @property
    def busy(self) -> bool:
        """Whether any call is under way."""
        return bool(self._running)

    async def idle(self, seconds: float) -> None:
        """Wait until no call is under way, at most so long."""
        running = set(self._running)
        if running:
            await asyncio.to_thread(concurrent.futures.wait, running, seconds)
