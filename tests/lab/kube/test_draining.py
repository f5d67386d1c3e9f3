# SPDX-License-Identifier: GPL-3.0-or-later
"""What draining rests on, as a real API server has it: closing by server-side apply, evictions by uid, budgets."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._clock import Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.draining import POOL_LABEL, Job, check, drain
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport

from tests.lab.kube.api_server import ApiServer

pytestmark = pytest.mark.lab

Object = dict[str, Any]


class Pool:
    """A node pool of one node, which no machine stands behind."""

    def __init__(self, server: ApiServer, namespace: str) -> None:
        self.client, self.namespace = server.client, namespace
        self.name = f"pool-{secrets.token_hex(4)}"
        self.server = server
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.name, "labels": {POOL_LABEL: self.name}}}
        server.run("kubectl", "create", "-f", "-", given=json.dumps(node))

    def node(self) -> Object:
        node = self.client.get("v1", "Node", self.name)
        assert node is not None
        return node

    def closed(self) -> bool:
        return bool(self.node()["spec"].get("unschedulable"))

    def pod(self, name: str) -> Object:
        """A pod on the node, which goes at once when it is told to: nobody there has to confirm it."""
        spec = {
            "nodeName": self.name, "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "c", "image": "none"}], "tolerations": [{"operator": "Exists"}],
        }  # fmt: skip
        metadata = {"name": name, "namespace": self.namespace, "labels": {"app": name}}
        deadline = Deadline(20)
        while True:
            try:
                return self.client.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
            except ApiError as error:
                if "serviceaccount" not in str(error) or deadline.passed:  # made by a controller
                    raise
                deadline.pause()

    def running(self, name: str) -> None:
        """Say that a pod runs, as a kubelet would."""
        status = json.dumps({"status": {"phase": "Running"}})
        where = ("-n", self.namespace, "pod", name, "--subresource=status", "--type=merge")
        self.server.run("kubectl", "patch", *where, "-p", status)

    def drain(self, seconds: float = 10, opened: str = "none") -> bool:
        return drain(self.client, Job(self.name, (self.name,), opened), seconds, lambda line: None)


@pytest.fixture
def pool(server: ApiServer, namespace: str) -> Iterator[Pool]:
    made = Pool(server, namespace)
    yield made
    made.client.delete({"apiVersion": "v1", "kind": "Node", "metadata": {"name": made.name}})


def test_a_node_is_closed_emptied_and_opened_again(server: ApiServer, namespace: str, pool: Pool) -> None:
    pool.pod("web")
    assert pool.drain()
    assert pool.closed()
    assert pool.client.get("v1", "Pod", "web", namespace) is None
    assert Pool(server, namespace).drain(opened=pool.name)
    assert not pool.closed()
    assert pool.node()["metadata"]["labels"][POOL_LABEL] == pool.name, "nothing else of the node is lost"


def test_who_may_drain(server: ApiServer, pool: Pool) -> None:
    check(server.client)
    pool.pod("web")  # by then the namespace has its account
    token = server.run("kubectl", "create", "token", "default", "-n", pool.namespace)
    endpoint = dataclasses.replace(server.client.endpoint, token=lambda refresh: token)
    with pytest.raises(MeshError, match="this account may not patch nodes nor create pods/eviction"):
        check(KubeClient(HttpTransport(endpoint), endpoint))


def test_what_is_applied_to_nodes_through_our_other_modules_stays(pool: Pool) -> None:
    metadata = {"name": pool.name, "labels": {"rack": "7"}}
    pool.client.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
    assert pool.drain() and pool.closed()
    assert pool.node()["metadata"]["labels"]["rack"] == "7"


def test_what_somebody_else_closed_is_not_opened(server: ApiServer, namespace: str, pool: Pool) -> None:
    server.run("kubectl", "cordon", pool.name)
    assert Pool(server, namespace).drain(opened=pool.name)
    assert pool.closed()


def test_a_node_that_is_gone_is_not_made(server: ApiServer) -> None:
    metadata = {"name": "gone", "uid": "00000000-0000-4000-8000-000000000000"}
    with pytest.raises(ApiError) as caught:
        server.client.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": {"unschedulable": True}})
    assert caught.value.status == 409
    assert server.client.get("v1", "Node", "gone") is None


def test_a_namesake_is_not_evicted(pool: Pool) -> None:
    pod = pool.pod("web")
    other = {**pod, "metadata": {**pod["metadata"], "uid": "00000000-0000-4000-8000-000000000000"}}
    assert pool.client.evict(other) == ""
    assert pool.client.get("v1", "Pod", "web", pool.namespace) is not None
    assert pool.client.evict(pod) == ""
    assert pool.client.get("v1", "Pod", "web", pool.namespace) is None
    assert pool.client.evict(pod) == ""


def test_a_budget_is_named(pool: Pool) -> None:
    """No controller counts here, so the budget's state stays unknown and every eviction is refused."""
    pool.pod("web")
    pool.running("web")
    spec = {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    metadata = {"name": "least", "namespace": pool.namespace}
    pool.client.apply({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec,
    })  # fmt: skip
    with pytest.raises(MeshError, match=r"/web \(The disruption budget least is still being processed by the server"):
        pool.drain(seconds=1)
    assert pool.closed()
