# SPDX-License-Identifier: GPL-3.0-or-later
"""The mesh's rules: what they must be, what is drift, and what is never done."""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.firewall_rule import (
    Rule,
    Side,
    Style,
    drift,
    is_ours,
    managed,
    marker,
    plan,
    rules,
)
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import Vpc
from hypothesis import given
from hypothesis import strategies as st

STYLE = Style("fw", 900, ("tcp", "udp", "icmp", "esp", "ah", "sctp"), 256)
VPC = Vpc("p", "default")
SIDE = Side(VPC, frozenset({"10.8.0.0/14", "10.4.0.0/14"}), frozenset({"mesh"}))
KEY = ("p", "fw")


def one(style: Style = STYLE, side: Side = SIDE) -> Rule:
    (rule,) = rules(style, [side]).values()
    return rule


def reported(**changes: Any) -> Rule:
    """The rule as Compute reports it, in its own spelling."""
    rule = one()
    return {
        **rule,
        "id": "123",
        "kind": "compute#firewall",
        "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/default",
        "sourceRanges": list(reversed(rule["sourceRanges"])),
        "allowed": [{"IPProtocol": entry["IPProtocol"].upper()} for entry in reversed(rule["allowed"])],
        "logConfig": {"enable": False},
        **changes,
    }


def test_the_rule_of_the_walkthrough_for_the_meshs_own_clusters() -> None:
    assert one() == {
        "name": "fw",
        "description": f"{marker('fw')} pods of the mesh's clusters reach its nodes",
        "network": "projects/p/global/networks/default",
        "direction": "INGRESS",
        "priority": 900,
        "disabled": False,
        "sourceRanges": ["10.4.0.0/14", "10.8.0.0/14"],
        "targetTags": ["mesh"],
        "allowed": [{"IPProtocol": name} for name in ("tcp", "udp", "icmp", "esp", "ah", "sctp")],
        "logConfig": {"enable": False},
    }


def test_ports() -> None:
    assert one(Style("fw", 900, ("TCP:15012, 15017", "icmp"), 9))["allowed"] == [
        {"IPProtocol": "tcp", "ports": ["15012", "15017"]},
        {"IPProtocol": "icmp"},
    ]


@pytest.mark.parametrize(
    ("side", "part"),
    [
        (Side(VPC, frozenset(), frozenset({"t"})), "admit everybody"),
        (Side(VPC, frozenset({"10.0.0.0/8"}), frozenset()), "open every machine"),
        (Side(VPC, frozenset({"0.0.0.0/0"}), frozenset({"t"})), "whole internet"),
        (Side(VPC, frozenset({"::/0"}), frozenset({"t"})), "whole internet"),
    ],
)
def test_what_is_never_made(side: Side, part: str) -> None:
    with pytest.raises(MeshError, match=part):
        rules(STYLE, [side])


def test_lists_beyond_the_limits_are_spread_over_numbered_rules() -> None:
    sources = frozenset(f"10.{n}.0.0/16" for n in range(5))
    tags = frozenset(f"t{n:03}" for n in range(71))
    found = rules(Style("fw", 900, ("tcp",), 2), [Side(VPC, sources, tags)])
    assert [name for _, name in found] == ["fw", "fw-2", "fw-3", "fw-4", "fw-5", "fw-6"]
    pairs = {(source, tag) for rule in found.values() for source in rule["sourceRanges"] for tag in rule["targetTags"]}
    assert pairs == {(source, tag) for source in sources for tag in tags}
    assert all(len(rule["sourceRanges"]) <= 2 and len(rule["targetTags"]) <= 70 for rule in found.values())


def test_each_network_has_its_rule_in_its_project() -> None:
    other = Side(Vpc("host", "shared"), frozenset({"10.12.0.0/14"}), frozenset({"mesh"}))
    found = rules(STYLE, [SIDE, other])
    assert {project for project, _ in found} == {"p", "host"}
    assert len({name for _, name in found}) == 2 and all(name.startswith("fw-") for _, name in found)


def test_the_other_ip_family_has_a_rule_of_its_own() -> None:
    found = rules(STYLE, [Side(VPC, frozenset({"10.4.0.0/14", "fd20::/64"}), frozenset({"mesh"}))])
    six = found["p", "fw-ipv6"]
    assert six["sourceRanges"] == ["fd20::/64"]
    assert {"IPProtocol": "58"} in six["allowed"] and {"IPProtocol": "icmp"} not in six["allowed"]


def test_private_control_planes_reach_the_webhooks_and_nothing_else() -> None:
    side = Side(VPC, SIDE.sources, SIDE.targets, frozenset({"172.16.0.0/28"}))
    rule = rules(STYLE, [side])["p", "fw-webhooks"]
    assert (rule["sourceRanges"], rule["allowed"]) == (["172.16.0.0/28"], [{"IPProtocol": "tcp", "ports": ["15017"]}])


def test_long_names_stay_within_the_limit() -> None:
    style = Style("a" * 63, 900, ("tcp",), 1)
    names = [name for _, name in rules(style, [SIDE])]
    assert all(len(name) <= 63 for name in names) and len(set(names)) == 2


def test_another_spelling_is_no_drift() -> None:
    assert drift(one(), reported()) == []
    assert drift(one(), {key: value for key, value in reported().items() if key not in ("disabled", "logConfig")}) == []


DRIFT: list[tuple[dict[str, Any], list[str]]] = [
    ({"sourceRanges": ["10.4.0.0/14", "10.8.0.0/14", "0.0.0.0/0"]}, ["sourceRanges"]),
    ({"sourceRanges": ["10.4.0.0/14"]}, ["sourceRanges"]),
    ({"targetTags": None}, ["targetTags"]),
    ({"targetTags": ["mesh", "bastion"]}, ["targetTags"]),
    ({"disabled": True}, ["disabled"]),
    ({"priority": 1000}, ["priority"]),
    ({"allowed": [{"IPProtocol": "all"}]}, ["allowed"]),
    ({"allowed": [{"IPProtocol": "tcp", "ports": ["80"]}]}, ["allowed"]),
    ({"sourceTags": ["web"]}, ["sourceTags"]),
    ({"targetServiceAccounts": ["a@b"]}, ["targetServiceAccounts"]),
    ({"logConfig": {"enable": True}}, ["logConfig"]),
    ({"network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/other"}, ["network"]),
    ({"direction": "EGRESS"}, ["direction"]),
]


@pytest.mark.parametrize(("changes", "found"), DRIFT)
def test_drift_in_both_directions(changes: dict[str, Any], found: list[str]) -> None:
    assert drift(one(), reported(**changes)) == found


def steps(present: dict[tuple[str, str], Rule], *, wanted: bool = True, adopt: bool = False) -> list[tuple[str, str]]:
    found = plan(STYLE, {KEY: one()} if wanted else {}, present, adopt=adopt)
    return [(step.verb, step.name) for step in found]


def test_what_is_done() -> None:
    assert steps({}) == [("insert", "fw")]
    assert steps({KEY: reported()}) == []
    assert steps({KEY: reported(priority=1)}) == [("patch", "fw")]
    assert steps({KEY: reported(direction="EGRESS")}) == [("delete", "fw"), ("insert", "fw")]
    assert steps({KEY: reported(denied=[{"IPProtocol": "tcp"}], allowed=None)}) == [("delete", "fw"), ("insert", "fw")]
    assert steps({KEY: reported()}, wanted=False) == [("delete", "fw")]
    assert steps({}, wanted=False) == []


def test_a_patch_sends_every_managed_list() -> None:
    (step,) = plan(STYLE, {KEY: one()}, {KEY: reported(priority=1)})
    assert step.body == one()


def test_a_patch_empties_lists_that_somebody_added() -> None:
    (step,) = plan(STYLE, {KEY: one()}, {KEY: reported(targetServiceAccounts=["a@p.iam.gserviceaccount.com"])})
    assert step.body["targetServiceAccounts"] == []
    assert "sourceTags" not in step.body


def test_a_protocol_named_twice_is_one() -> None:
    twice = Style("fw", 900, ("tcp:80,80,443", "TCP: 443, 80", "icmp", "icmp"), 9)
    assert one(twice)["allowed"] == [{"IPProtocol": "tcp", "ports": ["80", "443"]}, {"IPProtocol": "icmp"}]


def test_the_diff_shows_what_somebody_added() -> None:
    assert managed(reported(sourceTags=["bastion"]))["sourceTags"] == ["bastion"]


def test_what_is_no_longer_needed_goes_after_what_is_needed_has_come() -> None:
    old = reported(name="fw-2")
    assert steps({("p", "fw-2"): old}) == [("insert", "fw"), ("delete", "fw-2")]


@pytest.mark.parametrize("wanted", [True, False])
def test_a_rule_of_somebody_else_is_never_touched(wanted: bool) -> None:
    foreign = reported(description="by hand")
    with pytest.raises(MeshError, match="did not make it"):
        steps({KEY: foreign}, wanted=wanted)
    assert steps({KEY: foreign}, wanted=wanted, adopt=True) == [("patch" if wanted else "delete", "fw")]
    assert steps({KEY: reported(), ("p", "fw-x"): reported(name="fw-x", description="")}) == []
    assert steps({("p", "fw-x"): reported(name="fw-x", description=marker("fw-x"))}, wanted=False) == []


def test_a_mark_is_of_one_mesh_rule_only() -> None:
    assert is_ours({"description": f"{marker('fw')} x"}, "fw")
    assert not is_ours({"description": f"{marker('fw-2')} x"}, "fw")
    assert not is_ours({}, "fw")


@given(st.randoms(use_true_random=False))
def test_order_and_spelling_are_never_drift(chance: random.Random) -> None:
    rule = one()
    have = reported(
        sourceRanges=chance.sample(rule["sourceRanges"], len(rule["sourceRanges"])),
        allowed=chance.sample(rule["allowed"], len(rule["allowed"])),
    )
    assert drift(rule, have) == [] and managed(have) == managed(rule)


RULES = st.fixed_dictionaries(
    {},
    optional={
        "priority": st.integers(0, 65535),
        "disabled": st.booleans(),
        "sourceRanges": st.lists(st.sampled_from(["10.4.0.0/14", "10.8.0.0/14", "0.0.0.0/0"]), unique=True),
        "targetTags": st.lists(st.sampled_from(["mesh", "x"]), unique=True),
        "allowed": st.lists(
            st.sampled_from([{"IPProtocol": "tcp"}, {"IPProtocol": "tcp", "ports": ["1"]}]), max_size=2
        ),
        "direction": st.sampled_from(["INGRESS", "EGRESS"]),
    },
)


@given(RULES)
def test_a_plan_carried_out_leaves_nothing_to_plan(changes: dict[str, Any]) -> None:
    present = {KEY: reported(**changes), ("p", "fw-9"): reported(name="fw-9")}
    wanted = {KEY: one()}
    for step in plan(STYLE, wanted, present):
        if step.verb == "delete":
            del present[step.project, step.name]
        else:
            present[step.project, step.name] = {**present.get((step.project, step.name), {}), **step.body}
    assert plan(STYLE, wanted, present) == []
    assert managed(present[KEY]) == managed(one())


TAGS = st.frozensets(st.sampled_from(["t1", "t2"]), min_size=1)
OCTETS = st.frozensets(st.integers(0, 30), min_size=1, max_size=14)


def open_ways(rules: Iterable[Rule]) -> set[tuple[str, str]]:
    """From which range to which tag anything gets."""
    return {(source, tag) for rule in rules for source in rule["sourceRanges"] for tag in rule["targetTags"]}


@given(first=OCTETS, then=OCTETS, tags=TAGS, other_tags=TAGS, most=st.integers(1, 4), then_most=st.integers(1, 4))
def test_a_way_that_stays_open_is_open_after_every_single_write(
    first: frozenset[int],
    then: frozenset[int],
    tags: frozenset[str],
    other_tags: frozenset[str],
    most: int,
    then_most: int,
) -> None:
    def all_rules(octets: frozenset[int], size: int, targets: frozenset[str]) -> dict[tuple[str, str], Rule]:
        sources = frozenset(f"10.{one}.0.0/16" for one in octets)
        return rules(Style("fw", 900, ("tcp",), size), [Side(VPC, sources, targets)])

    present, wanted = all_rules(first, most, tags), all_rules(then, then_most, other_tags)
    kept = open_ways(present.values()) & open_ways(wanted.values())
    for step in plan(Style("fw", 900, ("tcp",), then_most), wanted, present):
        if step.verb == "delete":
            del present[step.project, step.name]
        else:
            present[step.project, step.name] = step.body
        assert kept <= open_ways(present.values())
    assert present == wanted


def test_a_range_that_moves_to_the_next_rule_is_there_before_it_leaves() -> None:
    two = Style("fw", 900, ("tcp",), 2)

    def some(*octets: int) -> dict[tuple[str, str], Rule]:
        return rules(two, [Side(VPC, frozenset(f"10.{one}.0.0/16" for one in octets), frozenset({"t"}))])

    grown = [(step.verb, step.name) for step in plan(two, some(1, 2, 3, 4, 5), some(2, 3, 4, 5))]
    assert grown == [("insert", "fw-3"), ("patch", "fw-2"), ("patch", "fw")]
    shrunk = [(step.verb, step.name) for step in plan(two, some(2, 3, 4, 5), some(1, 2, 3, 4, 5))]
    assert shrunk == [("patch", "fw"), ("patch", "fw-2"), ("delete", "fw-3")]


def test_what_is_made_anew_is_deleted_first() -> None:
    denied = reported(denied=[{"IPProtocol": "tcp"}], allowed=None)
    assert steps({KEY: denied, ("p", "fw-2"): reported(name="fw-2")}) == [
        ("delete", "fw"), ("insert", "fw"), ("delete", "fw-2"),
    ]  # fmt: skip
