# SPDX-License-Identifier: GPL-3.0-or-later
"""Empties the nodes of a node pool as an upgrade of GKE's does: all closed first, then some nodes at a time, pod by
pod as budgets allow it.

Everything is read anew in every round: pods end, budgets free up, nodes come and go meanwhile, and a run that was
killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.errors import ApiError, Unreachable

Object = dict[str, Any]
Report = Callable[[str], None]

POOL_LABEL = "cloud.google.com/gke-nodepool"
MIRROR = "kubernetes.io/config.mirror"
MANAGER = "mcistio.gke-drain"
"""Field manager of what is done to nodes: its own, so that nothing is lost that somebody applies to them through us."""
NAMED = 10
"""How many of the pods that stay an error names."""


class Patience(Deadline):
    """Looks every few seconds: pods take their time to end."""

    FIRST_PAUSE = 0.5
    LONGEST_PAUSE = 5.0

    def hurry(self) -> None:
        """Look again soon, as something has happened."""
        self._pause = self.FIRST_PAUSE


@dataclass(frozen=True)
class Job:
    """What to empty.

    Attributes:
        pool: the pool.
        closed: pools whose nodes take in no new pods, this one among them.
        opened: the pool that takes the pods in; what an earlier drain closed of it is opened again.
        at_once: from how many nodes pods are asked to go at a time.
    """

    pool: str
    closed: tuple[str, ...]
    opened: str
    at_once: int = 1


@dataclass
class _Round:
    """One look at the nodes.

    Attributes:
        nodes: how many there are.
        pods: those that must go yet, with why they have not; by uid.
        busy: nodes that have such pods.
        whole: whether all nodes were looked at.
    """

    nodes: int
    whole: bool
    pods: dict[str, tuple[Object, str]] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)

    @property
    def text(self) -> str:
        """For people."""
        left = f"{len(self.pods)} pod{'' if len(self.pods) == 1 else 's'}"
        return f"{self.nodes - len(self.busy)} of {self.nodes} nodes empty, {left} left"


_RIGHTS = (("patch", "nodes", ""), ("create", "pods", "eviction"))


def check(client: KubeClient) -> None:
    """Make sure that nodes could be emptied, before anything is made for that.

    Raises:
        MeshError: the API server cannot be reached, or this account lacks a right there.
    """
    lacking = [
        f"{verb} {resource}{f'/{sub}' if sub else ''}"
        for verb, resource, sub in _RIGHTS
        if not client.may(verb, resource, sub)
    ]
    if lacking:
        raise MeshError(
            "prepare to drain", f"nodes of cluster {client.name}", f"this account may not {' nor '.join(lacking)}",
            "Grant it roles/container.admin, or those rights inside the cluster.",
        )  # fmt: skip


def drain(
    client: KubeClient, job: Job, seconds: float, report: Report, *, wait: bool = True, clock: Clock = SYSTEM
) -> bool:
    """Move all pods off the nodes of a pool but those of DaemonSets, the node's own and those that have ended.

    Args:
        client: the cluster.
        job: what to empty.
        seconds: how long evictions may take.
        report: takes a line whenever something has changed.
        wait: False for a single round.
        clock: time.

    Returns:
        Whether nothing is left; False only without waiting.

    Raises:
        MeshError: pods stay, which are named with what the API server says; the nodes remain closed.
    """
    patience, empty, said = Patience(seconds, clock), set[str](), ""
    while True:
        try:
            found = _round(client, job, empty)
        except (Unreachable, ApiError) as error:
            if patience.passed or not wait or not _may_pass(error):
                raise
            patience.pause()
            continue
        if found.text != said and (found.pods or said):
            said = found.text
            report(f"node pool {job.pool}: draining ({said})")
            patience.hurry()
        if not found.pods:
            if found.whole:
                return True
            empty.clear()  # one more look at all of them
            continue
        if not wait:
            return False
        if patience.passed:
            raise _stuck(client, job.pool, seconds, found)
        patience.pause()


def _round(client: KubeClient, job: Job, empty: set[str]) -> _Round:
    """Close the nodes, ask pods to go, and tell what is there; nodes found empty are not looked at again."""
    nodes = {pool: _nodes(client, pool) for pool in job.closed}
    for node in [node for listed in nodes.values() for node in listed]:
        _close(client, node)
    for node in _nodes(client, job.opened):
        _open(client, node)
    names = [str(node["metadata"]["name"]) for node in nodes[job.pool]]
    found = _Round(len(names), whole=not empty.intersection(names))
    for name in names:
        if name in empty:
            continue
        pods = [pod for pod in client.list("v1", "Pod", fields=f"spec.nodeName={name}") if _must_go(pod)]
        if not pods:
            empty.add(name)
            continue
        found.busy.add(name)
        for pod in pods:
            why = _ask(client, pod) if len(found.busy) <= job.at_once else "the turn of its node has not come"
            found.pods[str(pod["metadata"]["uid"])] = (pod, why)
    return found


def _ask(client: KubeClient, pod: Object) -> str:
    """Ask a pod to go; why it is there yet."""
    if pod["metadata"].get("deletionTimestamp"):
        return "it is ending"
    return client.evict(pod) or "it was asked to go"


def _nodes(client: KubeClient, pool: str) -> list[Object]:
    return client.list("v1", "Node", labels=f"{POOL_LABEL}={pool}")


def _close(client: KubeClient, node: Object) -> None:
    if not (node.get("spec") or {}).get("unschedulable"):
        _apply(client, node, {"unschedulable": True})


def _open(client: KubeClient, node: Object) -> None:
    """What we closed; what somebody else did stays closed."""
    if (node.get("spec") or {}).get("unschedulable") and _is_ours(node):
        _apply(client, node, {})


def _is_ours(node: Object) -> bool:
    entries = node["metadata"].get("managedFields") or []
    return any(
        entry.get("manager") == MANAGER and "f:unschedulable" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        for entry in entries
    )


def _apply(client: KubeClient, node: Object, spec: Object) -> None:
    """Change a node, and never make one that vanished meanwhile: that the uid sees to."""
    metadata = {"name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}
    try:
        client.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec}, manager=MANAGER)
    except ApiError as error:
        if error.status not in (404, 409):
            raise


def _must_go(pod: Object) -> bool:
    """Whether a pod keeps a node from being empty."""
    metadata, phase = pod["metadata"], (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed") or MIRROR in (metadata.get("annotations") or {}):
        return False
    owners = metadata.get("ownerReferences") or []
    return not any(owner.get("controller") and owner.get("kind") == "DaemonSet" for owner in owners)


def _may_pass(error: Unreachable | ApiError) -> bool:
    """Whether it may be another thing in a moment: an API server is away while GKE works on a zonal cluster."""
    if isinstance(error, Unreachable):
        return not error.lasting
    return error.status == 429 or error.status >= 500


def _stuck(client: KubeClient, pool: str, seconds: float, found: _Round) -> MeshError:
    told = [f"{pod['metadata']['namespace']}/{pod['metadata']['name']} ({why})" for pod, why in found.pods.values()]
    more = f" and {len(told) - NAMED} more" if len(told) > NAMED else ""
    return MeshError(
        "drain", f"node pool {pool} of cluster {client.name}",
        f"after {seconds:g} s these pods are still there: {', '.join(told[:NAMED])}{more}",
        "Nothing is deleted, and the nodes take in no pods. See to what holds them and run again to go on.",
    )  # fmt: skip
