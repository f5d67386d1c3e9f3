# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading clusters, one or many."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import get_cluster, list_clusters
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.members import Member, read_members

from tests.unit.plugins.fake_google import (
    CENTRAL,
    LOCATION,
    Call,
    Script,
    cluster,
    failure,
    missing,
    session,
)

ALL = "projects/p/locations/-/clusters"
REFS = [{"name": "central", "location": LOCATION}, {"name": "east", "location": "us-east1-b"}]


def members(script: Script, refs: list[dict[str, str]] | None = None) -> list[Member]:
    found = read_members(session(script), REFS if refs is None else refs, {"project": "p"})
    script.done()
    return found


def test_absence_is_none_and_refusal_an_error() -> None:
    assert get_cluster(session(Script(Call("GET", CENTRAL, missing()))), "p", LOCATION, "central") is None
    with pytest.raises(MeshError):
        get_cluster(session(Script(Call("GET", CENTRAL, failure(403, "no")))), "p", LOCATION, "central")


def test_fields_that_are_newer_than_this_are_kept() -> None:
    script = Script(Call("GET", CENTRAL, cluster(brandNew={"a": 1}, status="NEW_STATE")))
    found = get_cluster(session(script), "p", LOCATION, "central")
    assert found and found["brandNew"] == {"a": 1} and found["status"] == "NEW_STATE"


def test_a_list_says_which_zones_are_missing() -> None:
    listed = list_clusters(session(Script(Call("GET", ALL, {"missingZones": ["z"]}))), "p")
    assert (listed.clusters, listed.missing_zones) == ((), ("z",))


def test_many_clusters_are_one_call() -> None:
    found = members(Script(Call("GET", ALL, {"clusters": [cluster("east", location="us-east1-b"), cluster()]})))
    assert [member.name for member in found if member.cluster] == ["central", "east"]


def test_one_cluster_is_read_by_itself() -> None:
    assert members(Script(Call("GET", CENTRAL, cluster())), REFS[:1])[0].cluster


def test_projects_are_asked_once_each() -> None:
    refs = [*REFS, {"name": "far", "location": LOCATION, "project": "q"}]
    script = Script(
        Call("GET", ALL, {"clusters": [cluster()]}),
        Call("GET", f"projects/q/locations/{LOCATION}/clusters/far", missing()),
        Call("GET", "projects/q/locations/-/clusters", {"clusters": [cluster("far", location="us-east1-c")]}),
    )
    found = members(script, refs)
    assert [member.cluster is not None for member in found] == [True, False, False]
    assert found[2].hint == "Did you mean far in us-east1-c?"


def test_a_zone_that_does_not_answer_proves_nothing() -> None:
    east = Call("GET", "projects/p/locations/us-east1-b/clusters/east", cluster("east", location="us-east1-b"))
    found = members(Script(Call("GET", ALL, {"clusters": [cluster()], "missingZones": ["us-east1-b"]}), east))
    assert found[1].cluster


def test_a_namesake_elsewhere_is_pointed_at() -> None:
    found = members(Script(Call("GET", ALL, {"clusters": [cluster(), cluster("east", location="us-east1-c")]})))
    assert found[1].cluster is None and found[1].hint == "Did you mean east in us-east1-c?"
