# SPDX-License-Identifier: GPL-3.0-or-later
"""What the programs on a node are told, and what Kubernetes is told about the node."""

from __future__ import annotations

import tomllib

from gkelab.world import node_config

from .plans import cluster_plan, node_plan


def test_containerd_keeps_to_the_folders_of_the_node() -> None:
    settings = tomllib.loads(node_config.containerd("/run/node/containerd"))
    assert settings["root"] == "/run/node/containerd"
    assert settings["state"] == "/run/containerd"
    assert settings["plugins"]["io.containerd.internal.v1.opt"]["path"].startswith("/var/lib/"), "not the host's /opt"
    runtime = settings["plugins"]["io.containerd.cri.v1.runtime"]
    assert runtime["restrict_oom_score_adj"] is True
    assert runtime["cni"] == {"bin_dirs": ["/run/bin"], "conf_dir": "/run/node/cni"}


def test_the_sandbox_image_is_the_one_that_is_built() -> None:
    settings = tomllib.loads(node_config.containerd("/r"))
    pinned = settings["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"]
    assert pinned == node_config.PAUSE_IMAGE


def test_pods_are_routed_and_not_masqueraded() -> None:
    (plugin,) = node_config.cni(node_plan())["plugins"]
    assert plugin["type"] == "ptp"
    assert plugin["ipMasq"] is False
    assert plugin["ipam"]["ranges"] == [[{"subnet": "10.0.0.0/24"}]]


def test_kubelet_runs_on_both_versions_of_control_groups_and_never_evicts() -> None:
    settings = node_config.kubelet(cluster_plan())
    assert settings["failCgroupV1"] is False
    assert settings["cgroupsPerQOS"] is False
    assert set(settings["evictionHard"].values()) == {"0%"}
    assert settings["clusterDNS"] == ["34.118.224.10"]


def test_kube_proxy_leaves_the_limits_of_the_kernel_alone() -> None:
    settings = node_config.kube_proxy(cluster_plan(), node_plan())
    assert settings["mode"] == "nftables"
    assert settings["clusterCIDR"] == "10.0.0.0/17"
    assert settings["conntrack"] == {"maxPerCore": 0, "min": 0}


def test_the_node_object_is_as_google_s_controller_leaves_it() -> None:
    taint = {"key": "dedicated", "value": "mesh", "effect": "NoSchedule"}
    node = node_plan(1, labels={"team": "a", "cloud.google.com/gke-nodepool": "named-by-the-api"}, taints=(taint,))
    item = node_config.node_object(cluster_plan(), node)
    assert item["spec"] == {
        "podCIDR": "10.0.1.0/24",
        "podCIDRs": ["10.0.1.0/24"],
        "providerID": "gce://lab-project/us-central1-a/gke-central-default-pool-abcd-0001",
        "taints": [taint],
    }
    labels = item["metadata"]["labels"]
    assert labels["topology.kubernetes.io/zone"] == "us-central1-a"
    assert labels["topology.kubernetes.io/region"] == "us-central1"
    assert labels["node.kubernetes.io/instance-type"] == "e2-medium"
    assert labels["team"] == "a"
    assert labels["cloud.google.com/gke-nodepool"] == "named-by-the-api", "the plan's labels win"
