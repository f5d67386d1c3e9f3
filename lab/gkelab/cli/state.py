# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a lab's home: which there are, and their removal."""

from __future__ import annotations

import shutil
from pathlib import Path

_OURS = (
    "artifacts.json",
    "bin",
    "config.json",
    "credentials.json",
    "daemon.lock",
    "daemon.pid",
    "env.json",
    "istio",
    "kubeconfig",
    "state.db",
    "state.db-journal",
    "state.db-shm",
    "state.db-wal",
    "world",
)
"""Everything but the logs. By name: $GKELAB_HOME may be any folder, and what else lies there is not the lab's."""


def remove(home: Path) -> bool:
    """Remove a lab's state and keep its logs; whether there was any."""
    found = [home / name for name in _OURS if (home / name).exists() or (home / name).is_symlink()]
    for path in found:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return bool(found)


def clear_logs(home: Path) -> None:
    """Remove the logs of an earlier lab."""
    for path in logs(home).values():
        path.unlink(missing_ok=True)


def logs(home: Path) -> dict[str, Path]:
    """The log files by component."""
    folder = home / "logs"
    return {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.log"))}
