# SPDX-License-Identifier: GPL-3.0-or-later
"""What real clients put on the wire, and the exact shape of what they get."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.cloud.container_v1 import types

from gkelab.model.catalog import project_number
from tests.lab.emulator.emulator import JSON, Rest


def test_old_zonal_paths_and_project_numbers(rest: Rest) -> None:
    rest.cluster()
    number = project_number(rest.project)
    path = f"v1/projects/{number}/zones/us-central1-a"
    status, cluster = rest.call("GET", f"{path}/clusters/c")
    assert (status, cluster["name"]) == (200, "c")
    status, pool = rest.call("GET", f"{path}/clusters/c/nodePools/default-pool")
    assert (status, pool["name"]) == (200, "default-pool")
    labels = {"resourceLabels": {"a": "b"}, "labelFingerprint": cluster["labelFingerprint"]}
    status, operation = rest.call("POST", f"{path}/clusters/c/resourceLabels", labels)
    assert status == 200
    rest.done(operation)
    status, _ = rest.call("POST", f"{path}/clusters/c/nodePools/default-pool/setSize", {"nodeCount": 2})
    assert status == 200
    assert rest.call("GET", f"{path}/serverconfig")[0] == 200


def test_links_carry_number_and_zones(rest: Rest) -> None:
    status, operation = rest.container(
        "POST", "clusters", {"cluster": {"name": "c", "nodePools": [{"name": "p", "initialNodeCount": 1}]}}
    )
    assert status == 200
    root = f"https://container.googleapis.com/v1/projects/{project_number(rest.project)}/zones/us-central1-a"
    assert operation["targetLink"] == f"{root}/clusters/c"
    assert operation["selfLink"] == f"{root}/operations/{operation['name']}"
    followed = operation["targetLink"].removeprefix("https://container.googleapis.com/")
    assert rest.call("GET", followed)[1]["name"] == "c"
    rest.done(operation)


def test_a_regional_link_says_locations(rest: Rest) -> None:
    rest.location = "us-central1"
    rest.cluster()
    listed = rest.container("GET", "operations")[1]["operations"]
    assert "/locations/us-central1/clusters/c" in listed[0]["targetLink"]


def test_enum_numbers_both_ways(rest: Rest) -> None:
    body = {
        "name": "c",
        "releaseChannel": {"channel": 1},
        "loggingConfig": {"componentConfig": {"enableComponents": [1]}},
        "nodePools": [{"name": "p", "initialNodeCount": 1, "config": {"workloadMetadataConfig": {"mode": 2}}}],
    }
    status, operation = rest.container("POST", "clusters", {"cluster": body}, **{"$alt": "json;enum-encoding=int"})
    assert (status, operation["status"], operation["operationType"]) == (200, 2, 1)
    rest.done(operation)
    named, numbered = rest.get(), rest.container("GET", "clusters/c", **{"$alt": "json;enum-encoding=int"})[1]
    assert named["releaseChannel"]["channel"] == "RAPID"
    assert named["loggingConfig"]["componentConfig"]["enableComponents"] == ["SYSTEM_COMPONENTS"]
    assert named["nodePools"][0]["config"]["workloadMetadataConfig"]["mode"] == "GKE_METADATA"
    assert (numbered["status"], numbered["releaseChannel"]["channel"]) == (2, 1)


def test_nulls_snake_case_and_number_strings(rest: Rest) -> None:
    cluster = rest.cluster(
        description=None,
        ipAllocationPolicy=None,
        node_pools=[{"name": "p", "initial_node_count": "1", "config": {"disk_size_gb": 50, "tags": None}}],
        nodePools=None,
    )
    assert cluster["nodePools"][0]["config"]["diskSizeGb"] == 50


def test_false_and_empty_are_left_out_and_int64_are_strings(rest: Rest) -> None:
    cluster = rest.cluster(enableKubernetesAlpha=False, resourceLabels={}, legacyAbac={"enabled": False})
    assert not {"enableKubernetesAlpha", "resourceLabels", "statusMessage", "conditions"} & set(cluster)
    assert cluster["legacyAbac"] == {}
    assert cluster["defaultMaxPodsConstraint"]["maxPodsPerNode"] == "110"
    assert cluster["autopilot"] == {}


def test_full_network_path_comes_back_short(rest: Rest) -> None:
    url = f"https://www.googleapis.com/compute/v1/projects/{rest.project}/global/networks/default"
    cluster = rest.cluster(network=url, ipAllocationPolicy={"useIpAliases": False})
    assert cluster["network"] == "default"
    assert url.endswith(cluster["networkConfig"]["network"])
    assert cluster["ipAllocationPolicy"]["useIpAliases"] is True


def test_initial_node_count_stays_what_it_was(rest: Rest) -> None:
    rest.cluster()
    rest.change("POST", "clusters/c/nodePools/default-pool:setSize", {"nodeCount": 3})
    cluster = rest.get()
    assert (cluster["nodePools"][0]["initialNodeCount"], cluster["currentNodeCount"]) == (1, 3)
    zone = "zones/us-central1-a"
    managers = rest.compute("GET", f"{zone}/instanceGroupManagers")[1]["items"]
    assert managers[0]["targetSize"] == 3
    assert {"selfLink", "instanceGroup", "instanceTemplate"} <= set(managers[0])
    assert len(rest.compute("GET", f"{zone}/instances")[1]["items"]) == 3


def test_the_pool_made_of_legacy_fields_can_be_deleted(rest: Rest) -> None:
    config = {"machineType": "e2-small"}
    cluster = rest.cluster(nodePools=None, initialNodeCount=2, nodeConfig=config)
    assert cluster["nodePools"][0]["name"] == "default-pool"
    assert cluster["nodeConfig"]["machineType"] == "e2-small"
    rest.change("DELETE", "clusters/c/nodePools/default-pool")
    assert "nodePools" not in rest.get()


def test_compute_says_disabled_false_and_empty_lists_clear(rest: Rest) -> None:
    body = {
        "name": "r",
        "network": None,
        "allowed": [{"IPProtocol": "TCP", "ports": None}],
        "sourceRanges": ["10.0.0.0/17"],
        "sourceTags": ["a"],
        "targetTags": ["mesh"],
    }
    assert rest.compute("POST", "global/firewalls", body)[0] == 200
    rule = rest.compute("GET", "global/firewalls/r")[1]
    assert rule["disabled"] is False
    assert rule["allowed"] == [{"IPProtocol": "tcp"}]
    assert rest.compute("PATCH", "global/firewalls/r", {"sourceTags": []}, alt="json")[0] == 200
    rule = rest.compute("GET", "global/firewalls/r")[1]
    assert "sourceTags" not in rule
    assert rule["targetTags"] == ["mesh"]
    assert rest.compute("PUT", "global/firewalls/r", body | {"sourceTags": [], "targetTags": ["x"]})[0] == 200
    assert rest.compute("GET", "global/firewalls/r")[1]["targetTags"] == ["x"]


def test_an_ingress_rule_without_sources_is_open_to_the_world(rest: Rest) -> None:
    rest.compute("POST", "global/firewalls", {"name": "r", "allowed": [{"IPProtocol": "tcp"}]})
    assert rest.compute("GET", "global/firewalls/r")[1]["sourceRanges"] == ["0.0.0.0/0"]


def test_network_and_direction_of_a_rule_stay(rest: Rest) -> None:
    rest.compute("POST", "global/firewalls", {"name": "r", "allowed": [{"IPProtocol": "tcp"}]})
    status, answer = rest.compute("PATCH", "global/firewalls/r", {"direction": "EGRESS"})
    assert status == 400
    assert "resource.direction" in answer["error"]["message"]


def test_a_list_of_nothing_has_no_items(rest: Rest) -> None:
    status, answer = rest.compute("GET", "global/firewalls", filter="name=nothing")
    assert status == 200
    assert "items" not in answer
    assert rest.compute("GET", "global/firewalls", filter="")[1]["items"]
    assert rest.container("GET", "clusters") == (200, {})


@pytest.mark.parametrize("api", ["container", "compute"])
def test_error_bodies(rest: Rest, api: str) -> None:
    status, body = (
        rest.container("GET", "clusters/nothing")
        if api == "container"
        else rest.compute("GET", "global/firewalls/nothing")
    )
    error = body["error"]
    assert (status, error["code"], error["errors"][0]["reason"]) == (404, 404, "notFound")
    assert error["errors"][0]["domain"] == "global"
    assert ("status" in error) == (api == "container")


def _oracle(message: Any, body: JSON) -> None:
    """Google's own library must know every field and accept every value."""
    message.from_json(json.dumps(body), ignore_unknown_fields=False)


def test_every_body_fits_the_schema(rest: Rest) -> None:
    body = {
        "name": "c",
        "privateClusterConfig": {"enablePrivateNodes": True, "masterIpv4CidrBlock": "172.16.0.0/28"},
        "workloadIdentityConfig": {"workloadPool": f"{rest.project}.svc.id.goog"},
        "nodePools": [{"name": "p", "initialNodeCount": 1, "config": {"spot": True}}],
    }
    status, operation = rest.container("POST", "clusters", {"cluster": body})
    assert status == 200, operation
    _oracle(types.Operation, operation)
    _oracle(types.Cluster, rest.get())
    _oracle(types.Operation, rest.done(operation))
    _oracle(types.Cluster, rest.get())
    _oracle(types.ListClustersResponse, rest.container("GET", "clusters")[1])
    _oracle(types.ListOperationsResponse, rest.container("GET", "operations")[1])
    _oracle(types.NodePool, rest.container("GET", "clusters/c/nodePools/p")[1])
    _oracle(types.ListNodePoolsResponse, rest.container("GET", "clusters/c/nodePools")[1])
    _oracle(types.ServerConfig, rest.container("GET", "serverConfig")[1])
    usable = rest.call("GET", f"v1/projects/{rest.project}/aggregated/usableSubnetworks")[1]
    _oracle(types.ListUsableSubnetworksResponse, usable)


def test_fields_newer_than_the_library_pass_through(rest: Rest) -> None:
    cluster = rest.cluster(linkedRunnersConfig={"mode": "SOME"})
    assert cluster["linkedRunnersConfig"] == {"mode": "SOME"}
    rest.change("PUT", "clusters/c", {"update": {"desiredLinkedRunnersConfig": {"mode": "OTHER"}}})
    assert rest.get()["linkedRunnersConfig"] == {"mode": "OTHER"}


def test_values_of_the_wrong_type_are_refused_by_name(rest: Rest) -> None:
    for body, words in (
        ({"name": "c", "initialNodeCount": "many"}, ("cluster.initial_node_count", "TYPE_INT32")),
        ({"name": "c", "releaseChannel": {"channel": "FAST"}}, ("cluster.release_channel.channel", "Channel")),
        ({"name": 7}, ("cluster.name", "TYPE_STRING")),
        ({"name": "c", "nodePools": {"name": "p"}}, ("cluster.node_pools", "Invalid value")),
    ):
        status, answer = rest.container("POST", "clusters", {"cluster": body})
        assert status == 400
        assert all(word in answer["error"]["message"] for word in words), answer


@pytest.mark.parametrize(
    "body",
    [
        {"allowed": "tcp"},
        {"allowed": ["tcp"]},
        {"allowed": [{"IPProtocol": "carrier-pigeon"}]},
        {"allowed": [{"IPProtocol": "icmp", "ports": ["1"]}]},
        {"allowed": [{"IPProtocol": "tcp", "ports": ["http"]}]},
        {"allowed": [{"IPProtocol": "tcp", "ports": ["9-1"]}]},
        {"sourceRanges": "10.0.0.0/8"},
        {"sourceRanges": [10]},
        {"sourceRanges": ["10.0.0.1/8"]},
        {"sourceRanges": ["10.0.0.0/8", "10.0.0.0/8"]},
        {"priority": "high"},
        {"priority": True},
        {"targetTags": ["Not A Tag"]},
        {"targetTags": ["a"], "targetServiceAccounts": ["b@c"]},
        {"denied": [{"IPProtocol": "tcp"}]},
    ],
)
def test_bad_firewall_bodies(rest: Rest, body: JSON) -> None:
    status, answer = rest.compute("POST", "global/firewalls", {"name": "r", "allowed": [{"IPProtocol": "tcp"}]} | body)
    assert (status, answer["error"]["errors"][0]["reason"]) == (400, "invalid")
    assert rest.compute("GET", "global/firewalls/r")[0] == 404


def test_a_body_that_is_no_json_object(rest: Rest) -> None:
    url = f"{rest.emulator.url}/v1/projects/{rest.project}/locations/us-central1-a/clusters"
    for raw in ("{", "[]", "7"):
        answer = rest.emulator.session().post(url, data=raw)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
