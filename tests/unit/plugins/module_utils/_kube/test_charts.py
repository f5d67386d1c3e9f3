# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known of a chart without a network."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._kube.charts import Chart, chart_of


def _folder(path: Path) -> Path:
    (path / "istiod").mkdir()
    (path / "istiod" / "Chart.yaml").write_text("name: istiod\nversion: 1.31.0\n")
    return path / "istiod"


def test_a_folder_says_its_own_version(tmp_path: Path) -> None:
    assert chart_of(str(_folder(tmp_path)), "9.9.9") == Chart("istiod", "1.31.0", local=True)


def test_a_package_too(tmp_path: Path) -> None:
    folder = _folder(tmp_path)
    with tarfile.open(tmp_path / "istiod-1.31.0.tgz", "w:gz") as package:
        package.add(folder, "istiod")
    assert chart_of(str(tmp_path / "istiod-1.31.0.tgz"), None) == Chart("istiod", "1.31.0", local=True)


@pytest.mark.parametrize("reference", ["istiod", "istio/istiod", "oci://registry.example/charts/istiod"])
def test_other_charts_are_known_by_name_and_pinned_version(reference: str) -> None:
    assert chart_of(reference, "1.31.0") == Chart("istiod", "1.31.0", local=False)


@pytest.mark.parametrize(
    ("pinned", "name", "version", "satisfied"),
    [
        ("1.31.0", "istiod", "1.31.0", True),
        ("v1.31.0", "istiod", "1.31.0", True),
        ("1.31.0", "istiod", "1.31.1", False),
        ("1.31.0", "base", "1.31.0", False),
        (None, "istiod", "1.30.0", True),
    ],
)
def test_what_is_installed_satisfies_or_not(pinned: str | None, name: str, version: str, satisfied: bool) -> None:
    assert chart_of("istiod", pinned).is_installed(name, version) is satisfied


def test_a_path_to_nothing_is_no_chart_of_a_repository() -> None:
    with pytest.raises(MeshError, match="no such folder or package"):
        chart_of("/no/such/chart", None)


def test_a_folder_that_is_no_chart(tmp_path: Path) -> None:
    with pytest.raises(MeshError, match=r"A chart folder has a Chart\.yaml"):
        chart_of(str(tmp_path), None)
    (tmp_path / "Chart.yaml").write_text("name: x\n")
    with pytest.raises(MeshError, match="no name and version"):
        chart_of(str(tmp_path), None)
