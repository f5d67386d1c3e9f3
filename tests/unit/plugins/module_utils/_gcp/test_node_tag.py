# SPDX-License-Identifier: GPL-3.0-or-later
"""The tag that finds a cluster's nodes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.networks import Vpc
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.node_tag import given_by_gke, node_tag

from tests.unit.plugins.fake_google import Call, Script, cluster, failure, pool, session

GROUP = "projects/p/zones/us-central1-a/instanceGroupManagers/g"
TEMPLATE = "projects/p/global/instanceTemplates/t"
GKE = "gke-central-0123abcd-node"
MANAGER = Call("GET", GROUP, {"instanceTemplate": f"https://www.googleapis.com/compute/v1/{TEMPLATE}"})


def find(script: Script, own: str | None, **more: Any) -> tuple[str, list[str]]:
    found = node_tag(session(script), cluster(**more), Vpc("p", "default"), own)
    script.done()
    return found


def test_our_own_tag_needs_no_call() -> None:
    assert find(Script(), "mesh1-node") == ("mesh1-node", [])


def test_a_pool_without_it_makes_gkes_tag_serve_and_that_is_said() -> None:
    template = Call("GET", TEMPLATE, {"properties": {"tags": {"items": ["custom", GKE]}}})
    tag, notices = find(Script(MANAGER, template), "mesh1-node", nodePools=[pool(), pool("bare", config={})])
    assert tag == GKE and "bare lack tag mesh1-node" in notices[0]


NAP = {"enableNodeAutoprovisioning": True}


def test_pools_that_gke_will_make_by_itself_count_too() -> None:
    tagged = {"networkTags": {"tags": ["mesh1-node"]}}
    assert find(Script(), "mesh1-node", autoscaling=NAP, nodePoolAutoConfig=tagged) == ("mesh1-node", [])
    template = Call("GET", TEMPLATE, {"properties": {"tags": {"items": [GKE]}}})
    tag, notices = find(Script(MANAGER, template), "mesh1-node", autoscaling=NAP)
    assert tag == GKE
    assert notices == [
        "central: node pools that GKE makes by itself will lack tag mesh1-node; the rule finds the cluster's nodes by "
        f"{GKE}."
    ]


def test_pools_to_come_are_no_reason_to_refuse_those_that_are_there() -> None:
    script = Script(Call("GET", GROUP, failure(403, "Required permission")), Call("GET", "projects/p/global/firewalls"))
    tag, notices = find(script, "mesh1-node", autoscaling=NAP)
    assert tag == "mesh1-node" and "will lack tag mesh1-node" in notices[0]


def test_without_rights_to_templates_gkes_own_rule_tells() -> None:
    rules = [
        {"name": "gke-other-11111111-all", "sourceRanges": ["10.8.0.0/14"], "targetTags": ["gke-other-11111111-node"]},
        {"name": "gke-central-0123abcd-all", "sourceRanges": ["10.4.0.0/14"], "targetTags": [GKE]},
    ]
    script = Script(
        Call("GET", GROUP, failure(403, "Required permission")),
        Call("GET", "projects/p/global/firewalls", {"items": rules}),
    )
    assert find(script, None) == (GKE, [])


@pytest.mark.parametrize("turned", [False, True])
def test_a_pod_range_shared_with_other_clusters_does_not_lead_to_their_nodes(turned: bool) -> None:
    tags = ["gke-other-11111111-node", "gke-cent-22222222-node", GKE]
    rules = [{"name": "r", "sourceRanges": ["10.4.0.0/14"], "targetTags": [tag]} for tag in tags]
    listed = {"items": rules[::-1] if turned else rules}
    script = Script(
        Call("GET", GROUP, failure(403, "Required permission")), Call("GET", "projects/p/global/firewalls", listed)
    )
    assert find(script, None) == (GKE, [])


def test_no_tag_is_guessed() -> None:
    script = Script(
        MANAGER, Call("GET", TEMPLATE, {"properties": {"tags": {"items": ["http-server"]}}}),
        Call("GET", "projects/p/global/firewalls"),
    )  # fmt: skip
    with pytest.raises(MeshError, match="no network tag is known"):
        find(script, None)


def test_gkes_tag_by_its_form_and_the_clusters_name() -> None:
    assert given_by_gke(["a", "gke-other-0123abcd-node", GKE], "central") == GKE
    assert given_by_gke(["gke-a-very-long-nam-0123abcd-node"], "a-very-long-name") != ""
    assert given_by_gke(["gke-central-xyz-node", "gke-central-0123abcd"], "central") == ""
