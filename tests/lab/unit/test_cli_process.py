# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's process is known by the lock it holds; sleep stands for the daemon here."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gkelab.cli import process
from gkelab.cli.process import DaemonProcess


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaemonProcess]:
    monkeypatch.setattr(process, "COMMAND", ("sleep", "60"))
    # A daemon that is there is there: no need to wait for another to let go.
    monkeypatch.setattr(process, "_LOCK_SECONDS", 0.0)
    daemon = DaemonProcess(tmp_path)
    yield daemon
    daemon.kill()


def _pid(home: Path) -> int:
    return int((home / "daemon.pid").read_text())


def test_nothing_runs_at_first(daemon: DaemonProcess) -> None:
    assert not daemon.running()
    assert daemon.wait_ended(0)


def test_started_daemon_runs_apart_until_killed(daemon: DaemonProcess, tmp_path: Path) -> None:
    assert daemon.start()
    assert daemon.running()
    assert os.getsid(_pid(tmp_path)) == _pid(tmp_path)
    daemon.kill()
    assert not daemon.running()


def test_only_one_at_a_time(daemon: DaemonProcess, tmp_path: Path) -> None:
    assert daemon.start()
    first = _pid(tmp_path)
    assert not DaemonProcess(tmp_path).start()
    assert _pid(tmp_path) == first


def test_killed_from_outside_it_can_be_started_again(daemon: DaemonProcess, tmp_path: Path) -> None:
    daemon.start()
    first = _pid(tmp_path)
    os.kill(first, signal.SIGKILL)
    assert daemon.wait_ended(10)
    assert daemon.start()
    assert _pid(tmp_path) != first


def test_stale_pid_file_hits_nobody(daemon: DaemonProcess, tmp_path: Path) -> None:
    (tmp_path / "daemon.lock").touch()
    (tmp_path / "daemon.pid").write_text(f"{os.getpid()}\n")
    assert not daemon.running()
    daemon.kill()


def test_looking_does_not_disturb_other_lookers(daemon: DaemonProcess, tmp_path: Path) -> None:
    daemon.start()
    daemon.kill()
    with open(tmp_path / "daemon.lock", "rb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not daemon.running()


def test_last_words(daemon: DaemonProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    assert daemon.last_words() == ""
    monkeypatch.setattr(process, "COMMAND", (sys.executable, "-c", "print('first'); print('the reason'); print()"))
    daemon.start()
    assert daemon.wait_ended(10)
    assert daemon.last_words() == "the reason"
