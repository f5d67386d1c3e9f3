# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlaps of pod ranges are found whatever their sizes and order."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.mcistio.gke.plugins.filter.overlapping_ranges import overlapping_ranges


@pytest.mark.parametrize(
    ("ranges", "pairs"),
    [
        ({}, []),
        ({"east": "10.4.0.0/14"}, []),
        ({"east": "10.4.0.0/14", "west": "10.8.0.0/14"}, []),
        ({"west": "10.6.0.0/16", "east": "10.4.0.0/14"}, ["east (10.4.0.0/14) and west (10.6.0.0/16)"]),
        (
            {"a": "10.0.0.0/8", "b": "10.1.0.0/16", "c": "10.1.2.0/24"},
            [
                "a (10.0.0.0/8) and b (10.1.0.0/16)",
                "a (10.0.0.0/8) and c (10.1.2.0/24)",
                "b (10.1.0.0/16) and c (10.1.2.0/24)",
            ],
        ),
        ({"east": "10.4.1.0/14", "west": "10.4.0.0/14"}, ["east (10.4.1.0/14) and west (10.4.0.0/14)"]),
    ],
)
def test_names_each_pair_that_shares_an_address(ranges: dict[str, str], pairs: list[str]) -> None:
    assert overlapping_ranges(ranges) == pairs


def test_a_size_is_placed_by_google_and_overlaps_nothing() -> None:
    assert overlapping_ranges({"east": "/17", "west": "/17", "central": "10.0.0.0/8"}) == []


def test_says_what_is_no_range() -> None:
    with pytest.raises(AnsibleFilterError, match=r"10\.4\.0\.0/99"):
        overlapping_ranges({"east": "10.4.0.0/99"})
