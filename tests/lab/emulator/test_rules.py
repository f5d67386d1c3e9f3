# SPDX-License-Identifier: GPL-3.0-or-later
"""What Google refuses, decides and defaults for clusters and node pools."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from tests.lab.emulator.emulator import JSON, Rest

POOL = {"name": "p", "initialNodeCount": 1}


def _refused(rest: Rest, **fields: Any) -> str:
    status, answer = rest.container("POST", "clusters", {"cluster": {"name": "c", "nodePools": [POOL]} | fields})
    assert status == 400, answer
    assert rest.container("GET", "clusters/c")[0] == 404
    return str(answer["error"]["message"])


def _update_refused(rest: Rest, update: JSON) -> tuple[int, str]:
    status, answer = rest.container("PUT", "clusters/c", {"update": update})
    assert status >= 400, answer
    return status, str(answer["error"]["message"])


# creating


@pytest.mark.parametrize(
    ("asked", "channel", "version", "got_channel"),
    [
        (None, None, "1.36.1-gke.1000000", "REGULAR"),
        ("latest", None, "1.36.1-gke.1000000", "REGULAR"),
        ("1.35", "STABLE", "1.35.2-gke.1842000", "STABLE"),
        ("1.34", None, "1.34.7-gke.1200000", "STABLE"),
        ("1.36.0", None, "1.36.0-gke.2345000", "RAPID"),
        ("1.33.9-gke.1600000", None, "1.33.9-gke.1600000", None),
        ("-", "STABLE", "1.35.2-gke.1842000", "STABLE"),
    ],
)
def test_versions_and_channels(
    rest: Rest, asked: str | None, channel: str | None, version: str, got_channel: str | None
) -> None:
    fields: JSON = {"initialClusterVersion": asked}
    if channel:
        fields["releaseChannel"] = {"channel": channel}
    cluster = rest.cluster(**fields)
    assert cluster["currentMasterVersion"] == cluster["nodePools"][0]["version"] == version
    assert cluster["releaseChannel"].get("channel") == got_channel


def test_bad_versions(rest: Rest) -> None:
    assert _refused(rest, initialClusterVersion="1.31") == 'No valid versions with the prefix "1.31" found.'
    unknown = "1.36.9-gke.1"
    assert _refused(rest, initialClusterVersion=unknown) == f'Master version "{unknown}" is unsupported.'
    off_channel = {"initialClusterVersion": "1.34", "releaseChannel": {"channel": "RAPID"}}
    assert _refused(rest, **off_channel) == 'No valid versions with the prefix "1.34" found.'


def test_nodes_are_counted_per_zone(rest: Rest) -> None:
    rest.location = "us-central1"
    cluster = rest.cluster(nodePools=[{"name": "p", "initialNodeCount": 2}])
    assert cluster["locations"] == ["us-central1-a", "us-central1-b", "us-central1-c"]
    assert cluster["currentNodeCount"] == 6
    assert len(cluster["instanceGroupUrls"]) == 3


def test_unknown_places(rest: Rest) -> None:
    rest.location = "mars-north1-a"
    status, answer = rest.container("GET", "clusters")
    message = "Permission denied on 'locations/mars-north1-a' (or it may not exist)."
    assert (status, answer["error"]["message"]) == (403, message)
    assert rest.container("POST", "clusters", {"cluster": {"name": "c"}})[0] == 403
    assert rest.container("GET", "clusters/c")[0] == 403


def test_projects_that_do_not_exist(rest: Rest) -> None:
    rest.project = "no-project"
    status, answer = rest.container("GET", "clusters")
    message = 'Required "container.clusters.list" permission(s) for "projects/no-project".'
    assert (status, answer["error"]["message"]) == (403, message)
    assert rest.compute("GET", "global/firewalls")[0] == 404


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "Bad_Name"}, "cluster.name"),
        ({"name": "a" * 41}, "cluster.name"),
        ({"nodePools": None}, "Cluster.initial_node_count must be greater than zero."),
        ({"initialNodeCount": 3}, "Cluster.node_pools"),
        ({"nodePools": [POOL, POOL]}, "unique"),
        ({"nodePools": [{"name": "p", "initialNodeCount": 1001}]}, "1000"),
        ({"locations": ["us-east1-b"]}, "us-east1-b"),
        ({"locations": ["us-central1-b"]}, "primary location"),
        ({"network": "nowhere"}, 'no network named "nowhere"'),
        ({"subnetwork": "nowhere"}, "nowhere"),
        (
            {"ipAllocationPolicy": {"clusterSecondaryRangeName": "pods"}},
            'Pod secondary range "pods" not found in network "default", subnetwork "default".',
        ),
        ({"ipAllocationPolicy": {"clusterIpv4CidrBlock": "10.0.0.0/40"}}, "10.0.0.0/40"),
        (
            {
                "networkConfig": {"defaultEnablePrivateNodes": True},
                "privateClusterConfig": {"masterIpv4CidrBlock": "172.30.0.0/28"},
            },
            "enable_private_nodes and default_enable_private_nodes must be the same",
        ),
    ],
)
def test_bad_clusters(rest: Rest, fields: JSON, words: str) -> None:
    status, answer = rest.container("POST", "clusters", {"cluster": {"name": "c", "nodePools": [POOL]} | fields})
    assert status == 400
    assert words in answer["error"]["message"]
    assert rest.container("GET", "clusters") == (200, {})


def test_pod_ranges_differ_unless_asked_for(rest: Rest) -> None:
    ranges = [ipaddress.ip_network(rest.cluster(name)["clusterIpv4Cidr"]) for name in ("a", "b")]
    assert not ranges[0].overlaps(ranges[1])
    assert [network.prefixlen for network in ranges] == [17, 17]
    same = {"clusterIpv4CidrBlock": str(ranges[0])}
    assert rest.cluster("x", ipAllocationPolicy=same)["clusterIpv4Cidr"] == str(ranges[0])
    sized = rest.cluster("y", ipAllocationPolicy={"clusterIpv4CidrBlock": "/20"})
    assert sized["clusterIpv4Cidr"].endswith("/20")


def test_named_ranges(rest: Rest) -> None:
    subnet = "regions/us-central1/subnetworks/default"
    ranges = [
        {"rangeName": "pods", "ipCidrRange": "10.64.0.0/16"},
        {"rangeName": "services", "ipCidrRange": "10.65.0.0/20"},
        {"rangeName": "more", "ipCidrRange": "10.66.0.0/16"},
    ]
    assert rest.compute("PATCH", subnet, {"secondaryIpRanges": ranges})[0] == 200
    policy = {"clusterSecondaryRangeName": "pods", "servicesSecondaryRangeName": "services"}
    cluster = rest.cluster(ipAllocationPolicy=policy)
    assert (cluster["clusterIpv4Cidr"], cluster["servicesIpv4Cidr"]) == ("10.64.0.0/16", "10.65.0.0/20")
    pool = {"name": "own", "initialNodeCount": 1, "networkConfig": {"podRange": "more"}}
    rest.change("POST", "clusters/c/nodePools", {"nodePool": pool})
    own = rest.container("GET", "clusters/c/nodePools/own")[1]["networkConfig"]
    assert own["podIpv4CidrBlock"] == "10.66.0.0/16"
    rules = rest.compute("GET", "global/firewalls", filter="name eq gke-.*-all")[1]["items"]
    assert rules[0]["sourceRanges"] == ["10.64.0.0/16", "10.66.0.0/16"]


def test_clusters_on_one_secondary_range_give_no_pod_address_twice(rest: Rest) -> None:
    ranges = [{"rangeName": "pods", "ipCidrRange": "10.64.0.0/16"}, {"rangeName": "s", "ipCidrRange": "10.65.0.0/20"}]
    rest.compute("PATCH", "regions/us-central1/subnetworks/default", {"secondaryIpRanges": ranges})
    policy = {"clusterSecondaryRangeName": "pods", "servicesSecondaryRangeName": "s"}
    pools = [{"name": "p", "initialNodeCount": 2}]
    for name in ("a", "b"):
        rest.cluster(name, nodePools=pools, ipAllocationPolicy=policy)
    rest.change("POST", "clusters/a/nodePools/p:setSize", {"nodeCount": 3})
    machines = rest.compute("GET", "zones/us-central1-a/instances")[1]["items"]
    pods = [machine["networkInterfaces"][0]["aliasIpRanges"][0]["ipCidrRange"] for machine in machines]
    assert len(pods) == len(set(pods)) == 5


def test_a_full_range_fails_the_operation(rest: Rest) -> None:
    body: JSON = {"name": "c", "nodePools": [{"name": "p", "initialNodeCount": 3}]}
    body["ipAllocationPolicy"] = {"clusterIpv4CidrBlock": "10.96.0.0/23"}
    status, operation = rest.container("POST", "clusters", {"cluster": body})
    assert status == 200
    done = rest.done(operation)
    assert "[IP_SPACE_EXHAUSTED]" in done["error"]["message"]
    assert done["statusMessage"] == done["error"]["message"]
    cluster = rest.get()
    assert (cluster["status"], cluster["statusMessage"]) == ("ERROR", done["statusMessage"])
    rest.change("DELETE", "clusters/c")


def test_an_autopilot_cluster_has_its_pool(rest: Rest) -> None:
    rest.location = "europe-west1"
    cluster = rest.cluster(nodePools=None, autopilot={"enabled": True})
    assert cluster["autopilot"]["enabled"] is True
    assert [pool["name"] for pool in cluster["nodePools"]] == ["default-pool"]


# updating


def test_an_update_names_one_feature(rest: Rest) -> None:
    rest.cluster()
    assert _update_refused(rest, {}) == (400, "Must specify a field to update.")
    status, message = _update_refused(rest, {"desiredShieldedNodes": {}, "desiredReleaseChannel": {"channel": "RAPID"}})
    assert status == 400
    assert "desiredReleaseChannel, desiredShieldedNodes" in message
    both: JSON = {"desiredLoggingConfig": {"componentConfig": {}}, "desiredMonitoringConfig": {"componentConfig": {}}}
    rest.change("PUT", "clusters/c", {"update": both})
    assert rest.get()["loggingService"] == rest.get()["monitoringService"] == "none"


@pytest.mark.parametrize(
    ("update", "path", "value"),
    [
        ({"desiredReleaseChannel": {"channel": "RAPID"}}, "releaseChannel.channel", "RAPID"),
        (
            {"desiredWorkloadIdentityConfig": {"workloadPool": "p.svc.id.goog"}},
            "workloadIdentityConfig.workloadPool",
            "p.svc.id.goog",
        ),
        ({"desiredShieldedNodes": {"enabled": False}}, "shieldedNodes", {}),
        ({"desiredDatapathProvider": "ADVANCED_DATAPATH"}, "networkConfig.datapathProvider", "ADVANCED_DATAPATH"),
        (
            {"desiredGatewayApiConfig": {"channel": "CHANNEL_STANDARD"}},
            "networkConfig.gatewayApiConfig.channel",
            "CHANNEL_STANDARD",
        ),
        (
            {"desiredClusterAutoscaling": {"autoscalingProfile": "OPTIMIZE_UTILIZATION"}},
            "autoscaling.autoscalingProfile",
            "OPTIMIZE_UTILIZATION",
        ),
        ({"desiredIntraNodeVisibilityConfig": {"enabled": True}}, "networkConfig.enableIntraNodeVisibility", True),
        ({"desiredDefaultEnablePrivateNodes": True}, "networkConfig.defaultEnablePrivateNodes", True),
        (
            {"desiredAddonsConfig": {"httpLoadBalancing": {"disabled": True}}},
            "addonsConfig.httpLoadBalancing.disabled",
            True,
        ),
        ({"desiredNodePoolAutoConfigNetworkTags": {"tags": ["mesh"]}}, "nodePoolAutoConfig.networkTags.tags", ["mesh"]),
        ({"desiredLocations": ["us-central1-a", "us-central1-b"]}, "locations", ["us-central1-a", "us-central1-b"]),
        ({"desiredFleet": {"project": "fleet"}}, "fleet.project", "fleet"),
        (
            {"desiredControlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
            "controlPlaneEndpointsConfig.dnsEndpointConfig.allowExternalTraffic",
            True,
        ),
        (
            {"desiredMasterAuthorizedNetworksConfig": {"enabled": True, "cidrBlocks": [{"cidrBlock": "1.2.3.0/24"}]}},
            "controlPlaneEndpointsConfig.ipEndpointsConfig.authorizedNetworksConfig.enabled",
            True,
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) and value else None,
)
def test_updates(rest: Rest, update: JSON, path: str, value: object) -> None:
    before = rest.cluster()
    rest.change("PUT", "clusters/c", {"update": update})
    after: Any = rest.get()
    for step in path.split("."):
        after = after[step]
    assert after == value
    assert rest.get()["addonsConfig"]["gcePersistentDiskCsiDriverConfig"] == {"enabled": True}
    assert before["etag"] != rest.get()["etag"]


@pytest.mark.parametrize(
    ("first", "then", "part"),
    [
        ({"desiredFleet": {"project": "one"}}, {"desiredFleet": {"project": "other"}}, 'fleet of project "one"'),
        (
            {"desiredL4ilbSubsettingConfig": {"enabled": True}},
            {"desiredL4ilbSubsettingConfig": {"enabled": False}},
            "enableL4ilbSubsetting cannot be disabled",
        ),
        (
            {"desiredEnableFqdnNetworkPolicy": True},
            {"desiredEnableFqdnNetworkPolicy": False},
            "enableFqdnNetworkPolicy cannot be disabled",
        ),
        (
            {"desiredControlPlaneEndpointsConfig": {"dnsEndpointConfig": {"allowExternalTraffic": True}}},
            {"desiredControlPlaneEndpointsConfig": {"ipEndpointsConfig": {"privateEndpointSubnetwork": "other"}}},
            "subnetwork of the private endpoint",
        ),
    ],
    ids=["fleet", "subsetting", "fqdn", "endpoint-subnetwork"],
)
def test_ways_of_no_return(rest: Rest, first: JSON, then: JSON, part: str) -> None:
    rest.cluster()
    rest.change("PUT", "clusters/c", {"update": first})
    rest.change("PUT", "clusters/c", {"update": first})
    before = rest.get()
    status, message = _update_refused(rest, then)
    assert status == 400
    assert part in message
    assert rest.get() == before


def test_new_locations_bring_nodes(rest: Rest) -> None:
    rest.cluster()
    rest.change("PUT", "clusters/c", {"update": {"desiredLocations": ["us-central1-a", "us-central1-b"]}})
    assert rest.get()["currentNodeCount"] == 2
    swap = {"desiredLocations": ["us-central1-a", "us-central1-c"]}
    assert "same request" in _update_refused(rest, swap)[1]


def test_upgrades(rest: Rest) -> None:
    rest.cluster(initialClusterVersion="1.35", releaseChannel={"channel": "REGULAR"})
    operation = rest.change("PUT", "clusters/c", {"update": {"desiredMasterVersion": "1.36"}})
    assert operation["operationType"] == "UPGRADE_MASTER"
    cluster = rest.get()
    assert cluster["currentMasterVersion"] == "1.36.1-gke.1000000"
    assert cluster["currentNodeVersion"] == "1.35.4-gke.1500000"
    update = {"desiredNodeVersion": "-", "desiredNodePoolId": "default-pool"}
    assert rest.change("PUT", "clusters/c", {"update": update})["operationType"] == "UPGRADE_NODES"
    assert rest.get()["currentNodeVersion"] == "1.36.1-gke.1000000"
    assert "downgraded" in _update_refused(rest, {"desiredMasterVersion": "1.35"})[1]


def test_a_stale_etag_is_refused(rest: Rest) -> None:
    cluster = rest.cluster()
    update = {"desiredShieldedNodes": {"enabled": True}}
    status, _ = _update_refused(rest, update | {"etag": "stale"})
    assert status == 409
    rest.change("PUT", "clusters/c", {"update": update | {"etag": cluster["etag"]}})
    status, answer = rest.container(
        "PUT", "clusters/c/nodePools/default-pool", {"etag": cluster["nodePools"][0]["etag"], "tags": {"tags": ["a"]}}
    )
    assert (status, answer["error"]["status"]) == (409, "ABORTED")


def test_node_pool_updates(rest: Rest) -> None:
    rest.cluster()
    path = "clusters/c/nodePools/default-pool"
    for body in (
        {"tags": {"tags": ["mesh"]}},
        {"labels": {"labels": {"a": "b"}}},
        {"taints": {"taints": [{"key": "k", "value": "v", "effect": "NO_SCHEDULE"}]}},
        {"machineType": "e2-standard-4"},
        {"locations": ["us-central1-a", "us-central1-f"]},
        {"upgradeSettings": {"maxSurge": 2}},
    ):
        rest.change("PUT", path, body)
    autoscaling = {"autoscaling": {"enabled": True, "minNodeCount": 1, "maxNodeCount": 5}}
    rest.change("POST", f"{path}:setAutoscaling", autoscaling)
    rest.change("POST", f"{path}:setManagement", {"management": {"autoRepair": True}})
    pool = rest.container("GET", path)[1]
    assert pool["config"]["tags"] == ["mesh"]
    assert pool["config"]["labels"] == {"a": "b"}
    assert pool["config"]["taints"][0]["effect"] == "NO_SCHEDULE"
    assert pool["config"]["machineType"] == "e2-standard-4"
    assert pool["autoscaling"]["maxNodeCount"] == 5
    assert pool["management"] == {"autoRepair": True}
    assert (pool["upgradeSettings"]["maxSurge"], pool["upgradeSettings"]["strategy"]) == (2, "SURGE")
    assert rest.get()["currentNodeCount"] == 2


def test_bounds_of_autoscaling_are_of_one_sort(rest: Rest) -> None:
    both = {"enabled": True, "maxNodeCount": 3, "totalMaxNodeCount": 9}
    assert "mutually exclusive" in _refused(rest, nodePools=[POOL | {"autoscaling": both}])
    rest.cluster()
    path = "clusters/c/nodePools/default-pool:setAutoscaling"
    status, answer = rest.container("POST", path, {"autoscaling": both})
    assert status == 400 and "mutually exclusive" in answer["error"]["message"]
    rest.change("POST", path, {"autoscaling": {"enabled": True, "totalMaxNodeCount": 9}})
    update = {"desiredNodePoolAutoscaling": both, "desiredNodePoolId": "default-pool"}
    assert "mutually exclusive" in _update_refused(rest, update)[1]


def test_pools_are_found_or_not(rest: Rest) -> None:
    rest.cluster()
    status, answer = rest.container("DELETE", "clusters/c/nodePools/none")
    message = f"Not found: projects/{rest.project}/zones/us-central1-a/clusters/c/nodePools/none."
    assert (status, answer["error"]["message"]) == (404, message)
    status, _ = rest.container("POST", "clusters/c/nodePools", {"nodePool": POOL | {"name": "default-pool"}})
    assert status == 409


def test_the_ip_endpoint_can_be_closed(rest: Rest) -> None:
    rest.cluster()
    config = {"ipEndpointsConfig": {"enabled": False}}
    rest.change("PUT", "clusters/c", {"update": {"desiredControlPlaneEndpointsConfig": config}})
    cluster = rest.get()
    assert cluster["endpoint"] == cluster["controlPlaneEndpointsConfig"]["dnsEndpointConfig"]["endpoint"]
    assert cluster["endpoint"].endswith(".us-central1-a.gke.goog")
    addresses = {"publicEndpoint", "privateEndpoint"}
    assert not addresses & cluster["controlPlaneEndpointsConfig"]["ipEndpointsConfig"].keys()
    assert not addresses & cluster.get("privateClusterConfig", {}).keys()


def test_gke_makes_firewall_rules_and_takes_them_away(rest: Rest) -> None:
    private = {"enablePrivateNodes": True, "masterIpv4CidrBlock": "172.16.0.0/28"}
    cluster = rest.cluster(privateClusterConfig=private)
    found = {rule["name"].rpartition("-")[2]: rule for rule in rest.compute("GET", "global/firewalls")[1]["items"]}
    assert found["all"]["sourceRanges"] == [cluster["clusterIpv4Cidr"]]
    assert found["master"]["sourceRanges"] == ["172.16.0.0/28"]
    assert found["master"]["allowed"] == [{"IPProtocol": "tcp", "ports": ["443", "10250"]}]
    assert (found["inkubelet"]["priority"], "denied" in found["exkubelet"]) == (999, True)
    assert found["vms"]["sourceRanges"] == ["10.128.0.0/9"]
    rest.change("DELETE", "clusters/c")
    names = [rule["name"] for rule in rest.compute("GET", "global/firewalls")[1]["items"]]
    assert not [name for name in names if name.startswith("gke-")]
    assert "default-allow-internal" in names


def test_only_node_upgrades_can_be_cancelled(rest: Rest) -> None:
    rest.cluster()
    path = "clusters/c/nodePools/default-pool"
    with rest.emulator.held("POST", ":setSize$"):
        _, operation = rest.container("POST", f"{path}:setSize", {"nodeCount": 2})
        assert rest.container("POST", f"operations/{operation['name']}:cancel", {})[0] == 400
    rest.done(operation)
    with rest.emulator.held("PUT", "/default-pool$"):
        _, operation = rest.container("PUT", path, {"nodeVersion": "1.35"})
        assert rest.container("POST", f"operations/{operation['name']}:cancel", {}) == (200, {})
        assert rest.done(operation)["status"] == "DONE"
    assert rest.get()["currentNodeVersion"] == "1.36.1-gke.1000000"
    assert rest.get()["status"] == "RUNNING"
