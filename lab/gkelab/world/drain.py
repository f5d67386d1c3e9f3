# SPDX-License-Identifier: GPL-3.0-or-later
"""Empty nodes that are about to go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gkelab.world.kube_api import Deadline, KubeApi, KubeApiError

_TIMEOUT = 15.0
_POLL = 0.2
"""Seconds."""


def drain(api: KubeApi, nodes: Sequence[str]) -> None:
    """Let no new pods on these nodes, end those that run, and give them some seconds to end well."""
    # All are closed before any is emptied: pods must not move from one to the next.
    present = [node for node in nodes if _cordon(api, node)]
    leaving = {pod["metadata"]["uid"]: pod for node in present for pod in _pods(api, node)}
    for pod in leaving.values():
        api.delete(_path(pod))
    deadline = Deadline(_TIMEOUT)
    # By uid: a DaemonSet puts a new pod on the node at once.
    while _left(api, present, leaving) and deadline.pause(_POLL):
        pass
    for pod in _left(api, present, leaving):
        api.delete(f"{_path(pod)}?gracePeriodSeconds=0")


def _cordon(api: KubeApi, node: str) -> bool:
    try:
        api.patch(f"/api/v1/nodes/{node}", {"spec": {"unschedulable": True}})
    except KubeApiError as error:
        if error.status != 404:
            raise
        return False
    return True


def _pods(api: KubeApi, node: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get(f"/api/v1/pods?fieldSelector=spec.nodeName={node}")["items"]
    return items


def _left(api: KubeApi, nodes: Sequence[str], leaving: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [pod for node in nodes for pod in _pods(api, node) if pod["metadata"]["uid"] in leaving]


def _path(pod: dict[str, Any]) -> str:
    metadata = pod["metadata"]
    return f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
