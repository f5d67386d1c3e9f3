# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm's own records."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.helm_storage import (
    decoded,
    newest,
    same_values,
    with_status,
)

# A record that helm 4.2 itself wrote, for a chart with one empty ConfigMap, as Kubernetes returns it.
BY_HELM = """
SDRzSUFBQUFBQUFDLzVTU1gyL1RNQlRGdjBwMGVYVTZPODNhMVJJdkcyeFVDTkNnZEYzSk5OMDZUdVBWZjZMWUthcW1mbmZrVkd0aHZJQjBINU
lyNVhkT3pyblBZTkZJNE9EUk5Gb0NBV1VyQi93Wkt0WDY4RmpLUnJ1ZExJRkRSck5SeWxpYURXZHN6SWNYbk5MQmVEUmllWDZSVFpaQVFPTi9m
bEJLTDFyVkJPVXNjSmhhSDFEclJMam9KRVF2UG1Eb1BIQTRVdmNFUkkxdGlBNk5ERmhpd1BqOCtpKzJzdlVITEIwTUJ3d0lZS1BteCtVMml5VH
R4QWE0N2JRbUVLUnBOQWJwZ2Y4NDRvN0xNMkVHT3pRNm11NFY0WDV4MmN6TmZDY3l2VjA5dVhYNTlQNGpacnBidm5QcjIyelNMWTIyczd2cm4x
ZUc2ZkxtZW5PLytGcC9XYnYxOU9hOFh0MTlIMDAvZks1WGkwdS92SFZ2Z1lCeFpWQzk1cXZVeHZ4OFBKaFF4dkpSVHZNbDdCOEliRkYzMGVqQn
VSZTFOUGpuMndsSEtXVnBQek5LZVQ4eCtrcnBFK0hmeFFrSVp5dTFqcEUzcmcweHJRdEs4bno0UUtDVnBXcWxDTUJEMjhrOUFZTldWZElINEpD
bWFXSGZKTjljMXdySmswTlBaMy9sVzloVFRUelpzc0p1bEMxNWN0V3Jmc0ttc0MrdDg4SW1TZXpwaFZiWXd2N2VQQ045amI1Qklmc1RxckRUb2
IrRVJ1OGVqUXkxaTJmcVBjTCtWd0FBQVAvLzRCN2k1QWdEQUFBPQ==
"""


def record(
    name: str = "istiod", revision: int = 1, status: str = "deployed", values: Any = None, **more: Any
) -> dict[str, Any]:
    """A release Secret in Helm's encoding."""
    body = {
        "name": name,
        "namespace": "istio-system",
        "version": revision,
        "info": {"status": status},
        "chart": {"metadata": {"name": more.get("chart", name), "version": more.get("version", "1.0.0")}},
        "config": values,
        "manifest": more.get("manifest", ""),
    }
    packed = base64.b64encode(base64.b64encode(gzip.compress(json.dumps(body).encode()))).decode()
    labels = {
        "owner": "helm",
        "name": name,
        "version": str(revision),
        "status": status,
        "modifiedAt": str(more.get("touched", 1)),
    }
    metadata = {"name": f"sh.helm.release.v1.{name}.v{revision}", "namespace": "istio-system", "labels": labels}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "data": {"release": packed},
        "type": "helm.sh/release.v1",
    }


def test_a_record_of_helm_is_understood() -> None:
    secret = {
        "metadata": {"name": "r", "namespace": "n", "labels": {"modifiedAt": "17"}},
        "data": {"release": BY_HELM.replace("\n", "")},
    }
    release = decoded(secret)
    assert (release.name, release.namespace, release.revision, release.status) == ("sample", "default", 1, "deployed")
    assert (release.chart, release.chart_version) == ("sample", "0.3.1")
    assert release.values == {"redirect": True, "ports": [80, 443]}
    assert "kind: ConfigMap" in release.manifest
    assert release.touched == 17.0 and release.deployed and not release.pending


def test_the_newest_revision_counts_as_a_number() -> None:
    found = newest([record(revision=9), record(revision=10, status="pending-upgrade"), record("base", 2)])
    assert (found["istiod"].revision, found["istiod"].pending) == (10, True)
    assert found["base"].revision == 2


@pytest.mark.parametrize(
    ("status", "pending"),
    [
        ("deployed", False),
        ("failed", False),
        ("pending-install", True),
        ("pending-rollback", True),
        ("uninstalling", True),
    ],
)
def test_unfinished_states(status: str, pending: bool) -> None:
    assert decoded(record(status=status)).pending is pending


def test_a_damaged_record_names_the_secret() -> None:
    broken = record()
    broken["data"]["release"] = base64.b64encode(b"nonsense").decode()
    with pytest.raises(MeshError, match=r"istio-system/sh.helm.release.v1.istiod.v1"):
        decoded(broken)


def test_another_status_changes_nothing_else() -> None:
    before = record(status="uninstalling", values={"a": 1}, manifest="kind: X")
    after = decoded({**before, **with_status(decoded(before), "failed")})
    assert (after.status, after.values, after.manifest, after.revision) == ("failed", {"a": 1}, "kind: X", 1)
    assert with_status(decoded(before), "failed")["metadata"]["labels"] == {"status": "failed"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": None}, {}, False),
        ({"b": 1, "a": [1, 2]}, {"a": [1, 2], "b": 1}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
    ],
)
def test_values_are_compared_as_helm_sees_them(one: Any, other: Any, same: bool) -> None:
    assert same_values(one, other) is same
