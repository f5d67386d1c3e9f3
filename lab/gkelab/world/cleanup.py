# SPDX-License-Identifier: GPL-3.0-or-later
"""Find and remove all that the lab left on the machine, without any record of what it made.

Ours is recognised by name: namespaces that begin with `gkelab-`, the host's link `glhost` (its route goes with it),
the control group `/gkelab`, processes inside those namespaces or with the lab's mark in their environment, and mounts
below the lab's home. Nothing else is touched.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from gkelab.world import cgroups, network, processes
from gkelab.world.commands import run

_ROUNDS = 5
"""A process that starts another just then makes one more round necessary."""


def sweep(home: Path) -> list[str]:
    """Remove everything of ours; returns what was found, in words. Fine, and empty, on a clean machine."""
    found = [*_end_processes(), *_remove_cgroups(), *_remove_network(), *_remove_mounts(home)]
    world = home / "world"
    if world.exists():
        shutil.rmtree(world)
        found.append(f"folder {world}")
    return found


def mounts_below(folder: Path, mountinfo: str) -> list[str]:
    """Mount points under a folder, the innermost first, from the text of /proc/<pid>/mountinfo."""
    points = [_unescape(line.split(" ")[4]) for line in mountinfo.splitlines()]
    inside = [point for point in points if Path(point).is_relative_to(folder)]
    return sorted(inside, key=len, reverse=True)


def _end_processes() -> list[str]:
    ended = 0
    for _ in range(_ROUNDS):
        pids = {*processes.in_namespaces(network.namespaces()), *processes.marked()}
        if not pids:
            break
        processes.kill(pids)
        ended += len(pids)
    return [f"{ended} processes"] if ended else []


def _remove_cgroups() -> list[str]:
    return [f"control group /{cgroups.ROOT}"] if cgroups.remove(cgroups.ROOT) else []


def _remove_network() -> list[str]:
    names = network.namespaces()
    found = [f"network namespace {name}" for name in names]
    if network.remove_host_link():
        found.append(f"link {network.HOST_LINK}")
    network.remove_namespaces(names)
    return found


def _remove_mounts(home: Path) -> list[str]:
    points = mounts_below(home, Path("/proc/self/mountinfo").read_text())
    for point in points:
        run(["umount", "--lazy", point])
    return [f"mount {point}" for point in points]


def _unescape(path: str) -> str:
    """mountinfo writes blanks and the like as a backslash and three octal digits."""
    return path.encode().decode("unicode_escape").encode("latin-1").decode()
