# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Service of type LoadBalancer asks of Google's load balancers, and the addresses they get."""

from __future__ import annotations

import ipaddress
import json
import threading
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gkelab.world.folders import write_json
from gkelab.world.plan import ClusterPlan

_INTERNAL_CLASS = "networking.gke.io/l4-regional-internal"
_EXTERNAL_CLASS = "networking.gke.io/l4-regional-external"
_TYPE_ANNOTATIONS = ("networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type")
_GLOBAL_ACCESS = "networking.gke.io/internal-load-balancer-allow-global-access"

_EXTERNAL_POOL = ipaddress.IPv4Network("198.19.0.0/16")
_SUBNET_BITS = 20
"""Prefix length of a region's subnet in an auto mode network; its upper half is for load balancers."""
_FIRST = 10
"""Index of the first address given out of a pool."""


@dataclass(frozen=True)
class Frontend:
    """A load balancer: an address in front of the nodes of a cluster, for some ports."""

    owner: str
    """<cluster key>/<namespace>/<name> of the Service."""
    internal: bool
    global_access: bool
    wanted_address: str
    """Asked for by the Service; empty for any."""
    rule: Mapping[str, Any]
    """The firewall resource GKE makes with it, but for the destination."""

    def firewall(self, address: str) -> Mapping[str, Any]:
        """The firewall resource that opens the nodes for the load balancer's traffic."""
        return {**self.rule, "destinationRanges": [f"{address}/32"]}


def frontend(service: Mapping[str, Any], plan: ClusterPlan) -> Frontend | None:
    """What the Service asks for; None if it is not for Google's controller."""
    spec, metadata = service["spec"], service["metadata"]
    kind = spec.get("loadBalancerClass")
    if spec.get("type") != "LoadBalancer" or kind not in (None, _INTERNAL_CLASS, _EXTERNAL_CLASS):
        return None
    if metadata.get("deletionTimestamp"):
        return None
    annotations = metadata.get("annotations") or {}
    internal = kind == _INTERNAL_CLASS or (
        kind is None and any(annotations.get(name, "").lower() == "internal" for name in _TYPE_ANNOTATIONS)
    )
    return Frontend(
        owner=owner(plan, service),
        internal=internal,
        global_access=not internal or annotations.get(_GLOBAL_ACCESS) == "true",
        wanted_address=spec.get("loadBalancerIP", ""),
        rule={
            "name": f"k8s-fw-{metadata['uid']}",
            "network": plan.network,
            "direction": "INGRESS",
            "priority": 1000,
            "sourceRanges": spec.get("loadBalancerSourceRanges") or ["0.0.0.0/0"],
            "targetTags": [plan.node_tag],
            "allowed": _allowed(spec.get("ports", ())),
        },
    )


def owner(plan: ClusterPlan, service: Mapping[str, Any]) -> str:
    """The name under which a Service holds its address."""
    return f"{plan.key}/{service['metadata']['namespace']}/{service['metadata']['name']}"


def _allowed(ports: Collection[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_protocol: dict[str, list[str]] = {}
    for port in ports:
        by_protocol.setdefault(port.get("protocol", "TCP").lower(), []).append(str(port["port"]))
    return [{"IPProtocol": protocol, "ports": numbers} for protocol, numbers in sorted(by_protocol.items())]


class AddressBook:
    """Which load balancer has which address; kept in a file, so that addresses outlive the daemon."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            self._held: dict[str, str] = json.loads(path.read_text())
        except (OSError, ValueError):
            self._held = {}

    def assign(self, wanted: Frontend, node_address: str) -> str | None:
        """The frontend's address, kept if it fits, else new.

        None while the one it asks for is another's, or if that is not of the nodes' subnet (of the external range).
        """
        subnet = ipaddress.IPv4Network(f"{node_address}/{_SUBNET_BITS}", strict=False)
        allowed = subnet if wanted.internal else _EXTERNAL_POOL
        with self._lock:
            held = self._held.get(wanted.owner)
            if held and _fits(held, wanted, allowed):
                return held
            taken = {address for name, address in self._held.items() if name != wanted.owner}
            pool = list(subnet.subnets())[1] if wanted.internal else _EXTERNAL_POOL
            address = wanted.wanted_address or next(_candidates(pool, taken), None)
            if address is None or address in taken or ipaddress.IPv4Address(address) not in allowed:
                return None
            self._store({**self._held, wanted.owner: address})
            return address

    def release(self, name: str) -> str | None:
        """Give up the address held under this name, and tell which it was."""
        with self._lock:
            address = self._held.get(name)
            self._store({key: value for key, value in self._held.items() if key != name})
            return address

    def owners(self, plan: ClusterPlan) -> list[str]:
        """Who of this cluster holds an address."""
        with self._lock:
            return [name for name in self._held if name.startswith(f"{plan.key}/")]

    def _store(self, held: dict[str, str]) -> None:
        if held != self._held:
            write_json(self._path, held)
            self._held = held


def _fits(address: str, wanted: Frontend, allowed: ipaddress.IPv4Network) -> bool:
    return ipaddress.IPv4Address(address) in allowed and wanted.wanted_address in ("", address)


def _candidates(pool: ipaddress.IPv4Network, taken: Collection[str]) -> Iterator[str]:
    for number in range(_FIRST, pool.num_addresses - 1):
        address = str(pool[number])
        if address not in taken:
            yield address
