# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine lacks is told in one line, with what still works."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gkelab.cli import preflight
from gkelab.cli.errors import CommandError


def test_other_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(CommandError, match=r"need Linux.*--depth api"):
        preflight.check_privileges()


def test_no_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(CommandError, match=r"need root.*--depth api"):
        preflight.check_privileges()


def test_port_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"Port {port} cannot be used .*--port"):
            preflight.check_port(port)
    preflight.check_port(port)


@pytest.mark.parametrize(("limit", "told"), [("128", True), ("1023", True), ("1024", False), ("8192", False)])
def test_inotify(tmp_path: Path, limit: str, told: bool) -> None:
    path = tmp_path / "max_user_instances"
    path.write_text(f"{limit}\n")
    note = preflight.inotify_note(path)
    assert (note is not None) == told
    assert note is None or limit in note


def test_system_without_inotify(tmp_path: Path) -> None:
    assert preflight.inotify_note(tmp_path / "missing") is None
