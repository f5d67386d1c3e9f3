# SPDX-License-Identifier: GPL-3.0-or-later
"""Live progress: one moving line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

Clock = Callable[[], float]

_TICK_SECONDS = 0.25
_PLAIN_SECONDS = 20.0
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def spell(seconds: float) -> str:
    """3.2 s, 48 s, 2 min 05 s."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class Progress:
    """Shows steps that take their time, each with a detail that changes under way."""

    def __init__(self, stream: TextIO | None = None, clock: Clock = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()

    def line(self, text: str) -> None:
        """A line that stays."""
        print(text, file=self._stream, flush=True)

    @contextmanager
    def step(self, title: str, detail: Callable[[], str] = str) -> Iterator[None]:
        """Show a step while the block runs; `detail` is asked from another thread, again and again."""
        started = self._clock()
        done = threading.Event()
        show = threading.Thread(target=self._show, args=(title, detail, started, done), daemon=True)
        show.start()
        try:
            yield
        except BaseException:
            self._end(done, show)
            self.line(f"✗ {title}")
            raise
        self._end(done, show)
        self.line(f"✓ {title} ({spell(self._clock() - started)})")

    def _end(self, done: threading.Event, show: threading.Thread) -> None:
        done.set()
        show.join()
        if self._terminal:
            self._stream.write("\r\x1b[K")

    def _show(self, title: str, detail: Callable[[], str], started: float, done: threading.Event) -> None:
        every = _TICK_SECONDS if self._terminal else _PLAIN_SECONDS
        turn = 0
        while not done.wait(every):
            text = f"{title}: {detail() or 'working'}, {spell(self._clock() - started)}"
            if self._terminal:
                line = f"{_SPINNER[turn % len(_SPINNER)]} {text}"
                # A line that wraps could not be taken back.
                self._stream.write(f"\r\x1b[K{line[: shutil.get_terminal_size().columns - 1]}")
                self._stream.flush()
            else:
                self.line(f"  {text}")
            turn += 1
