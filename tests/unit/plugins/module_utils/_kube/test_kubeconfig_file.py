# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig on disk."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube import kubeconfig_file


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_written_whole_and_for_the_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o644)
    assert kubeconfig_file.read(str(path)) == ("old", True)
    kubeconfig_file.write(str(path), "new")
    assert kubeconfig_file.read(str(path)) == ("new", False)
    assert mode(path) == 0o600 and list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old", encoding="utf-8")
    link.symlink_to(target)
    kubeconfig_file.write(str(link), "new")
    assert link.is_symlink() and target.read_text(encoding="utf-8") == "new"


def test_folders_are_made_private_and_locked(tmp_path: Path) -> None:
    path = tmp_path / "a" / "config"
    with kubeconfig_file.locked(str(path)):
        handle = os.open(path.parent, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(handle)
    assert mode(path.parent) == 0o700 and list(path.parent.iterdir()) == []


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text("old", encoding="utf-8")

    def refuse(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(MeshError, match="No space left"):
        kubeconfig_file.write(str(path), "new")
    assert list(tmp_path.iterdir()) == [path] and path.read_text(encoding="utf-8") == "old"


def test_what_is_not_there_is_empty_and_removed_already(tmp_path: Path) -> None:
    assert kubeconfig_file.read(str(tmp_path / "none")) == ("", False)
    kubeconfig_file.remove(str(tmp_path / "none"))


def test_what_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe")
    with pytest.raises(MeshError, match="no text"):
        kubeconfig_file.read(str(tmp_path / "file"))
    with pytest.raises(MeshError, match="Is a directory"):
        kubeconfig_file.read(str(tmp_path))
    with pytest.raises(MeshError), kubeconfig_file.locked(str(tmp_path / "file" / "config")):
        pass
