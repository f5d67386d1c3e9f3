# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress: lines that stay, and nothing but plain text where nobody watches."""

from __future__ import annotations

import io

import pytest

from gkelab.build.progress import Progress, spell


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (42.4, "42 s"), (99.4, "99 s"), (125, "2 min 05 s"), (3600, "60 min 00 s")],
)
def test_spell(seconds: float, text: str) -> None:
    assert spell(seconds) == text


def test_step_that_ends_well() -> None:
    out, times = io.StringIO(), iter((10.0, 13.5))
    with Progress(out, lambda: next(times)).step("Thing"):
        pass
    assert out.getvalue() == "✓ Thing (3.5 s)\n"


def test_step_that_fails_is_marked_and_the_error_goes_on() -> None:
    out = io.StringIO()
    with pytest.raises(RuntimeError), Progress(out).step("Thing"):
        raise RuntimeError
    assert out.getvalue() == "✗ Thing\n"
