# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache holds complete folders only, and one builder at a time."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from gkelab.build.errors import BuildError
from gkelab.build.store import completed, digest, locked, prune


def test_digest_counts_the_parts_apart(tmp_path: Path) -> None:
    content = tmp_path / "file"
    content.write_text("ab")
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab") == digest(b"ab") == digest(content)
    content.write_text("ac")
    assert digest("ab") != digest(content)


def test_completed_folder_appears_at_the_end_of_the_block(tmp_path: Path) -> None:
    target = tmp_path / "kind" / "key"
    with completed(tmp_path, target) as folder:
        (folder / "file").write_text("x")
        assert not target.exists()
    assert (target / "file").read_text() == "x"
    assert target.stat().st_mode & 0o777 == 0o755


def test_failed_block_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), completed(tmp_path, tmp_path / "target") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_full_disk_becomes_one_line(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="No space left"), completed(tmp_path, tmp_path / "target"):
        raise OSError(28, "No space left on device")


def test_lock_clears_what_a_killed_builder_left(tmp_path: Path) -> None:
    (tmp_path / ".unfinished-x").mkdir()
    (tmp_path / "complete").mkdir()
    with locked(tmp_path, lambda: None):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["complete", "lock"]


def test_second_builder_waits_and_says_so(tmp_path: Path) -> None:
    order: list[str] = []
    waiting = threading.Event()

    def second() -> None:
        with locked(tmp_path, waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path, lambda: None):
        thread.start()
        assert waiting.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]


def test_cache_that_cannot_be_made_becomes_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BuildError, match="GKELAB_CACHE"), locked(tmp_path / "file" / "cache", lambda: None):
        pass


def test_prune_keeps_the_current_and_the_newest_others(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "older", "oldest", "ancient")):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (10_000 - age, 10_000 - age))
    prune(tmp_path, tmp_path / "oldest")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "older", "oldest"]
