# SPDX-License-Identifier: GPL-3.0-or-later
"""What module gke_cluster_info does: reads one cluster, or those of a project that fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC, require_project
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import Cluster, get_cluster, list_clusters
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import check_location
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.summary import summarise

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "name": {"type": "list", "elements": "str", "aliases": ["names"]},
    "location": {"type": "str"},
    "labels": {"type": "dict"},
}
SPEC_KWARGS: dict[str, Any] = {}


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """Read clusters; one call, whatever the number of clusters.

    Args:
        params: validated options.
        check_mode: of no consequence: nothing is ever written.
        diff: likewise.
        report: not used; there is no waiting.

    Returns:
        ``changed`` (false), ``clusters`` by name and location, ``missing_zones``, ``warnings``.
    """
    del check_mode, diff, report
    project, location = require_project(params), params.get("location") or "-"
    names, labels = params.get("name") or [], params.get("labels") or {}
    session = GoogleSession(params)
    if location != "-":
        check_location(f"clusters of project {project}", location)
    missing: tuple[str, ...] = ()
    if len(names) == 1 and location != "-":
        one = get_cluster(session, project, location, names[0])
        found = [one] if one else []
    else:
        listed = list_clusters(session, project, location)
        found, missing = list(listed.clusters), listed.missing_zones
    fitting = [one for one in found if _fits(one, names, labels)]
    fitting.sort(key=lambda one: (str(one.get("name")), str(one.get("location"))))
    return {
        "changed": False,
        "clusters": [summarise(one, name="", location="", project=project) for one in fitting],
        "missing_zones": list(missing),
        "warnings": [f"Zones {', '.join(missing)} did not answer: clusters may be missing here."] if missing else [],
    }


def _fits(cluster: Cluster, names: list[str], labels: dict[str, Any]) -> bool:
    present = cluster.get("resourceLabels") or {}
    wanted = not names or cluster.get("name") in names
    return wanted and all(present.get(key) == str(value) for key, value in labels.items())
