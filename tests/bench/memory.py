# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of many processes together: their proportional set size, so that pages they share count once.

The lab's processes are those in its network namespaces, their descendants (pods have namespaces of their own), and the
daemon with its descendants.
"""

from __future__ import annotations

import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

NAMESPACE_PREFIX = "gkelab-"


def parents(proc: Path) -> dict[int, int]:
    """Every process with its parent. `proc` is where procfs is mounted."""
    found = {}
    for status in proc.glob("[0-9]*/stat"):
        try:
            # The name is in brackets and may hold anything, brackets and spaces too.
            after_name = status.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        found[int(status.parent.name)] = int(after_name[1])
    return found


def with_descendants(roots: Iterable[int], parent_of: Mapping[int, int]) -> set[int]:
    """The roots and every process that descends from one of them."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for process, parent in parent_of.items():
        children[parent].append(process)
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        process = waiting.pop()
        if process not in found:
            found.add(process)
            waiting.extend(children[process])
    return found


def proportional_kib(rollup: str) -> int:
    """KiB of the Pss line of a smaps_rollup; 0 where there is none (kernel threads)."""
    for line in rollup.splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def namespaced() -> set[int]:
    """Processes in the lab's network namespaces."""
    listing = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    names = [line.split()[0] for line in listing.splitlines() if line.startswith(NAMESPACE_PREFIX)]
    found: set[int] = set()
    for name in names:
        pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=True).stdout
        found.update(map(int, pids.split()))
    return found


def lab_mib(daemon: int, proc: Path = Path("/proc")) -> float:
    """MiB that the lab holds at this moment. `daemon` is the API process's id."""
    return trees_mib({daemon, *namespaced()}, proc)


def trees_mib(roots: Iterable[int], proc: Path = Path("/proc")) -> float:
    """MiB that these processes and their descendants hold at this moment."""
    total = 0
    for process in with_descendants(roots, parents(proc)):
        try:
            total += proportional_kib((proc / str(process) / "smaps_rollup").read_text())
        except OSError:
            continue
    return total / 1024


class Peak:
    """The most that a process and its descendants held at any look, in a thread of its own.

    Args:
        root: the process's id.
        every: seconds between two looks; each costs some milliseconds a process.
    """

    def __init__(self, root: int, every: float) -> None:
        self.mib = 0.0
        self._root = root
        self._every = every
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Peak:
        self._thread.start()
        return self

    def __exit__(self, *_problem: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(self._every):
            self.mib = max(self.mib, trees_mib([self._root]))
