# SPDX-License-Identifier: GPL-3.0-or-later
"""The API's model of its messages, as google-cloud-container has it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import schema


def test_spelled_as_the_api_does() -> None:
    written = {"release_channel": {"channel": "regular"}, "nodePools": [{"config": {"disk_size_gb": "50"}}]}
    checked = schema.check("Cluster", written)
    assert checked.body == {"releaseChannel": {"channel": "REGULAR"}, "nodePools": [{"config": {"diskSizeGb": 50}}]}
    assert not checked.problems and not checked.unknown


def test_keys_of_maps_are_not_respelled() -> None:
    written = {"resourceLabels": {"my_label": 5}}
    assert schema.check("Cluster", written).body == {"resourceLabels": {"my_label": "5"}}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"loggingConfig": 5}, "loggingConfig must be a mapping"),
        ({"locations": "us-central1-a"}, "locations must be a list"),
        ({"shieldedNodes": {"enabled": "yes"}}, "shieldedNodes.enabled must be true or false"),
        ({"nodePools": [{"initialNodeCount": "many"}]}, "nodePools[0].initialNodeCount must be a whole number"),
        ({"network": ["a"]}, "network must be a string"),
        ({"resourceLabels": []}, "resourceLabels must be a mapping"),
        ({"releaseChannel": {"channel": 7}}, "releaseChannel.channel must be one of"),
    ],
)
def test_wrong_types_are_found_by_their_path(body: dict[str, Any], problem: str) -> None:
    assert [text for text in schema.check("Cluster", body).problems if text.startswith(problem)]


def test_what_is_newer_than_the_library_passes() -> None:
    checked = schema.check("Cluster", {"someNewConfig": {"a": 1}, "releaseChannel": {"channel": "brisk"}})
    assert checked.unknown == ["someNewConfig", "releaseChannel.channel=brisk"]
    assert checked.body == {"someNewConfig": {"a": 1}, "releaseChannel": {"channel": "brisk"}}


def test_messages_that_are_not_the_apis_own_are_left_alone() -> None:
    body = {"maintenancePolicy": {"window": {"recurringWindow": {"window": {"startTime": "2026-01-01T00:00:00Z"}}}}}
    checked = schema.check("Cluster", body)
    assert checked.body == body and not checked.problems


@pytest.mark.parametrize(
    ("field", "update"),
    [
        ("shieldedNodes", "desiredShieldedNodes"),
        ("costManagementConfig", "desiredCostManagementConfig"),
        ("network", ""),
        ("autopilot", ""),
        ("enterpriseConfig", ""),  # another type there
        ("someNewConfig", "desiredSomeNewConfig"),
    ],
)
def test_which_update_changes_a_field(field: str, update: str) -> None:
    assert schema.update_field(field) == update


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "MODEL", None)
    monkeypatch.setattr(schema, "MISSING", "No module named 'google.cloud'")
    with pytest.raises(MeshError, match="Install"):
        schema.check("Cluster", {})
