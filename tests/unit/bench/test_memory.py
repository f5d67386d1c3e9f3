# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are the lab's, and what they hold."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.bench import memory


def test_descendants_of_descendants_count_once() -> None:
    parent_of = {10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
    assert memory.with_descendants([10, 11], parent_of) == {10, 11, 12}


def test_names_with_brackets_and_spaces_are_read(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "stat").write_text("7 (a) b (c)) S 3 7 7 0\n")
    assert memory.parents(tmp_path) == {7: 3}


def test_the_proportional_size_is_taken_not_a_part_of_it() -> None:
    rollup = "00400000-7fff r-xp [rollup]\nRss:  900 kB\nPss:  300 kB\nPss_Dirty:  100 kB\n"
    assert memory.proportional_kib(rollup) == 300
    assert memory.proportional_kib("") == 0


def test_it_sums_the_lab_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for process, parent, size in ((5, 1, 1024), (6, 5, 2048), (7, 1, 4096)):
        folder = tmp_path / str(process)
        folder.mkdir()
        (folder / "stat").write_text(f"{process} (x) S {parent} 0\n")
        (folder / "smaps_rollup").write_text(f"Pss: {size} kB\n")
    monkeypatch.setattr(memory, "namespaced", set)
    assert memory.lab_mib(5, tmp_path) == 3.0


def test_the_peak_is_the_most_of_all_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([10.0, 30.0, 20.0])
    seen = threading.Event()

    def look(_roots: object) -> float:
        size = next(sizes, 0.0)
        if not size:
            seen.set()
        return size

    monkeypatch.setattr(memory, "trees_mib", look)
    with memory.Peak(1, every=0) as peak:
        assert seen.wait(10)
    assert peak.mib == 30.0
