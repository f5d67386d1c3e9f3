# SPDX-License-Identifier: GPL-3.0-or-later
"""The network tag by which a rule finds a cluster's nodes: ours where all pools carry it, else the one of GKE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import compute, instance_groups
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import (
    Vpc,
    makes_untagged_pools,
    plain_ranges,
    untagged_pools,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession

_NODE_TAG = re.compile(r"gke-(?P<cluster>.+)-[0-9a-f]{8}-node")


def node_tag(session: GoogleSession, cluster: Mapping[str, Any], vpc: Vpc, own: str | None) -> tuple[str, list[str]]:
    """The tag that is on all nodes of a cluster, and sentences for the user.

    Args:
        session: where to look when the cluster does not tell.
        cluster: the cluster's JSON.
        vpc: its network.
        own: the mesh's tag, if it has one.

    Raises:
        MeshError: no tag could be found; nobody may guess one.
    """
    name = str(cluster.get("name"))
    lacking = untagged_pools(cluster, own) if own else []
    later = bool(own) and makes_untagged_pools(cluster, str(own))
    if own and not lacking and not later:
        return own, []
    tag = _from_templates(session, cluster) or _from_rules(session, cluster, vpc)
    if not tag and own and not lacking:
        return own, [f"{name}: node pools that GKE makes by itself will lack tag {own} and be found by none."]
    if not tag:
        raise MeshError(
            "find", f"the nodes of cluster {name}", "no network tag is known that all of them carry",
            "Set node_tags on the cluster (module gke_cluster) and node_tag here.",
        )  # fmt: skip
    if not own:
        return tag, []
    who = f"node pools {', '.join(lacking)} lack" if lacking else "node pools that GKE makes by itself will lack"
    return tag, [f"{name}: {who} tag {own}; the rule finds the cluster's nodes by {tag}."]


def given_by_gke(tags: list[str], cluster: str) -> str:
    """GKE's own tag among a node's tags; a long cluster name is cut short in it."""
    for tag in tags:
        match = _NODE_TAG.fullmatch(tag)
        if match and cluster.startswith(match["cluster"]):
            return tag
    return ""


def _from_templates(session: GoogleSession, cluster: Mapping[str, Any]) -> str:
    for pool in cluster.get("nodePools") or ():
        for url in (pool.get("instanceGroupUrls") or ())[:1]:
            try:
                templates = instance_groups.template_tags(session, str(url))
            except ApiError as error:
                if error.status in (403, 404):
                    return ""
                raise
            for tags in templates:
                if tag := given_by_gke(tags, str(cluster.get("name"))):
                    return tag
    return ""


def _from_rules(session: GoogleSession, cluster: Mapping[str, Any], vpc: Vpc) -> str:
    """From the rule that GKE made to let the cluster's own pods reach its nodes."""
    pods, found = plain_ranges(cluster), [""]
    for rule in compute.list_firewalls(session, vpc.project, "gke-.*-[0-9a-f]{8}-all"):
        if pods & set(rule.get("sourceRanges") or ()):
            found.append(given_by_gke(list(rule.get("targetTags") or ()), str(cluster.get("name"))))
    # Clusters may share a pod range: of several tags that fit, the longest is of the cluster itself.
    return max(found, key=len)
