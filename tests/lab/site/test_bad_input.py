# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person can get wrong is told in one line, and nothing has been written by then."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.site import playbooks
from tests.lab.site.laboratory import Lab

SECOND_PRIMARY = "mesh: {children: {control: {hosts: {north: {gke_location: us-east4-a}}}}}\n"


@pytest.fixture(autouse=True)
def _nothing_written(api_lab: Lab) -> None:
    api_lab.forget_requests()


def refused(lab: Lab, *arguments: str) -> list[str]:
    """Run site.yml, which must fail without a write; the lines that say why."""
    # The APIs alone come without Helm; nothing gets as far as to need it.
    helm = variables(mesh_helm_binary="/bin/true")
    run = playbooks.run("site.yml", *helm, *arguments, environment=lab.child_environment)
    assert run.status != 0, run.output
    assert lab.writes() == []
    assert lab.clusters() == {}
    assert "Traceback" not in run.output, run.output
    assert run.faults, run.output
    return run.faults


def the_only(faults: list[str]) -> str:
    """The one line, when hosts do not add anything of their own to it."""
    assert len(faults) == 1, faults
    return faults[0]


def variables(**values: object) -> tuple[str, str]:
    return "-e", json.dumps(values)


def test_no_project(api_lab: Lab) -> None:
    assert "no project: set gke_project" in the_only(refused(api_lab, *variables(gke_project="")))


def test_two_control_hosts(api_lab: Lab, tmp_path: Path) -> None:
    more = tmp_path / "more.yml"
    more.write_text(SECOND_PRIMARY)
    fault = the_only(refused(api_lab, "-i", str(more)))
    assert "exactly one control host, the inventory has 2: central, north" in fault


def test_no_mesh(api_lab: Lab) -> None:
    assert "no host in the group nowhere" in the_only(refused(api_lab, *variables(mesh_group="nowhere")))


def test_unknown_location(api_lab: Lab) -> None:
    # Two of the three hosts are right, and must not be created before the third is found wrong.
    location = "{{ 'us-mars1-a' if inventory_hostname == 'west' else 'us-central1-a' }}"
    faults = refused(api_lab, *variables(gke_location=location))
    assert len(faults) == 1
    assert "us-mars1-a" in faults[0] and "west" in faults[0]


@pytest.mark.parametrize("location", ["mars", "US-central1-a"])
def test_no_location_at_all(api_lab: Lab, location: str) -> None:
    faults = refused(api_lab, *variables(gke_location=location))
    assert all(f"location {location} of" in fault and "zone (us-central1-a)" in fault for fault in faults)


def test_a_zone_typed_for_a_region(api_lab: Lab) -> None:
    faults = refused(api_lab, *variables(gke_region="us-east1-b"))
    assert all("is us-east1-b, which is a zone" in fault for fault in faults)


def test_nodes_in_another_region(api_lab: Lab) -> None:
    faults = refused(api_lab, *variables(gke_node_locations=["europe-west1-b"]))
    assert all("must be zones of its region: europe-west1-b" in fault for fault in faults)


@pytest.mark.parametrize(
    ("name", "value"), [("gke_node_count", "four"), ("gke_disk_size_gb", "-1"), ("mesh_timeout", "3.5")]
)
def test_a_count_that_is_no_number(api_lab: Lab, name: str, value: str) -> None:
    faults = refused(api_lab, *variables(**{name: value}))
    assert len(faults) == 3
    assert all(f"not a whole number, of {host}: {name} {value}" in faults for host in ("central", "east", "west"))


def test_overlapping_pod_ranges(api_lab: Lab) -> None:
    ranges = "{{ {'central': '10.4.0.0/14', 'east': '10.8.0.0/14', 'west': '10.6.0.0/16'}[inventory_hostname] }}"
    fault = the_only(refused(api_lab, *variables(gke_cluster_ipv4_cidr=ranges)))
    assert "pod ranges overlap: central (10.4.0.0/14) and west (10.6.0.0/16)" in fault


def test_two_clusters_of_one_name(api_lab: Lab) -> None:
    assert "cannot share a name: " in the_only(refused(api_lab, *variables(gke_cluster_name="same")))


def test_a_name_that_gke_refuses(api_lab: Lab) -> None:
    faults = refused(api_lab, *variables(gke_cluster_name="{{ inventory_hostname }}_1"))
    assert any("cluster name central_1 is not a name GKE takes" in fault for fault in faults)


def test_credentials_file_that_is_not_there(api_lab: Lab) -> None:
    fault = the_only(refused(api_lab, *variables(gke_service_account_file="/nowhere/key.json")))
    assert "the credentials file /nowhere/key.json does not exist" in fault


@pytest.mark.parametrize("content", ["", "not json", "{}", '{"type": "service_account"}'])
def test_credentials_file_that_is_none(api_lab: Lab, tmp_path: Path, content: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(content)
    assert all(str(path) in fault for fault in refused(api_lab, *variables(gke_service_account_file=str(path))))


def test_credentials_of_another_account(api_lab: Lab, tmp_path: Path) -> None:
    key = json.loads(Path(api_lab.environment["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    path = tmp_path / "key.json"
    path.write_text(json.dumps({**key, "client_email": f"nobody@{api_lab.project}.iam.gserviceaccount.com"}))
    faults = refused(api_lab, *variables(gke_service_account_file=str(path)))
    assert all("nobody@" in fault or "credential" in fault.lower() or "401" in fault for fault in faults), faults


def test_no_helm(api_lab: Lab) -> None:
    assert "no helm (no-such-helm)" in the_only(refused(api_lab, *variables(mesh_helm_binary="no-such-helm")))


def test_a_placement_on_a_cluster_that_is_not_there(api_lab: Lab) -> None:
    fault = the_only(refused(api_lab, *variables(bookinfo_placement={"details-v1": ["north"], "detials-v1": ["east"]})))
    assert "bookinfo_placement names what this mesh does not have: detials-v1, north" in fault
