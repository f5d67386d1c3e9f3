# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong whatever the cloud looks like; the whole table goes through the module in tests/lab/modules."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.option_checks import check, is_tag


def test_every_mistake_is_named_at_once() -> None:
    pools = [{"name": "work", "node_count": -1, "max_surge": 0, "max_unavailable": 0}]
    with pytest.raises(MeshError) as failure:
        check("cluster c", {"disk_size_gb": 1, "labels": {"A": "b"}, "node_pools": pools})
    for part in ("disk_size_gb: 1 is not in 10..65536", "labels: A=b", "node pool work: node_count", "max_unavailable"):
        assert part in str(failure.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"labels": {"mesh": "mesh-1_a", "größe": "5", "empty": ""}},
        {"node_labels": {"example.com/team": "A.b", "x": ""}, "node_taints": [{"key": "x", "effect": "NO_EXECUTE"}]},
        {"cluster_ipv4_cidr": "/14", "services_ipv4_cidr": "10.0.0.0/20"},
        {"control_plane": {"authorized_networks": [{"cidr_block": "2001:DB8::/32"}]}},
        {"autoscaling": {"minimum": 0, "maximum": 0}, "wait_timeout": 10**6, "drain_timeout": 1},
        {"maintenance": {"start_time": "2026-01-01T00:00:00+01:00", "end_time": "2027-01-01T00:00:00Z"}},
    ],
)  # fmt: skip
def test_what_is_fine(options: dict[str, Any]) -> None:
    check("cluster c", options)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"cluster_ipv4_cidr": "/33"}, "cluster_ipv4_cidr"),
        ({"cluster_ipv4_cidr": "2001:db8::/32"}, "cluster_ipv4_cidr"),
        ({"cluster_ipv4_cidr": "/14", "cluster_secondary_range_name": "pods"}, "both set"),
        ({"node_labels": {"a b": "c"}}, "node_labels"),
        ({"node_taints": [{"key": "", "effect": "NO_EXECUTE"}]}, "node_taints"),
        ({"autoscaling": {"total_minimum": 5, "total_maximum": 2}}, "total_minimum 5 is more"),
        ({"maintenance": {"start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"}}, "not after"),
        ({"wait_timeout": 0}, "less than 1"),
        ({"autoscaling": {"maximum": 3, "total_maximum": 9}}, "maximum and total_maximum exclude each other"),
        ({"drain_timeout": 0}, "drain_timeout: 0 is less than 1"),
    ],
)
def test_what_is_not(options: dict[str, Any], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        check("cluster c", options)


def test_tags() -> None:
    assert is_tag("mesh1-node") and not any(map(is_tag, ("", "Mesh", "-a", "a-", "a" * 64)))
