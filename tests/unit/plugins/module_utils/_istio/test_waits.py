# SPDX-License-Identifier: GPL-3.0-or-later
"""What a mesh still lacks, in words."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._istio.istiod import Cluster, EndpointAddress, Replica
from ansible_collections.mcistio.gke.plugins.module_utils._istio.waits import unsynced, without_endpoints


def _replica(pod: str, **status: str) -> Replica:
    return Replica(pod, clusters=[Cluster(name, "s", now) for name, now in status.items()])


def test_synced_everywhere_is_nothing_to_say() -> None:
    assert unsynced([_replica("a", east="synced"), _replica("b", east="synced", old="timeout")], ["east"]) == []


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({}, "b has cluster east not at all (no remote secret names it"),
        ({"east": "syncing"}, "b has cluster east syncing (istiod is still reading it"),
        ({"east": "timeout"}, "b has cluster east timeout (istiod cannot reach its API server: authorized networks"),
        ({"east": "closed"}, "b has cluster east closed (its remote secret was removed"),
        ({"east": "new"}, "b has cluster east new (unknown status"),
    ],
)
def test_each_replica_and_status_is_named_with_its_cause(status: dict[str, str], text: str) -> None:
    lines = unsynced([_replica("a", east="synced"), _replica("b", **status)], ["east"])
    assert len(lines) == 1 and lines[0].startswith(text)


HOST = "details.default.svc.cluster.local"
WANTED = {"service": "details", "namespace": "default", "workload": "details-v1", "cluster": "east"}


@pytest.mark.parametrize(
    ("endpoint", "enough"),
    [
        (EndpointAddress("east", "a", 1, "details-v1", True), True),
        (EndpointAddress("east", "a", 1, "details-v1", False), False),
        (EndpointAddress("east", "a", 1, "details-v2", True), False),
        (EndpointAddress("west", "a", 1, "details-v1", True), False),
    ],
)
def test_an_endpoint_must_be_ready_there_and_of_that_workload(endpoint: EndpointAddress, enough: bool) -> None:
    replicas = [
        Replica("a", endpoints={HOST: [EndpointAddress("east", "a", 1, "details-v1", True)]}),
        Replica("b", endpoints={HOST: [endpoint]}),
    ]
    lines = without_endpoints(replicas, [WANTED])
    assert lines == ([] if enough else ["b has no ready endpoint of default/details-v1 in cluster east"])


def test_any_workload_will_do_where_none_is_named() -> None:
    replica = Replica("a", endpoints={HOST: [EndpointAddress("east", "a", 1, "x", True)]})
    assert without_endpoints([replica], [{**WANTED, "workload": None}]) == []
