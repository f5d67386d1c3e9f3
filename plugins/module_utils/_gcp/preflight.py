# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be found out before a create call, so that bad input is one clear line and nothing is written."""

from __future__ import annotations

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import advice, versions
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import location_path
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import same_resource
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import region_of
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import SubnetRef, subnet_of, vpc_of
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Place
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import CONTAINER, GoogleSession


def check(session: GoogleSession, place: Place, wish: Desired, doing: str = "create") -> None:
    """Ask the service for what it offers there: that also proves the location and the right to use it.

    Raises:
        MeshError: the location is not there or not ours, the version is not offered in it, or a new cluster is to have
            ranges that its subnetwork lacks.
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
    if doing == "create":
        _check_ranges(session, place, wish)


def _check_ranges(session: GoogleSession, place: Place, wish: Desired) -> None:
    """A range that is not there would be found out late: additional ones only when the cluster has been created."""
    asked = _asked_ranges(wish)
    if not asked:
        return
    ref = _subnetwork(wish, place)
    known = _known_ranges(session, place, ref)
    lacking = sorted(asked - known) if known is not None else []
    if lacking:
        raise MeshError(
            "create", place.subject, f"subnetwork {ref.path} has no secondary range {', '.join(lacking)}",
            f"It has {', '.join(sorted(known or ())) or 'none'}.",
        )  # fmt: skip


def _asked_ranges(wish: Desired) -> set[str]:
    """Secondary ranges that are asked for by their names, but for those that a pool is to have made for it."""
    policy = wish.cluster.get("ipAllocationPolicy") or {}
    found = {policy.get("clusterSecondaryRangeName"), policy.get("servicesSecondaryRangeName")}
    found |= set((policy.get("additionalPodRangesConfig") or {}).get("podRangeNames") or ())
    for pool in wish.pools.values():
        config = pool.get("networkConfig") or {}
        if not config.get("createPodRange") and not config.get("subnetwork"):
            found.add(config.get("podRange"))
    return {str(name) for name in found if name}


def _subnetwork(wish: Desired, place: Place) -> SubnetRef:
    """Where the cluster is to be; a network that makes its subnetworks by itself gives them its own name."""
    vpc = vpc_of(wish.cluster, place.project)
    config = wish.cluster.get("networkConfig") or {}
    subnet = str(config.get("subnetwork") or wish.cluster.get("subnetwork") or "")
    path = subnet or f"projects/{vpc.project}/regions/{region_of(place.location)}/subnetworks/{vpc.name}"
    return subnet_of({**wish.cluster, "location": place.location}, place.project, path)


def _known_ranges(session: GoogleSession, place: Place, ref: SubnetRef) -> set[str] | None:
    """The subnetwork's secondary ranges; None when the service does not show it: then its own refusal must do."""
    query = {"filter": f"networkProjectId={ref.project}"}
    while True:
        try:
            page = session.call(
                "GET", CONTAINER, f"projects/{place.project}/aggregated/usableSubnetworks",
                doing="list", subject=f"subnetworks of project {ref.project}", query=query, repeatable=False,
            )  # fmt: skip
        except ApiError:
            return None
        for entry in page.get("subnetworks") or ():
            if same_resource(str(entry.get("subnetwork") or ""), ref.path):
                return {str(one.get("rangeName")) for one in entry.get("secondaryIpRanges") or ()}
        if not page.get("nextPageToken"):
            return None
        query = {**query, "pageToken": str(page["nextPageToken"])}
