# SPDX-License-Identifier: GPL-3.0-or-later
"""The files and flags a control plane is started from."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest

from gkelab.world import control_plane
from gkelab.world.control_plane import ROLES, ControlPlane, write_credentials
from gkelab.world.folders import ClusterFolder

from .plans import cluster_plan

PLAN = cluster_plan()


@pytest.fixture
def folder(tmp_path: Path) -> ClusterFolder:
    made = ClusterFolder(tmp_path, PLAN.slot)
    write_credentials(PLAN, made, 7480)
    return made


def commands(folder: ClusterFolder) -> dict[str, list[str]]:
    plane = ControlPlane(PLAN, folder, Path("/bin-of-lab"), 7480)
    return {role: list(plane._command(role)) for role in ROLES}


def test_every_file_a_flag_names_exists(folder: ClusterFolder) -> None:
    made_at_start = {str(folder.etcd)}
    for argv in commands(folder).values():
        values = [flag.partition("=")[2] for flag in argv[1:]]
        files = [value for value in values if value.startswith(str(folder.root))]
        assert [path for path in files if not Path(path).exists()] == [path for path in files if path in made_at_start]


def test_the_api_server(folder: ClusterFolder) -> None:
    flags = commands(folder)["kube-apiserver"]
    assert flags[0] == "/bin-of-lab/kube-apiserver"
    assert {
        "--secure-port=443",
        "--advertise-address=198.18.3.2",
        "--service-cluster-ip-range=34.118.224.0/20",
        "--authorization-mode=Node,RBAC",
        "--enable-aggregator-routing=true",
        "--authentication-token-webhook-version=v1",
    } <= set(flags)


def test_only_the_api_server_listens_beyond_its_namespace(folder: ClusterFolder) -> None:
    argv = commands(folder)
    assert all("127.0.0.1" in flag for flag in argv["etcd"] if flag.startswith("--listen"))
    for role in ("kube-controller-manager", "kube-scheduler"):
        assert "--bind-address=127.0.0.1" in argv[role]


def test_bearer_tokens_are_asked_about_at_the_host(folder: ClusterFolder) -> None:
    config = json.loads((folder.root / "token-review.kubeconfig").read_text())
    assert config["clusters"][0]["cluster"] == {"server": "http://198.18.255.1:7480/lab/tokenreview"}


def test_kubeconfigs_work_with_the_authority(folder: ClusterFolder) -> None:
    config = json.loads(folder.kubeconfig("kube-scheduler").read_text())
    assert config["clusters"][0]["cluster"]["server"] == "https://198.18.3.2"
    assert config["users"][0]["name"] == "system:kube-scheduler"
    assert folder.kubeconfig("kube-scheduler").stat().st_mode & 0o077 == 0
    context = ssl.create_default_context(cafile=str(folder.pki / "ca.crt"))
    context.load_cert_chain(folder.pki / "kube-scheduler.crt", folder.pki / "kube-scheduler.key")


def test_a_restarted_cluster_keeps_its_authority(folder: ClusterFolder) -> None:
    before = (folder.pki / "ca.crt").read_text()
    write_credentials(PLAN, folder, 7480)
    assert (folder.pki / "ca.crt").read_text() == before


def test_an_interrupted_making_is_made_anew(folder: ClusterFolder) -> None:
    (folder.pki / "complete").unlink()
    (folder.pki / "admin.key").unlink()
    write_credentials(PLAN, folder, 7480)
    assert (folder.pki / "admin.key").exists()


def test_why_a_process_ended(tmp_path: Path) -> None:
    log = tmp_path / "etcd.log"
    assert control_plane._last_line(log) == f"see {log}"
    log.write_text("started\n\npanic: disk full\n\n")
    assert control_plane._last_line(log) == "panic: disk full"
