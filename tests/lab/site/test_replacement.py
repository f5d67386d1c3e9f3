# SPDX-License-Identifier: GPL-3.0-or-later
"""A node pool of a real cluster is replaced, and what runs on it never falls below its budget.

It makes a cluster of its own in the lab and takes it away again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.connect import connect
from ansible_collections.mcistio.gke.plugins.module_utils._kube.draining import POOL_LABEL

from gkelab.world.node_config import PAUSE_IMAGE
from tests.lab.site.laboratory import Lab

pytestmark = pytest.mark.lab

JSON = dict[str, Any]
PLACE = {"name": "replaced", "location": "us-central1-a"}
REPLICAS, BUDGET = 3, 2
LABELS = {"app": "web"}
METADATA = {"name": "web", "namespace": "default"}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": METADATA,
    "spec": {
        "replicas": REPLICAS,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "web", "image": PAUSE_IMAGE, "imagePullPolicy": "IfNotPresent"}],
            },
        },
    },
}


def _disruption_budget(least: int) -> JSON:
    spec = {"minAvailable": least, "selector": {"matchLabels": LABELS}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": METADATA, "spec": spec}


class _Site:
    """The cluster through the module, and through its API server."""

    def __init__(self, lab: Lab) -> None:
        self._connection = {
            "project": lab.project,
            "service_account_file": lab.environment["GOOGLE_APPLICATION_CREDENTIALS"],
            "container_endpoint": lab.environment["GKE_MESH_CONTAINER_ENDPOINT"],
            "compute_endpoint": lab.environment["GKE_MESH_COMPUTE_ENDPOINT"],
        }
        self.lines: list[str] = []

    def run(self, *, check: bool = False, **options: Any) -> JSON:
        """One run of gke_cluster; its lines of progress are kept."""
        given = {**self._connection, **PLACE, **options}
        outcome = ArgumentSpecValidator(gke_cluster.ARGUMENT_SPEC).validate(given)
        assert not outcome.error_messages, outcome.error_messages
        params = dict(outcome.validated_parameters)
        result: JSON = gke_cluster.run(params, check_mode=check, diff=True, report=self.lines.append)
        return result

    def client(self) -> KubeClient:
        """A way to the API server of its own: clients are not shared between threads."""
        outcome = ArgumentSpecValidator(gke_cluster.ARGUMENT_SPEC).validate({**self._connection, **PLACE})
        client = connect(dict(PLACE), dict(outcome.validated_parameters))
        assert client is not None
        return client


@pytest.fixture
def site(full_lab: Lab) -> Iterator[_Site]:
    made = _Site(full_lab)
    yield made
    made.run(state="absent")


def _available(client: KubeClient) -> int:
    deployment = client.get("apps/v1", "Deployment", "web", "default") or {}
    return int((deployment.get("status") or {}).get("availableReplicas", 0))


@contextmanager
def _watched(client: KubeClient) -> Iterator[list[int]]:
    """How many pods were available, seen over and over while the block ran."""
    seen, over = [_available(client)], threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            seen.append(_available(client))

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    over.set()
    thread.join()


def _until(condition: Any, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


def test_a_pool_is_replaced_and_what_runs_there_keeps_to_its_budget(site: _Site) -> None:
    before: JSON = {"node_pools": [{"name": "work", "node_count": 2}]}
    after: JSON = {"node_pools": [{"name": "work", "node_count": 2, "spot": True}], "replace_node_pools": True}
    site.run(**before)
    client = site.client()
    for obj in (DEPLOYMENT, _disruption_budget(REPLICAS)):
        client.apply(obj)
    _until(lambda: _available(client) == REPLICAS)
    old = {str(node["metadata"]["name"]) for node in client.list("v1", "Node")}
    _until(lambda: (client.get("policy/v1", "PodDisruptionBudget", "web", "default") or {}).get("status", {}).get(
        "currentHealthy") == REPLICAS)  # fmt: skip

    foreseen = site.run(check=True, **after)
    with pytest.raises(MeshError, match=r"default/web-\S+ \(The disruption budget web needs 3 healthy pods and has 3"):
        site.run(**after, drain_timeout=2)
    assert _available(client) == REPLICAS
    assert {str(node["metadata"]["name"]) for node in client.list("v1", "Node")} > old

    client.apply(_disruption_budget(BUDGET))
    with _watched(site.client()) as seen:
        done = site.run(**after)
    assert min(seen) >= BUDGET and len(seen) > 10, seen
    assert done["changes"] == ["node pool work: drain and delete"] == foreseen["changes"][1:]

    (pool,) = done["cluster"]["node_pools"]
    nodes = client.list("v1", "Node")
    assert {node["metadata"]["labels"][POOL_LABEL] for node in nodes} == {pool["name"]}
    names = {str(node["metadata"]["name"]) for node in nodes}
    assert len(names) == 2 and not names & old
    _until(lambda: _available(client) == REPLICAS)
    assert {pod["spec"]["nodeName"] for pod in client.list("v1", "Pod", "default", labels="app=web")} <= names
    assert any("draining (" in line for line in site.lines)

    again = site.run(**after)
    assert (again["changed"], again["changes"]) == (False, [])
