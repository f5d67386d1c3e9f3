# SPDX-License-Identifier: GPL-3.0-or-later
"""The ladder of checks on a mesh of three clusters, broken in one place at a time."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_verify as subject
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._istio.remote_secret import Credential, remote_secret

from tests.unit.plugins.fake_kube import FakeApi, FakeTime
from tests.unit.plugins.module_utils._istio.world import WEBHOOK, clusterz, endpoint, istiod_pods, syncz, trusting
from tests.unit.plugins.params import defaults

Object = dict[str, Any]

PLACEMENT = {"productpage-v1": "central", "reviews-v1": ["central"], "details-v1": ["east"], "reviews-v3": ["west"]}
WHERE = {"productpage-v1": "central", "reviews-v1": "central", "details-v1": "east", "reviews-v3": "west"}
REFS = {name: {"name": name, "location": "l"} for name in ("central", "east", "west")}
ISTIO = "/api/v1/namespaces/istio-system"


class Mesh:
    """A mesh in good order: three API servers, one istiod, Bookinfo, and the gateway's answers."""

    def __init__(self) -> None:
        self.apis = {name: FakeApi(name) for name in REFS}
        self.there: dict[str, Any] = dict(self.apis)
        self.status = {"east": "synced", "west": "synced"}
        self.dead: set[str] = set()
        """Clusters whose credential istiod cannot use any more."""
        self.blocked: set[tuple[str, str]] = set()
        """Pairs of clusters whose pods cannot reach each other."""
        self.pages: dict[str, Callable[[], tuple[int, str]]] = {}
        self.fetched: list[str] = []
        self._turn = 0
        for number, (name, api) in enumerate(self.apis.items()):
            api.put(ISTIO, metadata={"annotations": {"topology.istio.io/controlPlaneClusters": "central"}})
            trusting(api, "istio-system", "default", cluster=name)
            api.exec = self.run
            for workload, cluster in WHERE.items():
                if cluster == name:
                    self.pod(name, workload, f"10.{number}.0.{len(workload)}")
        for name in ("east", "west"):
            credential = Credential(name, f"https://{name}.example", "t", "CA")
            self.central.objects[f"{ISTIO}/secrets/istio-remote-secret-{name}"] = remote_secret(
                credential, "istio-system"
            )
            slice_ = {"endpoints": [{"addresses": ["10.128.8.10"]}]}
            labels = {"labels": {"kubernetes.io/service-name": "istiod"}}
            path = "/apis/discovery.k8s.io/v1/namespaces/istio-system/endpointslices/istiod"
            self.apis[name].put(path, metadata=labels, **slice_)
        istiod_pods(self.central, "istiod-a")
        self.service(f"{ISTIO}/services/istiod-ilb", "10.128.8.10")
        self.service("/api/v1/namespaces/istio-ingress/services/istio-ingress", "198.19.0.10")

    @property
    def central(self) -> FakeApi:
        return self.apis["central"]

    def service(self, path: str, address: str) -> None:
        self.central.put(path, kind="Service", status={"loadBalancer": {"ingress": [{"ip": address}]}})

    def pod(self, cluster: str, workload: str, address: str) -> Object:
        owners = [{"kind": "ReplicaSet", "name": f"{workload}-5d8c"}]
        return self.apis[cluster].put(
            f"/api/v1/namespaces/default/pods/{workload}-5d8c-x2x7k",
            metadata={"ownerReferences": owners},
            spec={"containers": [{"name": "app"}], "initContainers": [{"name": "istio-proxy"}]},
            status={"podIP": address, "conditions": [{"type": "Ready", "status": "True"}]},
        )

    # what commands in pods answer

    def run(self, pod: str, command: list[str]) -> tuple[str, int]:
        if command[0] == "pilot-agent":
            return "", int((self.cluster_of(pod), self.cluster_at(command[3])) in self.blocked)
        answers = {"clusterz": self.clusterz, "syncz": self.syncz, "endpointShardz": self.shards}
        return json.dumps(answers[command[-1].rsplit("/", 1)[1]]()), 0

    def cluster_of(self, pod: str) -> str:
        return WHERE[pod.rsplit("-", 2)[0]]

    def cluster_at(self, url: str) -> str:
        return list(REFS)[int(url.split(".")[1])]

    def clusterz(self) -> Any:
        return clusterz("central", **self.status)

    def syncz(self) -> Any:
        return [syncz(f"{workload}-5d8c-x2x7k.default", cluster) for workload, cluster in WHERE.items()]

    def shards(self) -> Object:
        found: Object = {}
        for workload, cluster in WHERE.items():
            self._shard(found, workload.rsplit("-", 1)[0], "default", cluster, endpoint(workload, "10.0.0.1"))
        for name, api in self.apis.items():
            for path, obj in api.objects.items():
                if "/endpointslices/mesh-canary" in path and name not in self.dead:
                    self._shard(found, obj["metadata"]["name"], "istio-system", name, endpoint("", "192.0.2.1"))
        return found

    def _shard(self, found: Object, service: str, namespace: str, cluster: str, entry: Object) -> None:
        host = found.setdefault(f"{service}.{namespace}.svc.cluster.local", {})
        shards = host.setdefault(namespace, {"Shards": {}})["Shards"]
        shards.setdefault(f"Kubernetes/{cluster}", []).append(entry)

    # what the gateway answers

    def fetch(self, url: str) -> tuple[int, str]:
        self.fetched.append(url)
        path = url.removeprefix("http://198.19.0.10")
        if path in self.pages:
            return self.pages[path]()
        if path == "/productpage":
            return 200, "<html>The Comedy of Errors</html>"
        if path == "/api/v1/products/0":
            return 200, json.dumps({"id": 0, "author": "William Shakespeare"})
        assert path == "/api/v1/products/0/reviews", url
        self._turn += 1
        return 200, self.review(*(("reviews-v1", "central"), ("reviews-v3", "west"))[self._turn % 2])

    def review(self, workload: str, cluster: str) -> str:
        return json.dumps({"id": "0", "podname": f"{workload}-5d8c-x2x7k", "clustername": cluster})


@pytest.fixture(name="mesh")
def _mesh(monkeypatch: pytest.MonkeyPatch) -> Mesh:
    mesh = Mesh()

    def connect(ref: Object, params: Object) -> Any:
        found = mesh.there.get(ref["name"])
        if isinstance(found, MeshError):
            raise found
        return found.client if found else None

    monkeypatch.setattr(subject, "connect", connect)
    return mesh


def _run(mesh: Mesh, check: bool = False, told: list[str] | None = None, **more: Any) -> Object:
    options = {
        "primary": REFS["central"],
        "remotes": [REFS["east"], REFS["west"]],
        "workloads": PLACEMENT,
        "wait_timeout": 0,
    }
    report = (told if told is not None else []).append
    time = more.pop("time", None) or FakeTime()
    params = defaults(subject, **{**options, **more})
    return subject.run(params, check_mode=check, diff=False, report=report, clock=time.clock, fetch=mesh.fetch)


def _failed(result: Object) -> list[tuple[str, str]]:
    return [(check["name"], check["cluster"]) for check in result["checks"] if not check["ok"]]


def test_a_good_mesh_passes_and_nothing_is_left_behind(mesh: Mesh) -> None:
    before = {name: sorted(api.objects) for name, api in mesh.apis.items()}
    result = _run(mesh)
    assert _failed(result) == [] and "failed" not in result and result["changed"] is False
    assert [check["layer"] for check in result["checks"]] == sorted(check["layer"] for check in result["checks"])
    assert {check["name"] for check in result["checks"]} == {
        "api", "credential", "names", "istiod", "trust", "proxies", "endpoints", "network", "traffic",
    }  # fmt: skip
    assert {name: sorted(api.objects) for name, api in mesh.apis.items()} == before
    assert result["summary"]["page"] == "http://198.19.0.10/productpage"
    assert result["summary"]["answered"] == {name: [where] for name, where in WHERE.items()}
    assert result["summary"]["checks"]["failed"] == 0


def test_check_mode_writes_no_canary_and_says_so(mesh: Mesh) -> None:
    result = _run(mesh, check=True)
    assert _failed(result) == []
    assert [check["cluster"] for check in result["checks"] if check["skipped"]] == ["east", "west"]
    assert all(api.writes == [] for api in mesh.apis.values())


def test_a_dead_credential_is_found_although_istiod_says_synced(mesh: Mesh) -> None:
    mesh.dead = {"east"}
    result = _run(mesh)
    assert _failed(result) == [("credential", "east")]
    assert "not seen within 10 s by istiod-a" in result["msg"] and "revoked" in result["msg"]
    assert not any("canary" in path for api in mesh.apis.values() for path in api.objects)


def test_canaries_of_killed_runs_are_swept_up(mesh: Mesh) -> None:
    for path in (
        f"{ISTIO}/services/mesh-canary-old",
        "/apis/discovery.k8s.io/v1/namespaces/istio-system/endpointslices/mesh-canary-old",
    ):
        mesh.apis["east"].put(path, metadata={"labels": {"mcistio.gke/canary": "true"}})
    _run(mesh)
    assert not any("canary" in path for path in mesh.apis["east"].objects)


def test_a_firewall_between_two_clusters_is_named(mesh: Mesh) -> None:
    mesh.blocked = {("central", "east")}
    mesh.pages["/api/v1/products/0"] = lambda: (503, "Sorry, product details are currently unavailable for this book.")
    mesh.pages["/productpage"] = lambda: (200, "<h4>Error fetching product details!</h4>")
    result = _run(mesh)
    assert _failed(result) == [("network", "central"), ("traffic", "central"), ("traffic", "east")]
    lines = result["msg"].splitlines()
    assert lines[0] == f"3 of {len(result['checks'])} checks of the mesh failed:"
    assert all("A firewall between central and east" in line for line in lines[1:])
    assert lines[1].startswith("L7 network, central: pod productpage-v1-5d8c-x2x7k got no answer from details-v1")
    assert "lacks a part: Error fetching product details!" in lines[2]


def _no_secret(mesh: Mesh) -> None:
    del mesh.central.objects[f"{ISTIO}/secrets/istio-remote-secret-east"]


def _no_annotation(mesh: Mesh) -> None:
    mesh.apis["east"].objects[ISTIO]["metadata"]["annotations"] = {}


def _other_path(mesh: Mesh) -> None:
    mesh.apis["east"].objects[WEBHOOK]["webhooks"][0]["clientConfig"]["service"]["path"] = (
        "/inject/cluster/remote/net/network1"
    )


def _not_synced(mesh: Mesh) -> None:
    mesh.status["east"] = "timeout"


def _stranger(mesh: Mesh) -> None:
    mesh.status["old"] = "synced"


def _no_bundle(mesh: Mesh) -> None:
    del mesh.apis["east"].objects[WEBHOOK]["webhooks"][0]["clientConfig"]["caBundle"]


def _other_address(mesh: Mesh) -> None:
    path = "/apis/discovery.k8s.io/v1/namespaces/istio-system/endpointslices/istiod"
    mesh.apis["east"].objects[path]["endpoints"][0]["addresses"] = ["10.128.8.99"]


def _no_proxy(mesh: Mesh) -> None:
    whole = mesh.syncz
    mesh.syncz = lambda: [entry for entry in whole() if entry["cluster_id"] != "east"]  # type: ignore[method-assign]


def _no_sidecar(mesh: Mesh) -> None:
    for path, pod in mesh.apis["east"].objects.items():
        if "/pods/" in path:
            pod["spec"]["initContainers"] = []


def _no_pod(mesh: Mesh) -> None:
    for path in [path for path in mesh.apis["east"].objects if "/pods/" in path]:
        del mesh.apis["east"].objects[path]


def _no_endpoint(mesh: Mesh) -> None:
    whole = mesh.shards
    mesh.shards = lambda: {host: it for host, it in whole().items() if not host.startswith("details.")}  # type: ignore[method-assign]


def _second_place(mesh: Mesh) -> None:
    whole = mesh.shards

    def twice() -> Object:
        found = whole()
        mesh._shard(found, "reviews", "default", "east", endpoint("reviews-v3", "10.1.0.9"))
        return found

    mesh.shards = twice  # type: ignore[method-assign]


def _no_gateway(mesh: Mesh) -> None:
    del mesh.central.objects["/api/v1/namespaces/istio-ingress/services/istio-ingress"]


def _one_never_answers(mesh: Mesh) -> None:
    mesh.pages["/api/v1/products/0/reviews"] = lambda: (200, mesh.review("reviews-v1", "central"))


def _a_stranger_answers(mesh: Mesh) -> None:
    turns = iter([("reviews-v1", "central"), ("reviews-v2", "east"), ("reviews-v3", "west")] * 30)
    mesh.pages["/api/v1/products/0/reviews"] = lambda: (200, mesh.review(*next(turns)))


def _no_answer(mesh: Mesh) -> None:
    mesh.pages["/productpage"] = lambda: (0, "connection refused")


@pytest.mark.parametrize(
    ("breakage", "failed", "said"),
    [
        (_no_secret, [("credential", "east")], "istio-remote-secret-east on the primary holds no key"),
        (_no_annotation, [("names", "east")], r"controlPlaneClusters=\(nothing\)"),
        (_other_path, [("names", "east")], "injects by /inject/cluster/remote/net/network1, which does not name east"),
        (_not_synced, [("istiod", "east")], "istiod-a has cluster east timeout .*authorized networks"),
        (_stranger, [("istiod", "old")], "a cluster that is not expected"),
        (_no_bundle, [("trust", "east")], "has no caBundle yet"),
        (_other_address, [("trust", "east")], "looks for istiod at 10.128.8.99, but that is at 10.128.8.10"),
        (_no_proxy, [("proxies", "east")], "sidecar of details-v1-5d8c-x2x7k.default is not connected"),
        (_no_sidecar, [("proxies", "east")], "has no sidecar"),
        (_no_pod, [("proxies", "east")], "no pod of details-v1 is running"),
        (_no_endpoint, [("endpoints", "east")], "knows no ready endpoint of details-v1 there"),
        (_second_place, [("endpoints", "east")], "knows reviews-v3 there, where it is not placed"),
        (_no_gateway, [("traffic", "central")], "Service istio-ingress/istio-ingress has no address"),
        (_one_never_answers, [("traffic", "west")], "reviews-v3 in west answered none of 60 requests"),
        (_a_stranger_answers, [("traffic", "east")], "reviews-v2 answered from east"),
        (_no_answer, [("traffic", "central")], r"answered nothing \(connection refused\)"),
    ],
)
def test_one_thing_broken_is_the_one_thing_named(
    mesh: Mesh, breakage: Callable[[Mesh], None], failed: list[tuple[str, str]], said: str
) -> None:
    breakage(mesh)
    result = _run(mesh)
    assert _failed(result) == failed
    assert result["failed"] is True
    assert re.search(said, result["msg"]), result["msg"]


def test_the_summary_names_only_who_answered(mesh: Mesh) -> None:
    mesh.pages["/productpage"] = lambda: (503, "no healthy upstream")
    _one_never_answers(mesh)
    assert _run(mesh)["summary"]["answered"] == {"details-v1": ["east"], "reviews-v1": ["central"]}


@pytest.mark.parametrize("how", ["gone", "unreachable", "not ready"])
def test_a_cluster_that_does_not_answer_is_left_out_of_the_rest(mesh: Mesh, how: str) -> None:
    if how == "gone":
        del mesh.there["east"]
    elif how == "unreachable":
        mesh.there["east"] = MeshError("reach", "the API server of cluster east", "no answer in time")
    else:
        mesh.apis["east"].up = False
    result = _run(mesh)
    assert _failed(result) == [("api", "east")], "istiod still has it, but its API server does not answer"
    assert result["summary"]["clusters"] == ["central", "east", "west"]


def test_without_the_primary_there_is_nothing_more_to_try(mesh: Mesh) -> None:
    del mesh.there["central"]
    result = _run(mesh)
    assert _failed(result) == [("api", "central")]
    assert {check["name"] for check in result["checks"]} == {"api"}


def test_no_istiod_fails_its_checks_and_ends_none_of_the_others(mesh: Mesh) -> None:
    del mesh.central.objects[f"{ISTIO}/pods/istiod-a"]
    result = _run(mesh)
    assert {name for name, _cluster in _failed(result)} == {"credential", "istiod", "proxies", "endpoints"}
    assert "no replica is running" in result["msg"]


def test_answers_that_name_no_pod_are_honest_about_it(mesh: Mesh) -> None:
    details = next(check for check in _run(mesh)["checks"] if check["detail"].startswith("details answered"))
    assert (
        details["detail"]
        == "details answered; its answer names no pod, so that it is in east is known by its endpoints"
    )


def test_answers_that_do_name_one_are_held_to_it(mesh: Mesh) -> None:
    mesh.pages["/api/v1/products/0"] = lambda: (200, mesh.review("details-v1", "west"))
    assert _failed(_run(mesh)) == [("traffic", "east"), ("traffic", "west")]


def test_a_mesh_may_settle_first(mesh: Mesh) -> None:
    time, told = FakeTime(), list[str]()
    mesh.status["east"] = "syncing"
    time.at(5, lambda: mesh.status.update(east="synced"))
    assert _failed(_run(mesh, told=told, time=time, wait_timeout=30)) == []
    assert 5 <= time.seconds < 8
    assert len(told) == 1 and told[0].startswith("L3 istiod (0 s): east: istiod-a has cluster east syncing")


def test_the_time_to_settle_is_shared_by_all_checks(mesh: Mesh) -> None:
    time = FakeTime()
    _no_bundle(mesh)
    _no_pod(mesh)
    assert len(_failed(_run(mesh, time=time, wait_timeout=20))) == 2
    assert time.seconds == pytest.approx(20)


def test_without_workloads_the_application_is_not_asked_for(mesh: Mesh) -> None:
    result = _run(mesh, workloads={})
    assert _failed(result) == []
    assert "traffic" not in {check["name"] for check in result["checks"]} and mesh.fetched == []


def test_another_address_may_be_named(mesh: Mesh) -> None:
    _no_gateway(mesh)
    result = _run(mesh, url="http://198.19.0.10/")
    assert _failed(result) == []


def test_a_remote_without_workloads_is_fine(mesh: Mesh) -> None:
    _no_pod(mesh)
    _no_endpoint(mesh)
    result = _run(mesh, workloads={name: where for name, where in PLACEMENT.items() if name != "details-v1"})
    assert _failed(result) == []
    assert ("east", True) in {
        (check["cluster"], check["skipped"]) for check in result["checks"] if check["name"] == "network"
    }
