# SPDX-License-Identifier: GPL-3.0-or-later
"""How far an object is."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._kube.progress import addresses, has_address, progress

GATEWAY = {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway"}
LB = {"kind": "Service", "spec": {"type": "LoadBalancer"}}


def _workload(kind: str, spec: dict[str, Any], generation: int = 1, **status: int) -> dict[str, Any]:
    return {"kind": kind, "metadata": {"generation": generation}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("obj", "done", "text"),
    [
        (
            _workload(
                "Deployment", {"replicas": 2}, observedGeneration=1, replicas=2, updatedReplicas=2, availableReplicas=2
            ),
            True,
            "2 of 2",
        ),
        (
            _workload(
                "Deployment", {"replicas": 2}, observedGeneration=1, replicas=2, updatedReplicas=2, availableReplicas=1
            ),
            False,
            "1 of 2",
        ),
        # all available, but of the old version
        (
            _workload(
                "Deployment", {"replicas": 1}, observedGeneration=1, replicas=2, updatedReplicas=1, availableReplicas=2
            ),
            False,
            "1 of 1",
        ),
        # the status is about the spec before this one
        (
            _workload("Deployment", {}, 2, observedGeneration=1, replicas=1, updatedReplicas=1, availableReplicas=1),
            False,
            "1 of 1",
        ),
        (_workload("Deployment", {"replicas": 0}, observedGeneration=1), True, "0 of 0"),
        (_workload("Deployment", {}), False, "0 of 1"),
        (_workload("StatefulSet", {"replicas": 1}, observedGeneration=1, availableReplicas=1), True, "1 of 1"),
        (
            _workload(
                "DaemonSet",
                {},
                observedGeneration=1,
                desiredNumberScheduled=3,
                updatedNumberScheduled=3,
                numberAvailable=2,
            ),
            False,
            "2 of 3",
        ),
        ({"kind": "ConfigMap", "metadata": {}}, True, "ready"),
        # Istio's own Gateway is mere configuration: it never gets a status
        ({"apiVersion": "networking.istio.io/v1", "kind": "Gateway"}, True, "ready"),
        ({"kind": "Service", "spec": {"type": "ClusterIP"}}, True, "ready"),
        (LB, False, "no address"),
        ({**LB, "status": {"loadBalancer": {"ingress": [{"ip": "10.1.2.3"}]}}}, True, "10.1.2.3"),
        ({"kind": "CustomResourceDefinition"}, False, "not served"),
        (
            {"kind": "CustomResourceDefinition", "status": {"conditions": [{"type": "Established", "status": "True"}]}},
            True,
            "established",
        ),
        ({**GATEWAY, "status": {"addresses": [{"value": "1.2.3.4"}]}}, False, "not programmed"),
        (
            {
                **GATEWAY,
                "status": {
                    "addresses": [{"value": "1.2.3.4"}],
                    "conditions": [{"type": "Programmed", "status": "True"}],
                },
            },
            True,
            "1.2.3.4",
        ),
    ],
)
def test_progress(obj: dict[str, Any], done: bool, text: str) -> None:
    found = progress(obj)
    assert found.done is done
    assert text in found.text


def test_addresses_are_ips_or_names() -> None:
    both = {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}, {"hostname": "lb.example"}, {}]}}}
    assert addresses({**LB, **both}) == ["1.2.3.4", "lb.example"]
    assert addresses(LB) == []


def test_only_what_gets_an_address_has_one() -> None:
    assert has_address(LB) and has_address(GATEWAY)
    assert not has_address({"kind": "Service", "spec": {}})
