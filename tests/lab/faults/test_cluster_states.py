# SPDX-License-Identifier: GPL-3.0-or-later
"""States that a cluster is found in, and wishes that it cannot or must not fulfil."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_cluster_info, gke_kubeconfig, mesh_firewall

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CLUSTER, CREATE, ZONE, Cloud, failure

COLLECTIONS = Path(mesh_firewall.__file__).parents[6]
STOCKOUT = "Try a different location, or try again later: Google Compute Engine does not have enough resources."


def _break(cloud: Cloud) -> None:
    cloud.fault(failure(STOCKOUT, "GCE_STOCKOUT"), method="POST", path=CREATE)
    cloud.cluster().failed_with(STOCKOUT)
    cloud.heal()


def test_22_error(cloud: Cloud) -> None:
    _break(cloud)
    run = cloud.cluster().failed_with("Failed to use cluster c", f"it is in state ERROR: {STOCKOUT}")
    assert run.calls == ["GET clusters/c 200"]
    cloud.cluster(check=True).failed_with("it is in state ERROR")


def test_22_error_made_anew_when_told_to(cloud: Cloud) -> None:
    _break(cloud)
    foreseen = cloud.cluster(recreate_on_error=True, check=True)
    assert foreseen.result["changes"] == [
        "cluster c: delete (it is in state ERROR) and create anew",
        "cluster c: create in us-central1-a",
    ]
    assert not foreseen.writes
    run = cloud.cluster(recreate_on_error=True)
    assert run.result["changes"] == foreseen.result["changes"]
    assert run.result["cluster"]["status"] == "RUNNING"
    assert run.writes == ["DELETE clusters/c 200", "POST clusters 200"]


def test_22_error_that_the_service_has_removed(cloud: Cloud) -> None:
    _break(cloud)
    cloud.lose()
    assert cloud.cluster().writes == ["POST clusters 200"]


def test_22_error_that_vanishes_while_it_is_replaced(cloud: Cloud) -> None:
    _break(cloud)
    run = cloud.cluster(recreate_on_error=True, on={"c: deleting": cloud.lose})
    assert run.writes == ["DELETE clusters/c 404", "POST clusters 200"]


MISSING_ROLE = {
    "code": "NODE_SERVICE_ACCOUNT_MISSING_PERMISSIONS",
    "canonicalCode": "PERMISSION_DENIED",
    "message": "The node service account lacks roles/container.defaultNodeServiceAccount.",
}


def test_23_degraded(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.edit(status="DEGRADED", conditions=[MISSING_ROLE])
    run = cloud.cluster(labels={"team": "a"}).failed_with(
        "it is DEGRADED: NODE_SERVICE_ACCOUNT_MISSING_PERMISSIONS: The node service account lacks",
        "fail_on_degraded: false",
    )
    assert not run.writes


def test_23_degraded_and_put_up_with(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.edit(status="DEGRADED", statusMessage="Two nodes are gone.", conditions=[MISSING_ROLE])
    run = cloud.cluster(fail_on_degraded=False)
    assert "c is DEGRADED: Two nodes are gone." in run.warnings
    assert not run.result["changed"]


def test_25_one_of_three_fails(cloud: Cloud, tmp_path: Path) -> None:
    cloud.fault(failure(STOCKOUT, "GCE_STOCKOUT"), method="POST", path=CREATE, nth=2)
    task = {"name": "{{ inventory_hostname }}", "location": ZONE, "node_count": 1}
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "tasks": [{"name": "Cluster", "mcistio.gke.gke_cluster": task}],
    }
    (tmp_path / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "ansible.cli.playbook", "-i", "east,west,north,", str(tmp_path / "play.yml")],
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
            "GOOGLE_APPLICATION_CREDENTIALS": str(cloud.emulator.key_file),
            "GCP_PROJECT": cloud.project,
            "GKE_MESH_CONTAINER_ENDPOINT": cloud.emulator.url,
            "GKE_MESH_COMPUTE_ENDPOINT": cloud.emulator.url,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2, ran.stdout + ran.stderr
    states = {name: cloud.rest.get(name)["status"] for name in ("east", "west", "north")}
    assert sorted(states.values()) == ["ERROR", "RUNNING", "RUNNING"]
    for name, state in states.items():
        recap = next(line for line in ran.stdout.splitlines() if line.startswith(f"{name} ") and "ok=" in line)
        assert ("failed=1" if state == "ERROR" else "changed=1") in recap
    broken = next(name for name, state in states.items() if state == "ERROR")
    assert f"Failed to create cluster {broken} in {ZONE}: operation operation-" in ran.stdout + ran.stderr
    assert [one["operationType"] for one in cloud.operations()] == ["CREATE_CLUSTER"] * 3
    assert "Traceback" not in ran.stdout + ran.stderr


def test_26_a_namesake_elsewhere_is_left_alone(cloud: Cloud) -> None:
    cloud.cluster(location="us-west1-a")
    before = cloud.at("us-west1-a").get()
    run = cloud.cluster()
    assert run.result["changed"]
    assert cloud.at("us-west1-a").get() == before
    assert cloud.cluster(state="absent").writes == ["DELETE clusters/c 200"]
    assert cloud.exists(location="us-west1-a")


@pytest.mark.parametrize("others", [[], [{"name": "d", "location": ZONE}]], ids=["alone", "among-others"])
def test_26_did_you_mean(cloud: Cloud, tmp_path: Path, others: list[dict[str, str]]) -> None:
    cloud.cluster(location="us-west1-a")
    for one in others:
        cloud.cluster(name=one["name"])
    wrong = [{"name": "c", "location": ZONE}, *others]
    hint = "Did you mean c in us-west1-a?"
    cloud.run(gke_kubeconfig, clusters=wrong, path=str(tmp_path / "config")).failed_with("c in us-central1-a", hint)
    run = cloud.run(mesh_firewall, clusters=wrong).failed_with("cluster c does not exist in us-central1-a", hint)
    assert not run.writes


def test_27_a_region_multiplies_nodes(cloud: Cloud) -> None:
    run = cloud.cluster(location="us-central1", node_count=2)
    assert (
        "c: us-central1 is a region: node count 2 is for each of 3 zones (GKE picks the zones, as a rule three), "
        "6 nodes in all." in run.warnings
    )
    assert run.result["cluster"]["node_count"] == 6
    assert not cloud.exists(location=ZONE)


def test_27_named_zones_are_counted(cloud: Cloud) -> None:
    zones = ["us-central1-a", "us-central1-f"]
    run = cloud.cluster(location="us-central1", node_count=2, node_locations=zones)
    assert "each of 2 zones, 4 nodes in all" in run.warnings
    assert run.result["cluster"]["node_count"] == 4


def test_28_fields_that_cannot_be_changed(cloud: Cloud) -> None:
    cloud.cluster(description="one", cluster_ipv4_cidr="/20")
    other: JSON = {
        "description": "two",
        "cluster_ipv4_cidr": "10.32.0.0/14",
        "dataplane_v2": True,
        "labels": {"team": "a"},
    }
    for check in (True, False):
        run = cloud.cluster(**other, check=check).failed_with(
            "Failed to change cluster c in us-central1-a: these cannot be changed on an existing cluster: ",
            "description: one -> two",
            "clusterIpv4CidrBlock",
            "datapathProvider",
            "delete the cluster (state: absent) and let it be created anew",
        )
        assert not run.writes


def test_33_nothing_to_change_is_no_update(cloud: Cloud) -> None:
    wish: JSON = {
        "labels": {},
        "logging": ["WORKLOADS", "SYSTEM_COMPONENTS"],
        "release_channel": "regular",
        "extra": {},
    }
    cloud.cluster(**wish)
    others: list[JSON] = [{}, {"labels": {}}, {"extra": {"autopilot": {}, "legacyAbac": {"enabled": False}}}]
    for options in (wish, *others):
        run = cloud.cluster(**options)
        assert (run.result["changed"], run.calls) == (False, ["GET clusters/c 200"])


def test_33_the_words_for_an_empty_update(cloud: Cloud) -> None:
    cloud.cluster()
    status, answer = cloud.rest.container("PUT", "clusters/c", {"update": {}})
    assert (status, answer["error"]["message"]) == (400, "Must specify a field to update.")


def test_34_one_feature_an_update(cloud: Cloud) -> None:
    cloud.cluster()
    run = cloud.cluster(
        labels={"team": "a"},
        release_channel="rapid",
        logging=["SYSTEM_COMPONENTS"],
        monitoring=["SYSTEM_COMPONENTS", "POD"],
        vertical_pod_autoscaling=True,
        shielded_nodes=False,
        gateway_api="standard",
    )
    assert run.writes == ["POST clusters/c:setResourceLabels 200", *["PUT clusters/c 200"] * 6]
    assert len(cloud.operations()) == 8
    assert not cloud.cluster(release_channel="rapid", shielded_nodes=False).result["changed"]


def test_34_the_words_for_two_features(cloud: Cloud) -> None:
    cloud.cluster()
    both = {"update": {"desiredShieldedNodes": {"enabled": False}, "desiredReleaseChannel": {"channel": "RAPID"}}}
    status, answer = cloud.rest.container("PUT", "clusters/c", both)
    assert (status, answer["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_36_a_list_without_some_zones(cloud: Cloud) -> None:
    cloud.cluster()
    cloud.cluster(location="us-west1-a")
    cloud.fault({"missing_zones": [ZONE]}, method="GET", path=CREATE)
    run = cloud.run(gke_cluster_info)
    assert [one["location"] for one in run.result["clusters"]] == ["us-west1-a"]
    assert run.result["missing_zones"] == [ZONE]
    assert run.warnings == f"Zones {ZONE} did not answer: clusters may be missing here."


def test_36_what_a_list_lacks_is_asked_for_by_name(cloud: Cloud) -> None:
    refs = [{"name": "c", "location": ZONE}, {"name": "c", "location": "us-west1-a"}]
    for ref in refs:
        cloud.cluster(**ref)
    assert cloud.firewall(*refs).result["changed"]
    cloud.fault({"missing_zones": [ZONE]}, method="GET", path=CREATE)
    run = cloud.firewall(*refs)
    assert not run.result["changed"]
    assert "GET clusters/c 200" in run.calls


def test_50_deletion_protection(cloud: Cloud) -> None:
    cloud.cluster(deletion_protection=True)
    for check in (True, False):
        run = cloud.cluster(state="absent", deletion_protection=True, check=check).failed_with(
            "Failed to delete cluster c in us-central1-a: it has deletion_protection. Set that to false first."
        )
        assert not run.writes
    cloud.fault({"stuck": True}, path=CLUSTER)
    assert cloud.exists()
    cloud.heal()
    assert cloud.cluster(state="absent").result["changed"]
    assert not cloud.cluster(state="absent", deletion_protection=True).result["changed"]
