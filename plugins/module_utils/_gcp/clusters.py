# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading clusters from the Container API, as the plain JSON that it sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import CONTAINER, GoogleSession

Cluster = dict[str, Any]


@dataclass(frozen=True)
class ClusterList:
    """Clusters of a location, and the zones that did not answer: what is absent from the list may live there."""

    clusters: tuple[Cluster, ...]
    missing_zones: tuple[str, ...] = ()


def location_path(project: str, location: str) -> str:
    """Path of a location; ``-`` means all of them."""
    return f"projects/{project}/locations/{location}"


def cluster_path(project: str, location: str, name: str) -> str:
    """Path of a cluster."""
    return f"{location_path(project, location)}/clusters/{name}"


def describe(name: str, location: str) -> str:
    """How messages call a cluster."""
    return f"cluster {name} in {location}"


def get_cluster(session: GoogleSession, project: str, location: str, name: str) -> Cluster | None:
    """The cluster, or None when it does not exist.

    Raises:
        ApiError: anything but "found" and "not found".
    """
    try:
        return session.call(
            "GET", CONTAINER, cluster_path(project, location, name), doing="read", subject=describe(name, location)
        )
    except ApiError as error:
        if error.not_found:
            return None
        raise


def list_clusters(session: GoogleSession, project: str, location: str = "-") -> ClusterList:
    """All clusters of a location (by default of the project), in one call: the API does not page."""
    found = session.call(
        "GET", CONTAINER, f"{location_path(project, location)}/clusters",
        doing="list", subject=f"clusters of project {project}" + ("" if location == "-" else f" in {location}"),
    )  # fmt: skip
    return ClusterList(tuple(found.get("clusters") or ()), tuple(found.get("missingZones") or ()))
