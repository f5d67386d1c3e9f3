# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that dies while it writes a kubeconfig leaves the old file whole, and the next run leaves nothing of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._kube import kubeconfig_file

OLD, NEW = "old: text\n", "new: text\n"
STEPS = ("fchmod", "fsync", "replace")
"""What a write calls, in this order: the temporary file is empty, is complete, and takes the old one's place."""


def _die(*arguments: Any, **options: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _killed_writing(path: Path, text: str, step: str) -> int:
    """Let a child write and die when it is to take the step; the signal that it died of."""
    child = os.fork()
    if child == 0:
        setattr(os, step, _die)
        with kubeconfig_file.locked(str(path)):
            kubeconfig_file.write(str(path), text)
        os._exit(0)
    return -os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("step", STEPS)
def test_killed(step: str, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    path = tmp_path / "config"
    with kubeconfig_file.locked(str(path)):
        kubeconfig_file.write(str(path), OLD)

    assert _killed_writing(path, NEW, step) == signal.SIGKILL
    assert kubeconfig_file.read(str(path)) == (OLD, False)
    assert all(one.stat().st_mode & 0o777 == 0o600 for one in tmp_path.iterdir())

    with kubeconfig_file.locked(str(path)):
        kubeconfig_file.write(str(path), NEW)
    assert kubeconfig_file.read(str(path)) == (NEW, False)
    assert [one.name for one in tmp_path.iterdir()] == ["config"], "a dead run's half-written file may hold a token"
    record_property("positions", 1)
