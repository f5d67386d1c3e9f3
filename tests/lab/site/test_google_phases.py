# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases that talk to Google alone, without clusters behind it.

How often they write, and that they can be run again.
"""

from __future__ import annotations

import pytest

from tests.lab.site import playbooks
from tests.lab.site.laboratory import Lab
from tests.lab.site.playbooks import Run

HOSTS = {"central", "east", "west"}
RULE = "istio-multicluster-pod-fw"


def site(lab: Lab, *arguments: str, tags: str = "provision,firewall") -> Run:
    # The APIs alone come without Helm, and these phases need none.
    return playbooks.run("site.yml", "--tags", tags, *arguments, environment=lab.child_environment).held()


@pytest.fixture(scope="module")
def provisioned(api_lab: Lab) -> Lab:
    """Three clusters and the rule between them, each written once."""
    site(api_lab)
    assert len(api_lab.writes()) == len(HOSTS) + 1
    return api_lab


def test_teardown_of_nothing_changes_nothing(api_lab: Lab) -> None:
    run = playbooks.run("playbooks/teardown.yml", environment=api_lab.child_environment).held()
    assert run.changed_nothing()
    assert api_lab.writes() == []


def test_check_predicts_what_the_run_then_does(api_lab: Lab) -> None:
    predicted = site(api_lab, "--check", "--diff")
    assert api_lab.writes() == []
    assert all(predicted.changed[host] > 0 for host in HOSTS)
    assert RULE in predicted.output and "mesh1-node" in predicted.output


def test_all_clusters_and_the_rule_are_there(provisioned: Lab) -> None:
    assert set(provisioned.clusters()) == HOSTS
    assert RULE in provisioned.firewalls()


@pytest.mark.parametrize(
    "arguments", [[], ["--check", "--diff"], ["--limit", "east"], ["--limit", "central,west"]], ids=" ".join
)
def test_again_changes_nothing(provisioned: Lab, arguments: list[str]) -> None:
    provisioned.forget_requests()
    assert site(provisioned, *arguments).changed_nothing()
    assert provisioned.writes() == []


@pytest.mark.parametrize("tag", ["provision", "firewall"])
def test_each_phase_runs_alone(provisioned: Lab, tag: str) -> None:
    assert site(provisioned, tags=tag).changed_nothing()


def test_a_lost_rule_comes_back_from_any_part_of_the_mesh(provisioned: Lab) -> None:
    operation = provisioned.google("DELETE", f"/compute/v1/projects/{provisioned.project}/global/firewalls/{RULE}")
    provisioned.google("POST", f"/compute/v1/projects/{provisioned.project}/global/operations/{operation['name']}/wait")
    before = provisioned.clusters()
    assert sum(site(provisioned, "--limit", "east", tags="firewall").changed.values()) == 1
    assert RULE in provisioned.firewalls()
    assert site(provisioned, tags="firewall").changed_nothing(), "a limited run made another rule"
    assert provisioned.clusters() == before
