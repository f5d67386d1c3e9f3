# SPDX-License-Identifier: GPL-3.0-or-later
"""Configuration of the programs on a node. Paths are the node's own, see node_init.sh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gkelab.build.recipe import PAUSE_TAG
from gkelab.world.plan import ClusterPlan, NodePlan

PAUSE_IMAGE = f"registry.k8s.io/pause:{PAUSE_TAG}"

KERNEL_SETTINGS: Mapping[str, str] = {
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
}
"""What kubelet wants the kernel to be set to."""


def containerd(root: str) -> str:
    """containerd's TOML; `root` holds images and snapshots."""
    return f"""version = 3
root = "{root}"
state = "/run/containerd"
disabled_plugins = ["io.containerd.nri.v1.nri"]
[grpc]
  address = "/run/containerd/containerd.sock"
[plugins.'io.containerd.internal.v1.opt']
  path = "/var/lib/containerd-opt"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "{PAUSE_IMAGE}"
[plugins.'io.containerd.cri.v1.runtime']
  # Without CAP_SYS_RESOURCE runc cannot lower a score.
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/run/bin"]
    conf_dir = "/run/node/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = "runc"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def cni(node: NodePlan) -> dict[str, Any]:
    """Pods get addresses of the node's range and are routed, never masqueraded: alias IPs do the same on GCE."""
    ipam = {
        "type": "host-local",
        "dataDir": "/var/lib/cni/networks",
        "ranges": [[{"subnet": node.pod_cidr}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": ipam}]}


def kubelet(plan: ClusterPlan) -> dict[str, Any]:
    """kubelet's configuration; works on cgroup v1 and v2, and never evicts for want of the host's disk or memory."""
    return {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "failCgroupV1": False,
        "failSwapOn": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": ["none"],
        "localStorageCapacityIsolation": False,
        "evictionHard": dict.fromkeys(
            ("memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available"), "0%"
        ),
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
        "clusterDNS": [plan.dns_address],
        "clusterDomain": "cluster.local",
        "resolvConf": "/run/node/resolv.conf",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": "/run/node/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": "/run/node/kubelet-server.crt",
        "tlsPrivateKeyFile": "/run/node/kubelet-server.key",
        "registerNode": True,
    }


def kube_proxy(plan: ClusterPlan, node: NodePlan) -> dict[str, Any]:
    """kube-proxy's configuration; connection limits of the kernel stay untouched."""
    return {
        "kind": "KubeProxyConfiguration",
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "mode": "nftables",
        "clusterCIDR": plan.pod_cidr,
        "hostnameOverride": node.name,
        "clientConnection": {"kubeconfig": "/run/node/kube-proxy.kubeconfig"},
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def node_object(plan: ClusterPlan, node: NodePlan) -> dict[str, Any]:
    """The Node as Google's cloud controller would complete it; kubelet adopts it and adds what it finds."""
    zone_labels = {
        "cloud.google.com/gke-nodepool": node.pool,
        "node.kubernetes.io/instance-type": node.machine_type,
        "beta.kubernetes.io/instance-type": node.machine_type,
        "topology.kubernetes.io/region": plan.region,
        "topology.kubernetes.io/zone": node.zone,
        "failure-domain.beta.kubernetes.io/region": plan.region,
        "failure-domain.beta.kubernetes.io/zone": node.zone,
        "topology.gke.io/zone": node.zone,
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/os": "linux",
    }
    spec: dict[str, Any] = {
        "podCIDR": node.pod_cidr,
        "podCIDRs": [node.pod_cidr],
        "providerID": f"gce://{plan.project}/{node.zone}/{node.name}",
    }
    if node.taints:
        spec["taints"] = [dict(taint) for taint in node.taints]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": node.name, "labels": {**zone_labels, **node.labels}},
        "spec": spec,
    }
