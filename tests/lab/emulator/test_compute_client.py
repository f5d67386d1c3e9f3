# SPDX-License-Identifier: GPL-3.0-or-later
"""google-cloud-compute, unmodified, through the life of a firewall rule."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from google.api_core import exceptions
from google.cloud import compute_v1

from tests.lab.emulator.emulator import Emulator, Rest

RULE = "istio-multicluster-pod-fw"


class Life:
    """The clients of one project."""

    def __init__(self, emulator: Emulator, project: str) -> None:
        self.project = project
        options: dict[str, Any] = {
            "credentials": emulator.credentials(),
            "client_options": {"api_endpoint": emulator.url},
        }
        self.firewalls = compute_v1.FirewallsClient(**options)
        self.operations = compute_v1.GlobalOperationsClient(**options)
        self.networks = compute_v1.NetworksClient(**options)
        self.subnetworks = compute_v1.SubnetworksClient(**options)
        self.managers = compute_v1.InstanceGroupManagersClient(**options)
        self.templates = compute_v1.InstanceTemplatesClient(**options)

    def done(self, operation: compute_v1.Operation) -> compute_v1.Operation:
        result = self.operations.wait(project=self.project, operation=operation.name)
        assert result.status == compute_v1.Operation.Status.DONE
        assert not result.error.errors
        return result

    def rule(self, **changes: Any) -> compute_v1.Firewall:
        fields: dict[str, Any] = {
            "name": RULE,
            "network": "global/networks/default",
            "priority": 900,
            "source_ranges": ["10.0.0.0/17", "10.0.128.0/17"],
            "target_tags": ["mesh"],
            "allowed": [compute_v1.Allowed(I_p_protocol="tcp"), compute_v1.Allowed(I_p_protocol="udp", ports=["53"])],
        }
        return compute_v1.Firewall(**(fields | changes))

    def get(self) -> compute_v1.Firewall:
        return self.firewalls.get(project=self.project, firewall=RULE)


@pytest.fixture
def life(emulator: Emulator, project: str) -> Life:
    return Life(emulator, project)


def test_a_rule_comes_changes_and_goes(life: Life) -> None:
    operation = life.firewalls.insert_unary(project=life.project, firewall_resource=life.rule())
    assert operation.operation_type == "insert"
    life.done(operation)
    rule = life.get()
    assert rule.network == f"https://www.googleapis.com/compute/v1/projects/{life.project}/global/networks/default"
    assert (rule.priority, rule.direction, rule.disabled) == (900, "INGRESS", False)
    patch = compute_v1.Firewall(source_ranges=["10.0.0.0/17"])
    life.done(life.firewalls.patch_unary(project=life.project, firewall=RULE, firewall_resource=patch))
    rule = life.get()
    assert list(rule.source_ranges) == ["10.0.0.0/17"]
    assert list(rule.target_tags) == ["mesh"]
    life.done(life.firewalls.delete_unary(project=life.project, firewall=RULE))
    with pytest.raises(exceptions.NotFound) as refusal:
        life.get()
    assert f"The resource 'projects/{life.project}/global/firewalls/{RULE}' was not found" in refusal.value.message


def test_an_operation_runs_before_it_is_done(life: Life, emulator: Emulator) -> None:
    with emulator.held("POST", "/firewalls$"):
        operation = life.firewalls.insert_unary(project=life.project, firewall_resource=life.rule())
        current = life.operations.get(project=life.project, operation=operation.name)
        assert current.status == compute_v1.Operation.Status.RUNNING
    life.done(operation)
    again = life.operations.get(project=life.project, operation=operation.name)
    assert again.progress == 100
    assert again.target_link.endswith(f"/projects/{life.project}/global/firewalls/{RULE}")


def test_a_name_is_taken_once(life: Life) -> None:
    life.done(life.firewalls.insert_unary(project=life.project, firewall_resource=life.rule()))
    with pytest.raises(exceptions.Conflict) as refusal:
        life.firewalls.insert_unary(project=life.project, firewall_resource=life.rule())
    assert "already exists" in refusal.value.message


def test_a_repeated_request_is_dropped(life: Life) -> None:
    request = {"project": life.project, "firewall_resource": life.rule(), "request_id": str(uuid.uuid4())}
    first, second = (life.firewalls.insert_unary(request=request) for _ in range(2))
    assert first.name == second.name
    life.done(second)


def test_lists_with_filters(life: Life, rest: Rest) -> None:
    rest.cluster("central")
    names = [rule.name for rule in life.firewalls.list(project=life.project)]
    assert {"default-allow-internal", "default-allow-ssh"} <= set(names)
    request = {"project": life.project, "filter": "name eq ^gke-central-[0-9a-f]{8}-all$"}
    assert len(list(life.firewalls.list(request=request))) == 1
    link = f"https://www.googleapis.com/compute/v1/projects/{life.project}/global/networks/default"
    paged: dict[str, Any] = {
        "project": life.project,
        "filter": f'(network = "{link}") AND (priority != 65534)',
        "max_results": 2,
    }
    found = [rule.name for rule in life.firewalls.list(request=paged)]
    assert sorted(name.rpartition("-")[2] for name in found) == ["all", "exkubelet", "inkubelet", "vms"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"priority": 70000}, "priority"),
        ({"source_ranges": ["10.0.0.0/33"]}, "sourceRanges"),
        ({"source_ranges": [f"10.{i // 256}.{i % 256}.0/24" for i in range(1025)]}, "sourceRanges"),
        ({"target_tags": [f"tag-{i}" for i in range(71)]}, "targetTags"),
        ({"name": "No_Name"}, "resource.name"),
        ({"allowed": []}, "allowed"),
    ],
)
def test_bad_rules_are_refused(life: Life, changes: dict[str, Any], word: str) -> None:
    with pytest.raises(exceptions.BadRequest) as refusal:
        life.firewalls.insert_unary(project=life.project, firewall_resource=life.rule(**changes))
    assert word in refusal.value.message


def test_a_custom_network_and_its_subnet(life: Life, emulator: Emulator) -> None:
    network = compute_v1.Network(name="vpc", auto_create_subnetworks=False)
    life.done(life.networks.insert_unary(project=life.project, network_resource=network))
    subnet = compute_v1.Subnetwork(
        name="nodes",
        network=f"projects/{life.project}/global/networks/vpc",
        ip_cidr_range="10.200.0.0/22",
        secondary_ip_ranges=[{"range_name": "pods", "ip_cidr_range": "10.60.0.0/16"}],
    )
    life.subnetworks.insert_unary(project=life.project, region="us-central1", subnetwork_resource=subnet)
    found = life.subnetworks.get(project=life.project, region="us-central1", subnetwork="nodes")
    assert found.secondary_ip_ranges[0].range_name == "pods"
    every = dict(life.subnetworks.aggregated_list(project=life.project))
    assert len(every["regions/us-central1"].subnetworks) == 2
    life.subnetworks.delete_unary(project=life.project, region="us-central1", subnetwork="nodes")
    life.done(life.networks.delete_unary(project=life.project, network="vpc"))
    assert [network.name for network in life.networks.list(project=life.project)] == ["default"]


def test_the_node_tag_is_found_through_the_instance_group(life: Life, rest: Rest) -> None:
    cluster = rest.cluster("central", locations=["us-central1-a", "us-central1-b"])
    url = cluster["nodePools"][0]["instanceGroupUrls"][1]
    zone, name = url.split("/")[-3], url.split("/")[-1]
    manager = life.managers.get(project=life.project, zone=zone, instance_group_manager=name)
    assert (manager.target_size, manager.self_link) == (1, url)
    template = life.templates.get(project=life.project, instance_template=manager.instance_template.rpartition("/")[2])
    tag = template.properties.tags.items[0]
    rule = next(rule for rule in life.firewalls.list(project=life.project) if rule.name.endswith("-all"))
    assert list(rule.target_tags) == [tag]
    assert tag.startswith("gke-central-") and tag.endswith("-node")
    assert list(rule.source_ranges) == [cluster["clusterIpv4Cidr"]]
