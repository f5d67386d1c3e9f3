# SPDX-License-Identifier: GPL-3.0-or-later
"""One node: a machine of its own as far as Kubernetes can see, made of namespaces and a folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from gkelab.world import cgroups, images, kubeconfig, network, node_config, pki, processes
from gkelab.world.folders import ClusterFolder
from gkelab.world.kube_api import KubeApi, KubeApiError
from gkelab.world.plan import ClusterPlan, NodePlan
from gkelab.world.processes import ProcessTable

_INIT = Path(__file__).with_name("node_init.sh")
_APART = ("unshare", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child")
_DISK_FOLDERS = ("run/node", "run/bin", "run/logs", "var-lib/kubelet", "var-log", "tmp", "cni", "sysctl")

_BOOTING = {"type": "Ready", "status": "False", "reason": "NodeBooting", "message": "the node starts with a new disk"}
"""Replaces the conditions of an earlier boot, which would pass for this one's."""


@dataclass(frozen=True)
class NodeImage:
    """What every node is made from."""

    bin_dir: Path
    disk: Path
    """containerd's store with all images, see `images`."""


class Node:
    """A node of a cluster; `index` numbers its namespace, link and folder."""

    def __init__(self, plan: ClusterPlan, node: NodePlan, index: int, folder: ClusterFolder) -> None:
        self._plan = plan
        self._node = node
        self._index = index
        self._folder = folder
        self._disk = folder.node(index)
        self._processes = ProcessTable(folder.processes)

    @property
    def _role(self) -> str:
        return f"node-{self._index}"

    @property
    def name(self) -> str:
        """Its name in Compute and in Kubernetes."""
        return self._node.name

    @property
    def address(self) -> str:
        """Its address in the subnet."""
        return self._node.address

    @property
    def alive(self) -> bool:
        """Whether the node's first process runs; it sees to the others."""
        return self._processes.alive(self._role)

    def boot(self, image: NodeImage) -> None:
        """Start the node, with a fresh disk, unless it runs. kubelet waits for `register`."""
        made = self._folder.nodes().get(self._index, self._node)
        if self.alive:
            self._connect(made)
            return
        if made != self._node:
            self.remove()  # Another machine's address would stay on the link.
        self.end()
        namespace = self._connect(self._node)
        self._write_disk(image)
        self._folder.remember_node(self._index, self._node)
        group = cgroups.of_node(self._plan.slot, self._index)
        cgroups.create(group)
        logs = self._folder.log(self._role).parent
        env = {
            "NODE_DISK": str(self._disk),
            "NODE_BIN": str(image.bin_dir),
            "NODE_LOGS": str(logs),
            "NODE_LOG_PREFIX": f"{self._plan.slot}-{self._role}",
            "NODE_CGROUP": group,
            "NODE_NAME": self._node.name,
            "NODE_ADDRESS": self._node.address,
        }
        argv = [*network.enter(namespace), *_APART, "sh", str(_INIT)]
        self._processes.spawn(self._role, argv, log=self._folder.log(self._role), env=env)

    def register(self, api: KubeApi) -> None:
        """Make the Node object what the plan says, and let kubelet start; once a boot."""
        registered = self._disk / "registered"
        if registered.exists():
            return
        wanted = node_config.node_object(self._plan, self._node)
        if not api.create("/api/v1/nodes", wanted):
            self._adopt(api, wanted)
        registered.touch()

    def ready(self, api: KubeApi) -> bool:
        """Whether Kubernetes reports the node Ready, by this boot's kubelet; an API server too busy is a no."""
        try:
            conditions = api.get(f"/api/v1/nodes/{self._node.name}").get("status", {}).get("conditions", [])
        except KubeApiError:
            return False
        return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)

    def retire(self, api: KubeApi) -> None:
        """Take the node's object out of the cluster."""
        api.delete(f"/api/v1/nodes/{self._node.name}")

    def end(self) -> None:
        """Kill all that runs on the node and remove its containers' groups."""
        processes.kill(processes.in_namespaces([network.node_namespace(self._plan.slot, self._index)]))
        self._processes.forget(self._role)
        cgroups.remove(cgroups.of_node(self._plan.slot, self._index))

    def remove(self) -> None:
        """End the node and leave nothing of it."""
        self.end()
        network.disconnect([network.node_link(self._plan.slot, self._index)])
        network.remove_namespaces([network.node_namespace(self._plan.slot, self._index)])
        self._folder.forget_node(self._index)

    def _connect(self, machine: NodePlan) -> str:
        return network.connect_node(self._plan.slot, self._index, machine.address, machine.pod_cidr)

    def _adopt(self, api: KubeApi, wanted: dict[str, object]) -> None:
        """Bring an earlier boot's Node in line: its spec's address range cannot change, so an unlike one goes."""
        path = f"/api/v1/nodes/{self._node.name}"
        try:
            api.patch(path, wanted)
            api.patch(f"{path}/status", {"status": {"conditions": [_BOOTING]}})
        except KubeApiError as error:
            if error.status != 422:
                raise
            api.delete(path)
            api.create("/api/v1/nodes", wanted)

    def _write_disk(self, image: NodeImage) -> None:
        shutil.rmtree(self._disk, ignore_errors=True)
        for name in _DISK_FOLDERS:
            (self._disk / name).mkdir(parents=True)
        images.copy(image.disk, self._disk / "containerd")
        plan, node = self._plan, self._node
        (self._disk / "containerd.toml").write_text(node_config.containerd("/run/node/containerd"))
        (self._disk / "resolv.conf").write_text("")
        for name, settings in (
            ("cni/10-pods.conflist", node_config.cni(node)),
            ("kubelet.json", node_config.kubelet(plan)),
            ("kube-proxy.json", node_config.kube_proxy(plan, node)),
        ):
            (self._disk / name).write_text(json.dumps(settings, indent=1))
        for setting, value in node_config.KERNEL_SETTINGS.items():
            (self._disk / "sysctl" / setting).write_text(value)
        self._write_credentials()

    def _write_credentials(self) -> None:
        source = self._folder.pki
        authority = pki.load_authority((source / "ca.crt").read_text(), (source / "ca.key").read_text())
        user = f"system:node:{self._node.name}"
        client = pki.issue_client(authority, user, ["system:nodes"])
        server = pki.issue_server(authority, user, [self._node.name], [self._node.address])
        (self._disk / "ca.crt").write_text(authority.pem)
        (self._disk / "kubelet-server.crt").write_text(server.certificate)
        pki.write_secret(self._disk / "kubelet-server.key", server.key)
        pki.write_secret(self._disk / "kubelet.kubeconfig", kubeconfig.render(self._plan, authority.pem, user, client))
        shutil.copy2(self._folder.kubeconfig("kube-proxy"), self._disk / "kube-proxy.kubeconfig")
