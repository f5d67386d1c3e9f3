# SPDX-License-Identifier: GPL-3.0-or-later
"""Google's places: regions, zones, the auto-mode subnet of each region, and project numbers."""

from __future__ import annotations

import hashlib

from gkelab.model.errors import ApiError

ZONES: dict[str, tuple[str, ...]] = {
    "us-central1": ("a", "b", "c", "f"),
    "us-west1": ("a", "b", "c"),
    "us-west2": ("a", "b", "c"),
    "us-east1": ("b", "c", "d"),
    "us-east4": ("a", "b", "c"),
    "europe-west1": ("b", "c", "d"),
    "europe-west2": ("a", "b", "c"),
    "europe-west3": ("a", "b", "c"),
    "europe-west4": ("a", "b", "c"),
    "europe-north1": ("a", "b", "c"),
    "asia-east1": ("a", "b", "c"),
    "asia-northeast1": ("a", "b", "c"),
    "asia-southeast1": ("a", "b", "c"),
    "australia-southeast1": ("a", "b", "c"),
    "southamerica-east1": ("a", "b", "c"),
    "northamerica-south1": ("a", "b", "c"),
}
"""Zone letters by region."""

AUTO_SUBNETS: dict[str, str] = {
    "us-central1": "10.128.0.0/20",
    "europe-west1": "10.132.0.0/20",
    "us-west1": "10.138.0.0/20",
    "asia-east1": "10.140.0.0/20",
    "us-east1": "10.142.0.0/20",
    "asia-northeast1": "10.146.0.0/20",
    "asia-southeast1": "10.148.0.0/20",
    "us-east4": "10.150.0.0/20",
    "australia-southeast1": "10.152.0.0/20",
    "europe-west2": "10.154.0.0/20",
    "europe-west3": "10.156.0.0/20",
    "southamerica-east1": "10.158.0.0/20",
    "europe-west4": "10.164.0.0/20",
    "europe-north1": "10.166.0.0/20",
    "us-west2": "10.168.0.0/20",
    "northamerica-south1": "10.224.0.0/20",
}
"""Primary range of each region's subnet in an auto-mode network."""

AUTO_NETWORK_RANGE = "10.128.0.0/9"
DEFAULT_PROJECT = "lab-project"
_NUMBERS = {DEFAULT_PROJECT: "424242424242"}


def project_number(project: str) -> str:
    """The twelve digits that stand for a project id in many of Google's answers."""
    if project in _NUMBERS:
        return _NUMBERS[project]
    return str(100_000_000_000 + int(hashlib.sha256(project.encode()).hexdigest(), 16) % 800_000_000_000)


def is_region(location: str) -> bool:
    return location in ZONES


def is_zone(location: str) -> bool:
    region, _, letter = location.rpartition("-")
    return letter in ZONES.get(region, ())


def region_of(location: str) -> str:
    """Region of a zone or of a region; raises the 403 by which Google answers for a place it does not know."""
    if is_region(location):
        return location
    if is_zone(location):
        return location.rpartition("-")[0]
    raise ApiError("PERMISSION_DENIED", f"Permission denied on 'locations/{location}' (or it may not exist).")


def zones_of(region: str) -> list[str]:
    return [f"{region}-{letter}" for letter in ZONES[region]]


def default_node_locations(location: str) -> list[str]:
    """A zonal cluster's own zone, or three of the region's."""
    return zones_of(location)[:3] if is_region(location) else [location]
