# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch of objects: what is read, what is written, what is said."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_objects as subject
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

from tests.unit.plugins.fake_kube import FakeApi
from tests.unit.plugins.params import defaults

Object = dict[str, Any]

NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mesh", "labels": {"a": "b"}}}
SERVICE = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "lb", "namespace": "mesh"},
    "spec": {"type": "LoadBalancer"},
}
SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "s", "namespace": "mesh"},
    "stringData": {"k": "hush"},
}
ROUTE = {"apiVersion": "networking.istio.io/v1", "kind": "Gateway", "metadata": {"name": "g", "namespace": "mesh"}}
BATCH = [NAMESPACE, SERVICE, SECRET]

AT_NAMESPACE, AT_SERVICE = "/api/v1/namespaces/mesh", "/api/v1/namespaces/mesh/services/lb"
AT_SECRET = "/api/v1/namespaces/mesh/secrets/s"
ISTIO = "/apis/networking.istio.io/v1"


@pytest.fixture(name="api")
def _api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    api = FakeApi()
    monkeypatch.setattr(subject, "connect", lambda ref, params: api.client)
    return api


@pytest.fixture(name="nowhere")
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "connect", lambda ref, params: None)


def _run(*definitions: Object, check: bool = False, told: list[str] | None = None, **more: Any) -> Object:
    params = defaults(subject, cluster={"name": "east", "location": "l"}, definitions=list(definitions), **more)
    return subject.run(params, check_mode=check, diff=True, report=(told if told is not None else []).append)


def _actions(result: Object) -> list[str]:
    return [entry["action"] for entry in result["objects"]]


def test_first_run_creates_second_only_reads(api: FakeApi) -> None:
    told: list[str] = []
    first = _run(*BATCH, told=told)
    assert _actions(first) == ["created"] * 3 and first["changed"]
    assert api.calls == [
        f"GET {AT_NAMESPACE}", f"PATCH {AT_NAMESPACE}", f"GET {AT_SERVICE}", f"PATCH {AT_SERVICE}",
        f"GET {AT_SECRET}", f"PATCH {AT_SECRET}",
    ]  # fmt: skip
    assert told == [], "what was made stands in the result; live lines are for waits"
    api.calls.clear()
    second = _run(*BATCH)
    assert _actions(second) == ["unchanged"] * 3 and not second["changed"]
    assert api.calls == [f"GET {AT_NAMESPACE}", f"GET {AT_SERVICE}", f"GET {AT_SECRET}"]
    assert second["diff"] == []


def test_a_change_is_tried_first_and_then_written(api: FakeApi) -> None:
    _run(NAMESPACE)
    api.calls.clear()
    result = _run({**NAMESPACE, "metadata": {"name": "mesh", "labels": {"a": "c"}}})
    assert _actions(result) == ["updated"]
    assert api.calls == [f"GET {AT_NAMESPACE}", f"PATCH {AT_NAMESPACE}?dry", f"PATCH {AT_NAMESPACE}"]
    assert result["diff"][0]["before"]["metadata"]["labels"] == {"a": "b"}
    assert result["diff"][0]["after"]["metadata"]["labels"] == {"a": "c"}


def test_what_is_no_longer_declared_goes_and_what_others_set_stays(api: FakeApi) -> None:
    _run(NAMESPACE)
    api.objects[AT_NAMESPACE]["metadata"]["labels"]["theirs"] = "x"
    result = _run({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mesh"}})
    assert _actions(result) == ["updated"]
    assert api.objects[AT_NAMESPACE]["metadata"]["labels"] == {"theirs": "x"}


def test_a_dry_run_without_a_difference_ends_there(api: FakeApi) -> None:
    _run(NAMESPACE)
    entry = api.objects[AT_NAMESPACE]["metadata"]["managedFields"][0]
    entry["apiVersion"] = "v2"
    api.calls.clear()
    assert _actions(_run(NAMESPACE)) == ["unchanged"]
    assert api.writes == []


def test_check_mode_says_the_same_and_writes_nothing(api: FakeApi) -> None:
    _run(NAMESPACE)
    api.calls.clear()
    changed = {**NAMESPACE, "metadata": {"name": "mesh", "labels": {"a": "c"}}}
    predicted = _run(changed, SERVICE, check=True)
    assert api.writes == []
    real = _run(changed, SERVICE)
    assert predicted["objects"] == real["objects"]
    assert predicted.keys() == real.keys()


def test_check_mode_predicts_while_the_namespace_is_missing(api: FakeApi) -> None:
    result = _run(*BATCH, check=True)
    assert _actions(result) == ["created"] * 3
    assert api.writes == []


def test_check_mode_predicts_while_the_kind_is_missing(api: FakeApi) -> None:
    assert _actions(_run(ROUTE, check=True)) == ["created"]
    assert api.writes == []


def test_check_mode_predicts_while_the_cluster_is_missing(nowhere: None) -> None:
    result = _run(*BATCH, check=True)
    assert _actions(result) == ["created"] * 3
    assert "hush" not in json.dumps(result)


def test_a_missing_cluster_is_an_error_in_earnest_and_nothing_to_remove(nowhere: None) -> None:
    with pytest.raises(MeshError, match="cluster east in l: it does not exist"):
        _run(NAMESPACE)
    result = _run(NAMESPACE, state="absent")
    assert _actions(result) == ["absent"] and not result["changed"]


def test_check_mode_passes_on_what_the_server_would_refuse(api: FakeApi) -> None:
    from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import Response

    api.refusals[("PATCH", AT_NAMESPACE)] = Response(422, b'{"message": "bad label"}')
    with pytest.raises(MeshError, match="Failed to apply Namespace mesh in cluster east: bad label"):
        _run(NAMESPACE, check=True)


def test_an_unknown_kind_is_an_error_in_earnest(api: FakeApi) -> None:
    with pytest.raises(MeshError, match="cluster east does not serve it"):
        _run(ROUTE)


def test_a_kind_made_in_the_same_batch_is_found(api: FakeApi) -> None:
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gateways"},
    }

    def establish(path: str, obj: Object) -> None:
        if obj["kind"] == "CustomResourceDefinition":
            obj["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
            api.groups[ISTIO] = [{"name": "gateways", "kind": "Gateway", "namespaced": True}]

    api.on_create = establish
    assert _actions(_run(NAMESPACE, crd, ROUTE)) == ["created"] * 3
    assert f"{ISTIO}/namespaces/mesh/gateways/g" in api.objects


def test_secrets_are_in_no_result(api: FakeApi) -> None:
    for value in ("hush", "hush-2"):
        result = _run(NAMESPACE, {**SECRET, "stringData": {"k": value}})
        text = json.dumps(result)
        assert value not in text and "aHVzaA" not in text


def test_objects_without_namespace_get_the_default_one(api: FakeApi) -> None:
    api.put(AT_NAMESPACE, kind="Namespace")
    _run(
        {**SERVICE, "metadata": {"name": "lb"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}},
        namespace="mesh",
    )
    assert AT_SERVICE in api.objects and "/api/v1/namespaces/x" in api.objects


def test_addresses_of_load_balancers_are_returned(api: FakeApi) -> None:
    _run(NAMESPACE, SERVICE)
    assert _run(SERVICE)["addresses"] == {}
    api.objects[AT_SERVICE]["status"] = {"loadBalancer": {"ingress": [{"ip": "10.1.2.3"}]}}
    assert _run(SERVICE, wait=True)["addresses"] == {"mesh/lb": "10.1.2.3"}


def test_waiting_ends_with_the_object_and_its_state(api: FakeApi) -> None:
    with pytest.raises(MeshError, match="not ready after 0 s: Service mesh/lb: no address yet"):
        _run(NAMESPACE, SERVICE, wait=True, wait_timeout=0)


def test_check_mode_waits_for_nothing(api: FakeApi) -> None:
    assert _run(NAMESPACE, SERVICE, wait=True, wait_timeout=0, check=True)["changed"]


def test_removal_goes_backwards_and_is_repeatable(api: FakeApi) -> None:
    _run(*BATCH)
    api.calls.clear()
    assert _actions(_run(*BATCH, state="absent", wait=True)) == ["deleted"] * 3
    assert api.writes == [f"DELETE {AT_SECRET}", f"DELETE {AT_SERVICE}", f"DELETE {AT_NAMESPACE}"]
    api.calls.clear()
    again = _run(*BATCH, ROUTE, state="absent", wait=True)
    assert _actions(again) == ["absent"] * 4 and not again["changed"]
    assert api.writes == []


def test_removal_in_check_mode_only_says_so(api: FakeApi) -> None:
    _run(*BATCH)
    api.calls.clear()
    result = _run(*BATCH, state="absent", check=True, wait=True)
    assert _actions(result) == ["deleted"] * 3 and api.writes == []


def _leftovers(api: FakeApi) -> None:
    for namespace in ("a", "b"):
        path = f"/api/v1/namespaces/{namespace}/configmaps"
        api.put(f"{path}/root", apiVersion="v1", kind="ConfigMap", metadata={"labels": {"istio.io/config": "true"}})
        api.put(f"{path}/own", apiVersion="v1", kind="ConfigMap")


def test_selectors_remove_by_label_in_all_namespaces(api: FakeApi) -> None:
    _leftovers(api)
    selector = {"api_version": "v1", "kind": "ConfigMap", "namespace": None, "labels": {"istio.io/config": "true"}}
    unknown = {**selector, "api_version": "x.example/v1", "kind": "Thing"}
    result = _run(state="absent", selectors=[selector, unknown])
    assert [entry["namespace"] for entry in result["objects"]] == ["a", "b"]
    assert sorted(api.objects) == ["/api/v1/namespaces/a/configmaps/own", "/api/v1/namespaces/b/configmaps/own"]


def test_a_selector_must_select(api: FakeApi) -> None:
    _leftovers(api)
    with pytest.raises(MeshError, match="has no label"):
        _run(state="absent", selectors=[{"api_version": "v1", "kind": "ConfigMap", "labels": {}}])
    with pytest.raises(MeshError, match="state: absent only"):
        _run(selectors=[{"api_version": "v1", "kind": "ConfigMap", "labels": {"a": "b"}}])
    assert len(api.objects) == 4


@pytest.mark.parametrize("broken", [{}, {"kind": "X", "apiVersion": "v1"}, {"kind": "X", "metadata": {"name": "n"}}])
def test_what_cannot_be_placed_is_refused_before_anything_is_written(api: FakeApi, broken: Object) -> None:
    with pytest.raises(MeshError, match=r"apiVersion, kind and metadata\.name are needed"):
        _run(NAMESPACE, broken)
    assert api.calls == []
