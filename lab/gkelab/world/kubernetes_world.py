# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clusters behind the APIs: Kubernetes, with or without nodes, on this machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gkelab.world import cleanup, firewall, images, kernel, network
from gkelab.world.cluster import Cluster
from gkelab.world.folders import ClusterFolder
from gkelab.world.frontends import AddressBook
from gkelab.world.load_balancer import LoadBalancerController
from gkelab.world.node import NodeImage
from gkelab.world.plan import ClusterAccess, ClusterPlan, ClusterState, Progress, WorldError

_PARALLEL = 8

_log = logging.getLogger(__name__)


class KubernetesWorld:
    """Implements `plan.World` with processes and namespaces; needs Linux and root."""

    def __init__(
        self, home: Path, *, cache: Path, bin_dir: Path, archives: Sequence[Path], port: int, nodes: bool
    ) -> None:
        """`archives` are the images every node has; `port` is the daemon's, for TokenReview; without `nodes`
        clusters are control planes only."""
        self._home = home
        self._bin = bin_dir
        self._port = port
        self._image: Callable[[], NodeImage] | None = None
        if nodes:
            self._image = lambda: NodeImage(bin_dir, images.disk_image(cache, bin_dir, archives))
        self._clusters: dict[str, Cluster] = {}
        self._controllers: dict[str, LoadBalancerController] = {}
        self._rules: Sequence[Mapping[str, Any]] = ()
        self._book = AddressBook(home / "world" / "addresses.json")
        self._lock = threading.RLock()

    def start(self, plans: Sequence[ClusterPlan], firewalls: Sequence[Mapping[str, Any]]) -> None:
        """Build the network and bring every given cluster back to health; also repairs a running world."""
        kernel.raise_inotify_limit()
        network.build_router()
        if self._image:
            # The first cluster will want it; until somebody asks for one there is time.
            threading.Thread(target=self._prepare_image, name="node image", daemon=True).start()
        self._rules = firewalls
        with ThreadPoolExecutor(_PARALLEL) as pool:
            failures = [error for error in pool.map(self._heal, plans) if error]
        if failures:
            raise WorldError("; ".join(failures))

    def create(self, plan: ClusterPlan, progress: Progress) -> ClusterAccess:
        """Boot the control plane and the nodes."""
        cluster = self._bring_up(plan, progress)
        return ClusterAccess(ca_certificate=cluster.control_plane.ca_certificate)

    def resize(self, plan: ClusterPlan, progress: Progress) -> None:
        """Make the nodes those of the plan."""
        self._bring_up(plan, progress)

    def delete(self, plan: ClusterPlan) -> None:
        """Remove everything of this cluster."""
        owner = ClusterFolder(self._home, plan.slot).owner()
        if owner not in (None, plan.key):
            return
        with self._lock:
            cluster = self._cluster(plan)
            controller = self._controllers.pop(plan.key, None)
        if controller:
            controller.stop()
        cluster.remove()
        if controller:
            controller.join()
        for name in self._book.owners(plan):
            address = self._book.release(name)
            if address:
                network.unroute_frontend(address)
        with self._lock:
            self._clusters.pop(plan.key, None)
        self._refresh_firewall()

    def set_firewalls(self, firewalls: Sequence[Mapping[str, Any]]) -> None:
        """Enforce exactly these rules."""
        self._rules = firewalls
        self._refresh_firewall()

    def states(self) -> Sequence[ClusterState]:
        """Liveness of every cluster."""
        with self._lock:
            clusters = list(self._clusters.values())
        return [cluster.state() for cluster in clusters]

    def stop(self) -> None:
        """Take everything down, whatever state it is in."""
        with self._lock:
            for controller in self._controllers.values():
                controller.stop()
            self._controllers.clear()
            self._clusters.clear()
            cleanup.sweep(self._home)

    def _bring_up(self, plan: ClusterPlan, progress: Progress) -> Cluster:
        cluster = self._cluster(plan)
        cluster.bring_up(plan, progress, self._refresh_firewall)
        self._watch_services(cluster).reconcile(plan)
        return cluster

    def _cluster(self, plan: ClusterPlan) -> Cluster:
        with self._lock:
            if plan.key not in self._clusters:
                self._clusters[plan.key] = Cluster(plan, self._home, self._bin, self._port, self._image)
            return self._clusters[plan.key]

    def _prepare_image(self) -> None:
        if self._image:
            try:
                self._image()
            except WorldError as error:
                _log.warning("%s", error)

    def _heal(self, plan: ClusterPlan) -> str:
        """Bring one cluster back; what went wrong, in words, or nothing."""
        if self._cluster(plan).busy:
            return ""  # An operation is at it, perhaps with a newer plan.
        try:
            self._bring_up(plan, lambda stage, done, of: None)
        except WorldError as error:
            return f"{plan.name}: {error}"
        return ""

    def _watch_services(self, cluster: Cluster) -> LoadBalancerController:
        with self._lock:
            key = cluster.plan.key
            if key not in self._controllers:
                controller = LoadBalancerController(
                    cluster.plan,
                    cluster.control_plane.api(),
                    self._book,
                    target=cluster.target,
                    changed=self._refresh_firewall,
                )
                self._controllers[key] = controller
                controller.start()
            return self._controllers[key]

    def _refresh_firewall(self) -> None:
        with self._lock:
            clusters = list(self._clusters.values())
            standing = [
                (cluster, active)
                for cluster in clusters
                if cluster.plan.key in self._controllers
                for active in self._controllers[cluster.plan.key].active()
            ]
            firewall.apply(
                firewall.Vpc(
                    masters=[cluster.master() for cluster in clusters],
                    instances=[instance for cluster in clusters for instance in cluster.instances()],
                    rules=[*self._rules, *(active.frontend.firewall(active.address) for _, active in standing)],
                    frontends=[
                        firewall.RegionalFrontend(active.address, cluster.plan.region)
                        for cluster, active in standing
                        if not active.frontend.global_access
                    ],
                    token_review_port=self._port,
                )
            )
