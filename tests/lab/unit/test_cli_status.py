# SPDX-License-Identifier: GPL-3.0-or-later
"""The status for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gkelab.cli.status import lines
from gkelab.config import Config

CLUSTER: dict[str, Any] = {
    "project": "lab-project",
    "location": "us-central1-a",
    "name": "central",
    "status": "RUNNING",
    "version": "1.36.1-gke.1000000",
    "endpoint": "198.18.0.2",
    "nodes": 2,
    "processes": {"etcd": True, "kube-apiserver": True},
}


def test_no_clusters() -> None:
    assert lines(Path("/home"), Config(), {"clusters": []})[1:] == ["No clusters"]


def test_table() -> None:
    head, titles, row = lines(Path("/home"), Config(depth="full", port=7481), {"clusters": [CLUSTER]})
    assert head == "The lab is up at http://127.0.0.1:7481: depth full, home /home"
    assert titles.split() == ["CLUSTER", "LOCATION", "PROJECT", "STATUS", "VERSION", "NODES", "ENDPOINT"]
    assert row.split() == [
        "central", "us-central1-a", "lab-project", "RUNNING", "1.36.1-gke.1000000", "2", "198.18.0.2",
    ]  # fmt: skip
    assert titles.index("STATUS") == row.index("RUNNING")


def test_dead_processes_are_named() -> None:
    broken = {**CLUSTER, "processes": {"etcd": False, "node x": True}}
    assert lines(Path("/home"), Config(), {"clusters": [broken]})[-1] == "central: not running: etcd; `gkelab up` heals"
