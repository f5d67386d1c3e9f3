# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for objects, on a clock that only moves when someone sleeps."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.waiting import told_by, wait_gone, wait_ready

from tests.unit.plugins.fake_kube import FakeApi, FakeTime

PATH = "/apis/apps/v1/namespaces/default/deployments/web"


def _deployment(api: FakeApi, available: int = 0) -> dict[str, Any]:
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}}
    status = {"replicas": 1, "updatedReplicas": 1, "availableReplicas": available}
    return api.put(PATH, apiVersion="apps/v1", kind="Deployment", spec=spec, status=status)


def test_what_is_ready_costs_no_request() -> None:
    api = FakeApi()
    wait_ready(api.client, [_deployment(api, 1)], 10, print)
    assert api.calls == []


def test_it_waits_and_tells_only_changes() -> None:
    api, time, told = FakeApi(), FakeTime(), list[str]()
    live = _deployment(api)
    time.at(5, lambda: _deployment(api, 1))
    after = wait_ready(api.client, [live], 60, told.append, time.clock)
    assert after[0]["status"]["availableReplicas"] == 1
    assert told == ["Deployment default/web: 0 of 1 available after 0 s"]
    assert 5 <= time.seconds < 8


def test_the_end_names_the_reason_that_the_pod_gives() -> None:
    api, time = FakeApi(), FakeTime()
    stuck = {"name": "app", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}
    api.put(
        "/api/v1/namespaces/default/pods/web-1",
        metadata={"labels": {"app": "web"}},
        status={"containerStatuses": [stuck]},
    )
    with pytest.raises(
        MeshError,
        match=r"not ready after 10 s: Deployment default/web: 0 of 1 .*web-1, container app: ImagePullBackOff",
    ):
        wait_ready(api.client, [_deployment(api)], 10, print, time.clock)


def test_a_workload_that_may_not_make_pods_says_so() -> None:
    api, time = FakeApi(), FakeTime()
    live = _deployment(api)
    message = 'failed calling webhook "namespace.sidecar-injector.istio.io"'
    live["status"]["conditions"] = [{"type": "ReplicaFailure", "message": message}]
    with pytest.raises(MeshError, match="failed calling webhook"):
        wait_ready(api.client, [live], 1, print, time.clock)


def test_what_is_deleted_meanwhile_is_not_waited_for() -> None:
    api, time = FakeApi(), FakeTime()
    live = _deployment(api)
    api.objects.clear()
    with pytest.raises(MeshError, match="someone deleted it"):
        wait_ready(api.client, [live], 10, print, time.clock)


def test_gone_is_gone() -> None:
    api, time = FakeApi(), FakeTime()
    live = _deployment(api)
    time.at(3, api.objects.clear)
    told: list[str] = []
    wait_gone(api.client, [live], 10, told.append, time.clock)
    assert 3 <= time.seconds < 6
    assert told == ["waiting for the end of Deployment default/web (0 s)"]


def test_what_does_not_go_says_why() -> None:
    api, time = FakeApi(), FakeTime()
    stuck = {"conditions": [{"message": "Some content in the namespace has finalizers remaining"}]}
    live = api.put(
        "/api/v1/namespaces/x", apiVersion="v1", kind="Namespace", spec={"finalizers": ["kubernetes"]}, status=stuck
    )
    with pytest.raises(
        MeshError, match=r"still there after 5 s: Namespace x \(Some content .* finalizers kubernetes\)"
    ):
        wait_gone(api.client, [live], 5, print, time.clock)


def test_lines_begin_with_the_cluster() -> None:
    told: list[str] = []
    told_by("east", told.append)("hello")
    assert told == ["east: hello"]
