# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until objects are ready, or gone; say how it stands on every change, and why it did not happen in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock, Deadline
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient, describe
from ansible_collections.mcistio.gke.plugins.module_utils._kube.progress import progress

Object = dict[str, Any]
Report = Callable[[str], None]


def told_by(cluster: str, report: Report) -> Report:
    """Progress lines that begin with the cluster they are about: those of many hosts come mixed."""
    return lambda line: report(f"{cluster}: {line}")


def wait_ready(
    client: KubeClient, objects: list[Object], seconds: float, report: Report, clock: Clock = SYSTEM
) -> list[Object]:
    """Wait for every object, all in one span of time.

    Args:
        objects: live objects as they were read last; one that is ready costs no request.

    Returns:
        The objects as they are now, in the same order.
    """
    deadline, live, told = Deadline(seconds, clock), list(objects), ["" for _each in objects]
    while True:
        pending = [index for index, obj in enumerate(live) if not progress(obj).done]
        for index in pending:
            text = progress(live[index]).text
            if text != told[index]:
                report(f"{describe(live[index])}: {text} after {deadline.elapsed:.0f} s")
                told[index] = text
        if not pending:
            return live
        if deadline.passed:
            raise _not_ready(client, [live[index] for index in pending], seconds)
        deadline.pause()
        for index in pending:
            live[index] = _read_again(client, live[index])


def wait_gone(client: KubeClient, objects: list[Object], seconds: float, report: Report, clock: Clock = SYSTEM) -> None:
    """Wait until none of the objects is there any more (finalizers and, for namespaces, all that is in them)."""
    deadline, left = Deadline(seconds, clock), [obj for obj in objects if _now(client, obj)]
    while left:
        if deadline.passed:
            raise _not_gone(client, left, seconds)
        report(f"waiting for the end of {', '.join(map(describe, left))} ({deadline.elapsed:.0f} s)")
        before = len(left)
        while len(left) == before and not deadline.passed:
            deadline.pause()
            left = [obj for obj in left if _now(client, obj)]


def _now(client: KubeClient, obj: Object) -> Object | None:
    metadata = obj["metadata"]
    if client.resource(obj["apiVersion"], obj["kind"]) is None:
        return None
    return client.get(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace", ""))


def _read_again(client: KubeClient, obj: Object) -> Object:
    live = _now(client, obj)
    if live is None:
        raise MeshError("wait for", f"{describe(obj)} in cluster {client.name}", "someone deleted it meanwhile")
    return live


def _not_ready(client: KubeClient, pending: list[Object], seconds: float) -> MeshError:
    states = "; ".join(f"{describe(obj)}: {progress(obj).text}{_because(client, obj)}" for obj in pending)
    return MeshError("wait for", f"objects in cluster {client.name}", f"not ready after {seconds:g} s: {states}")


def _not_gone(client: KubeClient, left: list[Object], seconds: float) -> MeshError:
    states = []
    for obj in left:
        live = _now(client, obj) or obj
        remarks = [condition.get("message", "") for condition in (live.get("status") or {}).get("conditions") or []]
        finalizers = live["metadata"].get("finalizers") or (live.get("spec") or {}).get("finalizers") or []
        remarks += [f"finalizers {', '.join(finalizers)}"] if finalizers else []
        states.append(f"{describe(obj)} ({'; '.join(filter(None, remarks)) or 'no reason given'})")
    return MeshError(
        "delete",
        f"objects of cluster {client.name}",
        f"still there after {seconds:g} s: {', '.join(states)}",
        "Something in it waits for a controller that no longer runs.",
    )


def _because(client: KubeClient, obj: Object) -> str:
    """What the pods of a workload, or the workload itself, say about the delay."""
    found = [*_workload_remarks(obj), *_pod_remarks(client, obj)]
    return f" ({'; '.join(dict.fromkeys(found))})" if found else ""


def _workload_remarks(obj: Object) -> list[str]:
    conditions = (obj.get("status") or {}).get("conditions") or []
    return [str(entry.get("message")) for entry in conditions if entry.get("type") == "ReplicaFailure"]


def _pod_remarks(client: KubeClient, obj: Object) -> list[str]:
    selector = ((obj.get("spec") or {}).get("selector") or {}).get("matchLabels") if obj["kind"] != "Service" else None
    if not selector:
        return []
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    pods = client.list("v1", "Pod", obj["metadata"].get("namespace", ""), labels=labels)
    return [remark for pod in pods for remark in _remarks_of_pod(pod)]


def _remarks_of_pod(pod: Object) -> list[str]:
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    remarks = [
        f"pod {name}: {entry.get('message')}"
        for entry in status.get("conditions") or []
        if entry.get("type") == "PodScheduled" and entry.get("status") == "False"
    ]
    for container in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            remarks.append(
                f"pod {name}, container {container['name']}: {waiting['reason']} {waiting.get('message', '')}".strip()
            )
    return remarks
