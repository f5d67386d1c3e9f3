# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh's firewall rule among people, quotas, limits and other controllers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import FIREWALLS, RULE, ZONE, Cloud, refusal

MANAGERS = "/instanceGroupManagers/"
OURS = f"mcistio.gke mesh_firewall {RULE}: pods of the mesh's clusters reach its nodes"
MEMBERS = [{"name": "c", "location": ZONE}, {"name": "d", "location": "us-west1-a"}]


@pytest.fixture
def mesh(cloud: Cloud) -> Cloud:
    """Two clusters whose nodes carry the mesh's tag, without a rule."""
    for member in MEMBERS:
        cloud.cluster(**member, node_tags=["mesh-node"])
    return cloud


def _rule(name: str = RULE, description: str = OURS, network: str = "default", **more: object) -> JSON:
    rule: JSON = {
        "name": name,
        "description": description,
        "network": f"global/networks/{network}",
        "sourceRanges": ["192.0.2.0/24"],
        "allowed": [{"IPProtocol": "tcp"}],
    }
    return rule | more


def _managed(cloud: Cloud, project: str = "") -> JSON:
    rule = cloud.rule(project=project)
    assert rule is not None
    return {key: value for key, value in rule.items() if key not in ("id", "creationTimestamp", "selfLink")}


def test_31_pod_ranges_that_overlap(mesh: Cloud) -> None:
    theirs = mesh.at().get()["clusterIpv4Cidr"]
    policy = mesh.at("us-west1-a").get("d")["ipAllocationPolicy"] | {"clusterIpv4CidrBlock": theirs}
    mesh.edit("d", "us-west1-a", clusterIpv4Cidr=theirs, ipAllocationPolicy=policy)
    for check in (True, False):
        run = mesh.firewall(*MEMBERS, check=check).failed_with(
            f"their pod ranges overlap: {theirs} of c in us-central1-a, {theirs} of d in us-west1-a",
            "create one of the two anew with another cluster_ipv4_cidr",
        )
        assert not run.writes


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (lambda rule: {"sourceRanges": [*rule["sourceRanges"], "0.0.0.0/0"]}, "sourceRanges"),
        (lambda rule: {"sourceRanges": rule["sourceRanges"][:1]}, "sourceRanges"),
        (lambda rule: {"targetTags": []}, "targetTags"),
        (lambda rule: {"targetTags": [*rule["targetTags"], "bastion"]}, "targetTags"),
        (lambda rule: {"disabled": True}, "disabled"),
        (lambda rule: {"allowed": [*rule["allowed"], {"IPProtocol": "all"}]}, "allowed"),
        (lambda rule: {"allowed": [{"IPProtocol": "tcp", "ports": ["80"]}]}, "allowed"),
        (lambda rule: {"priority": 1200}, "priority"),
        (lambda rule: {"sourceTags": ["web"]}, "sourceTags"),
    ],
    ids=[
        "world-open", "range-removed", "tags-removed", "tag-added", "disabled", "protocol-added", "ports-narrowed",
        "priority", "source-tag",
    ],
)  # fmt: skip
def test_37_edited_by_hand(mesh: Cloud, edit: Callable[[JSON], JSON], named: str) -> None:
    mesh.firewall(*MEMBERS)
    good = _managed(mesh)
    mesh.change_rule("PATCH", f"/{RULE}", edit(good))
    spoiled = _managed(mesh)
    assert spoiled != good
    foreseen = mesh.firewall(*MEMBERS, check=True)
    assert (foreseen.result["changes"], foreseen.writes) == ([f"firewall rule {RULE}: {named}"], [])
    if named != "sourceTags":
        difference = foreseen.result["diff"]
        assert difference["before"][RULE][named] != difference["after"][RULE][named]
    run = mesh.firewall(*MEMBERS)
    assert run.result["changes"] == foreseen.result["changes"]
    assert run.writes == [f"PATCH firewalls/{RULE} 200"]
    assert _managed(mesh) == good
    assert not mesh.firewall(*MEMBERS).result["changed"]


def test_38_a_rule_on_another_network(mesh: Cloud) -> None:
    status, _ = mesh.rest.compute("POST", "global/networks", {"name": "other", "autoCreateSubnetworks": True})
    assert status == 200
    mesh.change_rule("POST", "", _rule(network="other"))
    mesh.change_rule("POST", "", _rule("mesh-of-others", "theirs", "other"))
    run = mesh.firewall(*MEMBERS)
    assert run.writes == [f"DELETE firewalls/{RULE} 200", "POST firewalls 200"]
    assert _managed(mesh)["network"].endswith("/networks/default")
    assert mesh.rule("mesh-of-others")


def test_39_a_rule_of_somebody_else(mesh: Cloud) -> None:
    mesh.change_rule("POST", "", _rule(description="by hand"))
    for options in ({}, {"state": "absent"}, {"check": True}):
        run = mesh.firewall(*MEMBERS, **options).failed_with(
            f"firewall rule {RULE} in project {mesh.project}: it is there, but this module did not make it",
            "Delete it, choose another name, or set adopt: true to take it over.",
        )
        assert not run.writes
    run = mesh.firewall(*MEMBERS, adopt=True)
    assert run.writes == [f"PATCH firewalls/{RULE} 200"]
    assert _managed(mesh)["description"] == OURS


def test_39_somebody_else_is_quicker(mesh: Cloud) -> None:
    theirs = _rule(description="by hand")
    run = mesh.firewall(*MEMBERS, on={"create in": lambda: mesh.change_rule("POST", "", theirs)})
    run.failed_with("this module did not make it")
    assert run.writes == ["POST firewalls 409"]


def test_39_another_controller_of_ours_is_quicker(mesh: Cloud) -> None:
    run = mesh.firewall(*MEMBERS, on={"create in": lambda: mesh.change_rule("POST", "", _rule())})
    assert run.writes == ["POST firewalls 409", f"PATCH firewalls/{RULE} 200"]
    assert not mesh.firewall(*MEMBERS).result["changed"]


FULL = "Quota 'FIREWALLS' exceeded.  Limit: 200.0 globally."


def test_40_quota_when_the_operation_ends(mesh: Cloud) -> None:
    mesh.fault({"operation_error": {"code": "QUOTA_EXCEEDED", "message": FULL, "http": 403}}, path=FIREWALLS)
    run = mesh.firewall(*MEMBERS).failed_with(
        f"Failed to create firewall rule {RULE} in project {mesh.project}: Quota 'FIREWALLS' exceeded. Limit: 200.0",
        "This is a quota, not a permission",
    )
    assert run.writes == ["POST firewalls 200"]
    assert mesh.rule() is None
    mesh.heal()
    assert mesh.firewall(*MEMBERS).result["changed"]


def test_40_quota_when_asked(mesh: Cloud) -> None:
    mesh.fault(refusal("PERMISSION_DENIED", FULL, reason="quotaExceeded", compute=True), method="POST", path=FIREWALLS)
    run = mesh.firewall(*MEMBERS).failed_with("This is a quota, not a permission")
    assert run.writes == ["POST firewalls 403"]


CONCURRENT = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
    "domain": "compute.googleapis.com",
}


@pytest.mark.parametrize(
    "answer",
    [
        refusal("INVALID_ARGUMENT", "The resource 'default' is not ready", reason="resourceNotReady", compute=True),
        refusal("PERMISSION_DENIED", "Rate Limit Exceeded", reason="rateLimitExceeded", compute=True),
        refusal("PERMISSION_DENIED", "Quota exceeded", reason="quotaExceeded", details=[CONCURRENT], compute=True),
    ],
    ids=["not-ready", "rate", "concurrent"],
)
def test_41_refusals_that_pass(mesh: Cloud, answer: JSON) -> None:
    mesh.fault(answer, method="POST", path=FIREWALLS, count=2)
    mesh.fault(answer, method="GET", path=FIREWALLS, count=1)
    run = mesh.firewall(*MEMBERS)
    code = answer["error"]["status"]
    assert run.writes == [f"POST firewalls {code}"] * 2 + ["POST firewalls 200"]
    assert not mesh.firewall(*MEMBERS).result["changed"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_20_a_lost_reply_to_a_rule(mesh: Cloud, when: str) -> None:
    mesh.fault({"drop": when}, method="POST", path=FIREWALLS, count=1)
    run = mesh.firewall(*MEMBERS)
    assert run.writes == ["POST firewalls 0", "POST firewalls 200"]
    assert run.result["changes"] == [f"firewall rule {RULE}: create in {mesh.project}"]
    assert not mesh.firewall(*MEMBERS).result["changed"]


@pytest.fixture
def shared(cloud: Cloud) -> tuple[Cloud, str]:
    """A cluster on the network of a host project, and that project."""
    host = f"h-{cloud.project}"[:30].rstrip("-")
    cloud.cluster(
        network=f"projects/{host}/global/networks/default",
        subnetwork=f"projects/{host}/regions/us-central1/subnetworks/default",
        node_tags=["mesh-node"],
    )
    return cloud, host


def test_42_shared_vpc(shared: tuple[Cloud, str]) -> None:
    cloud, host = shared
    run = cloud.firewall()
    assert run.result["rules"][0]["project"] == host
    assert cloud.rule(project=host)
    assert cloud.rule() is None


def test_42_removed_from_the_host_project(shared: tuple[Cloud, str]) -> None:
    cloud, host = shared
    cloud.firewall()
    assert cloud.firewall(state="absent").writes == [f"DELETE firewalls/{RULE} 200"]
    assert cloud.rule(project=host) is None


def test_42_removed_from_the_host_project_when_the_clusters_are_gone(shared: tuple[Cloud, str]) -> None:
    cloud, host = shared
    cloud.firewall()
    cloud.lose()
    assert not cloud.firewall(state="absent").writes  # nobody tells any more where the rule is
    assert cloud.firewall(state="absent", network_project=host).writes == [f"DELETE firewalls/{RULE} 200"]
    assert cloud.rule(project=host) is None


def test_42_no_rights_in_the_host_project(shared: tuple[Cloud, str]) -> None:
    cloud, host = shared
    message = f"Required 'compute.firewalls.create' permission for 'projects/{host}/global/firewalls/{RULE}'"
    cloud.fault(refusal("PERMISSION_DENIED", message, compute=True), method="POST", path=FIREWALLS)
    run = cloud.firewall().failed_with(
        f"Failed to create firewall rule {RULE} in project {host}: {message}",
        f"Grant compute.firewalls.create (it is in roles/compute.securityAdmin) on project {host} to the account",
    )
    assert run.writes == ["POST firewalls 403"]


def test_43_more_ranges_than_a_rule_takes(mesh: Cloud) -> None:
    extra = [f"192.0.2.{number}/32" for number in range(0, 250, 2)]
    run = mesh.firewall(*MEMBERS, extra_source_ranges=extra, max_source_ranges=50)
    names = [RULE, f"{RULE}-2", f"{RULE}-3"]
    assert [rule["name"] for rule in run.result["rules"]] == names
    assert run.writes == ["POST firewalls 200"] * 3
    found = [rule for name in names if (rule := mesh.rule(name))]
    assert {len(rule["sourceRanges"]) for rule in found} == {50, 27}
    assert len({one for rule in found for one in rule["sourceRanges"]}) == len(extra) + 2
    assert all(len(rule["targetTags"]) == len(MEMBERS) for rule in found)
    again = mesh.firewall(*MEMBERS, extra_source_ranges=extra, max_source_ranges=50)
    assert not again.result["changed"]
    fewer = mesh.firewall(*MEMBERS)
    assert sorted(one.split()[0] for one in fewer.writes) == ["DELETE", "DELETE", "PATCH"]


def test_43_a_limit_lower_than_ours(mesh: Cloud) -> None:
    message = "Invalid value for field 'resource.sourceRanges': ''. Number of items exceeds the limit of 100."
    mesh.fault(refusal("INVALID_ARGUMENT", message, reason="invalid", compute=True), method="POST", path=FIREWALLS)
    run = mesh.firewall(*MEMBERS).failed_with(message, "lower max_source_ranges")
    assert run.writes == ["POST firewalls 400"]


@pytest.fixture
def untagged(cloud: Cloud) -> Cloud:
    """A cluster without the mesh's tag, whose instance groups nobody may see and whose own rule somebody deleted."""
    cloud.cluster()
    _, listed = cloud.rest.compute("GET", "global/firewalls")
    for rule in listed["items"]:
        if rule["name"].endswith("-all"):
            cloud.change_rule("DELETE", f"/{rule['name']}")
    denied = "Required 'compute.instanceGroupManagers.get' permission for 'projects/p/zones/z/instanceGroupManagers/g'"
    cloud.fault(refusal("PERMISSION_DENIED", denied, compute=True), path=MANAGERS)
    return cloud


@pytest.mark.parametrize("options", [{}, {"node_tag": "mesh-node"}], ids=["no-tag", "tag-that-is-not-there"])
def test_44_no_tag_to_be_found(untagged: Cloud, options: JSON) -> None:
    run = untagged.firewall(**options).failed_with(
        "Failed to find the nodes of cluster c: no network tag is known that all of them carry",
        "Set node_tags on the cluster (module gke_cluster) and node_tag here.",
    )
    assert not run.writes
    assert untagged.rule() is None


def test_44_gkes_own_tag_will_do(untagged: Cloud) -> None:
    untagged.heal()
    tags = untagged.firewall().result["rules"][0]["target_tags"]
    assert len(tags) == 1
    assert tags[0].startswith("gke-c-")
    assert tags[0].endswith("-node")
