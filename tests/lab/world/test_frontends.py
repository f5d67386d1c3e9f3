# SPDX-License-Identifier: GPL-3.0-or-later
"""What Services ask of load balancers, and the addresses they get."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gkelab.world.frontends import AddressBook, Frontend, frontend

from .plans import cluster_plan

PLAN = cluster_plan()
NODE = "10.128.0.2"
INTERNAL = {"networking.gke.io/load-balancer-type": "Internal"}


def service(name: str = "web", annotations: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    ports = [{"port": 80, "protocol": "TCP"}, {"port": 443, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "annotations": annotations or {}},
        "spec": {"type": "LoadBalancer", "ports": ports, **spec},
    }


def wanted(*args: Any, **kwargs: Any) -> Frontend:
    found = frontend(service(*args, **kwargs), PLAN)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("annotations", "spec", "internal"),
    [
        ({}, {}, False),
        (INTERNAL, {}, True),
        ({"networking.gke.io/load-balancer-type": "internal"}, {}, True),
        ({"cloud.google.com/load-balancer-type": "Internal"}, {}, True),
        ({}, {"loadBalancerClass": "networking.gke.io/l4-regional-internal"}, True),
        (INTERNAL, {"loadBalancerClass": "networking.gke.io/l4-regional-external"}, False),
    ],
)
def test_internal_or_external(annotations: dict[str, str], spec: dict[str, Any], internal: bool) -> None:
    assert wanted("web", annotations, **spec).internal is internal


@pytest.mark.parametrize("spec", [{"type": "ClusterIP"}, {"type": "NodePort"}, {"loadBalancerClass": "example.com/x"}])
def test_not_ours(spec: dict[str, Any]) -> None:
    assert frontend(service(**spec), PLAN) is None


def test_a_service_that_is_being_deleted_wants_nothing() -> None:
    leaving = service()
    leaving["metadata"]["deletionTimestamp"] = "2026-11-23T00:00:00Z"
    assert frontend(leaving, PLAN) is None


def test_global_access() -> None:
    everywhere = {"networking.gke.io/internal-load-balancer-allow-global-access": "true"}
    assert not wanted("web", INTERNAL).global_access
    assert wanted("web", INTERNAL | everywhere).global_access
    assert wanted("web").global_access


def test_the_firewall_rule_that_comes_with_it() -> None:
    rule = wanted("web", loadBalancerSourceRanges=["192.0.2.0/24"]).firewall("198.19.0.10")
    assert rule == {
        "name": "k8s-fw-uid-web",
        "network": "default",
        "direction": "INGRESS",
        "priority": 1000,
        "sourceRanges": ["192.0.2.0/24"],
        "destinationRanges": ["198.19.0.10/32"],
        "targetTags": ["gke-central-0a1b2c3d-node"],
        "allowed": [{"IPProtocol": "tcp", "ports": ["80", "443"]}, {"IPProtocol": "udp", "ports": ["53"]}],
    }
    assert wanted("web").firewall("198.19.0.10")["sourceRanges"] == ["0.0.0.0/0"]


@pytest.fixture
def book(tmp_path: Path) -> AddressBook:
    return AddressBook(tmp_path / "world" / "addresses.json")


def test_addresses_are_distinct_and_of_the_right_pool(book: AddressBook) -> None:
    assert book.assign(wanted("a"), NODE) == "198.19.0.10"
    assert book.assign(wanted("b"), NODE) == "198.19.0.11"
    assert book.assign(wanted("c", INTERNAL), NODE) == "10.128.8.10"
    assert book.assign(wanted("d", INTERNAL), "10.142.3.7") == "10.142.8.10"


def test_an_address_is_kept_over_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "world" / "addresses.json"
    AddressBook(path).assign(wanted("a"), NODE)
    first = AddressBook(path).assign(wanted("b"), NODE)
    again = AddressBook(path)
    assert again.assign(wanted("b"), NODE) == first
    assert again.owners(PLAN) == [f"{PLAN.key}/shop/a", f"{PLAN.key}/shop/b"]
    assert again.owners(cluster_plan(name="centra")) == []


def test_a_released_address_is_given_out_again(book: AddressBook) -> None:
    book.assign(wanted("a"), NODE)
    assert book.release(f"{PLAN.key}/shop/a") == "198.19.0.10"
    assert book.release(f"{PLAN.key}/shop/a") is None
    assert book.assign(wanted("b"), NODE) == "198.19.0.10"


def test_a_service_that_turns_internal_moves(book: AddressBook) -> None:
    assert book.assign(wanted("a"), NODE) == "198.19.0.10"
    assert book.assign(wanted("a", INTERNAL), NODE) == "10.128.8.10"
    assert book.assign(wanted("b"), NODE) == "198.19.0.10"


def test_an_address_asked_for(book: AddressBook) -> None:
    assert book.assign(wanted("a", INTERNAL, loadBalancerIP="10.128.3.3"), NODE) == "10.128.3.3"
    assert book.assign(wanted("b", INTERNAL, loadBalancerIP="10.128.3.3"), NODE) is None, "it is another's"
    assert book.assign(wanted("c", INTERNAL, loadBalancerIP="10.142.3.3"), NODE) is None, "not of the subnet"
    assert book.assign(wanted("d", loadBalancerIP="8.8.8.8"), NODE) is None, "not an address of the lab"
    assert book.assign(wanted("a", INTERNAL, loadBalancerIP="10.128.3.4"), NODE) == "10.128.3.4", "asked anew"
