# SPDX-License-Identifier: GPL-3.0-or-later
"""`gkelab down`: nothing of the lab is left on the machine but its logs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from gkelab import config
from gkelab.build.progress import Progress
from gkelab.cli import leftovers, state
from gkelab.cli.claim import MachineClaim
from gkelab.cli.client import LabClient
from gkelab.cli.errors import CommandError
from gkelab.cli.process import DaemonProcess
from gkelab.config import Config, ConfigError

_STOP_SECONDS = 120.0


def down(home: Path, progress: Progress) -> None:
    """Take the lab down, gracefully if its daemon can, by force if not. Fine if none is up. Raises CommandError."""
    settings = _settings(home)
    daemon = DaemonProcess(home)
    was_up = daemon.running()
    if was_up:
        with progress.step("Taking the lab down"):
            _stop(settings, daemon)
    swept = _sweep(home, settings)
    removed = state.remove(home)
    if swept and not was_up:
        progress.line(f"Removed what an earlier lab left: {', '.join(swept)}")
    if was_up or swept or removed:
        progress.line(f"The lab is down; its logs stay in {home / 'logs'}")
    else:
        progress.line(_nothing(home))


def _settings(home: Path) -> Config | None:
    try:
        return config.load(home)
    except ConfigError:
        # The reason to be here may be this very file.
        return None


def _stop(settings: Config | None, daemon: DaemonProcess) -> None:
    """Ask the daemon to take everything down and end; end it if it does not."""
    if settings is not None:
        try:
            LabClient(settings.port).call("POST", "/lab/stop", timeout=_STOP_SECONDS)
            if daemon.wait_ended(_STOP_SECONDS):
                return
        except CommandError:
            # It hangs or is broken: what it leaves is swept.
            pass
    daemon.kill()


def _sweep(home: Path, settings: Config | None) -> list[str]:
    """Remove what may be left of clusters, unless they are another lab's; returns what was found."""
    clusters_possible = sys.platform == "linux" and os.geteuid() == 0 and (settings is None or settings.depth != "api")
    claim = MachineClaim()
    if not clusters_possible or claim.owner() not in (None, home):
        return []
    found = leftovers.sweep(home)
    claim.release(home)
    return found


def _nothing(home: Path) -> str:
    owner = MachineClaim().owner()
    if owner not in (None, home):
        return f"No lab was up in {home}; one is up in {owner}"
    return "No lab was up"
