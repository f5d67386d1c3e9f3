# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-lived processes: started apart from the daemon, found again by it after a restart, never confused with others.

A process is known by its id, the tick it started at and the boot it belongs to; ids alone are reused.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from gkelab.world.network import NAMED_NAMESPACES
from gkelab.world.plan import WorldError

MARK = "GKELAB_PROCESS"
"""Environment variable that every process of the lab is started with, so that a sweep finds it without any state."""

_EXIT_TIMEOUT = 10.0
"""Seconds; a killed process that outlives this hangs in the kernel."""


@dataclass(frozen=True)
class ProcessId:
    """One process of one boot of the machine."""

    pid: int
    start: int
    """Clock ticks after boot, field 22 of /proc/<pid>/stat."""
    boot: str

    @classmethod
    def of(cls, pid: int) -> ProcessId | None:
        """Who runs under this id now; None for nobody, or for a process that has ended but was not waited for."""
        try:
            # The second field, the name, may hold anything, brackets and blanks too.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]), _boot_id())

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return ProcessId.of(self.pid) == self


class ProcessTable:
    """The processes of one cluster, by role, remembered in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[subprocess.Popen[bytes]] = []

    def roles(self) -> list[str]:
        """Every role that was started and not forgotten."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def alive(self, role: str) -> bool:
        """Whether the process of this role runs."""
        self._reap()
        known = self._read(role)
        return known is not None and known.alive()

    def pid(self, role: str) -> int | None:
        """The process id recorded for this role, alive or not."""
        known = self._read(role)
        return known.pid if known else None

    def spawn(self, role: str, argv: Sequence[str], *, log: Path, env: Mapping[str, str]) -> int:
        """Start a program in its own session, its output appended to `log`; returns its process id."""
        self._folder.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            child = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **env, MARK: role},
                start_new_session=True,
            )
        self._children.append(child)
        self._write(role, child.pid)
        return child.pid

    def kill(self, role: str) -> None:
        """End the process of this role, if it still is the one that was started, and forget it."""
        known = self._read(role)
        if known is not None and known.alive():
            kill([known.pid])
        self._reap()
        self.forget(role)

    def forget(self, role: str) -> None:
        """Drop the record of a role."""
        self._path(role).unlink(missing_ok=True)

    def _reap(self) -> None:
        self._children = [child for child in self._children if child.poll() is None]

    def _path(self, role: str) -> Path:
        return self._folder / f"{role}.json"

    def _read(self, role: str) -> ProcessId | None:
        try:
            return ProcessId(**json.loads(self._path(role).read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def _write(self, role: str, pid: int) -> None:
        known = ProcessId.of(pid)
        if known is None:
            return  # It ended at once; no record is the truth.
        draft = self._path(role).with_suffix(".tmp")
        draft.write_text(json.dumps(asdict(known)))
        draft.replace(self._path(role))


def all_pids() -> list[int]:
    """Every process id on the machine, our own left out."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def in_namespaces(names: Collection[str]) -> list[int]:
    """The processes that use any of these named network namespaces."""
    wanted = set()
    for name in names:
        with suppress(OSError):
            wanted.add(os.stat(NAMED_NAMESPACES / name).st_ino)
    return [pid for pid in all_pids() if _network_of(pid) in wanted] if wanted else []


def marked() -> list[int]:
    """The processes that carry the lab's mark in their environment."""
    found = []
    for pid in all_pids():
        with suppress(OSError):
            if f"\0{MARK}=".encode() in b"\0" + Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
    return found


def kill(pids: Iterable[int]) -> None:
    """End these processes at once and wait until they are gone.

    Process file descriptors are opened first, so a reused id is never hit.
    """
    descriptors = []
    try:
        for pid in pids:
            with suppress(ProcessLookupError):
                descriptors.append(os.pidfd_open(pid))
        for descriptor in descriptors:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        for descriptor in descriptors:
            _await_exit(descriptor)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _await_exit(descriptor: int) -> None:
    poller = select.poll()
    poller.register(descriptor, select.POLLIN)
    if not poller.poll(_EXIT_TIMEOUT * 1000):
        raise WorldError(f"a killed process did not end within {_EXIT_TIMEOUT:.0f} s")


def _network_of(pid: int) -> int:
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino
    except OSError:
        return -1


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
