# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service itself can tell after a refusal: other zones after a stockout, versions after a wrong one."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import versions
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import location_path
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import resource_name
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError, is_bad_version, is_stockout
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import region_of
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import OperationFailed, Place
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import COMPUTE, CONTAINER, GoogleSession

SHOWN = 5
"""How many of the offered versions an error lists."""


def more(session: GoogleSession, place: Place, error: ApiError | OperationFailed) -> str:
    """A sentence to put behind the error's hint; empty when there is nothing to add, or no answer at once."""
    try:
        if is_stockout(error.message):
            return _zones(session, place, error.message)
        if is_bad_version(error.message):
            return _versions(session, place)
    except MeshError:
        pass  # the refusal itself is what counts
    return ""


def offer(found: list[str]) -> str:
    """Versions in a sentence."""
    return f"Offered: {', '.join(found[:SHOWN])}"


def _zones(session: GoogleSession, place: Place, message: str) -> str:
    """The region's zones but those that the answer complains of."""
    region = region_of(place.location)
    found = session.call(
        "GET", COMPUTE, f"projects/{place.project}/regions/{region}",
        doing="read", subject=f"region {region}", repeatable=False,
    )  # fmt: skip
    zones = [resource_name(str(url)) for url in found.get("zones") or ()]
    others = sorted(zone for zone in zones if zone != place.location and zone not in message)
    return f"{region} also has {', '.join(others)}." if others else ""


def _versions(session: GoogleSession, place: Place) -> str:
    path = f"{location_path(place.project, place.location)}/serverConfig"
    config = session.call(
        "GET", CONTAINER, path, doing="read", subject=f"versions in {place.location}", repeatable=False
    )
    found = versions.offered(config)
    return f"{offer(found)}." if found else ""
