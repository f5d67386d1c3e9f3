# SPDX-License-Identifier: GPL-3.0-or-later
"""From Compute firewall resources to nftables: what would be let through, and in which order it is decided."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import Any

import pytest

from gkelab.world.firewall import Instance, Master, RegionalFrontend, Vpc, ruleset

CENTRAL = Instance("gln0x0", "10.128.0.2", "default", "us-central1", ("gke-central-aa-node", "mesh"))
EAST = Instance("gln1x0", "10.142.0.2", "default", "us-east1", ("gke-east-bb-node", "mesh"))
FOREIGN = Instance("gln2x0", "10.9.0.2", "other", "us-east1", ("mesh",))
MASTER = Master("glc0", "198.18.0.2", "us-central1", ("10.128.0.2",), ("10.0.0.0/17",))


def vpc(
    *rules: dict[str, Any],
    instances: tuple[Instance, ...] = (CENTRAL, EAST),
    frontends: tuple[RegionalFrontend, ...] = (),
) -> Vpc:
    return Vpc([MASTER], instances, rules, frontends, 7480)


def rule(**fields: Any) -> dict[str, Any]:
    """A rule that lets TCP from one range in to everything, changed by `fields`; None removes one."""
    whole = {
        "name": "r",
        "network": "https://www.googleapis.com/compute/v1/projects/p/global/networks/default",
        "priority": 1000,
        "direction": "INGRESS",
        "disabled": False,
        "sourceRanges": ["10.0.0.0/17"],
        "allowed": [{"IPProtocol": "tcp"}],
        **fields,
    }
    return {name: value for name, value in whole.items() if value is not None}


def chain(text: str, name: str) -> list[str]:
    """The lines of one chain, stripped, without hook and comments."""
    body = text.split(f"  chain {name} {{\n", 1)[1].split("  }\n", 1)[0]
    lines = [line.strip().split(" comment ")[0] for line in body.splitlines()]
    return [line for line in lines if line and not line.startswith("type ")]


BOTH = '{ "gln0x0", "gln1x0" }'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} meta l4proto 6 accept", id="no-tag-means-all"),
        pytest.param(
            {"targetTags": ["gke-east-bb-node"]},
            'oifname { "gln1x0" } ip saddr { 10.0.0.0/17 } meta l4proto 6 accept',
            id="target-tag",
        ),
        pytest.param(
            {"targetTags": ["gke-east-bb-node", "mesh", "unused"]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} meta l4proto 6 accept",
            id="any-of-the-target-tags",
        ),
        pytest.param({"targetTags": ["unused"]}, None, id="tag-of-nobody"),
        pytest.param({"targetServiceAccounts": ["a@p"]}, None, id="service-account-matches-nothing"),
        pytest.param({"disabled": True}, None, id="disabled"),
        pytest.param({"network": "global/networks/other"}, None, id="another-network"),
        pytest.param(
            {"sourceRanges": ["0.0.0.0/0"]}, f"oifname {BOTH} meta l4proto 6 accept", id="anywhere-needs-no-match"
        ),
        pytest.param({"sourceRanges": None}, f"oifname {BOTH} meta l4proto 6 accept", id="no-source-means-anywhere"),
        pytest.param(
            {"sourceRanges": ["10.0.0.0/8", "10.4.0.0/14", "192.168.0.0/24", "192.168.1.0/24"]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/8, 192.168.0.0/23 }} meta l4proto 6 accept",
            id="overlaps-merged",
        ),
        pytest.param(
            {"sourceRanges": ["fd00::/8", "10.1.0.0/16"]},
            f"oifname {BOTH} ip saddr {{ 10.1.0.0/16 }} meta l4proto 6 accept",
            id="ipv6-left-out",
        ),
        pytest.param({"sourceRanges": ["fd00::/8"]}, None, id="only-ipv6-matches-nothing"),
        pytest.param(
            {"sourceRanges": None, "sourceTags": ["gke-east-bb-node"]},
            f"oifname {BOTH} ip saddr {{ 10.142.0.2/32 }} meta l4proto 6 accept",
            id="source-tag-is-node-address",
        ),
        pytest.param(
            {"sourceTags": ["gke-east-bb-node"]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17, 10.142.0.2/32 }} meta l4proto 6 accept",
            id="source-tag-or-range",
        ),
        pytest.param({"sourceRanges": None, "sourceTags": ["nobody"]}, None, id="source-tag-of-nobody"),
        pytest.param({"sourceRanges": None, "sourceServiceAccounts": ["a@p"]}, None, id="source-account"),
        pytest.param(
            {"destinationRanges": ["10.128.8.10/32"]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} ip daddr {{ 10.128.8.10/32 }} meta l4proto 6 accept",
            id="destination",
        ),
        pytest.param(
            {"allowed": [{"IPProtocol": "tcp", "ports": ["443", "8000-8010"]}]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} tcp dport {{ 443, 8000-8010 }} accept",
            id="ports",
        ),
        pytest.param(
            {"allowed": [{"IPProtocol": "udp", "ports": ["53", "50-60", "61"]}]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} udp dport {{ 50-61 }} accept",
            id="ports-merged",
        ),
        pytest.param(
            {"allowed": [{"IPProtocol": "132", "ports": ["9"]}]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} sctp dport {{ 9 }} accept",
            id="protocol-by-number-with-port",
        ),
        pytest.param(
            {"allowed": [{"IPProtocol": "all"}]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} accept",
            id="all-protocols",
        ),
        pytest.param(
            {"allowed": None, "denied": [{"IPProtocol": "all"}]},
            f"oifname {BOTH} ip saddr {{ 10.0.0.0/17 }} drop",
            id="denied",
        ),
        pytest.param({"allowed": [{"IPProtocol": "nonsense"}]}, None, id="unknown-protocol"),
    ],
)
def test_one_rule(fields: dict[str, Any], expected: str | None) -> None:
    assert chain(ruleset(vpc(rule(**fields))), "ingress-0") == ([expected] if expected else [])


def test_the_six_protocols_of_the_mesh_rule() -> None:
    protocols = [{"IPProtocol": name} for name in ("tcp", "udp", "icmp", "esp", "ah", "sctp")]
    lines = chain(ruleset(vpc(rule(allowed=protocols))), "ingress-0")
    assert [line.split("l4proto ")[1] for line in lines] == [f"{number} accept" for number in (6, 17, 1, 50, 51, 132)]


def test_lowest_priority_number_first_and_deny_before_allow() -> None:
    rules = [
        rule(name="late", priority=65534),
        rule(name="allow", priority=900),
        rule(name="deny", priority=900, allowed=None, denied=[{"IPProtocol": "tcp"}]),
        rule(name="first", priority=0),
        rule(name="default", priority=None),
    ]
    text = ruleset(vpc(*rules))
    names = [line.split('"')[-2] for line in text.splitlines() if "l4proto" in line]
    assert names == ["first", "deny", "allow", "default", "late"]


def test_only_answers_pass_unjudged() -> None:
    """A deleted rule has to stop connections that are open, so `established` alone must not accept."""
    forward = chain(ruleset(vpc()), "forward")
    assert forward[0] == "ct direction reply ct state established accept"
    assert "ct state established,related accept" not in forward


def test_what_no_rule_lets_in_is_dropped() -> None:
    text = ruleset(vpc())
    assert "hook forward priority filter; policy drop;" in text
    assert chain(text, "ingress-0") == []


def test_everyone_reaches_an_api_server_at_443_only() -> None:
    assert 'oifname "glc0" ip daddr 198.18.0.2 tcp dport 443 accept' in chain(ruleset(vpc()), "forward")


def test_a_control_plane_reaches_its_own_cluster_and_the_token_review() -> None:
    lines = [line for line in chain(ruleset(vpc()), "forward") if line.startswith('iifname "glc0"')]
    assert lines == [
        'iifname "glc0" oifname "glhost" ip daddr 198.18.255.1 tcp dport 7480 accept',
        'iifname "glc0" ip daddr { 10.128.0.2/32 } tcp dport { 443, 10250 } accept',
        'iifname "glc0" ip daddr { 10.0.0.0/17 } accept',
    ]


def test_a_private_control_plane_reaches_what_rules_for_its_range_allow() -> None:
    private = Master("glc0", "198.18.0.2", "us-central1", ("10.128.0.2",), ("10.0.0.0/17",), "172.16.0.0/28")
    master_rule = rule(name="master", sourceRanges=["172.16.0.0/28"], targetTags=["gke-central-aa-node"])
    other_rule = rule(name="other", sourceRanges=["172.16.0.16/28"])
    text = ruleset(Vpc([private], (CENTRAL, EAST), (master_rule, other_rule), (), 7480))
    assert [line for line in chain(text, "forward") if line.startswith('iifname "glc0"')] == [
        'iifname "glc0" oifname "glhost" ip daddr 198.18.255.1 tcp dport 7480 accept'
    ]
    assert chain(text, "ingress-0") == [
        'oifname { "gln0x0" } ip saddr { 172.16.0.0/28, 198.18.0.2/32 } meta l4proto 6 accept',
        f"oifname {BOTH} ip saddr {{ 172.16.0.16/28 }} meta l4proto 6 accept",
    ]


def test_the_host_is_reached_by_control_planes_only() -> None:
    to_host = [line for line in ruleset(vpc()).splitlines() if 'oifname "glhost"' in line]
    assert all('iifname "glc0"' in line for line in to_host)


def test_networks_are_apart_but_for_external_load_balancers() -> None:
    text = ruleset(vpc(rule(network="global/networks/other"), instances=(CENTRAL, EAST, FOREIGN)))
    forward = chain(text, "forward")
    assert f'iifname {{ "gln2x0" }} oifname {BOTH} ip daddr != 198.19.0.0/16 drop' in forward
    assert f'iifname {BOTH} oifname {{ "gln2x0" }} ip daddr != 198.19.0.0/16 drop' in forward
    assert forward.index(f'iifname {{ "gln2x0" }} oifname {BOTH} ip daddr != 198.19.0.0/16 drop') < forward.index(
        f"oifname {BOTH} jump ingress-0"
    )
    assert chain(text, "ingress-0") == []
    assert len(chain(text, "ingress-1")) == 1


def test_an_internal_load_balancer_is_regional_without_global_access() -> None:
    text = ruleset(vpc(frontends=(RegionalFrontend("10.128.8.10", "us-central1"),)))
    assert 'ip daddr 10.128.8.10 iifname != { "glc0", "gln0x0" } drop' in chain(text, "forward")


def test_egress_rules_judge_at_the_sender_and_leave_ingress_to_the_receiver() -> None:
    deny = rule(
        direction="EGRESS",
        sourceRanges=None,
        destinationRanges=["10.142.0.0/20"],
        targetTags=["gke-central-aa-node"],
        allowed=None,
        denied=[{"IPProtocol": "tcp", "ports": ["25"]}],
    )
    allow = rule(direction="EGRESS", sourceRanges=None, destinationRanges=["0.0.0.0/0"], priority=500)
    text = ruleset(vpc(deny, allow))
    assert chain(text, "egress-0") == [
        f"iifname {BOTH} meta l4proto 6 return",
        'iifname { "gln0x0" } ip daddr { 10.142.0.0/20 } tcp dport { 25 } drop',
    ]
    assert chain(text, "ingress-0") == []
    assert f"iifname {BOTH} jump egress-0" in chain(text, "forward")


def test_replaced_in_one_transaction() -> None:
    assert ruleset(vpc()).startswith("table inet gkelab\ndelete table inet gkelab\ntable inet gkelab {\n")


def test_a_name_cannot_break_out_of_its_comment() -> None:
    text = ruleset(vpc(rule(name='x" drop; }' + "y" * 200)))
    (line,) = [line for line in text.splitlines() if "l4proto" in line]
    assert line.count('"') == line.split(" comment ")[0].count('"') + 2
    assert len(line.split('comment "')[1]) <= 102


def test_a_lab_without_nodes() -> None:
    text = ruleset(Vpc([Master("glc0", "198.18.0.2", "us-central1", (), ("10.0.0.0/17",))], (), [rule()], (), 7480))
    assert "ingress" not in text
    assert "{  }" not in text


@pytest.mark.skipif(not shutil.which("nft") or os.name != "posix" or os.geteuid() != 0, reason="needs nft and root")
def test_nft_takes_the_text() -> None:
    protocols = [{"IPProtocol": name} for name in ("tcp", "udp", "icmp", "esp", "ah", "sctp", "ipip", "all", "47")]
    rules = [
        rule(allowed=protocols),
        rule(allowed=None, denied=[{"IPProtocol": "sctp", "ports": ["1-5", "9"]}], sourceTags=["mesh"]),
        rule(direction="EGRESS", sourceRanges=None, destinationRanges=["10.0.0.0/8"]),
        rule(network="other"),
    ]
    everything = vpc(
        *rules, instances=(CENTRAL, EAST, FOREIGN), frontends=(RegionalFrontend("10.128.8.10", "us-central1"),)
    )
    for text in (ruleset(everything), ruleset(vpc())):
        checked = subprocess.run(
            ["unshare", "--net", "nft", "--check", "--file", "-"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stderr
