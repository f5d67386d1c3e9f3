# SPDX-License-Identifier: GPL-3.0-or-later
"""One cluster: its control plane and its nodes, brought up, resized, healed and removed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from gkelab.world import cgroups, network, node_config, processes, workloads
from gkelab.world.control_plane import ControlPlane
from gkelab.world.drain import drain
from gkelab.world.firewall import Instance, Master
from gkelab.world.folders import ClusterFolder
from gkelab.world.kube_api import Deadline, KubeApi
from gkelab.world.load_balancer import Target
from gkelab.world.node import Node, NodeImage
from gkelab.world.plan import ClusterPlan, ClusterState, NodePlan, Progress, WorldError

_NODES_TIMEOUT = 180.0
_POLL = 0.2
"""Seconds."""


class Cluster:
    """A cluster and everything of it on this machine."""

    def __init__(
        self, plan: ClusterPlan, home: Path, bin_dir: Path, port: int, image: Callable[[], NodeImage] | None
    ) -> None:
        """`image` makes what nodes boot from, at the first call; None for a lab without nodes."""
        self.plan = plan
        self._folder = ClusterFolder(home, plan.slot)
        self._folder.claim(plan)
        self._bin = bin_dir
        self._port = port
        self._image = image
        self._busy = threading.Lock()
        self._indices = self._number_nodes(plan)

    @property
    def control_plane(self) -> ControlPlane:
        """The control plane as the present plan has it."""
        return ControlPlane(self.plan, self._folder, self._bin, self._port)

    @property
    def busy(self) -> bool:
        """Whether something is being done to it now."""
        return self._busy.locked()

    def bring_up(self, plan: ClusterPlan, progress: Progress, changed: Callable[[], None]) -> None:
        """Make the cluster that of the plan: start what does not run, add, change and drop nodes.

        Returns once the API server answers and every node is Ready. `changed` is called when the firewall has to
        follow the plan.
        """
        with self._busy:
            # Numbers first: whoever looks at the plan meanwhile finds each of its nodes numbered.
            self._indices = self._number_nodes(plan)
            self.plan = plan
            changed()
            progress("CLUSTER_CONFIGURING", 1, 2)
            control_plane = self.control_plane
            control_plane.start()
            progress("CLUSTER_CONFIGURING", 2, 2)
            nodes = self._nodes()
            # Nodes boot while the API server does.
            self._boot(nodes)
            progress("CLUSTER_DEPLOYING", 0, len(nodes) + 1)
            api = control_plane.finish()
            workloads.install(api, plan)
            if self._image is not None:
                self._update_kept(api)
                self._remove_surplus(api)
                self._boot(nodes)
            for node in nodes:
                node.register(api)
            self._await_ready(control_plane, api, nodes, progress)
            progress("CLUSTER_HEALTHCHECKING", 2, 2)

    def remove(self) -> None:
        """Kill and remove everything, whatever state it is in."""
        with self._busy:
            slot = self.plan.slot
            indices = {*self._indices.values(), *self._folder.nodes()}
            names = [
                network.control_plane_namespace(slot),
                *(network.node_namespace(slot, index) for index in indices),
            ]
            processes.kill(processes.in_namespaces(names))
            links = [network.node_link(slot, index) for index in indices]
            network.disconnect([network.control_plane_link(slot), *links])
            network.remove_namespaces(names)
            for index in indices:
                cgroups.remove(cgroups.of_node(slot, index))
            self._folder.remove()

    def state(self) -> ClusterState:
        """Which processes run."""
        alive = self.control_plane.states() | {f"node {node.name}": node.alive for node in self._nodes()}
        return ClusterState(self.plan.key, healthy=all(alive.values()), processes=alive)

    def master(self) -> Master:
        """The control plane as the firewall sees it."""
        plan = self.plan
        return Master(
            link=network.control_plane_link(plan.slot),
            endpoint=plan.endpoint,
            region=plan.region,
            nodes=tuple(node.address for node in plan.nodes),
            pod_cidrs=(plan.pod_cidr, *(node.pod_cidr for node in plan.nodes)),
            private_cidr=plan.private_master_cidr,
        )

    def instances(self) -> list[Instance]:
        """The nodes as the firewall sees them."""
        plan = self.plan
        return [
            Instance(self._link(node.name), node.address, plan.network, plan.region, node.tags) for node in plan.nodes
        ]

    def target(self) -> Target | None:
        """A node for the load balancers: the first that runs."""
        running = (node for node in self._nodes() if node.alive)
        return next((Target(node.address, self._link(node.name)) for node in running), None)

    def _nodes(self) -> list[Node]:
        """The machines of the plan; none in a lab without nodes."""
        plan, indices = self.plan, self._indices
        nodes = plan.nodes if self._image else ()
        return [Node(plan, node, indices[node.name], self._folder) for node in nodes]

    def _link(self, name: str) -> str:
        return network.node_link(self.plan.slot, self._indices[name])

    def _number_nodes(self, plan: ClusterPlan) -> dict[str, int]:
        """A number for each node, the one it has or the lowest free; nodes that are to go still have theirs."""
        known = {node.name: index for index, node in self._folder.nodes().items()}
        free = (index for index in range(len(known) + len(plan.nodes)) if index not in known.values())
        return known | {node.name: next(free) for node in plan.nodes if node.name not in known}

    def _boot(self, nodes: list[Node]) -> None:
        if self._image is None or not nodes:
            return
        image = self._image()
        for node in nodes:
            node.boot(image)

    def _await_ready(self, control_plane: ControlPlane, api: KubeApi, nodes: list[Node], progress: Progress) -> None:
        deadline = Deadline(_NODES_TIMEOUT)
        waiting = list(nodes)
        while waiting := [node for node in waiting if not node.ready(api)]:
            progress("CLUSTER_DEPLOYING", len(nodes) - len(waiting), len(nodes) + 1)
            control_plane.check_alive()
            if not deadline.pause(_POLL):
                late = f"{len(waiting)} nodes of {self.plan.name}"
                raise WorldError(f"{late} were not Ready within {_NODES_TIMEOUT:.0f} s")
        progress("CLUSTER_DEPLOYING", len(nodes) + 1, len(nodes) + 1)

    def _update_kept(self, api: KubeApi) -> None:
        """Labels and taints follow the plan without a new machine."""
        made = {node.name: node for node in self._folder.nodes().values()}
        for node in self.plan.nodes:
            before = made.get(node.name)
            if before and before != node and not _needs_rebuild(before, node):
                api.patch(f"/api/v1/nodes/{node.name}", _change(self.plan, before, node))
                self._folder.remember_node(self._indices[node.name], node)

    def _remove_surplus(self, api: KubeApi) -> None:
        """Drop the machines that the plan does not have, or has otherwise."""
        wanted = {node.name: node for node in self.plan.nodes}
        going = {}
        for index, made in self._folder.nodes().items():
            kept = wanted.get(made.name)
            if kept is None or _needs_rebuild(made, kept):
                going[index] = made
        drain(api, [made.name for made in going.values()])
        for index, made in going.items():
            node = Node(self.plan, made, index, self._folder)
            node.retire(api)
            node.remove()


def _needs_rebuild(before: NodePlan, after: NodePlan) -> bool:
    def fixed(node: NodePlan) -> tuple[str, ...]:
        return node.pool, node.zone, node.address, node.pod_cidr, node.machine_type

    return fixed(before) != fixed(after)


def _change(plan: ClusterPlan, before: NodePlan, after: NodePlan) -> dict[str, object]:
    """The patch from one node's labels and taints to another's; null removes a label."""
    wanted = node_config.node_object(plan, after)
    gone: dict[str, str | None] = dict.fromkeys(before.labels)
    return {
        "metadata": {"labels": {**gone, **wanted["metadata"]["labels"]}},
        "spec": {"taints": wanted["spec"].get("taints")},
    }
