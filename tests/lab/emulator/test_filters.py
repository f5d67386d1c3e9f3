# SPDX-License-Identifier: GPL-3.0-or-later
"""Compute's list filters."""

from __future__ import annotations

import pytest

from gkelab.model.errors import ApiError
from gkelab.model.filters import matcher

LINK = "https://www.googleapis.com/compute/v1/projects/p/global/networks/default"
RULE = {
    "name": "gke-c-0123abcd-all",
    "network": LINK,
    "priority": 1000,
    "disabled": False,
    "logConfig": {"enable": True},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", True),
        ("  ", True),
        ("name=gke-c-0123abcd-all", True),
        ('name = "gke-c-0123abcd-all"', True),
        ("name != gke-c-0123abcd-all", False),
        ("name = gke-*", True),
        ("name eq ^gke-c-[0-9a-f]{8}-all$", True),
        ("name eq gke", False),
        ("name ne other", True),
        ("name:0123abcd", True),
        ("description:*", True),
        ("priority=1000 disabled=false", True),
        ("priority=1000 AND disabled=true", False),
        ("priority=5 OR disabled=false", True),
        ("NOT priority=5", True),
        ("(priority=5) (disabled=false)", False),
        ("(priority=5 OR priority=1000) AND name:gke", True),
        ("logConfig.enable=true", True),
        ("logConfig.enable.more=true", False),
        (f"network={LINK}", True),
        (f'network="{LINK}"', True),
        ("network eq .*/default", True),
    ],
)
def test_filters(text: str, expected: bool) -> None:
    assert matcher(text)(RULE) is expected


@pytest.mark.parametrize(
    "text", ["name", "name =", "= x", "(name=x", "name=x)", "name eq (", "name ! x", "AND", "a=b OR"]
)
def test_nonsense(text: str) -> None:
    with pytest.raises(ApiError, match="filter"):
        matcher(text)
