# SPDX-License-Identifier: GPL-3.0-or-later
"""Which lab owns the machine: network namespaces have one name space, so there is one lab with clusters at a time."""

from __future__ import annotations

from pathlib import Path

from gkelab.cli.errors import CommandError
from gkelab.cli.process import DaemonProcess
from gkelab.files import write_atomic

# Both vanish at a restart of the machine, as the lab itself does.
_RECORD = Path("/run/gkelab.home")
_ROUTER = Path("/run/netns/gkelab-vpc")


class MachineClaim:
    """The record of the home whose lab has the machine."""

    def __init__(self, record: Path = _RECORD, router: Path = _ROUTER) -> None:
        self._record = record
        self._router = router

    def owner(self) -> Path | None:
        """Home of the lab that is up, or that was and has left its network; None if the machine is free."""
        try:
            home = Path(self._record.read_text(encoding="utf-8").strip())
        except (OSError, ValueError):
            return None
        return home if self._router.exists() or DaemonProcess(home).running() else None

    def take(self, home: Path) -> None:
        """Make the machine this home's. Raises CommandError if it is another's."""
        owner = self.owner()
        if owner not in (None, home):
            raise CommandError(
                f"Another lab has this machine, its home is {owner}; take it down by `GKELAB_HOME={owner} gkelab down`"
            )
        write_atomic(self._record, f"{home}\n")

    def release(self, home: Path) -> None:
        """Give the machine up, if it is this home's."""
        if self.owner() in (None, home):
            self._record.unlink(missing_ok=True)
