# SPDX-License-Identifier: GPL-3.0-or-later
"""Deadlines on a clock that is passed in, so that waiters are tested without waiting."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import Clock

__all__ = ["SYSTEM", "Clock", "Deadline"]

SYSTEM = Clock()


class Deadline:
    """A span of seconds that began when this object was made.

    ``pause`` sleeps a little longer each time, never past the end; the first pause is short, for what is ready soon.
    """

    FIRST_PAUSE = 0.2
    LONGEST_PAUSE = 2.0

    def __init__(self, seconds: float, clock: Clock = SYSTEM) -> None:
        self.seconds = seconds
        self._clock = clock
        self._start = clock.now()
        self._pause = self.FIRST_PAUSE

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock.now() - self._start

    @property
    def passed(self) -> bool:
        """Whether no time is left."""
        return self.elapsed >= self.seconds

    def pause(self) -> None:
        """Sleep until the next look."""
        self._clock.sleep(max(0.0, min(self._pause, self.seconds - self.elapsed)))
        self._pause = min(self._pause * 1.5, self.LONGEST_PAUSE)
