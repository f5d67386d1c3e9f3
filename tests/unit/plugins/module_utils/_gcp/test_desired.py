# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to JSON."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import (
    Desired,
    create_body,
    desired,
    node_arithmetic,
)
from google.cloud.container_v1.types import Cluster

from tests.unit.plugins.fake_google import validated

SINCE, UNTIL = "2026-12-20T00:00:00Z", "2027-01-03T00:00:00Z"


def wish(**params: Any) -> Desired:
    return desired(validated(ARGUMENT_SPEC, **{"name": "central", "location": "us-central1-a", **params}), "p")


WALKTHROUGH = {
    "node_count": 4,
    "cluster_version": "latest",
    "oauth_scopes": ["cloud-platform", "logging-write", "monitoring-write", "pubsub", "trace"],
    "enable_cloud_logging": True,
    "enable_cloud_monitoring": True,
}


def test_everything_that_the_walkthrough_set() -> None:
    body = create_body(wish(**WALKTHROUGH))
    assert body["initialClusterVersion"] == "latest"
    assert body["ipAllocationPolicy"] == {"useIpAliases": True}
    assert body["loggingConfig"] == {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}}
    assert body["monitoringConfig"] == {"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}}
    (pool,) = body["nodePools"]
    assert pool["initialNodeCount"] == 4
    assert pool["config"]["oauthScopes"] == [
        f"https://www.googleapis.com/auth/{name}"
        for name in ("cloud-platform", "logging.write", "monitoring.write", "pubsub", "trace.append")
    ]


def test_the_old_switches_are_taken_with_a_notice_and_give_way_to_todays() -> None:
    old = wish(enable_cloud_logging=False)
    assert old.cluster["loggingConfig"]["componentConfig"]["enableComponents"] == []
    assert "logging: []" in old.notices[0]
    both = wish(enable_cloud_logging=True, logging=["SYSTEM_COMPONENTS"])
    assert both.cluster["loggingConfig"]["componentConfig"]["enableComponents"] == ["SYSTEM_COMPONENTS"]
    (told,) = both.notices
    assert told.endswith("has no effect: logging is set too, and that counts.") and "WORKLOADS" not in told


def test_what_is_not_set_is_not_asked_for() -> None:
    empty = wish()
    assert empty.cluster == {} and empty.labels is None
    assert empty.pools == {"default-pool": {"name": "default-pool"}}
    assert create_body(empty)["nodePools"][0]["initialNodeCount"] == 4


def test_pools_take_over_what_they_do_not_set() -> None:
    pools = wish(
        machine_type="e2-standard-4", node_count=2, node_tags=["mesh"],
        node_pools=[{"name": "a"}, {"name": "b", "machine_type": "n2-standard-8", "node_tags": ["own"], "spot": True}],
    )  # fmt: skip
    bodies = {pool["name"]: pool for pool in create_body(pools)["nodePools"]}
    assert bodies["a"]["config"] == {"machineType": "e2-standard-4", "tags": ["mesh"]}
    assert bodies["b"]["config"] == {"machineType": "n2-standard-8", "spot": True, "tags": ["mesh", "own"]}
    assert bodies["b"]["initialNodeCount"] == 2


def test_an_autoscaled_pool_starts_at_its_minimum() -> None:
    (pool,) = create_body(wish(autoscaling={"minimum": 2, "maximum": 9}))["nodePools"]
    assert pool["autoscaling"] == {"enabled": True, "minNodeCount": 2, "maxNodeCount": 9}
    assert pool["initialNodeCount"] == 2


def test_autopilot_has_no_pools_but_tags() -> None:
    body = create_body(wish(autopilot=True, node_count=4, node_tags=["mesh"]))
    assert "nodePools" not in body
    assert body["nodePoolAutoConfig"] == {"networkTags": {"tags": ["mesh"]}}


def test_pools_that_gke_makes_by_itself_get_the_tags_too() -> None:
    body = create_body(wish(node_tags=["mesh"], node_auto_provisioning={"limits": [{"resource": "cpu", "maximum": 9}]}))
    assert body["nodePoolAutoConfig"] == {"networkTags": {"tags": ["mesh"]}}
    assert body["autoscaling"]["resourceLimits"] == [{"resourceType": "cpu", "minimum": 0, "maximum": 9}]


def test_workload_identity_needs_the_metadata_server_on_nodes() -> None:
    body = create_body(wish(workload_identity=True))
    assert body["workloadIdentityConfig"] == {"workloadPool": "p.svc.id.goog"}
    assert body["nodePools"][0]["config"]["workloadMetadataConfig"] == {"mode": "GKE_METADATA"}


def test_the_rest_of_the_options() -> None:
    body = create_body(wish(
        release_channel="none", private_nodes=True, dataplane_v2=True, gateway_api="standard", stack_type="IPV4_IPV6",
        control_plane={"public_endpoint": False, "authorized_networks": [{"cidr_block": "10.0.0.0/8"}]},
        maintenance={"daily_start": "03:00", "exclusions": [{"name": "x", "start_time": SINCE, "end_time": UNTIL}]},
        database_encryption_key="projects/p/k", binary_authorization="PROJECT_SINGLETON_POLICY_ENFORCE",
        labels={"n": 1}, autoscaling_profile="OPTIMIZE_UTILIZATION", managed_prometheus=False,
    ))  # fmt: skip
    assert body["releaseChannel"] == {"channel": "UNSPECIFIED"}
    assert body["networkConfig"] == {
        "defaultEnablePrivateNodes": True,
        "datapathProvider": "ADVANCED_DATAPATH",
        "gatewayApiConfig": {"channel": "CHANNEL_STANDARD"},
    }
    assert body["controlPlaneEndpointsConfig"]["ipEndpointsConfig"] == {
        "enablePublicEndpoint": False,
        "authorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "10.0.0.0/8"}]},
    }
    assert body["maintenancePolicy"]["window"]["maintenanceExclusions"] == {"x": {"startTime": SINCE, "endTime": UNTIL}}
    assert body["databaseEncryption"] == {"state": "ENCRYPTED", "keyName": "projects/p/k"}
    assert body["resourceLabels"] == {"n": "1"}


def test_private_nodes_are_said_in_both_ways_where_both_messages_are_sent() -> None:
    asked = wish(private_nodes=True, control_plane_ipv4_cidr="172.16.0.0/28")
    assert create_body(asked)["privateClusterConfig"] == {
        "enablePrivateNodes": True, "masterIpv4CidrBlock": "172.16.0.0/28"
    }  # fmt: skip
    assert asked.cluster["privateClusterConfig"] == {"masterIpv4CidrBlock": "172.16.0.0/28"}, "it would be compared"
    assert "privateClusterConfig" not in create_body(wish(private_nodes=True))
    assert create_body(wish(control_plane_ipv4_cidr="172.16.0.0/28"))["privateClusterConfig"].keys() == {
        "masterIpv4CidrBlock"
    }


def test_a_zone_that_is_listed_twice_is_one() -> None:
    zones = ["us-central1-b", "us-central1-a", "us-central1-b"]
    asked = wish(location="us-central1", node_locations=zones, node_pools=[{"name": "a", "node_locations": zones}])
    assert asked.cluster["locations"] == asked.pools["a"]["locations"] == ["us-central1-a", "us-central1-b"]
    assert "each of 2 zones, 8 nodes in all" in node_arithmetic(asked)


def test_extra_is_laid_over_the_options_and_spelled_right() -> None:
    asked = wish(
        release_channel="regular",
        extra={"release_channel": {"channel": "rapid"}, "resourceLabels": {"a": "b"}},
    )  # fmt: skip
    assert asked.cluster["releaseChannel"] == {"channel": "RAPID"}
    assert asked.labels == {"a": "b"}


def test_extra_reaches_into_pools_that_are_listed() -> None:
    asked = wish(extra={"nodePools": [{"name": "default-pool", "config": {"gvnic": {"enabled": True}}}]})
    assert asked.pools["default-pool"]["config"] == {"gvnic": {"enabled": True}}
    with pytest.raises(MeshError, match="'other' is not among node_pools"):
        wish(extra={"nodePools": [{"name": "other"}]})


def test_what_the_library_does_not_know_is_sent_with_a_notice() -> None:
    asked = wish(extra={"futureConfig": {"enabled": True}})
    assert create_body(asked)["futureConfig"] == {"enabled": True}
    assert "futureConfig" in asked.notices[0]


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"extra": {"loggingConfig": 5}}, "loggingConfig must be a mapping"),
        ({"location": "us-central1a"}, "neither a region nor a zone"),
        ({"location": "us-central1-a", "node_locations": ["us-central1"]}, "is not a zone"),
        ({"cluster_ipv4_cidr": "10.4.0.0/99"}, "cluster_ipv4_cidr"),
        ({"cluster_ipv4_cidr": "10.4.0.1/14"}, "cluster_ipv4_cidr"),
        ({"cluster_ipv4_cidr": "/14", "cluster_secondary_range_name": "pods"}, "both set"),
        ({"control_plane": {"authorized_networks": [{"cidr_block": "everyone"}]}}, "authorized_networks"),
        ({"node_pools": [{"name": "a"}, {"name": "a"}]}, "listed twice"),
        ({"node_pools": [{"name": "a", "extra": {"config": 5}}]}, "config must be a mapping"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_line(params: dict[str, Any], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        wish(**params)


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"location": "us-central1"}, "12 nodes in all"),
        (
            {"location": "us-central1", "node_locations": ["us-central1-a", "us-central1-b"], "node_count": 3},
            "6 nodes in all",
        ),
        ({"location": "us-central1-a"}, ""),
        ({"location": "us-central1", "autopilot": True}, ""),
    ],
)
def test_node_arithmetic_of_regions(params: dict[str, Any], part: str) -> None:
    assert part in node_arithmetic(wish(**params))
    assert bool(part) == bool(node_arithmetic(wish(**params)))


@pytest.mark.parametrize(
    "params",
    [
        {},
        WALKTHROUGH,
        {"autopilot": True, "node_tags": ["a"]},
        {
            "node_taints": [{"key": "k", "effect": "NO_SCHEDULE"}],
            "node_labels": {"a": 1},
            "max_surge": 2,
            "disk_size_gb": 50,
            "node_auto_provisioning": {"limits": [{"resource": "cpu", "maximum": 5}], "service_account": "x"},
            "maintenance": {
                "recurrence": "FREQ=DAILY", "start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T04:00:00Z",
            },
            "control_plane": {
                "dns_kubernetes_tokens": True, "authorized_networks": [{"cidr_block": "10.0.0.0/8", "name": "n"}],
            },
            "fleet_project": "f",
            "shielded_nodes": True,
            "vertical_pod_autoscaling": True,
            "additional_pod_ranges": ["more"],
        },
    ],
)  # fmt: skip
def test_googles_own_library_accepts_the_body(params: dict[str, Any]) -> None:
    import json

    Cluster.from_json(json.dumps(create_body(wish(**params))))
