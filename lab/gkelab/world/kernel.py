# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the whole machine that a mesh needs raised."""

from __future__ import annotations

import logging
from pathlib import Path

_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_INOTIFY_INSTANCES = 1024
"""The usual 128 are used up by about 42 sidecars; the next Envoy then ends at its start."""

_log = logging.getLogger(__name__)


def raise_inotify_limit(path: Path = _INOTIFY) -> None:
    """Allow as many sidecars as a mesh has; where the machine forbids that, say so in the log."""
    try:
        if int(path.read_text()) < _INOTIFY_INSTANCES:
            path.write_text(str(_INOTIFY_INSTANCES))
    except OSError as error:
        _log.warning("%s stays as it is (%s): about 40 sidecars will fit", path, error.strerror)
