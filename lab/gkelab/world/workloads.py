# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new cluster holds from its first minute: cluster DNS, and the binding that stands for IAM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gkelab.build.recipe import COREDNS_TAG
from gkelab.world.kube_api import KubeApi
from gkelab.world.plan import ClusterPlan

COREDNS_IMAGE = f"registry.k8s.io/coredns/coredns:{COREDNS_TAG}"
ADMIN_GROUP = "lab:container-admins"
"""The group that TokenReview gives to whoever holds IAM's roles/container.admin."""

_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_RBAC_API = "rbac.authorization.k8s.io"
_DNS_NAMESPACE = "/namespaces/kube-system"
_DNS_LABELS = {"k8s-app": "kube-dns"}
_GKE_TAINTS = ("CriticalAddonsOnly", "components.gke.io/gke-managed-components")
_DNS_READER = "lab:kube-dns"

_COREFILE = """.:53 {
  errors
  health :8080
  ready
  kubernetes cluster.local in-addr.arpa ip6.arpa
  cache 5
}
"""


def install(api: KubeApi, plan: ClusterPlan) -> None:
    """Create what is missing; what is there is left as its owner made it."""
    for path, item in [*_admin_binding(), *_dns(plan)]:
        api.create(path, item)


def _admin_binding() -> Iterator[tuple[str, dict[str, Any]]]:
    yield (
        f"{_RBAC}/clusterrolebindings",
        {
            "metadata": {"name": ADMIN_GROUP},
            "roleRef": {"apiGroup": _RBAC_API, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"apiGroup": _RBAC_API, "kind": "Group", "name": ADMIN_GROUP}],
        },
    )


def _dns(plan: ClusterPlan) -> Iterator[tuple[str, dict[str, Any]]]:
    account = {"kind": "ServiceAccount", "name": "kube-dns", "namespace": "kube-system"}
    watched = ["endpoints", "services", "pods", "namespaces"]
    yield f"/api/v1{_DNS_NAMESPACE}/serviceaccounts", {"metadata": {"name": "kube-dns"}}
    yield (
        f"{_RBAC}/clusterroles",
        {
            "metadata": {"name": _DNS_READER},
            "rules": [
                {"apiGroups": [""], "resources": watched, "verbs": ["list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
            ],
        },
    )
    yield (
        f"{_RBAC}/clusterrolebindings",
        {
            "metadata": {"name": _DNS_READER},
            "roleRef": {"apiGroup": _RBAC_API, "kind": "ClusterRole", "name": _DNS_READER},
            "subjects": [account],
        },
    )
    yield f"/api/v1{_DNS_NAMESPACE}/configmaps", {"metadata": {"name": "coredns"}, "data": {"Corefile": _COREFILE}}
    yield (
        f"/api/v1{_DNS_NAMESPACE}/services",
        {
            "metadata": {"name": "kube-dns", "labels": {**_DNS_LABELS, "kubernetes.io/name": "KubeDNS"}},
            "spec": {
                "clusterIP": plan.dns_address,
                "selector": _DNS_LABELS,
                "ports": [
                    {"name": "dns", "port": 53, "protocol": "UDP"},
                    {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
                ],
            },
        },
    )
    yield f"/apis/apps/v1{_DNS_NAMESPACE}/deployments", _dns_deployment()


def _dns_deployment() -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": COREDNS_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    pod = {
        "serviceAccountName": "kube-dns",
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "tolerations": [{"key": key, "operator": "Exists"} for key in _GKE_TAINTS],
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
    }
    return {
        "metadata": {"name": "kube-dns", "labels": _DNS_LABELS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _DNS_LABELS},
            "template": {"metadata": {"labels": _DNS_LABELS}, "spec": pod},
        },
    }
