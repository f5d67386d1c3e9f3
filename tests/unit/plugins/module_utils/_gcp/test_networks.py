# SPDX-License-Identifier: GPL-3.0-or-later
"""What the firewall must know of a cluster."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import networks
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import SubnetRef, Vpc
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.fake_google import cluster, pool

SHARED = {
    "network": "projects/host/global/networks/shared",
    "subnetwork": "projects/host/regions/us-central1/subnetworks/gke",
}


def test_the_network_is_that_of_the_host_project() -> None:
    assert networks.vpc_of(cluster(networkConfig=SHARED), "p") == Vpc("host", "shared")
    assert networks.vpc_of({"network": "short"}, "p") == Vpc("p", "short")
    assert networks.vpc_of({}, "p") == Vpc("p", "default")


def test_all_ranges_of_pods_and_never_that_of_services() -> None:
    pools = [pool(), pool("b", networkConfig={"podRange": "extra", "podIpv4CidrBlock": "10.96.0.0/16"})]
    found = networks.plain_ranges(cluster(nodePools=pools, servicesIpv4Cidr="34.118.224.0/20"))
    assert found == {"10.4.0.0/14", "10.96.0.0/16"}


def test_dual_stack_pods_have_addresses_of_the_subnetwork() -> None:
    policy = {"stackType": "IPV4_IPV6", "clusterIpv4CidrBlock": "10.4.0.0/14", "subnetIpv6CidrBlock": "fd20::/64"}
    assert networks.plain_ranges(cluster(ipAllocationPolicy=policy)) == {"10.4.0.0/14", "fd20::/64"}


def test_ranges_known_by_name_are_looked_up_in_their_subnetwork() -> None:
    policy = {
        "additionalPodRangesConfig": {"podRangeNames": ["pods", "more"]},
        "additionalIpRangesConfigs": [
            {"subnetwork": "projects/host/regions/us-central1/subnetworks/second", "podIpv4RangeNames": ["far"]}
        ],
    }  # fmt: skip
    found = networks.named_ranges(cluster(ipAllocationPolicy=policy, networkConfig=SHARED), "p")
    assert found == {
        SubnetRef("host", "us-central1", "gke"): {"more"},  # "pods" is told by the pool that uses it
        SubnetRef("host", "us-central1", "second"): {"far"},
    }
    assert SubnetRef("host", "us-central1", "gke").path == SHARED["subnetwork"]


SECOND = "projects/host/regions/us-central1/subnetworks/second"


def test_a_range_is_known_by_its_subnetwork_and_its_name() -> None:
    policy = {"additionalIpRangesConfigs": [{"subnetwork": SECOND, "podIpv4RangeNames": ["pods"]}]}
    found = networks.named_ranges(cluster(ipAllocationPolicy=policy, networkConfig=SHARED), "p")
    assert found == {SubnetRef("host", "us-central1", "second"): {"pods"}}


def test_a_pool_that_tells_only_its_ranges_name_is_looked_up() -> None:
    pools = [
        pool("a", networkConfig={"podRange": "own"}),
        pool("b", networkConfig={"podRange": "far", "subnetwork": SECOND}),
    ]
    found = networks.named_ranges(cluster(nodePools=pools, networkConfig=SHARED), "p")
    assert found == {
        SubnetRef("host", "us-central1", "gke"): {"own"},
        SubnetRef("host", "us-central1", "second"): {"far"},
    }


def test_nodes_live_in_every_subnetwork_of_the_cluster() -> None:
    policy = {"additionalIpRangesConfigs": [{"subnetwork": SECOND}]}
    pools = [pool("a"), pool("b", networkConfig={"subnetwork": "third"})]
    found = networks.node_subnets(cluster(ipAllocationPolicy=policy, nodePools=pools, networkConfig=SHARED), "p")
    assert [subnet.name for subnet in found] == ["gke", "second", "third"]
    assert {subnet.project for subnet in found} == {"host"}


def test_pools_without_the_tag() -> None:
    pools = [pool(), pool("b", config={})]
    assert networks.untagged_pools(cluster(nodePools=pools), "mesh1-node") == ["b"]
    auto = cluster(autopilot={"enabled": True}, nodePoolAutoConfig={"networkTags": {"tags": ["t"]}})
    assert networks.untagged_pools(auto, "t") == [] and networks.untagged_pools(auto, "u") == ["autopilot"]


def test_only_private_control_planes_need_a_door() -> None:
    config = {"masterIpv4CidrBlock": "172.16.0.0/28"}
    assert networks.control_plane_range(cluster(privateClusterConfig=config)) == ""
    assert (
        networks.control_plane_range(cluster(privateClusterConfig=config | {"enablePrivateNodes": True}))
        == "172.16.0.0/28"
    )
    private = [pool(), pool("b", networkConfig={"enablePrivateNodes": True})]
    assert networks.control_plane_range(cluster(privateClusterConfig=config, nodePools=private)) == "172.16.0.0/28"


def alone(ranges: dict[str, list[str]]) -> dict[str, dict[str, networks.RangeRef | None]]:
    """Pod ranges of which nobody tells where they are from."""
    return {name: dict.fromkeys(texts) for name, texts in ranges.items()}


def test_overlap_names_both_clusters_and_both_ranges() -> None:
    with pytest.raises(MeshError, match=r"between central and east.*10.4.0.0/14 of central, 10.6.0.0/16 of east"):
        networks.check_overlaps(
            alone({"central": ["10.4.0.0/14"], "west": ["10.8.0.0/14"], "east": ["10.6.0.0/16", "fd00::/8"]})
        )


def test_ranges_side_by_side_are_fine_and_so_are_two_families() -> None:
    networks.check_overlaps(
        alone({"a": ["10.0.0.0/17", "10.0.0.0/18"], "b": ["10.0.128.0/17", "fd00::/8"], "c": ["fe00::/8"]})
    )


HOME = (SubnetRef("host", "us-central1", "gke"), "pods")
OTHERS = [
    None,
    (SubnetRef("host", "us-central1", "gke"), "more"),
    (SubnetRef("host", "us-east1", "gke"), "pods"),
    (SubnetRef("p", "us-central1", "gke"), "pods"),
]


def test_a_secondary_range_that_clusters_share_is_no_overlap() -> None:
    networks.check_overlaps({"a": {"10.4.0.0/14": HOME}, "b": {"10.4.0.0/14": HOME, "10.9.0.0/16": None}})


@pytest.mark.parametrize("home", OTHERS)
def test_the_same_range_from_elsewhere_is_one(home: networks.RangeRef | None) -> None:
    with pytest.raises(MeshError, match="overlap"):
        networks.check_overlaps({"a": {"10.4.0.0/14": HOME}, "b": {"10.4.0.0/14": home}})


def test_the_home_of_a_range_is_its_subnetwork_and_its_name() -> None:
    policy = {"clusterIpv4CidrBlock": "10.4.0.0/14", "clusterSecondaryRangeName": "pods"}
    far = {"podIpv4CidrBlock": "10.9.0.0/16", "podRange": "far", "subnetwork": SECOND}
    pools = [pool("a", networkConfig=far), pool("b", networkConfig={"podIpv4CidrBlock": "10.10.0.0/16"})]
    found = networks.homes(cluster(ipAllocationPolicy=policy, nodePools=pools, networkConfig=SHARED), "p")
    assert found == {
        "10.4.0.0/14": HOME,
        "10.9.0.0/16": (SubnetRef("host", "us-central1", "second"), "far"),
    }


@given(st.integers(0, 255), st.integers(8, 24), st.integers(0, 255), st.integers(8, 24))
def test_overlap_is_found_whichever_comes_first(a: int, size: int, b: int, other: int) -> None:
    import ipaddress

    one = ipaddress.ip_network((f"10.{a}.0.0", size), strict=False)
    two = ipaddress.ip_network((f"10.{b}.0.0", other), strict=False)
    for first, second in ((one, two), (two, one)):
        try:
            networks.check_overlaps(alone({"x": [str(first)], "y": [str(second)]}))
            found = False
        except MeshError:
            found = True
        assert found == one.overlaps(two)
