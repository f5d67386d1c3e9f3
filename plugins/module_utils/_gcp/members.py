# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh's clusters by reference: one read for many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import require_project
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import Cluster, get_cluster, list_clusters
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession


@dataclass(frozen=True)
class Member:
    """A cluster reference and what the service knows of it (None: it does not exist)."""

    name: str
    location: str
    project: str
    cluster: Cluster | None
    elsewhere: tuple[str, ...] = ()
    """Locations in which a cluster of that name does exist, where it is not in the named one."""
    endpoint: str = "public"

    @property
    def label(self) -> str:
        """The cluster in a sentence; a name alone may occur in several locations."""
        return f"{self.name} in {self.location}"

    @property
    def hint(self) -> str:
        """For an error about a cluster that is not there."""
        if self.elsewhere:
            return f"Did you mean {self.name} in {' or '.join(self.elsewhere)}?"
        return "Create it first: run the provision phase."


def read_members(session: GoogleSession, refs: Sequence[Mapping[str, Any]], params: Mapping[str, Any]) -> list[Member]:
    """Look up clusters, a call a project where it has several of them, else a call a cluster (two if it is not there).

    Args:
        session: the connection.
        refs: cluster references with ``name`` and ``location``.
        params: the module's options, for the default project.
    """
    resolved = [(ref, str(ref.get("project") or require_project(dict(params)))) for ref in refs]
    by_project: dict[str, list[Mapping[str, Any]]] = {}
    for ref, project in resolved:
        by_project.setdefault(project, []).append(ref)
    lists = {project: _List(session, project) for project, some in by_project.items() if len(some) > 1}
    found = []
    for ref, project in resolved:
        name, location = str(ref["name"]), str(ref["location"])
        if project in lists:
            cluster, elsewhere = lists[project].find(name, location)
        else:
            cluster = get_cluster(session, project, location, name)
            elsewhere = _namesakes(session, project, name) if cluster is None else ()
        found.append(Member(name, location, project, cluster, elsewhere, str(ref.get("endpoint") or "public")))
    return found


def _namesakes(session: GoogleSession, project: str, name: str) -> tuple[str, ...]:
    """Where a project has clusters of a name."""
    listed = list_clusters(session, project).clusters
    return tuple(sorted(str(one.get("location")) for one in listed if one.get("name") == name))


class _List:
    """All clusters of a project. A zone that did not answer proves nothing: what is missing is asked for by name."""

    def __init__(self, session: GoogleSession, project: str) -> None:
        self._session = session
        self._project = project
        self._listed = list_clusters(session, project)

    def find(self, name: str, location: str) -> tuple[Cluster | None, tuple[str, ...]]:
        """The cluster, or None and the places where its namesakes are."""
        namesakes = {str(one.get("location")): one for one in self._listed.clusters if one.get("name") == name}
        cluster = namesakes.get(location)
        if cluster is None and self._listed.missing_zones:
            cluster = get_cluster(self._session, self._project, location, name)
        return cluster, tuple(sorted(namesakes)) if cluster is None else ()
