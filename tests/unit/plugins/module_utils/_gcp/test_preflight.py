# SPDX-License-Identifier: GPL-3.0-or-later
"""What is found out before a creation."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core.gke_cluster import ARGUMENT_SPEC
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import preflight
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Place

from tests.unit.plugins.fake_google import LOCATION, PROJECT, Call, Script, failure, session, validated

CONFIG = Call("GET", f"projects/{PROJECT}/locations/{LOCATION}/serverConfig", {"validMasterVersions": ["1.33.5-gke.1"]})
USABLE = f"projects/{PROJECT}/aggregated/usableSubnetworks"
GKE = "projects/host/regions/us-central1/subnetworks/gke"
SHARED = {
    "network": "https://www.googleapis.com/compute/v1/projects/host/global/networks/shared",
    "subnetwork": GKE,
    "cluster_secondary_range_name": "pods",
}


def subnet(path: str = GKE, *names: str) -> dict[str, Any]:
    return {"subnetwork": path, "secondaryIpRanges": [{"rangeName": name} for name in names]}


def check(*calls: Call, doing: str = "create", **options: Any) -> Script:
    wish = desired(validated(ARGUMENT_SPEC, name="central", location=LOCATION, **options), PROJECT)
    script = Script(CONFIG, *calls)
    preflight.check(session(script), Place(PROJECT, LOCATION, "central"), wish, doing)
    script.done()
    return script


def test_who_names_no_range_is_asked_for_none() -> None:
    check(cluster_ipv4_cidr="/17", services_ipv4_cidr="/20")


def test_ranges_are_looked_for_in_the_host_project() -> None:
    others = [subnet(GKE.replace("us-central1", "us-east1")), subnet(GKE, "pods", "services")]
    script = check(Call("GET", USABLE, {"subnetworks": others}), **SHARED, services_secondary_range_name="services")
    assert script.queries[1] == {"filter": ["networkProjectId=host"]}


@pytest.mark.parametrize(
    ("options", "lacking"),
    [
        ({"services_secondary_range_name": "none"}, "none"),
        ({"additional_pod_ranges": ["b", "pods", "a"]}, "a, b"),
        ({"node_pools": [{"name": "p", "pod_range": "own"}, {"name": "q", "pod_range": "pods"}]}, "own"),
        ({"extra": {"ipAllocationPolicy": {"servicesSecondaryRangeName": "raw"}}}, "raw"),
    ],
    ids=["services", "additional", "pool", "extra"],
)
def test_each_range_that_is_not_there_is_named_with_those_that_are(options: dict[str, Any], lacking: str) -> None:
    with pytest.raises(MeshError, match=f"subnetwork {GKE} has no secondary range {lacking}. It has more, pods."):
        check(Call("GET", USABLE, {"subnetworks": [subnet(GKE, "pods", "more")]}), **SHARED, **options)


def test_a_pool_that_is_to_have_its_range_made_asks_for_none() -> None:
    made = {"networkConfig": {"createPodRange": True, "podRange": "new"}}
    check(node_pools=[{"name": "p", "extra": made}])


def test_a_network_names_the_subnetworks_that_it_makes_by_itself() -> None:
    own = f"projects/{PROJECT}/regions/us-central1/subnetworks/auto"
    with pytest.raises(MeshError, match=f"subnetwork {own} has no secondary range pods. It has none."):
        check(Call("GET", USABLE, {"subnetworks": [subnet(own)]}), network="auto", cluster_secondary_range_name="pods")


def test_the_list_is_read_until_the_subnetwork_is_found() -> None:
    first = Call(
        "GET", USABLE, {"subnetworks": [subnet("projects/host/regions/r/subnetworks/x")], "nextPageToken": "t"}
    )
    script = check(first, Call("GET", USABLE, {"subnetworks": [subnet(GKE, "pods")]}), **SHARED)
    assert script.queries[2] == {"filter": ["networkProjectId=host"], "pageToken": ["t"]}


@pytest.mark.parametrize("answer", [{}, failure(403, "Required permission"), failure(503, "later"), None])
def test_what_is_not_shown_proves_nothing(answer: Any) -> None:
    check(Call("GET", USABLE, answer), **SHARED)


def test_only_a_creation_looks_for_ranges() -> None:
    check(doing="change", **SHARED)
