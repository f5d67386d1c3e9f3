# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones and regions by name."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import (
    check_location,
    is_region,
    region_of,
    zone_count,
)


def test_regions_and_zones() -> None:
    assert is_region("us-central1") and not is_region("us-central1-a")
    assert region_of("northamerica-northeast2-b") == "northamerica-northeast2" == region_of("northamerica-northeast2")


def test_a_count_is_for_every_zone() -> None:
    assert [zone_count("us-central1", []), zone_count("us-central1", ["a", "b"]), zone_count("us-central1-a", [])] == [
        3,
        2,
        1,
    ]


@pytest.mark.parametrize(
    "location", ["uscentral1", "us-central1a", "us-central", "US-CENTRAL1-A", "", "us-central1-aa", "-"]
)
def test_what_is_no_location(location: str) -> None:
    with pytest.raises(MeshError, match="neither a region nor a zone"):
        check_location("cluster c", location)


@pytest.mark.parametrize(
    ("location", "zones", "part"),
    [
        ("us-central1", ["us-central1"], "'us-central1' is not a zone"),
        ("us-central1", ["us-east1-b"], "us-east1-b is not in region us-central1"),
        ("us-central1-a", ["us-central1-b"], "leave out us-central1-a"),
    ],
)
def test_node_locations_are_zones_of_the_region(location: str, zones: list[str], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        check_location("cluster c", location, zones)


def test_fit_locations() -> None:
    check_location("c", "us-central1-a", ["us-central1-a", "us-central1-f"])
    check_location("c", "europe-west12")
