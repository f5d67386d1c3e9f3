# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cluster reference to a client."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect as subject

from tests.unit.plugins.fake_kube import FakeApi, FakeTime

CLUSTER = {
    "endpoint": "203.0.113.7",
    "masterAuth": {"clusterCaCertificate": base64.b64encode(b"CA").decode()},
    "privateClusterConfig": {"privateEndpoint": "172.16.0.2", "publicEndpoint": "203.0.113.8"},
    "controlPlaneEndpointsConfig": {"dnsEndpointConfig": {"endpoint": "gke-1.us-east1.gke.goog"}},
}


def _token(refresh: bool) -> str:
    return "t"


@pytest.mark.parametrize(
    ("kind", "server", "ca"),
    [
        ("public", "https://203.0.113.8", "CA"),
        ("private", "https://172.16.0.2", "CA"),
        # a public certificate: the cluster's own CA would not vouch for it
        ("dns", "https://gke-1.us-east1.gke.goog", ""),
    ],
)
def test_each_endpoint_has_its_trust(kind: str, server: str, ca: str) -> None:
    endpoint = subject.gke_endpoint("east", CLUSTER, kind, _token)
    assert (endpoint.server, endpoint.ca) == (server, ca)


def test_a_plain_cluster_has_one_address() -> None:
    plain = {"endpoint": "203.0.113.7", "masterAuth": CLUSTER["masterAuth"]}
    assert subject.gke_endpoint("east", plain, "public", _token).server == "https://203.0.113.7"
    with pytest.raises(MeshError, match="no private endpoint"):
        subject.gke_endpoint("east", plain, "private", _token)


@pytest.fixture(name="google")
def _google(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Google as a dictionary of clusters; a key that is missing does not exist."""
    clusters: dict[str, Any] = {}
    monkeypatch.setattr(subject, "GoogleSession", lambda params: None)
    monkeypatch.setattr(subject, "get_cluster", lambda session, *place: clusters.get("/".join(place)))
    return clusters


REF = {"name": "east", "location": "us-east1-b"}


def test_a_cluster_that_is_not_there_is_none(google: dict[str, Any]) -> None:
    assert subject.connect(REF, {"project": "p"}) is None
    google["p/us-east1-b/east"] = {"status": "PROVISIONING"}
    assert subject.connect(REF, {"project": "p"}) is None, "no endpoint yet is not there yet"


def test_the_reference_may_name_another_project(google: dict[str, Any]) -> None:
    google["other/us-east1-b/east"] = plain = {"endpoint": "203.0.113.7", "masterAuth": CLUSTER["masterAuth"]}
    client = subject.connect({**REF, "project": "other"}, {"project": "p"})
    assert client is not None and client.server == "https://203.0.113.7"
    assert client.gke == plain


def test_no_project_is_said_clearly(google: dict[str, Any]) -> None:
    with pytest.raises(MeshError, match="Set option project or GCP_PROJECT"):
        subject.connect(REF, {"project": None})


def test_a_kubeconfig_needs_no_google(tmp_path: Path) -> None:
    config = {
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:6443"}}],
    }
    (tmp_path / "config").write_text(json.dumps(config))
    client = subject.connect({"name": "east", "kubeconfig": str(tmp_path / "config")}, {})
    assert client is not None and (client.name, client.server) == ("east", "https://127.0.0.1:6443")


def test_require_says_what_to_do() -> None:
    with pytest.raises(MeshError, match=r"cluster east in us-east1-b: it does not exist, .*run the provision phase"):
        subject.require(None, REF)


@pytest.mark.parametrize(("status", "seconds"), [("RUNNING", 30), ("RECONCILING", 200)])
def test_an_api_server_of_gke_is_waited_for(status: str, seconds: int) -> None:
    api, time = FakeApi(), FakeTime()
    api.client.gke["status"] = status
    api.up = False
    time.at(seconds, lambda: setattr(api, "up", True))
    assert subject.require(api.client, REF, time.clock) is api.client
    assert seconds <= time.seconds < seconds + 10


def test_one_that_google_calls_running_is_waited_for_a_minute() -> None:
    api, time = FakeApi(), FakeTime()
    api.client.gke["status"], api.up = "RUNNING", False
    with pytest.raises(MeshError, match=r"not ok within 60 s \(HTTP 500\)"):
        subject.require(api.client, REF, time.clock)


def test_one_of_a_kubeconfig_is_not_asked_first() -> None:
    api = FakeApi()
    assert subject.require(api.client, REF) is api.client
    assert not api.calls


def test_a_refused_token_renews_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    class Login:
        number = 1

        def renew(self) -> None:
            self.number += 1

    login = Login()
    monkeypatch.setattr(auth, "login", lambda params: login)
    monkeypatch.setattr(auth, "token", lambda params: f"t{login.number}")
    token = subject._token({})
    assert [token(False), token(True), token(False)] == ["t1", "t2", "t2"]
