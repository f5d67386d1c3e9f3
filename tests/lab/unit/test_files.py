# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and links are replaced in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from gkelab.files import link_atomic, write_atomic


def test_write_sets_text_and_mode(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, "old")
    write_atomic(target, "new", 0o600)
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    write_atomic(target, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(target, "\udcff")
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_link_replaces_link(tmp_path: Path) -> None:
    link_atomic(tmp_path / "link", tmp_path / "one")
    link_atomic(tmp_path / "link", tmp_path / "two")
    assert (tmp_path / "link").readlink() == tmp_path / "two"
    assert len(list(tmp_path.iterdir())) == 1
