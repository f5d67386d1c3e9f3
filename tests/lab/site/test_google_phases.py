# SPDX-License-Identifier: GPL-3.0-or-later
"""The phases that talk to Google alone, without clusters behind it.

How often they write, and that they can be run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.site import playbooks
from tests.lab.site.laboratory import Lab
from tests.lab.site.playbooks import Run

HOSTS = {"central", "east", "west"}
RULE = "istio-multicluster-pod-fw"


ZONE = "us-central1-a"


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


def made_by_hand(lab: Lab, project: str, name: str, **fields: Any) -> dict[str, Any]:
    """A cluster as somebody has it who never heard of this project: three nodes, and everything else as GKE has it."""
    pools = [{"name": "workers", "initialNodeCount": 3}]
    body = {"cluster": {"name": name, "nodePools": pools, "resourceLabels": {"team": "shop"}} | fields}
    where = f"/v1/projects/{project}/locations/{ZONE}"
    lab.google("POST", f"{where}/clusters", body)
    return up(lab, project, name)


def up(lab: Lab, project: str, name: str) -> dict[str, Any]:
    """The cluster once it runs."""
    until(lambda: lab.clusters(project)[name]["status"] == "RUNNING")
    return lab.clusters(project)[name]


def until(come: Callable[[], bool]) -> None:
    """Wait for what the lab is about to do."""
    deadline = time.monotonic() + 30
    while not come():
        assert time.monotonic() < deadline, "this took too long"
        time.sleep(0.05)


def inventory_of(folder: Path, project: str, **variables: Any) -> str:
    """The lab's inventory for another project, saying nothing of the clusters themselves."""
    inventory = yaml.safe_load((playbooks.CHECKOUT / playbooks.INVENTORY).read_text(encoding="utf-8"))
    ours = inventory["mesh"]["vars"]
    del ours["gke_node_count"]
    ours |= {"gke_project": project, "provision_kubeconfig": False} | variables
    path = folder / "inventory.yml"
    path.write_text(yaml.safe_dump(inventory), encoding="utf-8")
    return str(path)


def test_an_adopted_cluster_keeps_what_the_variables_do_not_say(api_lab: Lab, tmp_path: Path) -> None:
    project = "by-hand"
    before, inventory = made_by_hand(api_lab, project, "central"), inventory_of(tmp_path, project)

    def provision(*arguments: str) -> Run:
        given = ("--tags", "provision", "--limit", "central", "--diff", *arguments)
        return playbooks.run("site.yml", *given, environment=api_lab.child_environment, inventory=inventory).held()

    predicted, real, again = provision("--check"), provision(), provision()
    assert predicted.changed == real.changed == {"central": 1} and predicted.diff == real.diff != []
    assert again.changed_nothing() and "node pool" not in again.output
    without_effect = provision("-e", "gke_node_count=2")
    assert without_effect.changed_nothing()
    assert "has no node pool default-pool, but others (workers)" in without_effect.output
    after = up(api_lab, project, "central")
    assert after["resourceLabels"] == {"team": "shop", "mesh": "mesh1"}
    for kept in ("loggingConfig", "monitoringConfig", "currentNodeCount"):
        assert after[kept] == before[kept], kept
    ((was,), (pool,)) = before["nodePools"], after["nodePools"]
    assert pool["config"].pop("tags") == ["mesh1-node"]
    changing = {"config": {**was["config"]}, "etag": pool.get("etag"), "instanceGroupUrls": pool["instanceGroupUrls"]}
    assert pool == {**was, **changing}


def test_other_labels_go_only_when_told_to(api_lab: Lab, tmp_path: Path) -> None:
    project = "by-hand-too"
    made_by_hand(api_lab, project, "central")
    inventory = inventory_of(tmp_path, project, gke_purge_labels=True, gke_labels={"a": "b"})
    given = ("--tags", "provision", "--limit", "central")
    playbooks.run("site.yml", *given, environment=api_lab.child_environment, inventory=inventory).held()
    assert up(api_lab, project, "central")["resourceLabels"] == {"a": "b", "mesh": "mesh1"}


def test_new_clusters_have_googles_logs_and_figures_and_four_nodes(api_lab: Lab, tmp_path: Path) -> None:
    project = "from-nothing"
    inventory = inventory_of(tmp_path, project)
    given = ("--tags", "provision", "--limit", "central")
    playbooks.run("site.yml", *given, environment=api_lab.child_environment, inventory=inventory).held()
    made = up(api_lab, project, "central")
    assert made["currentNodeCount"] == 4 and made["resourceLabels"] == {"mesh": "mesh1"}
    assert "WORKLOADS" in made["loggingConfig"]["componentConfig"]["enableComponents"]
    assert "SYSTEM_COMPONENTS" in made["monitoringConfig"]["componentConfig"]["enableComponents"]


def test_the_rule_in_a_host_project_goes_although_no_cluster_tells_of_it_any_more(api_lab: Lab, tmp_path: Path) -> None:
    """The clusters were deleted by hand, so only the variable says where the network is."""
    project, host = "service-project", "host-project"
    network = f"projects/{host}/global/networks/default"
    inventory = inventory_of(tmp_path, project, gke_network=network, gke_network_project=host)
    given: dict[str, Any] = {"environment": api_lab.child_environment, "inventory": inventory}
    playbooks.run("site.yml", "--tags", "provision,firewall", **given).held()
    assert RULE in api_lab.firewalls(host) and RULE not in api_lab.firewalls(project)
    for name, cluster in api_lab.clusters(project).items():
        api_lab.google("DELETE", f"/v1/projects/{project}/locations/{cluster['location']}/clusters/{name}")
    until(lambda: not api_lab.clusters(project))
    assert not playbooks.run("playbooks/teardown.yml", **given).held().changed_nothing()
    assert RULE not in api_lab.firewalls(host)
    assert playbooks.run("playbooks/teardown.yml", **given).held().changed_nothing()
