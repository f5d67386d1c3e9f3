# SPDX-License-Identifier: GPL-3.0-or-later
"""Control groups: every container of the lab lives below one group of ours, in each hierarchy of the machine.

cgroup v1 (a hierarchy per controller), v2 (one for all) and the mix of both are handled alike: what counts is where
hierarchies are mounted.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from gkelab.world import processes

ROOT = "gkelab"

_EMPTY_TIMEOUT = 2.0
"""Seconds a group may take to notice that its last process is gone."""


def of_node(slot: int, index: int) -> str:
    """The group of a node's containers; on the node it looks like the root of every hierarchy."""
    return f"/{ROOT}/{slot}-n{index}"


def hierarchies(mountinfo: str) -> list[Path]:
    """Where cgroup hierarchies are mounted, from the text of /proc/<pid>/mountinfo."""
    found = []
    for line in mountinfo.splitlines():
        fields, _, filesystem = line.partition(" - ")
        if filesystem.split(" ")[0] in ("cgroup", "cgroup2"):
            found.append(Path(fields.split(" ")[4]))
    return found


def create(group: str) -> None:
    """Make a group in every hierarchy, ready for groups with processes below it."""
    for mount in hierarchies(Path("/proc/self/mountinfo").read_text()):
        folder = mount
        for part in group.strip("/").split("/"):
            _delegate_controllers(folder)
            folder = folder / part
            folder.mkdir(exist_ok=True)
            _inherit_cpuset(folder)
        _delegate_controllers(folder)


def remove(group: str) -> bool:
    """Remove a group and all below it from every hierarchy, with the processes in it; tells whether there was one."""
    removed = False
    for mount in hierarchies(Path("/proc/self/mountinfo").read_text()):
        top = mount / group.lstrip("/")
        if top.is_dir():
            removed = True
            _remove_tree(top)
    return removed


def _delegate_controllers(folder: Path) -> None:
    """cgroup v2 only: let the groups below use every controller there is; each on its own, as some may be taken."""
    available = folder / "cgroup.controllers"
    if available.exists():
        for controller in available.read_text().split():
            with suppress(OSError):
                (folder / "cgroup.subtree_control").write_text(f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """cgroup v1 only: a new group may use no processor and no memory until it is told which."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        own = folder / name
        if own.exists() and not (folder / "cgroup.controllers").exists() and not own.read_text().strip():
            own.write_text((folder.parent / name).read_text())


def _remove_tree(top: Path) -> None:
    for folder, _, _ in os.walk(top, topdown=False):
        with suppress(FileNotFoundError):
            processes.kill(int(pid) for pid in (Path(folder) / "cgroup.procs").read_text().split())
            _remove_when_empty(Path(folder))


def _remove_when_empty(folder: Path) -> None:
    end = time.monotonic() + _EMPTY_TIMEOUT
    while True:
        try:
            folder.rmdir()
            return
        except OSError:
            if not folder.exists():
                return
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
