# SPDX-License-Identifier: GPL-3.0-or-later
"""Aims, and how a figure stands beside its own."""

from __future__ import annotations

from tests.bench.figures import Aim, Figure, table


def test_an_aim_is_met_at_its_bound() -> None:
    assert Aim(3).met(3)
    assert not Aim(3).met(3.01)
    assert Aim(5, at_least=True).met(5)
    assert not Aim(5, at_least=True).met(4.99)


def test_the_table_shows_each_aim_beside_its_figure() -> None:
    figures = [
        Figure("wall", 2.5, "s", note="of 3"),
        Figure("ratio", 1.2, "×", Aim(1.15)),
        Figure("faster", 6, "×", Aim(5, at_least=True), "note"),
    ]
    assert table(figures).splitlines() == [
        "wall         2.50 s                       of 3",
        "ratio        1.20 ×      ≤ 1.15   MISSED",
        "faster       6.00 ×      ≥ 5      met     note",
    ]


def test_data_tells_whether_an_aim_was_met() -> None:
    assert Figure("ratio", 1.20001, "×", Aim(1.15)).data() == {
        "what": "ratio", "value": 1.2, "unit": "×", "aim": "≤ 1.15", "met": False
    }  # fmt: skip
    assert Figure("wall", 2, "s", note="n").data() == {"what": "wall", "value": 2, "unit": "s", "note": "n"}
