# SPDX-License-Identifier: GPL-3.0-or-later
"""Pieces of a mesh for tests: istiod's answers, pods, webhooks and certificates as real ones look."""

from __future__ import annotations

import base64
import json
from typing import Any

from tests.unit.plugins.fake_kube import Exec, FakeApi

Object = dict[str, Any]

ROOT = "-----BEGIN CERTIFICATE-----\nmesh root\n-----END CERTIFICATE-----"
WEBHOOK = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector"


def istiod_pods(api: FakeApi, *names: str) -> None:
    """Running istiod replicas."""
    for name in names:
        api.put(
            f"/api/v1/namespaces/istio-system/pods/{name}",
            metadata={"labels": {"app": "istiod", "istio.io/rev": "default"}},
        )


def clusterz(own: str, **remotes: str) -> list[Object]:
    """``/debug/clusterz``: the own cluster, and remotes with their status."""
    others = [
        {"id": name, "secretName": f"istio-system/istio-remote-secret-{name}", "syncStatus": status}
        for name, status in remotes.items()
    ]
    return [{"id": own, "secretName": "", "syncStatus": "synced"}, *others]


def syncz(proxy: str, cluster: str) -> Object:
    """One entry of ``/debug/syncz``."""
    resources = {"type.googleapis.com/envoy.config.cluster.v3.Cluster": {"sent": "1", "acked": "1"}}
    return {"proxy": proxy, "cluster_id": cluster, "istio_version": "1.31.0", "resources": resources}


def endpoint(workload: str, address: str, port: int = 9080) -> Object:
    """One endpoint in ``/debug/endpointShardz``."""
    return {
        "Addresses": [address],
        "EndpointPort": port,
        "WorkloadName": workload,
        "HealthStatus": 1,
        "Namespace": "default",
    }


def shards(namespace: str = "default", **services: dict[str, list[Object]]) -> Object:
    """``/debug/endpointShardz``: Service → cluster → endpoints."""
    return {
        f"{service.replace('_', '-')}.{namespace}.svc.cluster.local": {
            namespace: {"Shards": {f"Kubernetes/{cluster}": entries for cluster, entries in clusters.items()}}
        }
        for service, clusters in services.items()
    }


def views(clusters: Any = None, proxies: Any = None, endpoints: Any = None) -> Exec:
    """istiod's answers; a callable is called for the answer of the moment, and gets the pod's name."""
    answers = {"/debug/clusterz": clusters, "/debug/syncz": proxies, "/debug/endpointShardz": endpoints}

    def answer(pod: str, command: list[str]) -> tuple[str, int]:
        found = answers[command[-1]]
        return json.dumps(found(pod) if callable(found) else found), 0

    return answer


def trusting(api: FakeApi, *namespaces: str, root: str = ROOT, cluster: str = "") -> None:
    """A cluster that has been given the mesh's CA; ``cluster`` names the injection path."""
    bundle = base64.b64encode(root.encode()).decode()
    hook = {"name": "rev.namespace.sidecar-injector.istio.io", "clientConfig": {"caBundle": bundle}}
    if cluster:
        hook["clientConfig"] = {"caBundle": bundle, "service": {"path": f"/inject/cluster/{cluster}/net/network1"}}
    api.put(WEBHOOK, webhooks=[hook])
    for namespace in namespaces:
        api.put(f"/api/v1/namespaces/{namespace}/configmaps/istio-ca-root-cert", data={"root-cert.pem": f"{root}\n"})
