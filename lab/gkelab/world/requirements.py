# SPDX-License-Identifier: GPL-3.0-or-later
"""What real clusters need of the machine."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path

from gkelab.world.plan import WorldError

_PROGRAMS = ("conntrack", "ip", "mount", "nft", "nsenter", "runc", "unshare")

_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_INSTANCES = 1024
"""The usual 128 are used up by about 42 sidecars; the next Envoy then ends at its start."""

_log = logging.getLogger(__name__)


def check() -> None:
    """Raise WorldError, in one line, for what is missing."""
    if sys.platform != "linux":
        raise WorldError("real clusters need Linux; `--depth api` runs anywhere")
    if os.geteuid() != 0:
        raise WorldError("real clusters need root; `--depth api` does not")
    missing = [name for name in _PROGRAMS if shutil.which(name) is None]
    if missing:
        raise WorldError(f"real clusters need the programs {', '.join(missing)}; `--depth api` does not")


def raise_inotify_limit() -> None:
    """Allow as many sidecars as a mesh has; where the machine forbids that, say so in the log."""
    try:
        if int(_INOTIFY.read_text()) < _INOTIFY_INSTANCES:
            _INOTIFY.write_text(str(_INOTIFY_INSTANCES))
    except OSError as error:
        _log.warning("%s stays as it is (%s): about 40 sidecars will fit", _INOTIFY, error.strerror)
