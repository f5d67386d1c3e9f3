# SPDX-License-Identifier: GPL-3.0-or-later
"""From what is and what should be to calls: one feature a call, in order, and never one too many."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import Desired, desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.plan import Plan, plan
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.pool_fields import counts_matter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.plugins.applied import applied
from tests.unit.plugins.fake_google import cluster, pool, validated

Calls = list[tuple[str, str, Any]]


def wish(**params: Any) -> Desired:
    return desired(validated(ARGUMENT_SPEC, **{"name": "central", "location": "us-central1-a", **params}), "p")


def planned(actual: dict[str, Any] | None = None, sizes: dict[str, int] | None = None, **params: Any) -> Plan:
    return plan(
        wish(**params), cluster() if actual is None else actual, {"default-pool": 4} if sizes is None else sizes
    )


def calls(found: Plan) -> Calls:
    return [(change.method, change.path, change.body) for change in found.changes]


def test_server_defaults_are_no_drift() -> None:
    same = planned(
        node_count=4, logging=["SYSTEM_COMPONENTS", "workloads"], monitoring=["SYSTEM_COMPONENTS"],
        node_tags=["mesh1-node"], labels={"mesh": "mesh1"}, network="default", cluster_ipv4_cidr="/14",
        subnetwork="projects/p/regions/us-central1/subnetworks/default", release_channel="regular",
        cluster_version="1.33", default_max_pods_per_node=110, disk_size_gb=100, max_surge=1, auto_repair=True,
        autopilot=False, dataplane_v2=False, stack_type="IPV4", node_locations=["us-central1-a"], private_nodes=False,
        spot=False, managed_prometheus=True,
    )  # fmt: skip
    assert same.changes == [] and same.before == same.after


UPDATES: list[tuple[dict[str, Any], Calls]] = [
    (
        {"labels": {"mesh": "m2"}},
        [
            (
                "POST",
                ":setResourceLabels",
                {"resourceLabels": {"mesh": "m2", "goog-fleet": "x"}, "labelFingerprint": "f1"},
            )
        ],
    ),
    (
        {"labels": {"new": "1"}, "purge_labels": False},
        [
            (
                "POST",
                ":setResourceLabels",
                {"resourceLabels": {"mesh": "mesh1", "goog-fleet": "x", "new": "1"}, "labelFingerprint": "f1"},
            )
        ],
    ),
    ({"release_channel": "rapid"}, [("PUT", "", {"update": {"desiredReleaseChannel": {"channel": "RAPID"}}})]),
    ({"cluster_version": "1.34"}, [("PUT", "", {"update": {"desiredMasterVersion": "1.34"}})]),
    (
        {"logging": []},
        [("PUT", "", {"update": {"desiredLoggingConfig": {"componentConfig": {"enableComponents": []}}}})],
    ),
    (
        {"monitoring": ["POD"]},
        [
            (
                "PUT",
                "",
                {
                    "update": {
                        "desiredMonitoringConfig": {
                            "componentConfig": {"enableComponents": ["POD"]},
                            "managedPrometheusConfig": {"enabled": True},
                        }
                    }
                },
            )
        ],
    ),
    (
        {"control_plane": {"global_access": True}},
        [
            (
                "PUT",
                "",
                {"update": {"desiredControlPlaneEndpointsConfig": {"ipEndpointsConfig": {"globalAccess": True}}}},
            )
        ],
    ),
    ({"private_nodes": True}, [("PUT", "", {"update": {"desiredDefaultEnablePrivateNodes": True}})]),
    (
        {"intra_node_visibility": True},
        [("PUT", "", {"update": {"desiredIntraNodeVisibilityConfig": {"enabled": True}}})],
    ),
    ({"shielded_nodes": True}, [("PUT", "", {"update": {"desiredShieldedNodes": {"enabled": True}}})]),
    (
        {"additional_pod_ranges": ["b", "a"]},
        [("PUT", "", {"update": {"additionalPodRangesConfig": {"podRangeNames": ["a", "b"]}}})],
    ),
    (
        {"maintenance": {"daily_start": "03:00"}},
        [
            (
                "POST",
                ":setMaintenancePolicy",
                {"maintenancePolicy": {"window": {"dailyMaintenanceWindow": {"startTime": "03:00"}}}},
            )
        ],
    ),
    ({"extra": {"someNewConfig": {"a": 1}}}, [("PUT", "", {"update": {"desiredSomeNewConfig": {"a": 1}}})]),
    ({"node_count": 5}, [("POST", "/nodePools/default-pool:setSize", {"nodeCount": 5})]),
    ({"node_count": 0}, [("POST", "/nodePools/default-pool:setSize", {"nodeCount": 0})]),
    ({"node_tags": ["x"]}, [("PUT", "/nodePools/default-pool", {"tags": {"tags": ["mesh1-node", "x"]}})]),
    (
        {"machine_type": "n2-standard-8", "disk_size_gb": 50},
        [("PUT", "/nodePools/default-pool", {"diskSizeGb": 50, "machineType": "n2-standard-8"})],
    ),
    ({"image_type": "ubuntu_containerd"}, [("PUT", "/nodePools/default-pool", {"imageType": "UBUNTU_CONTAINERD"})]),
    ({"node_labels": {"a": "b"}}, [("PUT", "/nodePools/default-pool", {"labels": {"labels": {"a": "b"}}})]),
    (
        {"node_taints": [{"key": "k", "effect": "NO_EXECUTE"}]},
        [
            (
                "PUT",
                "/nodePools/default-pool",
                {"taints": {"taints": [{"key": "k", "value": "", "effect": "NO_EXECUTE"}]}},
            )
        ],
    ),
    (
        {"auto_upgrade": False},
        [("POST", "/nodePools/default-pool:setManagement", {"management": {"autoRepair": True, "autoUpgrade": False}})],
    ),
    (
        {"autoscaling": {"minimum": 1, "maximum": 3}, "node_count": 9},
        [
            (
                "POST",
                "/nodePools/default-pool:setAutoscaling",
                {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 3}},
            )
        ],
    ),
    (
        {"max_unavailable": 1},
        [
            (
                "PUT",
                "/nodePools/default-pool",
                {"upgradeSettings": {"maxSurge": 1, "strategy": "SURGE", "maxUnavailable": 1}},
            )
        ],
    ),
    (
        {"node_pools": [{"name": "default-pool", "version": "1.34"}]},
        [("PUT", "/nodePools/default-pool", {"nodeVersion": "1.34"})],
    ),
]


@pytest.mark.parametrize(
    ("params", "expected"), UPDATES, ids=lambda value: "-".join(value) if isinstance(value, dict) else ""
)
def test_each_feature_has_its_call(params: dict[str, Any], expected: Calls) -> None:
    assert calls(planned(**params)) == expected


def test_the_etag_rides_along() -> None:
    (change,) = planned(cluster(etag="e1"), release_channel="rapid").changes
    assert change.body["update"]["etag"] == "e1"


def test_order_labels_first_pools_last() -> None:
    found = planned(
        node_count=1, node_tags=["x"], shielded_nodes=True, cluster_version="1.34", release_channel="rapid",
        node_locations=["us-central1-a", "us-central1-b"], labels={}, private_nodes=True,
        control_plane={"global_access": True}, logging=[], maintenance={"daily_start": "03:00"},
    )  # fmt: skip
    names = [next((key for key in change.body.get("update") or {}), change.path) for change in found.changes]
    assert names == [
        ":setResourceLabels", "desiredControlPlaneEndpointsConfig", "desiredReleaseChannel", "desiredMasterVersion",
        "desiredLoggingConfig", "desiredDefaultEnablePrivateNodes", "desiredShieldedNodes", "desiredLocations",
        ":setMaintenancePolicy", "/nodePools/default-pool", "/nodePools/default-pool:setSize",
    ]  # fmt: skip


def test_zones_are_added_before_others_are_removed() -> None:
    actual = cluster(locations=["us-central1-a", "us-central1-b"])
    found = planned(actual, location="us-central1", node_locations=["us-central1-a", "us-central1-c"])
    assert [change.body["update"]["desiredLocations"] for change in found.changes] == [
        ["us-central1-a", "us-central1-b", "us-central1-c"],
        ["us-central1-a", "us-central1-c"],
    ]


def test_other_zones_of_the_cluster_are_those_of_its_pools_too() -> None:
    """So a pool that is to be elsewhere is moved afterwards, and one that is to be there needs no call."""
    both = ["us-central1-a", "us-central1-b"]
    found = planned(
        cluster(nodePools=[pool(), pool("work")]), node_locations=both,
        node_pools=[{"name": "default-pool", "node_locations": both},
                    {"name": "work", "node_locations": ["us-central1-a"]}],
    )  # fmt: skip
    assert [change.text for change in found.changes] == [
        "locations: [us-central1-a] -> [us-central1-a, us-central1-b]",
        "nodePools.work.locations: [us-central1-a, us-central1-b] -> [us-central1-a]",
    ]
    assert found.before["nodePools"]["work"]["locations"] == ["us-central1-a"]


def test_every_immutable_field_is_named_and_nothing_is_planned() -> None:
    with pytest.raises(MeshError) as caught:
        planned(
            network="other", cluster_ipv4_cidr="10.0.0.0/14", service_account="x", release_channel="rapid", spot=True
        )
    told = str(caught.value)
    for field in ("network:", "clusterIpv4CidrBlock:", "default-pool.config.serviceAccount:", "config.spot:"):
        assert field in told
    assert "releaseChannel" not in told


def test_dataplane_v2_makes_all_nodes_anew_and_so_must_be_allowed() -> None:
    with pytest.raises(MeshError, match="datapathProvider"):
        planned(dataplane_v2=True)
    found = planned(dataplane_v2=True, allow_node_recreation=True)
    assert calls(found) == [("PUT", "", {"update": {"desiredDatapathProvider": "ADVANCED_DATAPATH"}})]


def test_a_newer_control_plane_stays_and_that_is_said() -> None:
    found = planned(cluster_version="1.32.1-gke.5")
    assert found.changes == [] and "GKE does not go back" in found.notices[0]
    assert planned(cluster_version="latest").changes == []


def test_no_default_pool_is_made_beside_the_pools_of_others() -> None:
    actual = cluster(nodePools=[pool("work")])
    found = planned(actual, {}, node_count=2, node_tags=["new"])
    assert [change.path for change in found.changes] == ["/nodePools/work"], "the tag, and no more"
    (notice,) = found.notices
    assert "has no node pool default-pool, but others (work)" in notice and "List default-pool in node_pools" in notice
    assert "default-pool" not in found.after["nodePools"]
    assert planned(actual, {}, node_tags=["new"]).notices == [], "nothing that anybody could miss"
    ways: list[dict[str, Any]] = [
        {"node_pools": [{"name": "default-pool", "node_count": 2}]}, {"remove_other_node_pools": True},
        {"extra": {"nodePools": [{"name": "default-pool"}]}},
    ]  # fmt: skip
    for asked in ways:
        assert planned(actual, {}, **asked).changes[0].path == "/nodePools", asked
    assert planned(cluster(nodePools=[]), {}).changes[0].body["nodePool"]["initialNodeCount"] == 4


def test_missing_pools_are_made_and_others_left_alone_but_for_the_tag() -> None:
    actual = cluster(nodePools=[pool(), pool("other", config={"tags": ["a"]})])
    found = planned(
        actual, node_tags=["mesh1-node"], node_pools=[{"name": "default-pool"}, {"name": "new", "node_count": 1}]
    )
    create, tag = found.changes
    assert (create.method, create.path) == ("POST", "/nodePools")
    assert create.body["nodePool"]["config"]["tags"] == ["mesh1-node"]
    assert (tag.path, tag.body) == ("/nodePools/other", {"tags": {"tags": ["a", "mesh1-node"]}})


def test_other_pools_are_removed_only_when_told_to() -> None:
    actual = cluster(nodePools=[pool(), pool("other")])
    assert planned(actual).changes == []
    (change,) = planned(actual, remove_other_node_pools=True).changes
    assert (change.method, change.path) == ("DELETE", "/nodePools/other")


@pytest.mark.parametrize(
    ("present", "asked", "sent"),
    [
        ({"minNodeCount": 1, "maxNodeCount": 3}, {"total_maximum": 9}, {"totalMaxNodeCount": 9}),
        ({"totalMaxNodeCount": 9}, {"maximum": 3}, {"maxNodeCount": 3}),
        ({"minNodeCount": 1, "maxNodeCount": 3}, {"maximum": 5}, {"minNodeCount": 1, "maxNodeCount": 5}),
        ({"minNodeCount": 1, "maxNodeCount": 3}, {"location_policy": "ANY"},
         {"minNodeCount": 1, "maxNodeCount": 3, "locationPolicy": "ANY"}),
    ],
)  # fmt: skip
def test_bounds_a_zone_and_bounds_for_all_exclude_each_other(
    present: dict[str, Any], asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    actual = cluster(nodePools=[pool(autoscaling={"enabled": True, **present})])
    (change,) = planned(actual, {}, autoscaling=asked).changes
    assert change.body == {"autoscaling": {"enabled": True, **sent}}


def test_without_autoscaling_there_are_no_bounds() -> None:
    actual = cluster(nodePools=[pool(autoscaling={"enabled": True, "minNodeCount": 1, "maxNodeCount": 3})])
    (change,) = planned(actual, {}, autoscaling={"enabled": False}).changes
    assert change.body == {"autoscaling": {"enabled": False}}


def test_another_upgrade_strategy_has_nothing_of_the_former() -> None:
    green = {"strategy": "BLUE_GREEN", "blueGreenSettings": {"nodePoolSoakDuration": "60s"}}
    asked: dict[str, Any] = {"node_pools": [{"name": "default-pool", "extra": {"upgradeSettings": green}}]}
    (change,) = planned(**asked).changes
    assert change.body == {"upgradeSettings": green}
    kept = cluster(nodePools=[pool(upgradeSettings={**green, "blueGreenSettings": {"standardRolloutPolicy": {}}})])
    (change,) = planned(kept, **asked).changes
    assert change.body["upgradeSettings"]["blueGreenSettings"].keys() == {
        "standardRolloutPolicy", "nodePoolSoakDuration"
    }  # fmt: skip


def test_an_autoscaled_pool_is_not_resized() -> None:
    actual = cluster(nodePools=[pool(autoscaling={"enabled": True, "minNodeCount": 1})])
    assert planned(actual, {}, node_count=9).changes == []


def test_the_services_node_labels_stay() -> None:
    present = {"cloud.google.com/gke-x": "1", "old": "2"}
    actual = cluster(nodePools=[pool(config={"labels": present, "tags": ["mesh1-node"]})])
    (change,) = planned(actual, node_labels={"new": "3"}).changes
    assert change.body == {"labels": {"labels": {"cloud.google.com/gke-x": "1", "new": "3"}}}


def test_tags_of_autopilot_are_added() -> None:
    tags = {"networkTags": {"tags": ["own"]}}
    actual = cluster(autopilot={"enabled": True}, nodePools=[pool("internal")], nodePoolAutoConfig=tags)
    (change,) = planned(actual, {}, autopilot=True, node_tags=["mesh"]).changes
    assert change.body == {"update": {"desiredNodePoolAutoConfigNetworkTags": {"tags": ["mesh", "own"]}}}


@pytest.mark.parametrize(
    "makes_pools",
    [
        {"autopilot": {"enabled": True}},
        {"autoscaling": {"enableNodeAutoprovisioning": True}},
    ],
)
def test_tags_reach_pools_that_google_makes_in_clusters_made_by_hand(makes_pools: dict[str, Any]) -> None:
    """The options need not say that the cluster is of that kind."""
    (change,) = planned(cluster(**makes_pools), node_tags=["mesh1-node"]).changes
    tags = {"tags": ["mesh1-node"]}
    assert change.body == {"update": {"desiredNodePoolAutoConfigNetworkTags": tags}}
    assert (
        planned(cluster(**makes_pools, nodePoolAutoConfig={"networkTags": tags}), node_tags=["mesh1-node"]).changes
        == []
    )


def test_where_google_is_to_make_no_more_pools_they_need_no_tags() -> None:
    actual = cluster(autoscaling={"enableNodeAutoprovisioning": True})
    (change,) = planned(actual, node_tags=["mesh1-node"], node_auto_provisioning={"enabled": False}).changes
    assert "desiredClusterAutoscaling" in change.body["update"]


ONE_WAY: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"fleet": {"project": "one"}}, {"fleet_project": "other"}, "fleet.project: one -> other"),
    (
        {"controlPlaneEndpointsConfig": {"ipEndpointsConfig": {"privateEndpointSubnetwork": "a"}}},
        {"control_plane": {"private_endpoint_subnetwork": "b", "global_access": True}},
        "privateEndpointSubnetwork: a -> b",
    ),
    (
        {"networkConfig": {"enableL4ilbSubsetting": True}},
        {"extra": {"networkConfig": {"enableL4ilbSubsetting": False}}},
        "networkConfig.enableL4ilbSubsetting: true -> false",
    ),
    (
        {"networkConfig": {"enableFqdnNetworkPolicy": True}},
        {"extra": {"networkConfig": {"enableFqdnNetworkPolicy": False}}},
        "networkConfig.enableFqdnNetworkPolicy: true -> false",
    ),
]


@pytest.mark.parametrize(("actual", "asked", "told"), ONE_WAY, ids=[row[2].split(":")[0] for row in ONE_WAY])
def test_ways_of_no_return_are_refused_or_lead_to_another_cluster(
    actual: dict[str, Any], asked: dict[str, Any], told: str
) -> None:
    with pytest.raises(MeshError, match="these cannot be changed on an existing cluster") as caught:
        planned(cluster(**actual), **asked)
    assert told in str(caught.value) and "globalAccess" not in str(caught.value)
    found = planned(cluster(**actual), **asked, allow_recreate=True)
    assert found.changes == [] and [str(one) for one in found.recreate if told in str(one)]


def test_the_same_ways_are_open_in_their_direction() -> None:
    found = planned(
        fleet_project="one", extra={"networkConfig": {"enableL4ilbSubsetting": True, "enableFqdnNetworkPolicy": True}}
    )
    assert [next(iter(change.body["update"])) for change in found.changes] == [
        "desiredFleet", "desiredL4ilbSubsettingConfig", "desiredEnableFqdnNetworkPolicy",
    ]  # fmt: skip
    registered = cluster(fleet={"project": "projects/one"})
    assert planned(registered, fleet_project="one").changes == []


def test_exclusions_that_were_not_asked_for_go() -> None:
    window = {"maintenanceExclusions": {"old": {"startTime": "a"}}, "dailyMaintenanceWindow": {"startTime": "01:00"}}
    actual = cluster(maintenancePolicy={"window": window, "resourceVersion": "r"})
    (change,) = planned(actual, maintenance={"exclusions": []}).changes
    assert change.body["maintenancePolicy"] == {
        "resourceVersion": "r",
        "window": {"maintenanceExclusions": {}, "dailyMaintenanceWindow": {"startTime": "01:00"}},
    }


def test_the_diff_shows_what_is_managed_and_no_more() -> None:
    found = planned(node_count=5, node_tags=["x"], labels={"mesh": "m2"})
    assert found.before == {
        "resourceLabels": {"mesh": "mesh1", "goog-fleet": "x"},
        "nodePools": {
            "default-pool": {"name": "default-pool", "initialNodeCount": 4, "config": {"tags": ["mesh1-node"]}}
        },
    }
    assert found.after["nodePools"]["default-pool"]["initialNodeCount"] == 5


ZONES = st.lists(st.sampled_from(["us-central1-a", "us-central1-b", "us-central1-c"]), unique=True, min_size=1)
NAMES = st.lists(st.sampled_from(["a", "b", "c"]), unique=True, max_size=3)
OPTIONS: dict[str, Any] = {
    "labels": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["", "1", "2"])),
    "release_channel": st.sampled_from(["rapid", "regular", "stable", "none"]),
    "cluster_version": st.sampled_from(["latest", "1.32", "1.33", "1.34", "1.34.1-gke.7"]),
    "logging": st.lists(st.sampled_from(["SYSTEM_COMPONENTS", "workloads"]), unique=True),
    "monitoring": st.lists(st.sampled_from(["SYSTEM_COMPONENTS", "POD"]), unique=True),
    "managed_prometheus": st.booleans(),
    "private_nodes": st.booleans(),
    "intra_node_visibility": st.booleans(),
    "shielded_nodes": st.booleans(),
    "vertical_pod_autoscaling": st.booleans(),
    "gateway_api": st.sampled_from(["standard", "disabled"]),
    "autoscaling_profile": st.sampled_from(["BALANCED", "OPTIMIZE_UTILIZATION"]),
    "binary_authorization": st.sampled_from(["DISABLED", "PROJECT_SINGLETON_POLICY_ENFORCE"]),
    "additional_pod_ranges": NAMES,
    "node_locations": ZONES,
    "node_count": st.integers(0, 5),
    "node_tags": NAMES,
    "node_labels": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["1", "2"])),
    "machine_type": st.sampled_from(["e2-medium", "n2-standard-8"]),
    "disk_size_gb": st.sampled_from([50, 100]),
    "auto_upgrade": st.booleans(),
    "autoscaling": st.fixed_dictionaries(
        {"enabled": st.booleans(), "minimum": st.just(1), "maximum": st.integers(2, 4)}
    ),
    "max_surge": st.integers(0, 2),
    "remove_other_node_pools": st.booleans(),
    "workload_identity": st.booleans(),
}
PARAMS = st.fixed_dictionaries({}, optional=OPTIONS)


def settled(actual: dict[str, Any], sizes: dict[str, int], asked: Desired) -> tuple[dict[str, Any], dict[str, int]]:
    """The cluster after the plan was carried out change by change, planned anew before each: as a real run does it."""
    foreseen = [change.text for change in plan(asked, actual, managed(asked, actual, sizes)).changes]
    done = []
    while changes := plan(asked, actual, managed(asked, actual, sizes)).changes:
        actual, sizes = applied(actual, sizes, changes[0])
        done.append(changes[0].text)
        assert len(done) < 40
    assert done == foreseen
    return actual, sizes


def managed(asked: Desired, actual: dict[str, Any], sizes: dict[str, int]) -> dict[str, int]:
    pools = {one["name"]: one for one in actual["nodePools"]}
    names = [name for name, one in asked.pools.items() if name in pools and counts_matter(one, pools[name])]
    return {name: sizes[name] for name in names}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(first=PARAMS, second=PARAMS)
def test_a_plan_carried_out_leaves_nothing_to_plan_and_was_foreseen(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """From any state that the options can make to any other; and what check mode says is what a real run does."""
    actual, sizes = cluster(location="us-central1", nodePools=[pool(), pool("other")]), {"default-pool": 4, "other": 4}
    for params in (first, second):
        asked = wish(**{**params, "location": "us-central1"})
        actual, sizes = settled(actual, sizes, asked)
        again = plan(asked, actual, managed(asked, actual, sizes))
        assert again.changes == [] and again.before == again.after
