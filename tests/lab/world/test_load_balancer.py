# SPDX-License-Identifier: GPL-3.0-or-later
"""The load balancer controller against a scripted API server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from gkelab.world import network
from gkelab.world.frontends import AddressBook
from gkelab.world.kube_api import KubeApi, KubeApiError
from gkelab.world.load_balancer import LoadBalancerController, Target

from .plans import cluster_plan

PLAN = cluster_plan()
NODE = Target("10.128.0.2", "gln3x0")
OTHER_NODE = Target("10.128.0.3", "gln3x1")


class ScriptedApi:
    """Lists some Services, reports some changes, then fails like an API server that is killed."""

    def __init__(self, listed: list[dict[str, Any]], events: list[tuple[str, dict[str, Any]]] | None = None) -> None:
        self.listed = listed
        self.events = events or []
        self.patched: list[tuple[str, str]] = []

    def get(self, path: str) -> dict[str, Any]:
        return {"metadata": {"resourceVersion": "7"}, "items": self.listed}

    def watch(self, path: str, resource_version: str, seconds: int) -> Iterator[tuple[str, dict[str, Any]]]:
        assert resource_version == "7"
        yield from self.events
        raise KubeApiError(0, "gone")

    def patch(self, path: str, change: dict[str, Any]) -> dict[str, Any]:
        self.patched.append((path, change["status"]["loadBalancer"]["ingress"][0]["ip"]))
        return {}


class Lab:
    """A controller and what it did to the network."""

    def __init__(self, tmp_path: Path, api: ScriptedApi) -> None:
        self.routes: dict[str, str] = {}
        self.firewall_changes = 0
        self.target: Target | None = NODE
        self.book = AddressBook(tmp_path / "addresses.json")
        self.controller = LoadBalancerController(
            PLAN, cast(KubeApi, api), self.book, target=lambda: self.target, changed=self.changed
        )

    def changed(self) -> None:
        self.firewall_changes += 1

    def follow(self) -> None:
        """List and watch once, to the end of the script."""
        with pytest.raises(KubeApiError, match="gone"):
            self.controller._follow()

    def addresses(self) -> list[str]:
        return sorted(active.address for active in self.controller.active())


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(listed: list[dict[str, Any]], events: list[tuple[str, dict[str, Any]]] | None = None) -> Lab:
        made = Lab(tmp_path, ScriptedApi(listed, events))
        monkeypatch.setattr(
            network, "route_frontend", lambda address, node, link: made.routes.__setitem__(address, f"{node} {link}")
        )
        monkeypatch.setattr(network, "unroute_frontend", lambda address: made.routes.pop(address, None))
        return made

    return make


def service(name: str, status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "shop", "uid": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
        "status": {"loadBalancer": status or {}},
    }


def api_of(lab: Lab) -> ScriptedApi:
    return cast(ScriptedApi, lab.controller._api)


def test_a_service_gets_route_firewall_and_status(lab: Any) -> None:
    made = lab([service("a"), service("plain", type="ClusterIP")])
    made.follow()
    assert made.routes == {"198.19.0.10": "10.128.0.2 gln3x0"}
    assert made.firewall_changes == 1
    assert api_of(made).patched == [("/api/v1/namespaces/shop/services/a/status", "198.19.0.10")]


def test_a_status_that_is_right_is_not_written(lab: Any) -> None:
    made = lab([service("a", {"ingress": [{"ip": "198.19.0.10", "ipMode": "VIP"}]})])
    made.follow()
    assert api_of(made).patched == []


def test_deleted_while_watching(lab: Any) -> None:
    made = lab([service("a")], [("ADDED", service("b")), ("BOOKMARK", {}), ("DELETED", service("a"))])
    made.follow()
    assert made.routes == {"198.19.0.11": "10.128.0.2 gln3x0"}
    assert made.addresses() == ["198.19.0.11"]
    assert made.firewall_changes == 3


def test_deleted_while_nobody_watched(lab: Any, tmp_path: Path) -> None:
    lab([service("a"), service("b")]).follow()
    later = lab([service("b")])
    later.follow()
    assert later.addresses() == ["198.19.0.11"]
    assert later.book.owners(PLAN) == [f"{PLAN.key}/shop/b"]


def test_no_address_is_given_up_before_the_first_list(lab: Any) -> None:
    lab([service("a")]).follow()
    restarted = lab([])
    restarted.controller.reconcile(PLAN)
    assert restarted.book.owners(PLAN) == [f"{PLAN.key}/shop/a"]


def test_traffic_moves_to_another_node_with_the_plan(lab: Any) -> None:
    made = lab([service("a")])
    made.follow()
    made.target = OTHER_NODE
    made.controller.reconcile(PLAN)
    assert made.routes == {"198.19.0.10": "10.128.0.3 gln3x1"}


def test_a_cluster_without_running_nodes_has_addresses_but_no_routes(lab: Any) -> None:
    """As in a lab of control planes only."""
    made = lab([service("a")])
    made.target = None
    made.follow()
    assert made.addresses() == ["198.19.0.10"]
    assert made.routes == {}


def test_a_service_that_turns_internal_leaves_no_route_behind(lab: Any) -> None:
    internal = service("a", loadBalancerClass=None)
    internal["metadata"]["annotations"] = {"networking.gke.io/load-balancer-type": "Internal"}
    made = lab([service("a")], [("MODIFIED", internal)])
    made.follow()
    assert made.routes == {"10.128.8.10": "10.128.0.2 gln3x0"}
