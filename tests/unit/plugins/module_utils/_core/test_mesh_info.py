# SPDX-License-Identifier: GPL-3.0-or-later
"""istiod's view, and waiting for a state of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_info as subject
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

from tests.unit.plugins.fake_kube import FakeApi, FakeTime
from tests.unit.plugins.module_utils._istio.world import (
    ROOT,
    WEBHOOK,
    clusterz,
    endpoint,
    istiod_pods,
    shards,
    syncz,
    trusting,
    views,
)
from tests.unit.plugins.params import defaults

Object = dict[str, Any]

CENTRAL, EAST = {"name": "central", "location": "c"}, {"name": "east", "location": "e"}


@pytest.fixture(name="apis")
def _apis(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeApi]:
    apis = {name: FakeApi(name) for name in ("central", "east")}
    istiod_pods(apis["central"], "istiod-a", "istiod-b")
    trusting(apis["central"], "istio-system")
    trusting(apis["east"], "istio-system")
    monkeypatch.setattr(
        subject, "connect", lambda ref, params: apis[ref["name"]].client if ref["name"] in apis else None
    )
    return apis


def _run(check: bool = False, time: FakeTime | None = None, told: list[str] | None = None, **more: Any) -> Object:
    report = (told if told is not None else []).append
    clock = (time or FakeTime()).clock
    return subject.run(
        defaults(subject, cluster=CENTRAL, **more), check_mode=check, diff=True, report=report, clock=clock
    )


def test_the_whole_view(apis: dict[str, FakeApi]) -> None:
    def known(pod: str) -> Any:
        both = {"east": [endpoint("details-v1", "10.8.0.5")]}
        return shards(details=both if pod == "istiod-a" else {**both, "west": [endpoint("details-v1", "10.9.0.5")]})

    apis["central"].exec = views(
        clusters=clusterz("central", east="synced"),
        proxies=lambda pod: [syncz(f"p-{pod}.default", "east")],
        endpoints=known,
    )
    result = _run()
    assert [replica["pod"] for replica in result["replicas"]] == ["istiod-a", "istiod-b"]
    assert result["replicas"][0]["clusters"][1] == {
        "name": "east", "secret": "istio-system/istio-remote-secret-east", "status": "synced",
    }  # fmt: skip
    assert [proxy["name"] for proxy in result["proxies"]["east"]] == ["p-istiod-a.default", "p-istiod-b.default"]
    # what one replica does not know, the proxies connected to it cannot reach
    assert result["endpoints"] == {"details.default.svc.cluster.local": {"east": ["10.8.0.5:9080"]}}
    assert result["changed"] is False


def test_services_alone_need_no_istiod(apis: dict[str, FakeApi]) -> None:
    api = apis["central"]
    status = {"loadBalancer": {"ingress": [{"ip": "10.128.8.10"}]}}
    api.put(
        "/api/v1/namespaces/istio-system/services/istiod-ilb",
        kind="Service",
        spec={"type": "LoadBalancer"},
        status=status,
    )
    wanted = [{"name": "istiod-ilb", "namespace": "istio-system"}, {"name": "none", "namespace": "x"}]
    result = _run(services=wanted)
    assert result["addresses"] == {"istio-system/istiod-ilb": "10.128.8.10", "x/none": ""}
    assert len(api.calls) == 2


def test_it_waits_for_every_replica(apis: dict[str, FakeApi]) -> None:
    time, told = FakeTime(), list[str]()
    state = {"istiod-a": "synced", "istiod-b": "syncing"}
    apis["central"].exec = views(clusters=lambda pod: clusterz("central", east=state[pod]))
    time.at(4, lambda: state.update({"istiod-b": "synced"}))
    result = _run(time=time, told=told, wait_for_synced=["east"])
    assert 4 <= time.seconds < 7
    assert told == ["central: waiting (0 s): istiod-b has cluster east syncing"]
    assert all(replica["clusters"][1]["status"] == "synced" for replica in result["replicas"])


def test_the_end_names_replica_cluster_and_cause(apis: dict[str, FakeApi]) -> None:
    apis["central"].exec = views(clusters=clusterz("central", east="timeout"))
    with pytest.raises(
        MeshError, match=r"after 120 s istiod-a has cluster east timeout \(istiod cannot reach its API server.*istiod-b"
    ):
        _run(wait_for_synced=["east"])


def test_it_waits_for_the_ca(apis: dict[str, FakeApi]) -> None:
    time = FakeTime()
    hooks = apis["east"].objects.pop(WEBHOOK)
    time.at(3, lambda: apis["east"].objects.update({WEBHOOK: hooks}))
    _run(time=time, wait_for_ca=[EAST])
    assert 3 <= time.seconds < 6


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("east", "cluster east: ConfigMap istio-system/istio-ca-root-cert is missing .*controlPlaneClusters once"),
        ("central", "not published its root"),
    ],
)
def test_a_ca_that_does_not_come_names_the_usual_cause(apis: dict[str, FakeApi], where: str, what: str) -> None:
    del apis[where].objects["/api/v1/namespaces/istio-system/configmaps/istio-ca-root-cert"]
    with pytest.raises(MeshError, match=what):
        _run(wait_for_ca=[EAST])


def test_the_ca_must_be_in_all_the_namespaces_named(apis: dict[str, FakeApi]) -> None:
    with pytest.raises(MeshError, match="ConfigMap default/istio-ca-root-cert is missing"):
        _run(wait_for_ca=[EAST], ca_namespaces=["istio-system", "default"])
    trusting(apis["east"], "default", root=ROOT)
    _run(wait_for_ca=[EAST], ca_namespaces=["istio-system", "default"])


WANTED = {"service": "details", "namespace": "default", "workload": "details-v1", "cluster": "east"}


def test_it_waits_until_every_replica_knows_the_new_endpoint(apis: dict[str, FakeApi]) -> None:
    time = FakeTime()
    known: dict[str, Object] = {
        "istiod-a": shards(details={"east": [endpoint("details-v1", "10.8.0.5")]}),
        "istiod-b": {},
    }
    apis["central"].exec = views(endpoints=lambda pod: known[pod])
    time.at(2, lambda: known.update({"istiod-b": known["istiod-a"]}))
    result = _run(time=time, wait_for_endpoints=[WANTED])
    assert 2 <= time.seconds < 4
    assert result["endpoints"]["details.default.svc.cluster.local"] == {"east": ["10.8.0.5:9080"]}


def test_a_replica_that_restarts_is_waited_for(apis: dict[str, FakeApi]) -> None:
    time = FakeTime()
    api = apis["central"]
    api.exec = views(clusters=clusterz("central", east="synced"))
    pods = {path: api.objects.pop(path) for path in list(api.objects) if "/pods/" in path}
    time.at(5, lambda: api.objects.update(pods))
    _run(time=time, wait_for_synced=["east"])
    assert time.seconds >= 5


def test_check_mode_waits_for_nothing(apis: dict[str, FakeApi]) -> None:
    time = FakeTime()
    apis["central"].exec = views(clusters=clusterz("central"))
    assert _run(check=True, time=time, wait_for_synced=["east"], wait_for_ca=[EAST])["replicas"]
    assert time.seconds == 0


def test_check_mode_before_there_is_anything(apis: dict[str, FakeApi]) -> None:
    apis["central"].objects.clear()
    assert _run(check=True, wait_for_synced=["east"])["replicas"] == []
    del apis["central"]
    empty = {"changed": False, "replicas": [], "proxies": {}, "endpoints": {}, "addresses": {}}
    assert _run(check=True, wait_for_synced=["east"]) == empty
    with pytest.raises(MeshError, match="it does not exist"):
        _run()


def test_asking_for_views_by_name(apis: dict[str, FakeApi]) -> None:
    apis["central"].exec = views(proxies=[syncz("p.default", "east")])
    result = _run(views=["proxies"])
    assert result["proxies"] and result["endpoints"] == {} and result["replicas"][0]["clusters"] == []
