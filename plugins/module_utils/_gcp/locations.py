# SPDX-License-Identifier: GPL-3.0-or-later
"""Zones and regions by their names. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

_LOCATION = re.compile(r"([a-z]+(?:-[a-z]+)+\d+)(?:-([a-z]|ai\d+[a-z]))?")
ZONES_OF_A_REGION = 3
"""How many zones GKE picks for a regional cluster when none are named."""


def region_of(location: str) -> str:
    """The region that a zone lies in; a region's own name as it is."""
    match = _LOCATION.fullmatch(location)
    return match[1] if match else location


def is_region(location: str) -> bool:
    """Whether the name is a region's, so that node counts are per zone."""
    match = _LOCATION.fullmatch(location)
    return bool(match and not match[2])


def check_location(subject: str, location: str, node_locations: Sequence[str] = ()) -> None:
    """Refuse names that cannot be a location, and node locations that are no zones of its region."""
    if not _LOCATION.fullmatch(location):
        raise MeshError(
            "place", subject, f"{location!r} is neither a region nor a zone",
            "A region looks like us-central1, a zone like us-central1-a.",
        )  # fmt: skip
    for zone in node_locations:
        if is_region(zone) or not _LOCATION.fullmatch(zone):
            raise MeshError(
                "place", subject, f"node location {zone!r} is not a zone", f"Name zones of {region_of(location)}."
            )
        if region_of(zone) != region_of(location):
            raise MeshError(
                "place", subject, f"node location {zone} is not in region {region_of(location)}",
                f"Name zones of {region_of(location)}.",
            )  # fmt: skip
    if node_locations and not is_region(location) and location not in node_locations:
        raise MeshError(
            "place", subject, f"node_locations leave out {location}, the cluster's own zone",
            f"Add {location}, or make the cluster regional: location {region_of(location)}.",
        )  # fmt: skip


def zone_count(location: str, zones: Sequence[str]) -> int:
    """How many times a node count is multiplied: a count is for each zone."""
    return len(zones) or (ZONES_OF_A_REGION if is_region(location) else 1)
