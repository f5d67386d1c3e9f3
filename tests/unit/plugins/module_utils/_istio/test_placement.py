# SPDX-License-Identifier: GPL-3.0-or-later
"""A placement table turned into the objects of one cluster."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._istio.placement import endpoints, placed, unplaced

Object = dict[str, Any]


def _deployment(app: str, version: str, **container: Any) -> Object:
    labels = {"app": app, "version": version}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"{app}-{version}", "labels": labels},
        "spec": {"template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": app, **container}]}}},
    }


def _service(app: str) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": app}, "spec": {"selector": {"app": app}}}


MANIFEST: list[Object | None] = [
    _service("details"),
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "bookinfo-details"}},
    _deployment("details", "v1"),
    None,
    _service("reviews"),
    _deployment("reviews", "v1", env=[{"name": "LOG_DIR", "value": "/tmp"}, {"name": "CLUSTER_NAME", "value": "old"}]),
    _deployment("reviews", "v3", lifecycle={"preStop": {"exec": {"command": ["x"]}}}),
]
TABLE: dict[str, Any] = {"details-v1": ["east"], "reviews-v1": "central", "reviews-v3": ["central", "west"]}


def _names(objects: list[Object], kind: str = "Deployment") -> list[str]:
    return [obj["metadata"]["name"] for obj in objects if obj["kind"] == kind]


@pytest.mark.parametrize(
    ("cluster", "here", "elsewhere"),
    [
        ("central", ["reviews-v1", "reviews-v3"], ["details-v1"]),
        ("east", ["details-v1"], ["reviews-v1", "reviews-v3"]),
        ("west", ["reviews-v3"], ["details-v1", "reviews-v1"]),
        ("other", [], ["details-v1", "reviews-v1", "reviews-v3"]),
    ],
)
def test_workloads_where_the_table_says_services_everywhere(
    cluster: str, here: list[str], elsewhere: list[str]
) -> None:
    objects = placed(MANIFEST, cluster, TABLE)
    assert _names(objects) == here
    assert _names(objects, "Service") == ["details", "reviews"]
    assert _names(objects, "ServiceAccount") == ["bookinfo-details"]
    assert _names(unplaced(MANIFEST, cluster, TABLE)) == elsewhere


def _container(objects: list[Object], name: str) -> Object:
    found = next(obj for obj in objects if obj["metadata"]["name"] == name)
    container: Object = found["spec"]["template"]["spec"]["containers"][0]
    return container


def test_containers_learn_their_cluster_and_drain_before_they_stop() -> None:
    before = copy.deepcopy(MANIFEST)
    objects = placed(MANIFEST, "central", TABLE)
    first, third = _container(objects, "reviews-v1"), _container(objects, "reviews-v3")
    assert first["env"] == [{"name": "LOG_DIR", "value": "/tmp"}, {"name": "CLUSTER_NAME", "value": "central"}]
    assert first["lifecycle"] == {"preStop": {"sleep": {"seconds": 8}}}
    assert third["lifecycle"] == {"preStop": {"exec": {"command": ["x"]}}}, "an own hook stays"
    assert before == MANIFEST, "the manifest itself is left alone"


def test_no_drain_where_none_is_wanted() -> None:
    assert "lifecycle" not in _container(placed(MANIFEST, "central", TABLE, drain_seconds=0), "reviews-v1")


def test_objects_get_a_namespace_if_they_have_none() -> None:
    assert {obj["metadata"]["namespace"] for obj in placed(MANIFEST, "east", TABLE, namespace="books")} == {"books"}
    assert unplaced(MANIFEST, "west", TABLE, namespace="books")[0] == {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "details-v1", "namespace": "books"},
    }  # fmt: skip
    own = [{**_service("x"), "metadata": {"name": "x", "namespace": "own"}}]
    assert placed(own, "east", {}, namespace="books")[0]["metadata"]["namespace"] == "own"


def test_objects_are_labelled_as_ours_and_keep_their_own() -> None:
    labels = placed(MANIFEST, "east", TABLE)[2]["metadata"]["labels"]
    assert labels == {"app": "details", "version": "v1", "app.kubernetes.io/managed-by": "mcistio.gke"}


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (
            {**TABLE, "reviews-v9": ["east"]},
            "names reviews-v9, but the manifest has only details-v1, reviews-v1, reviews-v3",
        ),
        ({"details-v1": ["east"]}, r"does not say where reviews-v1, reviews-v3 should run; use \[\] for nowhere"),
        ({**TABLE, "details-v1": ["moon"]}, "names cluster moon, but the mesh has central, east, west"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table: dict[str, Any], text: str) -> None:
    for rule in (placed, unplaced):
        with pytest.raises(ValueError, match=text):
            rule(MANIFEST, "east", table, clusters=["central", "east", "west"])


class Lazy(dict[str, Any]):
    """Like the dictionaries that Ansible's templates hand over: their views are generators."""

    def items(self) -> Any:
        return ((key, value) for key, value in super().items())

    def __deepcopy__(self, memo: Any) -> Any:
        raise AssertionError("a copy would be as lazy")


def _lazy(value: Any) -> Any:
    if isinstance(value, dict):
        return Lazy({key: _lazy(item) for key, item in value.items()})
    return [_lazy(item) for item in value] if isinstance(value, list) else value


def test_what_templates_hand_over_is_understood() -> None:
    lazy = _lazy(MANIFEST)
    assert endpoints(lazy, TABLE) == endpoints(MANIFEST, TABLE)
    for rule in (placed, unplaced):
        assert rule(lazy, "central", TABLE) == rule(MANIFEST, "central", TABLE)
        assert all(type(obj) is dict for obj in rule(lazy, "central", TABLE))


def test_endpoints_name_the_service_in_front() -> None:
    assert endpoints(MANIFEST, TABLE) == [
        {"workload": "details-v1", "service": "details", "namespace": "default", "cluster": "east"},
        {"workload": "reviews-v1", "service": "reviews", "namespace": "default", "cluster": "central"},
        {"workload": "reviews-v3", "service": "reviews", "namespace": "default", "cluster": "central"},
        {"workload": "reviews-v3", "service": "reviews", "namespace": "default", "cluster": "west"},
    ]
