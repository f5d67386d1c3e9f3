# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh member as the firewall sees it: its network, its pods' true ranges, its pools' tags. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import resource_name, resource_project
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import region_of

Network: TypeAlias = "ipaddress.IPv4Network | ipaddress.IPv6Network"


@dataclass(frozen=True, order=True)
class Vpc:
    """A network and the project that owns it and its firewall rules: with Shared VPC, not the cluster's."""

    project: str
    name: str

    @property
    def path(self) -> str:
        """As Compute takes it."""
        return f"projects/{self.project}/global/networks/{self.name}"


@dataclass(frozen=True, order=True)
class SubnetRef:
    """Where a subnetwork is."""

    project: str
    region: str
    name: str

    @property
    def path(self) -> str:
        """Its path in the Compute API."""
        return f"projects/{self.project}/regions/{self.region}/subnetworks/{self.name}"


RangeRef: TypeAlias = "tuple[SubnetRef, str]"
"""A secondary range by the subnetwork that it is in and its name there."""


def vpc_of(cluster: Mapping[str, Any], project: str) -> Vpc:
    """The cluster's network; the short ``network`` field would hide the host project."""
    full = str((cluster.get("networkConfig") or {}).get("network") or cluster.get("network") or "default")
    return Vpc(resource_project(full) or project, resource_name(full))


def subnet_of(cluster: Mapping[str, Any], project: str, name: str = "") -> SubnetRef:
    """The cluster's subnetwork, or another one of the same network by its name or path."""
    own = str((cluster.get("networkConfig") or {}).get("subnetwork") or cluster.get("subnetwork") or "default")
    given = name or own
    host = resource_project(given) or resource_project(own) or vpc_of(cluster, project).project
    return SubnetRef(host, region_of(str(cluster.get("location") or "")), resource_name(given))


def plain_ranges(cluster: Mapping[str, Any]) -> set[str]:
    """Pod ranges that the cluster itself tells; never that of Services, virtual and the same in every cluster."""
    policy = cluster.get("ipAllocationPolicy") or {}
    found = {policy.get("clusterIpv4CidrBlock") or cluster.get("clusterIpv4Cidr")}
    for pool in cluster.get("nodePools") or ():
        found.add((pool.get("networkConfig") or {}).get("podIpv4CidrBlock"))
    if policy.get("stackType") == "IPV4_IPV6":
        found.add(policy.get("subnetIpv6CidrBlock"))
    return {str(one) for one in found if one}


def homes(cluster: Mapping[str, Any], project: str) -> dict[str, RangeRef]:
    """Of the pod ranges that the cluster itself tells, those whose secondary range it tells too."""
    policy = cluster.get("ipAllocationPolicy") or {}
    entries = [(policy.get("clusterIpv4CidrBlock"), policy.get("clusterSecondaryRangeName"), "")]
    for pool in cluster.get("nodePools") or ():
        config = pool.get("networkConfig") or {}
        entries.append((config.get("podIpv4CidrBlock"), config.get("podRange"), config.get("subnetwork") or ""))
    return {
        str(cidr): (subnet_of(cluster, project, subnet), str(name)) for cidr, name, subnet in entries if cidr and name
    }


def named_ranges(cluster: Mapping[str, Any], project: str) -> dict[SubnetRef, set[str]]:
    """Pod ranges of which the cluster tells only the names, by the subnetwork that knows their addresses.

    A name is a range's only within its subnetwork: two subnetworks may each have one called ``pods``.
    """
    policy = cluster.get("ipAllocationPolicy") or {}
    told: set[tuple[SubnetRef, str]] = set()
    named = {(subnet_of(cluster, project), name) for name in _names(policy.get("additionalPodRangesConfig"))}
    for entry in policy.get("additionalIpRangesConfigs") or ():
        subnet = subnet_of(cluster, project, str(entry.get("subnetwork") or ""))
        named |= {(subnet, str(name)) for name in entry.get("podIpv4RangeNames") or ()}
    for pool in cluster.get("nodePools") or ():
        config = pool.get("networkConfig") or {}
        if config.get("podRange"):
            place = subnet_of(cluster, project, str(config.get("subnetwork") or "")), str(config["podRange"])
            (told if config.get("podIpv4CidrBlock") else named).add(place)
    found: dict[SubnetRef, set[str]] = {}
    for subnet, name in sorted(named - told):
        found.setdefault(subnet, set()).add(name)
    return found


def node_subnets(cluster: Mapping[str, Any], project: str) -> list[SubnetRef]:
    """Every subnetwork that the cluster's nodes may have addresses in."""
    policy = cluster.get("ipAllocationPolicy") or {}
    configs = [pool.get("networkConfig") or {} for pool in cluster.get("nodePools") or ()]
    given = [one.get("subnetwork") for one in [*(policy.get("additionalIpRangesConfigs") or ()), *configs]]
    return sorted({subnet_of(cluster, project, str(name or "")) for name in ["", *given]})


def _names(config: Mapping[str, Any] | None) -> set[str]:
    return {str(name) for name in (config or {}).get("podRangeNames") or ()}


def untagged_pools(cluster: Mapping[str, Any], tag: str) -> list[str]:
    """Names of the pools whose nodes do not carry a network tag; what Autopilot runs counts as one pool."""
    if (cluster.get("autopilot") or {}).get("enabled"):
        return [] if tag in _automatic_tags(cluster) else ["autopilot"]
    return [
        str(pool.get("name"))
        for pool in cluster.get("nodePools") or ()
        if tag not in ((pool.get("config") or {}).get("tags") or ())
    ]


def makes_untagged_pools(cluster: Mapping[str, Any], tag: str) -> bool:
    """Whether node auto-provisioning may add pools whose nodes do not carry a network tag."""
    automatic = (cluster.get("autoscaling") or {}).get("enableNodeAutoprovisioning")
    return bool(automatic and tag not in _automatic_tags(cluster))


def _automatic_tags(cluster: Mapping[str, Any]) -> list[str]:
    """Network tags of nodes in pools that GKE makes by itself."""
    return list(((cluster.get("nodePoolAutoConfig") or {}).get("networkTags") or {}).get("tags") or ())


def control_plane_range(cluster: Mapping[str, Any]) -> str:
    """Where a private cluster's API server calls webhooks from; empty when its own rules let it through."""
    legacy, network = cluster.get("privateClusterConfig") or {}, cluster.get("networkConfig") or {}
    pools = [pool.get("networkConfig") or {} for pool in cluster.get("nodePools") or ()]
    private = legacy.get("enablePrivateNodes") or network.get("defaultEnablePrivateNodes")
    private = private or any(pool.get("enablePrivateNodes") for pool in pools)
    return str(legacy.get("masterIpv4CidrBlock") or "") if private else ""


def check_overlaps(ranges: Mapping[str, Mapping[str, RangeRef | None]]) -> None:
    """Refuse clusters whose pods could have the same address: no rule makes one network of them.

    Clusters of one subnetwork may share a secondary range for pods: each node has addresses of its own from it.

    Args:
        ranges: pod ranges by cluster, each with its secondary range where that is known.
    """
    seen: list[tuple[str, Network, RangeRef | None]] = []
    for name, homes_of in ranges.items():
        own = [(ipaddress.ip_network(text, strict=False), homes_of[text]) for text in sorted(homes_of)]
        for other, theirs, their_home in seen:
            for mine, my_home in own:
                if mine.version == theirs.version and mine.overlaps(theirs) and (not my_home or my_home != their_home):
                    raise MeshError(
                        "open", f"the firewall between {other} and {name}",
                        f"their pod ranges overlap: {theirs} of {other}, {mine} of {name}",
                        "On one network each needs its own: create one of the two anew with another cluster_ipv4_cidr.",
                    )  # fmt: skip
        seen += [(name, one, home) for one, home in own]
