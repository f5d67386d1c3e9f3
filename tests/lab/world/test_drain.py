# SPDX-License-Identifier: GPL-3.0-or-later
"""Emptying nodes that are about to go."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gkelab.world import drain as draining
from gkelab.world.drain import drain
from gkelab.world.kube_api import KubeApi, KubeApiError


class Api:
    """Some nodes with pods, by name; a pod in `stuck` ends only when it is forced to."""

    def __init__(self, pods: dict[str, list[str]], *, stuck: str = "", returning: str = "") -> None:
        self.pods = pods
        self.stuck = stuck
        self.returning = returning
        self.calls: list[str] = []

    def patch(self, path: str, change: dict[str, Any]) -> None:
        node = path.rsplit("/", 1)[1]
        if node not in self.pods:
            raise KubeApiError(404, "not found")
        self.calls.append(f"close {node}")

    def get(self, path: str) -> dict[str, Any]:
        names = self.pods[path.rsplit("=", 1)[1]]
        return {"items": [{"metadata": {"name": name, "namespace": "shop", "uid": name}} for name in names]}

    def delete(self, path: str) -> None:
        name, _, forced = path.rsplit("/", 1)[1].partition("?")
        self.calls.append(f"delete {name}{' by force' if forced else ''}")
        if name == self.stuck and not forced:
            return
        for names in self.pods.values():
            if name in names:
                names.remove(name)
                if name == self.returning:
                    names.append(f"{name}-again")


def run(api: Api, *nodes: str) -> list[str]:
    drain(cast(KubeApi, api), nodes)
    return api.calls


def test_all_nodes_close_before_any_is_emptied() -> None:
    assert run(Api({"n0": ["a"], "n1": ["b"]}), "n0", "n1") == ["close n0", "close n1", "delete a", "delete b"]


def test_a_node_that_never_joined_is_passed_over() -> None:
    assert run(Api({"n1": []}), "n0", "n1") == ["close n1"]


def test_a_pod_that_a_daemonset_puts_back_is_not_waited_for() -> None:
    assert run(Api({"n0": ["a"]}, returning="a"), "n0") == ["close n0", "delete a"]


def test_a_pod_that_does_not_end_is_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draining, "_TIMEOUT", 0)
    calls = run(Api({"n0": ["a", "b"]}, stuck="b"), "n0")
    assert calls == ["close n0", "delete a", "delete b", "delete b by force"]
