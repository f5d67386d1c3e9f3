# SPDX-License-Identifier: GPL-3.0-or-later
"""When helm runs, with what, and how a release that a killed run left behind comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import helm_releases as subject
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint

from tests.unit.plugins.fake_kube import FakeApi, FakeTime
from tests.unit.plugins.module_utils._kube.test_helm_storage import record
from tests.unit.plugins.params import defaults

Object = dict[str, Any]

SECRETS = "/api/v1/namespaces/istio-system/secrets"
LIST = f"GET {SECRETS}"


class Helm:
    """kubernetes.core.helm as far as it matters: remembers its options, and writes the record that helm would write."""

    def __init__(self, api: FakeApi) -> None:
        self.api = api
        self.calls: list[Object] = []
        self.failure: Object = {}

    def __call__(self, endpoint: Endpoint, options: Object) -> Object:
        assert endpoint is self.api.client.endpoint
        self.calls.append(options)
        if self.failure:
            return self.failure
        name = options["release_name"]
        for path in [path for path in self.api.objects if f"/sh.helm.release.v1.{name}." in path]:
            del self.api.objects[path]
        if options.get("release_state") != "absent":
            store(self.api, name, values=options["release_values"])
        return {"changed": True, "command": "helm --set password=hush", "status": {"values": {}}}


def store(api: FakeApi, name: str = "istiod", revision: int = 1, **more: Any) -> str:
    """Put Helm's record of a release into the cluster."""
    secret = record(name, revision, **more)
    path = f"{SECRETS}/{secret['metadata']['name']}"
    api.objects[path] = secret
    return path


@pytest.fixture(name="api")
def _api(monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    api = FakeApi()
    api.put("/api/v1/namespaces/istio-system", kind="Namespace")
    monkeypatch.setattr(subject, "connect", lambda ref, params: api.client)
    return api


@pytest.fixture(name="helm")
def _helm(api: FakeApi) -> Helm:
    return Helm(api)


def release(name: str = "istiod", **more: Any) -> Object:
    """A release with the defaults of its options."""
    options = {option: spec.get("default") for option, spec in subject.RELEASE_OPTIONS.items()}
    place = {"name": name, "namespace": "istio-system", "chart_ref": name, "chart_version": "1.0.0"}
    return {**options, **place, "chart_repo_url": "https://charts.example", **more}


def run(helm: Helm | None, *releases: Object, check: bool = False, time: FakeTime | None = None, **more: Any) -> Object:
    params = defaults(subject, cluster={"name": "east", "location": "l"}, releases=list(releases), **more)
    clock = (time or FakeTime()).clock
    return subject.run(params, check_mode=check, diff=True, report=lambda line: None, helm=helm, clock=clock)


def actions(result: Object) -> list[str]:
    return [entry["action"] for entry in result["releases"]]


def test_first_run_installs_in_order_second_starts_no_helm(api: FakeApi, helm: Helm) -> None:
    wanted = [release("base", values={"a": 1}), release("istiod", values={"b": True})]
    assert actions(run(helm, *wanted)) == ["installed", "installed"]
    assert [call["release_name"] for call in helm.calls] == ["base", "istiod"]
    helm.calls.clear()
    api.calls.clear()
    result = run(helm, *wanted)
    assert actions(result) == ["unchanged", "unchanged"] and not result["changed"] and result["diff"] == []
    assert helm.calls == [] and api.calls == [LIST], "one request for both"


def test_helm_gets_what_is_set_and_nothing_else(api: FakeApi, helm: Helm) -> None:
    run(helm, release(values={"a": None}, force_conflicts=True, server_side="true"), helm_binary="helm")
    assert helm.calls == [
        {
            "release_name": "istiod",
            "release_namespace": "istio-system",
            "chart_ref": "istiod",
            "chart_version": "1.0.0",
            "chart_repo_url": "https://charts.example",
            "release_values": {"a": None},
            "server_side": "true",
            "force_conflicts": True,
        }
    ]


def test_a_local_chart_brings_its_own_version(api: FakeApi, helm: Helm, tmp_path: Path) -> None:
    (tmp_path / "Chart.yaml").write_text("name: istiod\nversion: 1.0.0\n")
    local = release(chart_ref=str(tmp_path), chart_version=None, chart_repo_url=None)
    store(api)
    assert actions(run(helm, local)) == ["unchanged"]
    (tmp_path / "Chart.yaml").write_text("name: istiod\nversion: 1.1.0\n")
    assert actions(run(helm, local)) == ["upgraded"]
    assert helm.calls[0]["chart_ref"] == str(tmp_path) and "chart_version" not in helm.calls[0]


@pytest.mark.parametrize(
    ("there", "wanted"),
    [
        ({"values": {"a": 1}}, {"values": {"a": 2}}),
        ({"values": {"a": 1}}, {"values": {"a": True}}),
        ({"values": {"a": 1}}, {}),
        ({"version": "0.9.0"}, {}),
        ({"chart": "other"}, {}),
        ({"status": "failed"}, {}),
    ],
)
def test_what_differs_is_upgraded(api: FakeApi, helm: Helm, there: Object, wanted: Object) -> None:
    store(api, **there)
    assert actions(run(helm, release(**wanted))) == ["upgraded"]
    assert len(helm.calls) == 1


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "pending-rollback", "uninstalling", "failed"])
def test_an_unfinished_record_is_dropped_and_the_release_deployed(api: FakeApi, helm: Helm, status: str) -> None:
    store(api, revision=1, values={"old": 1})
    unfinished = store(api, revision=2, status=status)
    result = run(helm, release())
    assert actions(result) == ["upgraded"] and result["releases"][0]["status_before"] == status
    assert api.writes == [f"DELETE {unfinished}"], "the finished revision before it stays helm's base"
    assert len(helm.calls) == 1
    assert actions(run(helm, release())) == ["unchanged"]


def test_a_helm_that_still_runs_is_given_time_to_finish(api: FakeApi, helm: Helm) -> None:
    time = FakeTime()
    path = store(api, status="pending-install", touched=1_000_000)
    time.at(5, lambda: store(api))
    assert actions(run(helm, release(), time=time)) == ["unchanged"]
    assert 5 <= time.seconds < 8 and helm.calls == [] and path in api.objects


def test_a_pending_record_without_a_helm_is_waited_for_no_longer_than_its_age_allows(api: FakeApi, helm: Helm) -> None:
    time = FakeTime()
    store(api, status="pending-install", touched=1_000_000 - 20)
    run(helm, release(), time=time)
    assert time.seconds == pytest.approx(10), "30 s of grace, 20 of them over"
    assert len(helm.calls) == 1


def test_an_old_pending_record_costs_no_time(api: FakeApi, helm: Helm) -> None:
    time = FakeTime()
    store(api, status="pending-upgrade", touched=900_000)
    run(helm, release(), time=time)
    assert time.seconds == 0


def test_check_mode_needs_no_helm_and_changes_nothing(api: FakeApi, helm: Helm) -> None:
    store(api, status="pending-install", touched=1_000_000)
    time = FakeTime()
    predicted = run(None, release(), release("base"), check=True, time=time)
    assert actions(predicted) == ["upgraded", "installed"]
    assert api.writes == [] and time.seconds == 0
    real = run(helm, release(), release("base"))
    assert actions(real) == actions(predicted) and real.keys() == predicted.keys()


def test_check_mode_without_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "connect", lambda ref, params: None)
    gone = release("old", state="absent", chart_ref=None)
    assert actions(run(None, release(), gone, check=True)) == ["installed", "absent"]
    with pytest.raises(MeshError, match="it does not exist"):
        run(None, release())
    assert actions(run(None, gone)) == ["absent"], "nothing to remove from a cluster that is gone"


def test_the_diff_hides_secrets(api: FakeApi, helm: Helm) -> None:
    store(api, values={"password": "hush-1", "tag": "1"})
    result = run(helm, release(values={"password": "hush-2", "tag": "2"}))
    assert "hush" not in json.dumps(result)
    assert [result["diff"][0][side]["values"]["tag"] for side in ("before", "after")] == ["1", "2"]


def absent(**more: Any) -> Object:
    return release(state="absent", chart_ref=None, chart_version=None, chart_repo_url=None, **more)


def test_removal_and_again(api: FakeApi, helm: Helm) -> None:
    store(api)
    assert actions(run(helm, absent())) == ["uninstalled"]
    assert helm.calls == [{"release_name": "istiod", "release_namespace": "istio-system", "release_state": "absent"}]
    helm.calls.clear()
    assert actions(run(helm, absent())) == ["absent"] and helm.calls == []


def test_a_kept_history_is_not_a_release(api: FakeApi, helm: Helm) -> None:
    store(api, status="uninstalled")
    assert actions(run(helm, absent())) == ["absent"]
    assert actions(run(helm, release())) == ["installed"]


@pytest.mark.parametrize("status", ["uninstalling", "pending-install", "failed"])
def test_removal_of_an_unfinished_release_keeps_the_record_for_helm(api: FakeApi, helm: Helm, status: str) -> None:
    path = store(api, status=status)
    assert actions(run(helm, absent())) == ["uninstalled"]
    # kubernetes.core passes over what is already uninstalling, so that state has to be taken back
    assert api.writes == ([f"PATCH {path}"] if status == "uninstalling" else [])
    assert len(helm.calls) == 1


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        (
            {"msg": 'Failed to find required executable "helm" in paths: /bin'},
            "Failed to run helm: it is not installed .*Install Helm 3.14",
        ),
        (
            {"msg": "Failure when executing Helm command.", "stderr": "Error: another\n operation"},
            "Failed to deploy helm release istio-system/istiod in cluster east: Error: another operation",
        ),
        ({"msg": "MODULE FAILURE", "module_stderr": "Traceback"}, "Traceback"),
    ],
)
def test_a_failure_is_one_line(api: FakeApi, helm: Helm, failure: Object, text: str) -> None:
    helm.failure = {"failed": True, **failure}
    with pytest.raises(MeshError, match=text) as caught:
        run(helm, release())
    assert "\n" not in str(caught.value)


def test_a_helm_binary_that_is_none_is_said_before_anything_is_done(api: FakeApi, helm: Helm, tmp_path: Path) -> None:
    with pytest.raises(MeshError, match="there is no such program"):
        run(helm, release(), helm_binary=str(tmp_path / "helm"))
    assert api.calls == []


def test_a_chart_that_is_none_is_said_before_anything_is_done(api: FakeApi, helm: Helm) -> None:
    with pytest.raises(MeshError, match="no such folder"):
        run(helm, release("base"), release(chart_ref="/no/such/chart"))
    assert api.calls == [] and helm.calls == []


MANIFEST = """---
# Source: x
apiVersion: v1
kind: ConfigMap
metadata:
  name: c
---
# Source: y
apiVersion: apps/v1
kind: Deployment
metadata:
  name: istiod
"""
DEPLOYMENT = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"


def test_waiting_is_done_here_also_when_nothing_changed(api: FakeApi, helm: Helm) -> None:
    time = FakeTime()
    store(api, manifest=MANIFEST)
    api.put(DEPLOYMENT, apiVersion="apps/v1", kind="Deployment", spec={"replicas": 1}, status={})
    ready = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    time.at(7, lambda: api.objects[DEPLOYMENT].update(status=ready))
    assert actions(run(helm, release(wait=True), time=time)) == ["unchanged"]
    assert 7 <= time.seconds < 10 and helm.calls == []
    assert "wait" not in str(helm.calls)


def test_waiting_ends(api: FakeApi, helm: Helm) -> None:
    store(api, manifest=MANIFEST)
    api.put(DEPLOYMENT, apiVersion="apps/v1", kind="Deployment", spec={"replicas": 1}, status={})
    with pytest.raises(MeshError, match="not ready after 300 s: Deployment istio-system/istiod: 0 of 1 available"):
        run(helm, release(wait=True))
