# SPDX-License-Identifier: GPL-3.0-or-later
"""Our idea of server-side apply against the real thing."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_objects
from ansible_collections.mcistio.gke.plugins.module_utils._istio.placement import placed
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport

from gkelab.build import Artifacts
from tests.lab.kube.api_server import ApiServer
from tests.unit.plugins.params import defaults

pytestmark = pytest.mark.lab

Object = dict[str, Any]


def _run(server: ApiServer, namespace: str, definitions: list[Object], check: bool = False, **more: Any) -> Object:
    params = defaults(
        mesh_objects, cluster=server.reference("real"), namespace=namespace, definitions=definitions, **more
    )  # fmt: skip
    return mesh_objects.run(params, check_mode=check, diff=True, report=lambda line: None)


def _actions(result: Object) -> set[str]:
    return {entry["action"] for entry in result["objects"]}


@pytest.fixture(name="bookinfo")
def _bookinfo(built: Artifacts) -> list[Object]:
    """Istio's own sample as the role applies it, every workload in one cluster."""
    documents = list(yaml.safe_load_all((built.istio / "samples/bookinfo/platform/kube/bookinfo.yaml").read_text()))
    names = [doc["metadata"]["name"] for doc in documents if doc and doc["kind"] == "Deployment"]
    return placed(documents, "real", {name: ["real"] for name in names})


class Transcript:
    """Counts the requests of a client by method, for the time of a ``with``."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        whole = HttpTransport.request

        def request(transport: HttpTransport, method: str, path: str, query: Any, *rest: Any) -> Any:
            self.calls.append(method + ("?dry" if query.get("dryRun") else ""))
            return whole(transport, method, path, query, *rest)

        monkeypatch.setattr(HttpTransport, "request", request)


def test_bookinfo_is_applied_once_and_then_only_read(
    server: ApiServer, namespace: str, bookinfo: list[Object], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _actions(_run(server, namespace, bookinfo, check=True)) == {"created"}
    assert _actions(_run(server, namespace, bookinfo)) == {"created"}
    seen = Transcript(monkeypatch)
    assert _actions(_run(server, namespace, bookinfo)) == {"unchanged"}
    assert seen.calls == ["GET"] * len(bookinfo), "neither a write nor a dry run"


def _deployment(namespace: str, **template: Any) -> Object:
    labels = {"app": "web"}
    container = {"name": "web", "image": "web", "ports": [{"containerPort": 80}], "env": [{"name": "A", "value": "1"}]}
    spec = {"containers": [{**container, **template}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}},
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "other"},
        {"env": [{"name": "A", "value": "2"}]},
        {"env": []},
        {"ports": [{"containerPort": 81}]},
        {"resources": {"requests": {"cpu": "100m"}}},
    ],
)
def test_every_change_is_seen_predicted_and_made_once(server: ApiServer, namespace: str, changed: Object) -> None:
    _run(server, namespace, [_deployment(namespace)])
    wanted = [_deployment(namespace, **changed)]
    predicted = _run(server, namespace, wanted, check=True)
    made = _run(server, namespace, wanted)
    assert _actions(predicted) == _actions(made) == {"updated"}
    assert predicted["diff"] == made["diff"]
    assert _actions(_run(server, namespace, wanted)) == {"unchanged"}


@pytest.mark.parametrize("cpu", ["0.1", "100m", 1])
def test_values_that_the_server_writes_otherwise_are_no_change(server: ApiServer, namespace: str, cpu: Any) -> None:
    wanted = [_deployment(namespace, resources={"requests": {"cpu": cpu}})]
    _run(server, namespace, wanted)
    assert _actions(_run(server, namespace, wanted)) == {"unchanged"}


def test_a_field_of_somebody_else_stays_and_ours_goes_when_undeclared(server: ApiServer, namespace: str) -> None:
    def declared(**labels: str) -> list[Object]:
        return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}]

    _run(server, namespace, declared(ours="1"))
    server.run("kubectl", "label", "namespace", namespace, "theirs=1")
    assert _actions(_run(server, namespace, declared(ours="1"))) == {"unchanged"}
    assert _actions(_run(server, namespace, declared())) == {"updated"}
    live = server.client.get("v1", "Namespace", namespace)
    assert live is not None
    assert live["metadata"]["labels"] == {"theirs": "1", "kubernetes.io/metadata.name": namespace}


def test_what_another_manager_set_is_taken_over_or_refused(server: ApiServer, namespace: str) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"k": "ours"}}
    theirs = yaml.safe_dump({**config, "data": {"k": "theirs"}})
    server.run("kubectl", "apply", "--server-side", "-n", namespace, "-f", "-", given=theirs)
    with pytest.raises(ApiError, match=r'conflict with "kubectl": \.data\.k'):
        _run(server, namespace, [config], force_conflicts=False)
    assert _actions(_run(server, namespace, [config])) == {"updated"}
    assert _actions(_run(server, namespace, [config])) == {"unchanged"}


def test_a_misspelt_field_is_refused_also_in_check_mode(server: ApiServer, namespace: str) -> None:
    wrong = _deployment(namespace, imagePulPolicy="Always")
    for check in (True, False):
        with pytest.raises(ApiError, match=r"imagePulPolicy: field not declared in schema"):
            _run(server, namespace, [wrong], check=check)


def test_a_namespace_goes_with_all_that_is_in_it(server: ApiServer, namespace: str) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": namespace}}
    place = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    _run(server, namespace, [config])
    assert _actions(_run(server, namespace, [place], state="absent", wait=True)) == {"deleted"}
    assert server.client.get("v1", "Namespace", namespace) is None
    assert _actions(_run(server, namespace, [place, config], state="absent", wait=True)) == {"absent"}
