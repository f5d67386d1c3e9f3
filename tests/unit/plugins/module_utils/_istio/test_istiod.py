# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading istiod's debug views."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import (
    Cluster,
    EndpointAddress,
    Istiod,
    of_service,
)

from tests.unit.plugins.fake_kube import FakeApi
from tests.unit.plugins.module_utils._istio.world import clusterz, endpoint, istiod_pods, shards, syncz, views


def test_every_replica_is_asked_for_every_view() -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a", "istiod-b")
    answer = views(
        clusters=clusterz("central", east="syncing"),
        proxies=[syncz("p.default", "east")],
        endpoints=shards(details={"east": [endpoint("details-v1", "10.8.0.5")]}),
    )
    api.exec = answer
    replicas = Istiod(api.client, "istio-system").replicas(["clusters", "proxies", "endpoints"])
    assert [replica.pod for replica in replicas] == ["istiod-a", "istiod-b"]
    assert replicas[1].clusters == [
        Cluster("central", "", "synced"),
        Cluster("east", "istio-system/istio-remote-secret-east", "syncing"),
    ]
    assert (replicas[0].proxies[0].name, replicas[0].proxies[0].cluster) == ("p.default", "east")
    assert of_service(replicas[0].endpoints, "details", "default") == [
        EndpointAddress("east", "10.8.0.5", 9080, "details-v1", True)
    ]
    assert api.calls == [
        "GET /api/v1/namespaces/istio-system/pods",
        *(
            f"EXEC {pod} pilot-discovery request GET /debug/{view}"
            for pod in ("istiod-a", "istiod-b")
            for view in ("clusterz", "syncz", "endpointShardz")
        ),
    ]


def test_only_the_views_asked_for_are_read() -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a")
    api.exec = views(clusters=clusterz("central"))
    Istiod(api.client, "istio-system").replicas(["clusters"])
    assert len(api.calls) == 2


def test_what_a_proxy_has_not_taken_is_seen() -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a")
    resources = {
        "type.googleapis.com/envoy.config.cluster.v3.Cluster": {"sent": "2", "acked": "1"},
        "type.googleapis.com/envoy.config.listener.v3.Listener": {"sent": "1", "acked": "1", "lastError": "bad filter"},
        "type.googleapis.com/envoy.config.route.v3.RouteConfiguration": {"sent": "", "acked": ""},
    }
    api.exec = views(proxies=[{**syncz("p.default", "east"), "resources": resources}])
    proxy = Istiod(api.client, "istio-system").replicas(["proxies"])[0].proxies[0]
    assert proxy.stale == ("Cluster",)
    assert proxy.errors == ("bad filter",)


@pytest.mark.parametrize(("health", "healthy"), [(1, True), (2, False), (3, False), (4, False)])
def test_only_healthy_endpoints_count(health: int, healthy: bool) -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a")
    entry = {**endpoint("w", "10.8.0.5"), "HealthStatus": health}
    api.exec = views(endpoints=shards(details={"east": [entry]}))
    view = Istiod(api.client, "istio-system").replicas(["endpoints"])[0].endpoints
    assert of_service(view, "details", "default")[0].healthy is healthy


def test_of_service_does_not_mix_names_up() -> None:
    there = [EndpointAddress("east", "a", 1, "w", True)]
    view = {
        "details.default.svc.cluster.local": there,
        "details.other.svc.cluster.local": [],
        "old-details.default.svc.x": [],
    }
    assert of_service(view, "details", "default") == there


def test_no_istiod_is_said_clearly() -> None:
    with pytest.raises(
        MeshError, match="find istiod in namespace istio-system of cluster central: no replica is running"
    ):
        Istiod(FakeApi("central").client, "istio-system").pods()


def test_a_pod_that_ends_is_not_asked() -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a", "istiod-b")
    api.objects["/api/v1/namespaces/istio-system/pods/istiod-a"]["metadata"]["deletionTimestamp"] = "now"
    assert Istiod(api.client, "istio-system").pods() == ["istiod-b"]


def _fails(output: str, code: int) -> Any:
    return lambda pod, command: (output, code)


@pytest.mark.parametrize(("output", "code", "text"), [("", 3, "it ended with 3"), ("<html>", 0, "not JSON")])
def test_a_bad_answer_names_replica_and_view(output: str, code: int, text: str) -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a")
    api.exec = _fails(output, code)
    with pytest.raises(MeshError, match=rf"ask istiod istiod-a in cluster central for clusterz: .*{text}"):
        Istiod(api.client, "istio-system").replicas(["clusters"])


def test_an_empty_mesh_is_no_error() -> None:
    api = FakeApi("central")
    istiod_pods(api, "istiod-a")
    api.exec = _fails(json.dumps(None), 0)
    replica = Istiod(api.client, "istio-system").replicas(["clusters", "proxies", "endpoints"])[0]
    assert (replica.clusters, replica.proxies, replica.endpoints) == ([], [], {})
