# SPDX-License-Identifier: GPL-3.0-or-later
"""Module mesh_firewall from its options to its result."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import mesh_firewall
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

from tests.unit.plugins.fake_google import CENTRAL, LOCATION, Call, Script, cluster, failure, missing, pool
from tests.unit.plugins.module_utils._core.google_run import Runner

NAME = "istio-multicluster-pod-fw"
ALL = "projects/p/locations/-/clusters"
RULES = "projects/p/global/firewalls"
REFS = [{"name": "central", "location": LOCATION}, {"name": "east", "location": "us-east1-b"}]
ASKED: dict[str, Any] = {"clusters": REFS, "node_tag": "mesh1-node"}
DONE = {"name": "o", "status": "DONE"}
EMPTY = Call("GET", RULES)


def member(name: str, location: str, pods: str, **more: Any) -> dict[str, Any]:
    policy = {"clusterIpv4CidrBlock": pods}
    pools = [pool(networkConfig={"podIpv4CidrBlock": pods})]
    return cluster(name, location=location, ipAllocationPolicy=policy, **{"nodePools": pools, **more})


CENTRAL_CLUSTER = member("central", LOCATION, "10.4.0.0/14")
EAST = member("east", "us-east1-b", "10.8.0.0/14")
BOTH = Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER, EAST]})


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    return Runner(mesh_firewall, monkeypatch)


def rule(run: Runner, **more: Any) -> dict[str, Any]:
    """The rule as a first run makes it and Compute reports it afterwards."""
    script = Script(BOTH, EMPTY, Call("POST", RULES, DONE), Call("GET", RULES, {"items": []}))
    script.calls.append(Call("POST", RULES, failure(400, "end of the first run")))
    with pytest.raises(MeshError):
        run(script, **ASKED)
    return script.bodies[2] | {"network": "https://www.googleapis.com/compute/v1/" + script.bodies[2]["network"]} | more


def items(*rules: dict[str, Any]) -> Call:
    return Call("GET", RULES, {"items": list(rules)})


def test_the_first_run_makes_the_rule(run: Runner) -> None:
    made = rule(run)
    script = Script(BOTH, EMPTY, Call("POST", RULES, DONE), items(made))
    result = run(script, **ASKED)
    assert result["changed"] and result["changes"] == [f"firewall rule {NAME}: create in p"]
    assert made["sourceRanges"] == ["10.4.0.0/14", "10.8.0.0/14"] and made["targetTags"] == ["mesh1-node"]
    assert (made["priority"], made["direction"]) == (900, "INGRESS")
    assert [entry["IPProtocol"] for entry in made["allowed"]] == ["tcp", "udp", "icmp", "esp", "ah", "sctp"]


def test_the_second_run_is_two_gets(run: Runner) -> None:
    result = run(Script(BOTH, items(rule(run))), **ASKED)
    assert not result["changed"] and result["diff"]["before"] == result["diff"]["after"]
    assert result["rules"][0]["source_ranges"] == ["10.4.0.0/14", "10.8.0.0/14"]


def test_check_mode_foresees_and_writes_nothing(run: Runner) -> None:
    result = run(Script(BOTH, EMPTY), check=True, **ASKED)
    assert result["changes"] == [f"firewall rule {NAME}: create in p"]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"sourceRanges": ["0.0.0.0/0"]}, "sourceRanges"),
        ({"targetTags": []}, "targetTags"),
        ({"disabled": True}, "disabled"),
        ({"priority": 1000}, "priority"),
    ],
)
def test_what_was_changed_by_hand_is_repaired(run: Runner, changes: dict[str, Any], named: str) -> None:
    made = rule(run)
    script = Script(BOTH, items(made | changes), Call("PATCH", f"{RULES}/{NAME}", DONE), items(made))
    assert run(script, **ASKED)["changes"] == [f"firewall rule {NAME}: {named}"]
    assert run(Script(BOTH, items(made | changes)), check=True, **ASKED)["changed"]


def test_before_the_clusters_are_there_check_mode_says_what_will_come(run: Runner) -> None:
    nothing = Call("GET", ALL)
    result = run(Script(nothing, EMPTY), check=True, **ASKED)
    assert result["changed"] and "central, east" in result["changes"][0]
    with pytest.raises(MeshError, match="cluster central does not exist"):
        run(Script(nothing), **ASKED)


def test_a_cluster_that_is_still_to_come_changes_the_rule_that_is_there(run: Runner) -> None:
    listed = Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER]})
    result = run(Script(listed, items(rule(run))), check=True, **ASKED)
    assert result["changes"] == [f"firewall rule {NAME}: add the pod ranges of east once they are there"]


def test_overlap_is_found_before_anything_is_written(run: Runner) -> None:
    twin = member("east", "us-east1-b", "10.4.0.0/16")
    with pytest.raises(
        MeshError, match="between central in us-central1-a and east in us-east1-b: their pod ranges overlap"
    ):
        run(Script(Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER, twin]})), **ASKED)


def test_clusters_that_share_a_secondary_range_are_opened_with_it(run: Runner) -> None:
    policy = {"clusterIpv4CidrBlock": "10.4.0.0/14", "clusterSecondaryRangeName": "pods"}
    two = [member(name, LOCATION, "10.4.0.0/14") | {"ipAllocationPolicy": policy} for name in ("central", "other")]
    refs = [{"name": name, "location": LOCATION} for name in ("central", "other")]
    script = Script(Call("GET", ALL, {"clusters": two}), EMPTY)
    result = run(script, check=True, **{**ASKED, "clusters": refs})
    assert [one["source_ranges"] for one in result["rules"]] == [["10.4.0.0/14"]]


def test_overlap_on_networks_that_do_not_meet_is_fine_unless_they_do(run: Runner) -> None:
    far = member("east", "us-east1-b", "10.4.0.0/16", networkConfig={"network": "projects/p/global/networks/far"})
    both = Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER, far]})
    result = run(Script(both, EMPTY), check=True, **ASKED)
    assert [one["network"] for one in result["rules"]] and len(result["rules"]) == 2
    with pytest.raises(MeshError, match="overlap"):
        run(Script(both), check=True, peered_networks=True, **ASKED)


def test_peered_networks_admit_the_pods_of_all(run: Runner) -> None:
    far = member("east", "us-east1-b", "10.8.0.0/14", networkConfig={"network": "projects/p/global/networks/far"})
    both = Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER, far]})
    result = run(Script(both, EMPTY), check=True, peered_networks=True, **ASKED)
    assert all(one["source_ranges"] == ["10.4.0.0/14", "10.8.0.0/14"] for one in result["rules"])


def test_shared_vpc_rules_are_in_the_host_project(run: Runner) -> None:
    shared = {"network": "projects/host/global/networks/shared"}
    one = Call("GET", CENTRAL, member("central", LOCATION, "10.4.0.0/14", networkConfig=shared))
    script = Script(one, Call("GET", "projects/host/global/firewalls"))
    result = run(script, check=True, **{**ASKED, "clusters": REFS[:1]})
    assert (result["rules"][0]["project"], result["rules"][0]["network"]) == ("host", "shared")


def test_ranges_known_by_name_and_those_of_nodes_are_read_from_the_subnetwork(run: Runner) -> None:
    policy = {"clusterIpv4CidrBlock": "10.4.0.0/14", "additionalPodRangesConfig": {"podRangeNames": ["more"]}}
    one = member("central", LOCATION, "10.4.0.0/14") | {"ipAllocationPolicy": policy}
    path = "projects/p/regions/us-central1/subnetworks/default"
    subnet = {
        "ipCidrRange": "10.128.0.0/20",
        "secondaryIpRanges": [{"rangeName": "more", "ipCidrRange": "10.200.0.0/16"}],
    }
    read = Call("GET", path, subnet)
    params = {**ASKED, "clusters": REFS[:1], "node_ranges": True, "extra_source_ranges": ["192.168.0.0/24"]}
    result = run(Script(Call("GET", CENTRAL, one), read, EMPTY), check=True, **params)
    assert result["rules"][0]["source_ranges"] == ["10.4.0.0/14", "10.128.0.0/20", "10.200.0.0/16", "192.168.0.0/24"]
    unknown = Call("GET", path, {"ipCidrRange": "10.128.0.0/20"})
    with pytest.raises(MeshError, match="pod range more of cluster central"):
        run(Script(Call("GET", CENTRAL, one), unknown), check=True, **params)


def test_a_subnetwork_of_several_clusters_is_read_once(run: Runner) -> None:
    other = member("other", LOCATION, "10.8.0.0/14")
    two = Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER, other]})
    refs = [REFS[0], {"name": "other", "location": LOCATION}]
    subnet = Call("GET", "projects/p/regions/us-central1/subnetworks/default", {"ipCidrRange": "10.128.0.0/20"})
    result = run(Script(two, subnet, EMPTY), check=True, **{**ASKED, "clusters": refs, "node_ranges": True})
    assert result["rules"][0]["source_ranges"] == ["10.4.0.0/14", "10.8.0.0/14", "10.128.0.0/20"]


def test_a_private_control_plane_reaches_the_webhooks(run: Runner) -> None:
    private = {"masterIpv4CidrBlock": "172.16.0.0/28", "enablePrivateNodes": True}
    one = Call("GET", CENTRAL, member("central", LOCATION, "10.4.0.0/14", privateClusterConfig=private))
    params = {**ASKED, "clusters": REFS[:1]}
    rules = {rule["name"]: rule for rule in run(Script(one, EMPTY), check=True, **params)["rules"]}
    assert rules[f"{NAME}-webhooks"]["protocols"] == ["tcp:15017"]
    assert len(run(Script(one, EMPTY), check=True, webhooks=False, **params)["rules"]) == 1


def test_another_controller_made_it_first(run: Runner) -> None:
    made = rule(run)
    exists = failure(409, f"The resource 'projects/p/global/firewalls/{NAME}' already exists", "alreadyExists")
    assert not run(Script(BOTH, EMPTY, Call("POST", RULES, exists), items(made)), **ASKED)["changed"]


def test_another_controller_removed_it_meanwhile(run: Runner) -> None:
    made = rule(run)
    gone = failure(404, f"The resource 'projects/p/global/firewalls/{NAME}' was not found", "notFound")
    script = Script(
        BOTH, items(made | {"priority": 1}), Call("PATCH", f"{RULES}/{NAME}", gone), EMPTY,
        Call("POST", RULES, DONE), items(made),
    )  # fmt: skip
    assert run(script, **ASKED)["changes"] == [f"firewall rule {NAME}: create in p"]


EXISTS = failure(409, f"The resource 'projects/p/global/firewalls/{NAME}' already exists", "alreadyExists")
THERE = {"code": "RESOURCE_ALREADY_EXISTS", "message": f"'projects/p/global/firewalls/{NAME}' already exists"}
TOO_LATE = {**DONE, "error": {"errors": [THERE]}, "httpErrorStatusCode": 409, "httpErrorMessage": "CONFLICT"}


@pytest.mark.parametrize("answer", [EXISTS, TOO_LATE], ids=["at-once", "by-the-operation"])
def test_a_rule_that_another_controller_takes_long_to_make_is_waited_for(run: Runner, answer: Any) -> None:
    made = rule(run)
    refused = [Call("POST", RULES, answer), EMPTY] * 12
    result = run(Script(BOTH, EMPTY, *refused, Call("POST", RULES, answer), items(made)), **ASKED)
    assert (result["changed"], result["changes"]) == (False, [])


def test_a_rule_that_is_said_to_exist_and_never_shows_is_named_in_the_end(run: Runner) -> None:
    with pytest.raises(MeshError, match=f"Failed to create firewall rule {NAME} in project p.*already exists"):
        run(Script(BOTH, EMPTY, *[Call("POST", RULES, EXISTS), EMPTY] * 200), **ASKED)


def test_what_is_put_right_twice_is_told_once(run: Runner) -> None:
    made = rule(run)
    spoiled, patched = items(made | {"priority": 1}), Call("PATCH", f"{RULES}/{NAME}", DONE)
    result = run(Script(BOTH, spoiled, patched, spoiled, patched, items(made)), **ASKED)
    assert result["changes"] == [f"firewall rule {NAME}: priority"]


def test_a_fight_over_the_rule_ends(run: Runner) -> None:
    made = rule(run)
    fight = [Call("PATCH", f"{RULES}/{NAME}", DONE), items(made | {"priority": 1})] * mesh_firewall.MOST_ROUNDS
    with pytest.raises(MeshError, match="somebody else keeps changing it"):
        run(Script(BOTH, items(made | {"priority": 1}), *fight), **ASKED)


def test_taking_a_rule_over_is_seen_in_the_diff_even_if_only_the_mark_is_new(run: Runner) -> None:
    made = rule(run)
    theirs = items(made | {"description": "by hand"})
    result = run(Script(BOTH, theirs), check=True, adopt=True, **ASKED)
    assert result["changes"] == [f"firewall rule {NAME}: description"]
    before, after = result["diff"]["before"][NAME], result["diff"]["after"][NAME]
    assert {key for key in after if before[key] != after[key]} == {"description"}
    with pytest.raises(MeshError, match="did not make it"):
        run(Script(BOTH, theirs), check=True, **ASKED)


def test_absent_works_when_the_clusters_are_gone(run: Runner) -> None:
    made = rule(run)
    script = Script(Call("GET", ALL), items(made), Call("DELETE", f"{RULES}/{NAME}", DONE), EMPTY)
    assert run(script, **{**ASKED, "state": "absent"})["changes"] == [f"firewall rule {NAME}: delete from p"]
    assert not run(Script(EMPTY), state="absent")["changed"]
    assert run(Script(items(made)), check=True, state="absent")["changed"]


def test_clusters_that_are_not_gkes_are_left_out_with_a_word(run: Runner) -> None:
    refs = [REFS[0], {"name": "onprem", "kubeconfig": "/k"}]
    one = Call("GET", CENTRAL, CENTRAL_CLUSTER)
    assert "onprem" in run(Script(one, EMPTY), check=True, **{**ASKED, "clusters": refs})["warnings"][0]


@pytest.mark.parametrize(
    ("params", "part"),
    [
        ({"clusters": []}, "no clusters were given"),
        ({"name": "Rule"}, "not allowed"),
        ({"priority": 70000}, "priority"),
        ({"protocols": ["tcp:http"]}, "no protocol"),
        ({"protocols": []}, "no protocols"),
        ({"extra_source_ranges": ["everyone"]}, "extra_source_ranges"),
        ({"max_source_ranges": 0}, "at least 1"),
    ],
)
def test_bad_input_is_one_clear_line_before_any_call(run: Runner, params: dict[str, Any], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        run(Script(), **{**ASKED, **params})


def test_a_source_as_wide_as_the_internet_is_refused(run: Runner) -> None:
    with pytest.raises(MeshError, match="whole internet"):
        run(Script(BOTH), **{**ASKED, "extra_source_ranges": ["0.0.0.0/0"]})


def test_a_missing_cluster_points_to_its_namesake(run: Runner) -> None:
    other = Call("GET", ALL, {"clusters": [CENTRAL_CLUSTER, member("east", "us-east1-c", "10.8.0.0/14")]})
    with pytest.raises(MeshError, match=r"Did you mean east in us-east1-c\?"):
        run(Script(other), **ASKED)


def test_one_that_vanished_is_an_error_and_not_a_traceback(run: Runner) -> None:
    with pytest.raises(MeshError, match="does not exist"):
        run(Script(Call("GET", CENTRAL, missing()), Call("GET", ALL, {})), **{**ASKED, "clusters": REFS[:1]})
