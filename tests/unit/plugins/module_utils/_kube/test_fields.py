# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of server-side apply as the client sees it."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._kube.fields import (
    is_within,
    normal,
    owned_within,
    settled,
    without_noise,
)

from tests.unit.plugins.fake_kube import applied

MANAGER = "mcistio.gke"


@pytest.mark.parametrize(
    ("desired", "live", "within"),
    [
        ({}, {}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"a": 1}, {}, False),
        ({"a": {}}, {}, False),
        ({"a": {"b": "x"}}, {"a": {"b": "x", "c": "y"}}, True),
        ({"a": [1, 2]}, {"a": [1, 2]}, True),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
        ({"a": [1]}, {"a": [1, 2]}, False),
        ({"a": [{"n": "x"}]}, {"a": [{"n": "x", "default": True}]}, True),
        # true is not 1, and "80" is not 80: the server tells them apart
        ({"a": True}, {"a": 1}, False),
        ({"a": "80"}, {"a": 80}, False),
        ({"a": "100m"}, {"a": "0.1"}, False),
    ],
)
def test_desired_is_within_live(desired: Any, live: Any, within: bool) -> None:
    assert is_within(desired, live) is within


PORT = 'k:{"port":9080,"protocol":"TCP"}'


@pytest.mark.parametrize(
    ("fields", "desired", "within"),
    [
        ({}, {}, True),
        ({"f:a": {}}, {"a": 1}, True),
        ({"f:a": {}}, {}, False),
        ({"f:a": {"f:b": {}}}, {"a": {"b": 1}}, True),
        ({"f:a": {"f:b": {}, "f:gone": {}}}, {"a": {"b": 1}}, False),
        ({"f:a": {".": {}, "f:b": {}}}, {"a": {"b": 1}}, True),
        ({"f:ports": {PORT: {".": {}, "f:name": {}}}}, {"ports": [{"port": 9080, "name": "http"}]}, True),
        ({"f:ports": {PORT: {".": {}, "f:name": {}}}}, {"ports": [{"port": 9081, "name": "http"}]}, False),
        ({"f:ports": {PORT: {"f:name": {}}}}, {"ports": [{"port": 9080}]}, False),
        ({"f:ports": {PORT: {}}}, {"ports": [{"port": 9080, "protocol": "UDP"}]}, False),
        ({"f:set": {'v:"x"': {}}}, {"set": ["x", "y"]}, True),
        ({"f:set": {'v:"z"': {}}}, {"set": ["x", "y"]}, False),
    ],
)
def test_owned_fields_are_within_desired(fields: dict[str, Any], desired: Any, within: bool) -> None:
    assert owned_within(fields, desired) is within


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x", "labels": {"a": "b"}}}


def _owned_by(manager: str, fields: dict[str, Any], **more: str) -> list[dict[str, Any]]:
    return [{"manager": manager, "operation": "Apply", "apiVersion": "v1", "fieldsV1": fields, **more}]


LABELS: dict[str, Any] = {"f:metadata": {"f:labels": {"f:a": {}, "f:old": {}}}}


@pytest.mark.parametrize(
    ("managed", "expected"),
    [
        ([], True),
        (_owned_by(MANAGER, {"f:metadata": {"f:labels": {"f:a": {}}}}), True),
        # a label of an earlier run that is declared no more has to go
        (_owned_by(MANAGER, LABELS), False),
        (_owned_by("kubectl", LABELS), True),
        (_owned_by(MANAGER, LABELS, operation="Update"), True),
        (_owned_by(MANAGER, LABELS, subresource="status"), True),
        # field names of another version cannot be compared: ask the server
        (_owned_by(MANAGER, {}, apiVersion="v2"), False),
    ],
)
def test_what_we_own_and_no_longer_want_is_not_settled(managed: list[dict[str, Any]], expected: bool) -> None:
    live = {**NAMESPACE, "metadata": {**NAMESPACE["metadata"], "managedFields": managed}}  # type: ignore[dict-item]
    assert settled(NAMESPACE, live, MANAGER) is expected


SPECS: list[dict[str, Any]] = [
    {},
    {"a": True, "b": 0, "c": ""},
    {"selector": {"app": "reviews", "version": "v1"}, "ports": [{"port": 9080, "name": "http"}]},
    {"template": {"spec": {"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}]}}},
]


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("before", SPECS)
def test_what_was_applied_is_settled_and_nothing_else(spec: dict[str, Any], before: dict[str, Any]) -> None:
    earlier, wanted = (
        normal({"apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "spec": it}) for it in (before, spec)
    )
    live = applied(None, earlier)
    assert settled(wanted, live, MANAGER) is (spec == before)
    assert settled(wanted, applied(live, wanted), MANAGER)


def test_normal_drops_nulls_and_encodes_string_data() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "labels": None}, "stringData": {"k": "v"}}
    made = normal(secret, "ns")
    assert made["metadata"] == {"name": "s", "namespace": "ns"}
    assert made["data"] == {"k": base64.b64encode(b"v").decode()}
    assert "stringData" not in made
    assert "stringData" in secret, "the definition itself is left alone"


def test_normal_keeps_a_namespace_and_gives_plain_types() -> None:
    class Tagged(str):
        pass

    made = normal(
        {"apiVersion": "v1", "kind": "X", "metadata": {"name": Tagged("n"), "namespace": "own"}, "n": 2, "b": True},
        "ns",
    )
    assert made["metadata"]["namespace"] == "own"
    assert type(made["metadata"]["name"]) is str
    assert made["b"] is True and made["n"] == 2


def test_noise_is_what_only_the_server_writes() -> None:
    live = {
        "kind": "X",
        "metadata": {"name": "n", "uid": "u", "resourceVersion": "1", "managedFields": []},
        "status": {"a": 1},
    }
    assert without_noise(live) == {"kind": "X", "metadata": {"name": "n"}}
    assert "uid" in live["metadata"], "the original is left alone"
