# SPDX-License-Identifier: GPL-3.0-or-later
"""mesh_firewall against Compute's rules as the lab knows them: what holds whatever is asked for or there."""

from __future__ import annotations

import copy
import ipaddress
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster, mesh_firewall
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.lab.modules.in_process import PROJECT, RANGES, Cloud

JSON = dict[str, Any]
NAME = "istio-multicluster-pod-fw"
CLUSTERS: dict[str, JSON] = {
    "central": {"location": "us-central1-a", "node_tags": ["mesh1-node"]},
    "west": {"location": "us-west1-b", "node_tags": ["mesh1-node", "web"], "cluster_ipv4_cidr": "10.32.0.0/16"},
    "shared": {
        "location": "us-central1", "network": "shared", "subnetwork": "gke", "cluster_secondary_range_name": "pods",
        "services_secondary_range_name": "services", "additional_pod_ranges": ["more-pods"],
        "node_pools": [{"name": "plain"}, {"name": "own-range", "pod_range": "even-more-pods"}],
        "private_nodes": True, "control_plane_ipv4_cidr": "172.30.0.0/28",
    },
}  # fmt: skip
"""Two on the default network, and a private one on another: without the mesh's tag, with pods in three ranges."""
VALUES: dict[str, list[Any]] = {
    "node_tag": ["mesh1-node", "web"],
    "priority": [0, 900, 65535],
    "protocols": [["tcp"], ["tcp:15012,15017", "udp"], ["tcp", "udp", "icmp", "esp", "ah", "sctp"], ["all"], ["6"]],
    "extra_source_ranges": [[], ["10.200.0.0/16"], ["10.201.0.0/16", "2001:db8::/32"]],
    "node_ranges": [False, True],
    "peered_networks": [False, True],
    "webhooks": [False, True],
    "max_source_ranges": [1, 2, 256],
    "log": [False, True],
}
"""Options with values that no two mean the same."""


@pytest.fixture(scope="module")
def shared_cloud(new_cloud: Callable[[], Cloud]) -> Iterator[Cloud]:
    """The clusters stay; each example has its own rules."""
    cloud = new_cloud()
    for name, options in CLUSTERS.items():
        made = cloud.run(gke_cluster, {"name": name, "node_count": 1, **options})
        assert not made.error, made.error
    yield cloud
    cloud.close()


@contextmanager
def fresh(cloud: Cloud) -> Iterator[Cloud]:
    """The cloud without any rule of ours, before and after."""
    rules = cloud.lab.cloud.firewalls

    def clean() -> None:
        for rule in rules.values():
            if rule["name"].startswith(NAME):
                rules.drop(f"{PROJECT}/{rule['name']}")

    clean()
    try:
        yield cloud
    finally:
        clean()


def wishes() -> st.SearchStrategy[JSON]:
    """Options of the module that ask for rules that can be had."""
    members = st.lists(st.sampled_from(sorted(CLUSTERS)), min_size=1, unique=True)
    chosen = st.lists(st.sampled_from(sorted(VALUES)), max_size=5, unique=True)
    options = chosen.flatmap(lambda some: st.fixed_dictionaries({name: st.sampled_from(VALUES[name]) for name in some}))
    return st.builds(
        lambda names, some: {
            "clusters": [{"name": name, "location": CLUSTERS[name]["location"]} for name in names], **some
        },
        members, options,
    )  # fmt: skip


def _longer(field: str, entry: Any) -> Callable[[JSON], JSON]:
    return lambda rule: {**rule, field: [*rule.get(field, []), entry]}


def _without(*fields: str, **instead: Any) -> Callable[[JSON], JSON]:
    return lambda rule: {key: value for key, value in rule.items() if key not in fields} | instead


EDITS: dict[str, Callable[[JSON], JSON]] = {
    "opened to the world": _longer("sourceRanges", "0.0.0.0/0"),
    "another range": _longer("sourceRanges", "192.0.2.0/24"),
    "no range left but one": _without(sourceRanges=["192.0.2.0/24"]),
    "every machine of the network": _without("targetTags"),
    "another tag": _longer("targetTags", "bastion"),
    "disabled": _without(disabled=True),
    "another protocol": _longer("allowed", {"IPProtocol": "ipip"}),
    "fewer protocols": _without(allowed=[{"IPProtocol": "tcp", "ports": ["1"]}]),
    "denied": _without("allowed", denied=[{"IPProtocol": "tcp"}]),
    "another priority": _without(priority=1234),
    "outwards": _without("sourceRanges", direction="EGRESS", destinationRanges=["10.0.0.0/8"]),
    "source tags": _longer("sourceTags", "bastion"),
    "service account": _without("targetTags", targetServiceAccounts=["a@p.iam.gserviceaccount.com"]),
    "another network": lambda rule: {**rule, "network": rule["network"].rpartition("/")[0] + "/elsewhere"},
    "our mark alone": lambda rule: {**rule, "description": rule["description"].partition(":")[0] + ": x"},
}
"""What people do by hand to a rule; the last is none of our business."""
SEEN = sorted(set(EDITS) - {"our mark alone"})


def edit(cloud: Cloud, name: str) -> None:
    """Change our first rule behind the module's back."""
    rules = cloud.lab.cloud.firewalls
    ours = sorted(rule["name"] for rule in rules.values() if rule["name"].startswith(NAME))
    key = f"{PROJECT}/{ours[0]}"
    rule = rules.get(key)
    assert rule is not None
    rules.put(key, EDITS[name](rule))


def admits_no_services(cloud: Cloud) -> bool:
    """Whether no rule of ours has a range in common with that of any cluster's Services."""
    rules = [rule for rule in cloud.lab.cloud.firewalls.values() if rule["name"].startswith(NAME)]
    ranges = [ipaddress.ip_network(text) for rule in rules for text in rule.get("sourceRanges", ())]
    services = {
        ipaddress.ip_network(cloud.cluster(name, options["location"])["body"]["servicesIpv4Cidr"])
        for name, options in CLUSTERS.items()
    }
    assert len(services) == 2, "GKE's own range and one of the subnetwork"
    return not any(one.version == 4 and one.overlaps(other) for one in ranges for other in services)


def run_twice(cloud: Cloud, wish: JSON) -> bool:
    """A prediction, the same for real, and once more: what must hold. Whether anything was changed."""
    predicted = cloud.run(mesh_firewall, wish, check_mode=True)
    assert not predicted.writes
    real = cloud.run(mesh_firewall, wish)
    assert predicted.told == real.told
    assert not real.error, real.error
    assert real.result["changed"] == bool(real.writes)
    assert admits_no_services(cloud)
    assert real.result["changed"] == (real.result["diff"]["before"] != real.result["diff"]["after"])
    again = cloud.run(mesh_firewall, wish)
    assert (again.told[:3], again.writes) == (("", False, []), [])
    assert again.result["diff"]["before"] == again.result["diff"]["after"] == real.result["diff"]["after"]
    return bool(real.result["changed"])


def test_every_range_that_pods_have_is_admitted_and_webhooks_from_the_control_plane(shared_cloud: Cloud) -> None:
    with fresh(shared_cloud) as cloud:
        made = cloud.run(mesh_firewall, {"clusters": [{"name": "shared", "location": "us-central1"}]})
        rules = {rule["name"]: rule for rule in made.result["rules"]}
    assert rules[NAME]["source_ranges"] == [RANGES["pods"], RANGES["more-pods"], RANGES["even-more-pods"]]
    webhooks = rules[f"{NAME}-webhooks"]
    assert (webhooks["source_ranges"], webhooks["protocols"]) == (["172.30.0.0/28"], ["tcp:15017"])
    assert len(rules) == 2


def test_a_network_has_a_rule_of_its_own_with_its_own_members(shared_cloud: Cloud) -> None:
    members = [{"name": name, "location": CLUSTERS[name]["location"]} for name in CLUSTERS]
    with fresh(shared_cloud) as cloud:
        rules = cloud.run(mesh_firewall, {"clusters": members, "webhooks": False}).result["rules"]
    by_network = {rule["network"]: rule["source_ranges"] for rule in rules}
    assert len(rules) == len(by_network) == 2
    assert sorted(by_network["shared"]) == [RANGES["pods"], RANGES["more-pods"], RANGES["even-more-pods"]]
    own = {
        shared_cloud.cluster(name, CLUSTERS[name]["location"])["body"]["clusterIpv4Cidr"]
        for name in ("central", "west")
    }
    assert set(by_network["default"]) == own


@given(first=wishes(), wish=wishes(), edits=st.lists(st.sampled_from(sorted(EDITS)), max_size=2))
def test_a_prediction_comes_true_and_leaves_nothing_to_do(
    shared_cloud: Cloud, first: JSON, wish: JSON, edits: list[str]
) -> None:
    with fresh(shared_cloud) as cloud:
        assert not cloud.run(mesh_firewall, first).error
        for name in edits:
            edit(cloud, name)
        run_twice(cloud, wish)
        run_twice(cloud, {**wish, "state": "absent"})


@given(wish=wishes(), name=st.sampled_from(SEEN))
def test_each_edit_by_hand_is_seen_and_repaired(shared_cloud: Cloud, wish: JSON, name: str) -> None:
    with fresh(shared_cloud) as cloud:
        assert not cloud.run(mesh_firewall, wish).error
        edit(cloud, name)
        assert run_twice(cloud, wish)


@given(wish=wishes(), data=st.data())
def test_each_other_option_is_seen(shared_cloud: Cloud, wish: JSON, data: st.DataObject) -> None:
    option = data.draw(st.sampled_from(["priority", "protocols", "extra_source_ranges", "log"]))
    wish[option], after = data.draw(st.permutations(VALUES[option]))[:2]
    assume(option != "extra_source_ranges" or wish.get("max_source_ranges", 256) == 256)
    with fresh(shared_cloud) as cloud:
        assert not cloud.run(mesh_firewall, wish).error
        assert run_twice(cloud, {**wish, option: after})


@given(wish=wishes(), seed=st.integers(0, 999))
def test_order_and_spelling_are_no_drift(shared_cloud: Cloud, wish: JSON, seed: int) -> None:
    with fresh(shared_cloud) as cloud:
        assert not cloud.run(mesh_firewall, wish).error
        run = cloud.run(mesh_firewall, _respelled(wish, random.Random(seed)))
        assert (run.told[:3], run.writes) == (("", False, []), [])
        assert run.result["diff"]["before"] == run.result["diff"]["after"]


def _respelled(wish: JSON, chance: random.Random) -> JSON:
    other = copy.deepcopy(wish)
    chance.shuffle(other["clusters"])
    if "protocols" in other:
        other["protocols"] = [_protocol(text, chance) for text in [*other["protocols"], other["protocols"][0]]]
        chance.shuffle(other["protocols"])
    if "extra_source_ranges" in other:
        other["extra_source_ranges"] = [text.upper() for text in [*other["extra_source_ranges"]] * 2]
        chance.shuffle(other["extra_source_ranges"])
    return other


def _protocol(text: str, chance: random.Random) -> str:
    protocol, _, ports = text.partition(":")
    listed = ports.split(",") if ports else []
    chance.shuffle(listed)
    return chance.choice([protocol, protocol.upper()]) + (f": {', '.join(listed)}" if listed else "")
