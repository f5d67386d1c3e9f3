# SPDX-License-Identifier: GPL-3.0-or-later
"""Time, and deadlines on it. Both are passed in, so that whatever waits is tested without waiting."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """Time and chance, passed in so that no test sleeps or gambles.

    ``now`` only goes forward, ``sleep`` takes seconds, ``jitter`` gives a number from 0 to 1.
    """

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random
    wall: Callable[[], float] = time.time


SYSTEM = Clock()
"""Real time."""


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
