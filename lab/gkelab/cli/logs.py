# SPDX-License-Identifier: GPL-3.0-or-later
"""`gkelab logs`: the logs of the lab's processes, also of a lab that is down."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from gkelab.cli import state
from gkelab.cli.errors import CommandError

_POLL_SECONDS = 0.25


def components(home: Path) -> dict[str, Path]:
    """The logs there are, by component. Raises CommandError if there are none."""
    found = state.logs(home)
    if not found:
        raise CommandError(f"There are no logs in {home / 'logs'}")
    return found


def overview(home: Path) -> list[str]:
    """A line for each log: component, size, last line."""
    found = components(home)
    width = max(len(name) for name in found)
    return [f"{name:{width}}  {path.stat().st_size >> 10:6d} KiB  {_last(path)[:90]}" for name, path in found.items()]


def one(home: Path, component: str) -> Path:
    """The log of one component. Raises CommandError naming those there are."""
    found = components(home)
    if component not in found:
        raise CommandError(f"No log of {component!r}; there are: {', '.join(found)}")
    return found[component]


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        return [line.rstrip("\n") for line in deque(stream, maxlen=lines)]


def follow(path: Path, sleep: Callable[[float], None] = time.sleep) -> Iterator[str]:
    """What is added to a log from now on, for ever; text may come in pieces of a line."""
    with path.open(encoding="utf-8", errors="replace") as stream:
        stream.seek(0, 2)
        while True:
            added = stream.read()
            if added:
                yield added
            else:
                sleep(_POLL_SECONDS)


def show(home: Path, component: str | None, lines: int, following: bool, out: TextIO) -> None:
    """Print an overview, or one log and, if asked, what is added to it."""
    if component is None:
        print("\n".join(overview(home)), file=out)
        return
    path = one(home, component)
    for line in tail(path, lines):
        print(line, file=out)
    if following:
        for piece in follow(path):
            print(piece, end="", file=out, flush=True)


def _last(path: Path) -> str:
    found = tail(path, 1)
    return found[0].strip() if found else ""
