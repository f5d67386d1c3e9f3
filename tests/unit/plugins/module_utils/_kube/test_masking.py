# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff may show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._kube.masking import masked, object_diff


def _secret(**data: str) -> dict[str, Any]:
    note = {"kubectl.kubernetes.io/last-applied-configuration": "old-value"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": note}, "data": data}


def test_secret_values_are_hidden_and_their_change_is_not() -> None:
    shown = object_diff("Secret s", _secret(same="AAAA", other="BBBB"), _secret(same="AAAA", other="CCCC", more="DDDD"))
    text = json.dumps(shown)
    assert not any(value in text for value in ("AAAA", "BBBB", "CCCC", "DDDD", "old-value"))
    assert shown["before"]["data"]["same"] == shown["after"]["data"]["same"]
    assert shown["before"]["data"]["other"] != shown["after"]["data"]["other"]
    assert "more" in shown["after"]["data"] and "more" not in shown["before"]["data"]


def test_a_created_secret_hides_its_values_too() -> None:
    assert "AAAA" not in json.dumps(object_diff("Secret s", None, _secret(key="AAAA")))


def test_other_objects_are_shown_as_they_are() -> None:
    obj = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"password": "shown"}}
    assert object_diff("c", None, obj)["after"] == obj


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ({"a": 1}, {"a": 1}),
        ({"adminPassword": "x"}, {"adminPassword": "(hidden)"}),
        ({"auth": {"token": "x", "user": "u"}}, {"auth": {"token": "(hidden)", "user": "u"}}),
        ({"secrets": [{"apiKey": "x"}]}, {"secrets": [{"apiKey": "(hidden)"}]}),
        ({"token": ""}, {"token": ""}),
        ({"secretsEnabled": True}, {"secretsEnabled": True}),
    ],
)
def test_chart_values_under_secret_names_are_hidden(values: Any, shown: Any) -> None:
    assert masked(values) == shown
