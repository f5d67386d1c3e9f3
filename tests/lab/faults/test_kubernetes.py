# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from Google's API to a cluster's own: endpoints, trust, log-in, and servers that are not up yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_kubeconfig, mesh_objects
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.api_server import ApiServer, api_server
from tests.lab.faults.cloud import ZONE, Cloud, FastClock, Run

REF = {"name": "c", "location": ZONE}
SETTINGS = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "n"}}
PRIVATE = "172.16.0.2"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config"


def _kubeconfig(cloud: Cloud, path: Path, endpoint: str = "public", **options: Any) -> Run:
    return cloud.run(gke_kubeconfig, path=str(path), clusters=[{**REF, "endpoint": endpoint}], **options)


def _close_public(cloud: Cloud) -> None:
    cloud.edit(
        endpoint=PRIVATE,
        privateClusterConfig={"enablePrivateEndpoint": True, "privateEndpoint": PRIVATE},
        controlPlaneEndpointsConfig={
            "ipEndpointsConfig": {"enabled": True, "privateEndpoint": PRIVATE},
            "dnsEndpointConfig": {"endpoint": "gke-1.us-central1-a.gke.goog"},
        },
    )


def test_45_private_endpoint_only(cloud: Cloud, path: Path) -> None:
    cloud.cluster()
    _close_public(cloud)
    _kubeconfig(cloud, path).failed_with(
        "Failed to connect to cluster c: it has no public endpoint. It has: private, dns. Set option endpoint."
    )
    cloud.run(mesh_objects, cluster=REF, definitions=[SETTINGS]).failed_with("it has no public endpoint")
    assert not path.exists()
    result = _kubeconfig(cloud, path, "private").result
    assert result["contexts"][0]["server"] == f"https://{PRIVATE}"


def test_45_dns_endpoint_without_traffic_from_outside(cloud: Cloud, path: Path) -> None:
    cloud.cluster()
    run = _kubeconfig(cloud, path, "dns")
    assert "c: its DNS endpoint answers inside Google's network only." in run.warnings
    entry = yaml.safe_load(path.read_text(encoding="utf-8"))["clusters"][0]["cluster"]
    assert entry["server"].endswith(".us-central1-a.gke.goog")
    assert "certificate-authority-data" not in entry
    assert "insecure-skip-tls-verify" not in entry


def test_45_dns_endpoint_only(cloud: Cloud, path: Path) -> None:
    cloud.cluster(control_plane={"ip_endpoints": False, "dns_external_traffic": True})
    for kind in ("public", "private"):
        _kubeconfig(cloud, path, kind).failed_with(f"it has no {kind} endpoint. It has: dns. Set option endpoint.")
    assert not path.exists()
    run = _kubeconfig(cloud, path, "dns", auth="token")
    assert not run.warnings
    assert run.result["contexts"][0]["server"] == f"https://{cloud.rest.get()['endpoint']}"


def test_45_no_certificate(cloud: Cloud, path: Path) -> None:
    cloud.cluster()
    cloud.edit(masterAuth={})
    words = "Failed to connect to cluster c: the service gave no CA certificate. Use endpoint: dns."
    _kubeconfig(cloud, path).failed_with(words)
    cloud.run(mesh_objects, cluster=REF, definitions=[SETTINGS]).failed_with(words)
    assert not path.exists()


def test_45_no_endpoint_yet(cloud: Cloud, path: Path) -> None:
    cloud.fault({"stuck": True}, method="POST", path="/clusters$")
    cloud.cluster(wait=False)
    _kubeconfig(cloud, path).failed_with("it has no endpoint, it is PROVISIONING", "Is it still being created?")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, clock: FastClock) -> Iterator[ApiServer]:
    """The API server of a cluster that Google calls RUNNING."""
    with api_server() as running:
        endpoint = Endpoint("c", running.url)
        client = KubeClient(HttpTransport(endpoint, clock.clock), endpoint, gke={"status": "RUNNING"})
        monkeypatch.setattr(mesh_objects, "connect", lambda ref, params: client)
        running.api.put("/api/v1/namespaces/n")
        yield running


def _apply(cloud: Cloud) -> Run:
    return cloud.run(mesh_objects, cluster=REF, definitions=[SETTINGS])


@pytest.mark.parametrize(("status", "times"), [(500, 2), (503, 7)])
def test_46_the_api_server_is_not_up_yet(cloud: Cloud, server: ApiServer, status: int, times: int) -> None:
    server.away, server.status = times, status
    assert _apply(cloud).result["changed"]
    assert server.asked[: times + 1] == ["GET /readyz"] * (times + 1)
    assert server.api.writes == ["PATCH /api/v1/namespaces/n/configmaps/settings"]


def test_46_the_api_server_never_comes_up(cloud: Cloud, server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "RUNNING_SECONDS", 0.4)
    server.away = 10_000
    _apply(cloud).failed_with(
        f"Failed to reach the API server of cluster c at {server.url}: /readyz was not ok within 0.4 s (HTTP 503).",
        "Check that the cluster is running and lets this machine in",
    )
    assert set(server.asked) == {"GET /readyz"}


def test_46_the_api_server_is_closed(cloud: Cloud, server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "RUNNING_SECONDS", 0.2)
    server.server_close()
    _apply(cloud).failed_with("Failed to reach the API server of cluster c", "Connection refused")


def test_47_the_plugin_is_missing(cloud: Cloud, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.cluster()
    monkeypatch.setenv("PATH", str(path.parent))
    run = _kubeconfig(cloud, path)
    assert "gke-gcloud-auth-plugin is not on this machine's PATH; kubectl needs it with auth: exec." in run.warnings
    assert run.result["contexts"][0]["auth"] == "exec"


def test_47_a_token_in_its_place(cloud: Cloud, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cloud.cluster()
    monkeypatch.setenv("PATH", str(path.parent))
    run = _kubeconfig(cloud, path, auth="token")
    assert "PATH" not in run.warnings
    user = yaml.safe_load(path.read_text(encoding="utf-8"))["users"][0]["user"]
    assert set(user) == {"token"}
    assert user["token"] not in json.dumps(run.result)
    assert path.stat().st_mode & 0o777 == 0o600


def test_47_a_kubeconfig_whose_plugin_is_missing(cloud: Cloud, path: Path) -> None:
    plugin: JSON = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin-that-nobody-has",
        "installHint": "Install gke-gcloud-auth-plugin.",
    }
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": {"exec": plugin}}],
    }
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(MeshError) as caught:
        connect.connect({"name": "c", "kubeconfig": str(path)}, {})
    assert str(caught.value) == (
        "Failed to log in to cluster c with gke-gcloud-auth-plugin-that-nobody-has: No such file or directory. "
        "Install gke-gcloud-auth-plugin."
    )
