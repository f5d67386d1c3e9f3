# SPDX-License-Identifier: GPL-3.0-or-later
"""The load balancer controller of one cluster: watches Services and gives those of type LoadBalancer an address.

As Google's passthrough load balancers do, traffic reaches a node with its destination unchanged; kube-proxy on the
node knows the address from the Service's status.

Limit: all traffic of a cluster's load balancers goes to one node, so a Service with `externalTrafficPolicy: Local`
answers only if that node has a pod of it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gkelab.world import network
from gkelab.world.frontends import AddressBook, Frontend, frontend, owner
from gkelab.world.kube_api import KubeApi
from gkelab.world.plan import ClusterPlan, WorldError

_SERVICES = "/api/v1/services"
_WATCH_SECONDS = 300
_RETRY_SECONDS = 1.0
_JOIN_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Target:
    """The node that a cluster's load balancers send their traffic to."""

    address: str
    link: str


@dataclass(frozen=True)
class Active:
    """A load balancer that stands."""

    frontend: Frontend
    address: str


class LoadBalancerController:
    """Runs in a thread of its own from `start` to `stop`."""

    def __init__(
        self,
        plan: ClusterPlan,
        api: KubeApi,
        book: AddressBook,
        *,
        target: Callable[[], Target | None],
        changed: Callable[[], None],
    ) -> None:
        """`target` names the node to use now; `changed` is called when the firewall has to follow."""
        self._plan = plan
        self._api = api
        self._book = book
        self._target = target
        self._changed = changed
        self._services: dict[str, Mapping[str, Any]] | None = None
        self._active: dict[str, Active] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"load-balancers {plan.name}", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watching; what stands keeps standing."""
        self._stopped.set()

    def active(self) -> list[Active]:
        """The load balancers that stand."""
        return list(self._active.values())

    def reconcile(self, plan: ClusterPlan | None = None) -> None:
        """Make every load balancer what its Service asks for; with a new plan, on the plan's nodes."""
        with self._lock:
            self._plan = plan or self._plan
            if self._services is None:
                return  # Not yet listed; an empty view would give every address away.
            services = self._services
            wanted = {name: front for name, front in map(self._named_frontend, services.values()) if front}
            self._release({*self._active, *self._book.owners(self._plan)} - set(wanted))
            published = {name: active for name, front in wanted.items() if (active := self._place(front))}
            differs, self._active = published != self._active, published
            if differs:
                # Before the status: who reads the address may use it at once.
                self._changed()
            for name, active in published.items():
                self._publish(services[name], active.address)

    def join(self) -> None:
        """Wait for the end of the thread, which comes with the end of its API server."""
        self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._follow()
            except WorldError as error:
                # Also how a watch ends when its cluster is deleted.
                _log.info("load balancers of %s: %s", self._plan.name, error)
                self._stopped.wait(_RETRY_SECONDS)

    def _follow(self) -> None:
        listing = self._api.get(_SERVICES)
        services = {owner(self._plan, service): service for service in listing["items"]}
        self._services = services
        self.reconcile()
        version = listing["metadata"]["resourceVersion"]
        for kind, service in self._api.watch(_SERVICES, version, _WATCH_SECONDS):
            if self._stopped.is_set() or kind == "ERROR":
                return
            if kind == "BOOKMARK":
                continue
            with self._lock:
                if kind == "DELETED":
                    services.pop(owner(self._plan, service), None)
                else:
                    services[owner(self._plan, service)] = service
            self.reconcile()

    def _named_frontend(self, service: Mapping[str, Any]) -> tuple[str, Frontend | None]:
        return owner(self._plan, service), frontend(service, self._plan)

    def _place(self, front: Frontend) -> Active | None:
        target = self._target()
        nodes = self._plan.nodes
        if not nodes:
            return None
        address = self._book.assign(front, target.address if target else nodes[0].address)
        before = self._active.get(front.owner)
        if before and before.address != address:
            network.unroute_frontend(before.address)
        if address is None:
            return None
        if target:
            network.route_frontend(address, target.address, target.link)
        return Active(front, address)

    def _release(self, names: set[str]) -> None:
        for name in names:
            address = self._book.release(name)
            if address:
                network.unroute_frontend(address)

    def _publish(self, service: Mapping[str, Any], address: str) -> None:
        wanted = {"loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"}]}}
        if service.get("status", {}).get("loadBalancer") == wanted["loadBalancer"]:
            return
        metadata = service["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/services/{metadata['name']}/status"
        self._api.patch(path, {"status": wanted})
