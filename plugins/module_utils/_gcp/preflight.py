# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be found out before a create call, so that bad input is one clear line and nothing is written."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import advice, versions
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import location_path
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Place
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import CONTAINER, GoogleSession


def check(session: GoogleSession, place: Place, wish: Desired, doing: str = "create") -> None:
    """Ask the service for what it offers there: that also proves the location and the right to use it.

    Raises:
        MeshError: the location is not there or not ours, or the version is not offered in it.
    """
    config = session.call(
        "GET", CONTAINER, f"{location_path(place.project, place.location)}/serverConfig",
        doing="place", subject=place.subject,
    )  # fmt: skip
    version = str(wish.cluster.get("initialClusterVersion") or "")
    channel = str((wish.cluster.get("releaseChannel") or {}).get("channel") or "")
    offered = versions.offered(config, "" if channel == "UNSPECIFIED" else channel)
    if offered and not any(versions.matches(version, one) for one in offered):
        where = f"{place.location}{f' on channel {channel}' if channel not in ('', 'UNSPECIFIED') else ''}"
        raise MeshError(
            doing, place.subject, f"version {version} is not offered in {where}",
            f"{advice.offer(offered)}; or leave cluster_version out.",
        )  # fmt: skip
