# SPDX-License-Identifier: GPL-3.0-or-later
"""Helm's own records, and releases that a kill left behind, with the real helm."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import helm_releases
from ansible_collections.mcistio.gke.plugins.module_utils._kube import helm_storage
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig_temporary import temporary_kubeconfig

from tests.lab.kube.api_server import ApiServer
from tests.unit.plugins.params import defaults

pytestmark = pytest.mark.lab

Object = dict[str, Any]

CHART = "name: sample\nversion: 0.1.0\napiVersion: v2\n"
TEMPLATE = """apiVersion: v1
kind: ConfigMap
metadata: {name: sample}
data: {text: "{{ .Values.text }}"}
"""


@pytest.fixture(name="chart")
def _chart(tmp_path: Path) -> Path:
    folder = tmp_path / "sample"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(CHART)
    (folder / "values.yaml").write_text("text: default\n")
    (folder / "templates" / "c.yaml").write_text(TEMPLATE)
    return folder


class Helm:
    """helm run as kubernetes.core.helm runs it, as far as these releases go; counts its starts."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self._server, self._folder = server, folder
        self.starts = 0

    def __call__(self, endpoint: Endpoint, options: Object) -> Object:
        self.starts += 1
        with temporary_kubeconfig(endpoint, str(self._folder)) as kubeconfig:
            place = ["--kubeconfig", kubeconfig, "-n", options["release_namespace"]]
            if options.get("release_state") == "absent":
                return self._run(["uninstall", options["release_name"], *place])
            values = [f"--set=text={options['release_values']['text']}"]
            return self._run(
                ["upgrade", "-i", "--reset-values", options["release_name"], options["chart_ref"], *values, *place]
            )

    def _run(self, arguments: list[str]) -> Object:
        done = subprocess.run(
            [str(self._server.programs / "helm"), *arguments], capture_output=True, text=True, check=False
        )
        return {"failed": done.returncode != 0, "stderr": done.stderr}


@pytest.fixture(name="helm")
def _helm(server: ApiServer, tmp_path: Path) -> Helm:
    return Helm(server, tmp_path)


def _run(server: ApiServer, helm: Helm, namespace: str, chart: Path | None, text: str = "one") -> str:
    options = {name: option.get("default") for name, option in helm_releases.RELEASE_OPTIONS.items()}
    release = {**options, "name": "sample", "namespace": namespace, "values": {"text": text}}
    release.update({"chart_ref": str(chart)} if chart else {"state": "absent"})
    params = defaults(helm_releases, cluster=server.reference("real"), releases=[release], pending_grace=0)
    result = helm_releases.run(params, check_mode=False, diff=True, report=lambda line: None, helm=helm)
    return str(result["releases"][0]["action"])


def _text(server: ApiServer, namespace: str) -> str | None:
    found = server.client.get("v1", "ConfigMap", "sample", namespace)
    return found["data"]["text"] if found else None


def _leave(server: ApiServer, namespace: str, status: str) -> None:
    """Make the newest record say what it says when helm was killed in the middle."""
    secrets = server.client.list("v1", "Secret", namespace, labels=helm_storage.CURRENT)
    release = helm_storage.newest(secrets)["sample"]
    changed = helm_storage.with_status(release, status)
    server.client.apply(changed)


def test_helm_s_life_from_its_records(server: ApiServer, helm: Helm, namespace: str, chart: Path) -> None:
    assert _run(server, helm, namespace, chart) == "installed"
    assert _run(server, helm, namespace, chart) == "unchanged"
    assert _run(server, helm, namespace, chart, "two") == "upgraded"
    assert _run(server, helm, namespace, chart, "two") == "unchanged"
    assert _text(server, namespace) == "two" and helm.starts == 2
    assert _run(server, helm, namespace, None) == "uninstalled"
    assert _run(server, helm, namespace, None) == "absent"
    assert _text(server, namespace) is None and helm.starts == 3


@pytest.mark.parametrize("status", ["pending-install", "failed", "uninstalling"])
def test_a_first_install_that_was_killed_is_done_again(
    server: ApiServer, helm: Helm, namespace: str, chart: Path, status: str
) -> None:
    _run(server, helm, namespace, chart)
    _leave(server, namespace, status)
    assert _run(server, helm, namespace, chart, "two") == "upgraded"
    assert _text(server, namespace) == "two", "helm took over what the killed run had made"
    assert _run(server, helm, namespace, chart, "two") == "unchanged"


@pytest.mark.parametrize("status", ["pending-upgrade", "pending-rollback", "failed"])
def test_an_upgrade_that_was_killed_is_done_again(
    server: ApiServer, helm: Helm, namespace: str, chart: Path, status: str
) -> None:
    _run(server, helm, namespace, chart, "one")
    _run(server, helm, namespace, chart, "two")
    _leave(server, namespace, status)
    assert _run(server, helm, namespace, chart, "two") == "upgraded"
    assert _run(server, helm, namespace, chart, "two") == "unchanged"
    assert _text(server, namespace) == "two"


@pytest.mark.parametrize("status", ["pending-install", "pending-upgrade", "uninstalling", "failed"])
def test_what_a_killed_run_left_is_uninstalled(
    server: ApiServer, helm: Helm, namespace: str, chart: Path, status: str
) -> None:
    _run(server, helm, namespace, chart)
    _leave(server, namespace, status)
    assert _run(server, helm, namespace, None) == "uninstalled"
    assert _text(server, namespace) is None
    assert _run(server, helm, namespace, None) == "absent"
