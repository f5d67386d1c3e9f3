# SPDX-License-Identifier: GPL-3.0-or-later
"""How far an object is: rollouts, load balancer addresses, established kinds. Pure, on the live object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Progress:
    """Whether to stop waiting, and how it stands in words."""

    done: bool
    text: str


def progress(live: Object) -> Progress:
    """How far the object is; kinds that have nothing to wait for are done."""
    judge = _JUDGES.get(live.get("kind", ""))
    return judge(live) if judge else Progress(True, "ready")


def addresses(live: Object) -> list[str]:
    """Addresses (IP or host name) of a LoadBalancer Service or a Gateway."""
    status = live.get("status") or {}
    if is_gateway(live):
        return [str(entry["value"]) for entry in status.get("addresses") or [] if entry.get("value")]
    entries = (status.get("loadBalancer") or {}).get("ingress") or []
    found = [entry.get("ip") or entry.get("hostname") for entry in entries]
    return [str(address) for address in found if address]


def has_address(obj: Object) -> bool:
    """Whether the object is of a sort that gets an address from outside."""
    if is_gateway(obj):
        return True
    return obj.get("kind") == "Service" and (obj.get("spec") or {}).get("type") == "LoadBalancer"


def is_gateway(obj: Object) -> bool:
    """Whether it is a Gateway of the Gateway API; Istio's own is configuration without status or address."""
    return obj.get("kind") == "Gateway" and str(obj.get("apiVersion")).startswith("gateway.networking.k8s.io/")


def _deployment(live: Object) -> Progress:
    wanted, status = int((live.get("spec") or {}).get("replicas", 1)), live.get("status") or {}
    updated, available = int(status.get("updatedReplicas", 0)), int(status.get("availableReplicas", 0))
    # old pods still count as available, so a rollout is over only when none is left
    old = int(status.get("replicas", 0)) - updated
    done = _observed(live) and updated >= wanted and available >= wanted and old <= 0
    return Progress(done, f"{min(available, updated)} of {wanted} available")


def _stateful_set(live: Object) -> Progress:
    wanted, status = int((live.get("spec") or {}).get("replicas", 1)), live.get("status") or {}
    available = int(status.get("availableReplicas", status.get("readyReplicas", 0)))
    done = _observed(live) and available >= wanted and int(status.get("updatedReplicas", wanted)) >= wanted
    return Progress(done, f"{available} of {wanted} available")


def _daemon_set(live: Object) -> Progress:
    status = live.get("status") or {}
    wanted, available = int(status.get("desiredNumberScheduled", 0)), int(status.get("numberAvailable", 0))
    done = _observed(live) and int(status.get("updatedNumberScheduled", 0)) >= wanted and available >= wanted
    return Progress(done, f"{available} of {wanted} available")


def _observed(live: Object) -> bool:
    """Whether the status is about the newest spec at all."""
    return int((live.get("status") or {}).get("observedGeneration", 0)) >= int(
        live.get("metadata", {}).get("generation", 0)
    )


def _address(live: Object) -> Progress:
    if not has_address(live):
        return Progress(True, "ready")
    found = addresses(live)
    return Progress(bool(found), f"address {', '.join(found)}" if found else "no address yet")


def _definition(live: Object) -> Progress:
    done = _condition(live, "Established")
    return Progress(done, "established" if done else "not served yet")


def _gateway(live: Object) -> Progress:
    if not is_gateway(live):
        return Progress(True, "ready")
    found, done = addresses(live), _condition(live, "Programmed")
    return Progress(done and bool(found), f"address {', '.join(found)}" if done and found else "not programmed yet")


def _condition(live: Object, wanted: str) -> bool:
    conditions = (live.get("status") or {}).get("conditions") or []
    return any(condition.get("type") == wanted and condition.get("status") == "True" for condition in conditions)


_JUDGES = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Service": _address,
    "CustomResourceDefinition": _definition,
    "Gateway": _gateway,
}
