# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the emulated cloud knows, as tables of records; the rules live in the modules beside this one."""

from __future__ import annotations

import time
from collections.abc import Callable

from gkelab.model import catalog
from gkelab.model.store import JSON, Store


class Cloud:
    """The tables.

    A *cluster* record holds ``body`` (the resource without what is derived), ``sizes`` (nodes a zone by pool),
    ``groups`` (instance group hash by pool and zone), ``nodes`` (name, pool, zone, address, podCidr), ``pending`` (the
    same four as they will be after the operation in flight) and ``status``. The other tables hold API resources.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.clock = clock
        self.projects = store.table("project")
        self.networks = store.table("network")
        self.subnetworks = store.table("subnetwork")
        self.firewalls = store.table("firewall")
        self.clusters = store.table("cluster")
        self.operations = store.table("operation")
        self.compute_operations = store.table("compute_operation")

    def project_id(self, project: str) -> str:
        """The id of a project given by id or number; a project is known from the first time it is named by id."""
        if not project.isdigit():
            if project not in self.projects:
                self.projects.put(project, {"id": project, "number": catalog.project_number(project)})
            return project
        if project == catalog.project_number(catalog.DEFAULT_PROJECT):
            return catalog.DEFAULT_PROJECT
        found = (record["id"] for record in self.projects.values() if record["number"] == project)
        return str(next(found, project))

    def clusters_of(self, project: str) -> list[JSON]:
        return [record for record in self.clusters.values() if record["project"] == project]

    def firewalls_of(self, project: str) -> list[JSON]:
        prefix = f"https://www.googleapis.com/compute/v1/projects/{project}/"
        return [rule for rule in self.firewalls.values() if rule["selfLink"].startswith(prefix)]

    def clear(self) -> None:
        """Forget everything, as after `gkelab down`."""
        with self.store.together():
            for table in (
                self.projects,
                self.networks,
                self.subnetworks,
                self.firewalls,
                self.clusters,
                self.operations,
                self.compute_operations,
            ):
                table.clear()


def cluster_key(project: str, location: str, name: str) -> str:
    return f"{project}/{location}/{name}"
