# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs: overview, tail, follow."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gkelab.cli import logs
from gkelab.cli.errors import CommandError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "daemon.log").write_text("one\ntwo\nthree\n")
    (tmp_path / "logs" / "0-etcd.log").write_text("")
    (tmp_path / "logs" / "notes.txt").write_text("no log")
    return tmp_path


def _shown(home: Path, component: str | None, lines: int = 100) -> list[str]:
    out = io.StringIO()
    logs.show(home, component, lines, False, out)
    return out.getvalue().splitlines()


def test_overview_names_every_log(home: Path) -> None:
    etcd, daemon = _shown(home, None)
    assert etcd.split() == ["0-etcd", "0", "KiB"]
    assert daemon.split() == ["daemon", "0", "KiB", "three"]


def test_last_lines_of_one(home: Path) -> None:
    assert _shown(home, "daemon", 2) == ["two", "three"]


def test_unknown_component(home: Path) -> None:
    with pytest.raises(CommandError, match="there are: 0-etcd, daemon"):
        _shown(home, "kubelet")


def test_follow_shows_what_is_added(home: Path) -> None:
    path = home / "logs" / "daemon.log"

    def grow(_seconds: float) -> None:
        with path.open("a") as stream:
            stream.write("four\n")

    assert next(logs.follow(path, grow)) == "four\n"
