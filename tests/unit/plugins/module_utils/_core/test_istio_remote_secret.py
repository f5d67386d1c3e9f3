# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential's way from remote to primary."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import istio_remote_secret as subject
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._istio.remote_secret import stored_credential

from tests.unit.plugins.fake_kube import FakeApi, FakeTime
from tests.unit.plugins.params import defaults

Object = dict[str, Any]

PLACE = "/api/v1/namespaces/istio-system"
ACCOUNT = f"{PLACE}/serviceaccounts/istio-reader-service-account"
TOKEN = f"{PLACE}/secrets/istio-reader-service-account-istio-remote-secret-token"
REMOTE_SECRET = f"{PLACE}/secrets/istio-remote-secret-east"
FOUND_BY_ISTIOCTL = f"{PLACE}/secrets/a-token"


class Mesh:
    """A primary and a remote, each with Istio's namespace; the remote with the reader's account."""

    def __init__(self) -> None:
        self.central, self.east = FakeApi("central"), FakeApi("east")
        self.there = {"central": self.central, "east": self.east}
        for api in self.there.values():
            api.put(PLACE, apiVersion="v1", kind="Namespace")
        self.east.put(ACCOUNT)
        self.east.on_create = self.fill
        self.token = "token-1"

    def fill(self, path: str, obj: Object) -> None:
        """What a controller manager does to a new token Secret."""
        data = {"ca.crt": "CA of east", "token": self.token}
        obj["data"] = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}

    @property
    def writes(self) -> list[str]:
        return [f"central {call}" for call in self.central.writes] + [f"east {call}" for call in self.east.writes]

    def forget(self) -> None:
        self.central.calls.clear()
        self.east.calls.clear()

    @property
    def stored(self) -> Any:
        return stored_credential(self.central.objects[REMOTE_SECRET], "east")


@pytest.fixture(name="mesh")
def _mesh(monkeypatch: pytest.MonkeyPatch) -> Mesh:
    mesh = Mesh()
    monkeypatch.setattr(
        subject, "connect", lambda ref, params: mesh.there[ref["name"]].client if ref["name"] in mesh.there else None
    )
    return mesh


def _run(check: bool = False, told: list[str] | None = None, **more: Any) -> Object:
    refs = {
        "primary": {"name": "central", "location": "c"},
        "remote": {"name": "east", "location": "e", "endpoint": "public"},
    }
    report = (told if told is not None else []).append
    return subject.run(defaults(subject, **{**refs, **more}), check_mode=check, diff=True, report=report)


def test_the_credential_is_moved_and_then_left_alone(mesh: Mesh) -> None:
    first = _run()
    assert first["changed"]
    assert first["secret"] == {
        "name": "istio-remote-secret-east", "namespace": "istio-system", "cluster": "east", "server": "https://east.example",
    }  # fmt: skip
    assert mesh.writes == [f"central PATCH {REMOTE_SECRET}", f"east PATCH {TOKEN}"]
    assert (mesh.stored.server, mesh.stored.token, mesh.stored.ca) == ("https://east.example", "token-1", "CA of east")
    mesh.forget()
    assert not _run()["changed"]
    assert mesh.central.calls == [f"GET {PLACE}/secrets"] and mesh.east.calls == [f"GET {PLACE}/secrets"]


def test_nothing_secret_leaves_the_task(mesh: Mesh) -> None:
    told: list[str] = []
    result = _run(told=told)
    mesh.token = "token-2"
    mesh.fill(TOKEN, mesh.east.objects[TOKEN])
    text = json.dumps([result, _run(told=told), _run(told=told, state="absent"), told])
    for secret in ("token-1", "token-2", "CA of east"):
        assert secret not in text and base64.b64encode(secret.encode()).decode() not in text


def test_a_new_token_is_written_and_shows_in_the_diff(mesh: Mesh) -> None:
    _run()
    mesh.token = "token-2"
    mesh.fill(TOKEN, mesh.east.objects[TOKEN])
    result = _run()
    assert result["changed"] and mesh.stored.token == "token-2"
    before, after = result["diff"]["before"], result["diff"]["after"]
    assert before["token_sha256_prefix"] != after["token_sha256_prefix"] and before["server"] == after["server"]


def test_the_token_that_istioctl_would_take_is_taken(mesh: Mesh) -> None:
    annotations = {"kubernetes.io/service-account.name": "istio-reader-service-account"}
    mesh.fill(
        "",
        mesh.east.put(
            FOUND_BY_ISTIOCTL, type="kubernetes.io/service-account-token", metadata={"annotations": annotations}
        ),
    )
    _run()
    assert mesh.writes == [f"central PATCH {REMOTE_SECRET}"]


def test_a_secret_of_istioctl_is_adopted(mesh: Mesh) -> None:
    _run()
    for entry in mesh.central.objects[REMOTE_SECRET]["metadata"]["managedFields"]:
        entry["manager"] = "kubectl"
    mesh.forget()
    assert not _run()["changed"] and mesh.writes == []


@pytest.mark.parametrize(
    ("option", "server", "ca"),
    [
        ({"server": "https://10.0.0.2"}, "https://10.0.0.2", "CA of east"),
        ({"ca": "another CA"}, "https://east.example", "another CA"),
        ({"omit_ca": True}, "https://east.example", ""),
    ],
)
def test_address_and_ca_may_be_others(mesh: Mesh, option: dict[str, Any], server: str, ca: str) -> None:
    _run(**option)
    assert (mesh.stored.server, mesh.stored.ca) == (server, ca)


DNS = {"name": "east", "location": "e", "endpoint": "dns"}


def test_the_dns_endpoint_needs_no_ca_but_must_take_tokens(mesh: Mesh) -> None:
    with pytest.raises(MeshError, match="enableK8sTokensViaDns"):
        _run(remote=DNS)
    assert f"PATCH {REMOTE_SECRET}" not in mesh.central.calls
    mesh.east.client.gke["controlPlaneEndpointsConfig"] = {"dnsEndpointConfig": {"enableK8sTokensViaDns": True}}
    _run(remote=DNS)
    assert mesh.stored.ca == ""


def test_no_account_means_charts_first(mesh: Mesh) -> None:
    del mesh.east.objects[ACCOUNT]
    with pytest.raises(MeshError, match="Install the Istio charts of the remote first"):
        _run()
    assert mesh.writes == []


def test_a_token_that_never_comes(mesh: Mesh) -> None:
    mesh.east.on_create = lambda path, obj: None
    with pytest.raises(MeshError, match=r"still empty after 0 s\. The cluster's controller manager fills it"):
        _run(wait_timeout=0)
    assert mesh.writes == [f"east PATCH {TOKEN}"]


def test_a_token_that_comes_late(mesh: Mesh) -> None:
    time = FakeTime()
    secret = mesh.east.put(TOKEN)
    time.at(4, lambda: mesh.fill(TOKEN, mesh.east.objects[TOKEN]))
    assert subject._filled(mesh.east.client, {"metadata": secret["metadata"]}, 30, time.clock) == (
        "CA of east",
        "token-1",
    )
    assert 4 <= time.seconds < 7


def test_a_cluster_may_not_be_its_own_remote(mesh: Mesh) -> None:
    with pytest.raises(MeshError, match="primary and remote have the same name"):
        _run(remote={"name": "central", "location": "c"})


def test_a_bad_name_is_refused(mesh: Mesh) -> None:
    with pytest.raises(MeshError, match="not a DNS label"):
        _run(remote={"name": "East", "location": "c"})


def test_a_second_secret_for_a_cluster_is_refused(mesh: Mesh) -> None:
    mesh.central.put(
        f"{PLACE}/secrets/by-hand", metadata={"labels": {"istio/multiCluster": "true"}}, data={"east": "x"}
    )
    with pytest.raises(MeshError, match="Secret by-hand already holds that cluster"):
        _run()
    assert mesh.writes == []


@pytest.mark.parametrize("gone", ["central", "east"])
def test_check_mode_predicts_what_is_not_there_yet(mesh: Mesh, gone: str) -> None:
    del mesh.there[gone]
    assert _run(check=True)["changed"] and mesh.writes == []
    with pytest.raises(MeshError, match=f"cluster {gone} .*does not exist"):
        _run()
    assert mesh.writes == []


def test_check_mode_before_the_charts(mesh: Mesh) -> None:
    del mesh.east.objects[ACCOUNT]
    result = _run(check=True)
    assert result["changed"] and result["secret"]["server"] == "" and mesh.writes == []


def test_check_mode_afterwards(mesh: Mesh) -> None:
    _run()
    mesh.forget()
    assert not _run(check=True)["changed"]


def test_removal_takes_the_secret_first_and_then_our_token(mesh: Mesh) -> None:
    _run()
    mesh.forget()
    assert _run(check=True, state="absent")["changed"] and mesh.writes == []
    assert _run(state="absent")["changed"]
    assert mesh.writes == [f"central DELETE {REMOTE_SECRET}", f"east DELETE {TOKEN}"]
    mesh.forget()
    assert not _run(state="absent")["changed"] and mesh.writes == []


def test_removal_leaves_a_token_that_others_made_or_use(mesh: Mesh) -> None:
    annotations = {"kubernetes.io/service-account.name": "istio-reader-service-account"}
    mesh.fill(
        "",
        mesh.east.put(
            FOUND_BY_ISTIOCTL, type="kubernetes.io/service-account-token", metadata={"annotations": annotations}
        ),
    )
    _run()
    _run(state="absent")
    assert FOUND_BY_ISTIOCTL in mesh.east.objects
    del mesh.east.objects[FOUND_BY_ISTIOCTL]
    _run()
    _run(state="absent", keep_token=True)
    assert TOKEN in mesh.east.objects


@pytest.mark.parametrize("gone", [["central"], ["east"], ["central", "east"]])
def test_removal_from_clusters_that_are_gone(mesh: Mesh, gone: list[str]) -> None:
    for name in gone:
        del mesh.there[name]
    assert not _run(state="absent")["changed"]
