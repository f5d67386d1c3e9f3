# SPDX-License-Identifier: GPL-3.0-or-later
"""env.json and the exports for a shell."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from gkelab.cli import environment
from gkelab.cli.errors import CommandError
from gkelab.config import Config


def test_clients_find_the_lab(tmp_path: Path) -> None:
    environment.write(tmp_path, Config(port=7999))
    found = json.loads((tmp_path / "env.json").read_text())
    assert found["GOOGLE_APPLICATION_CREDENTIALS"] == str(tmp_path / "credentials.json")
    assert found["GCP_PROJECT"] == "lab-project"
    assert found["GKE_MESH_CONTAINER_ENDPOINT"] == found["GKE_MESH_COMPUTE_ENDPOINT"] == "http://127.0.0.1:7999"
    assert found["CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"] == "http://127.0.0.1:7999/compute/v1/"


def test_a_shell_takes_the_exports_whatever_the_path(tmp_path: Path) -> None:
    home = tmp_path / "it's a $HOME"
    (home / "bin").mkdir(parents=True)
    environment.write(home, Config())
    exports = environment.exports(home, {"PATH": "/usr/bin"})
    shell = subprocess.run(
        ["sh", "-c", 'eval "$1"; echo "$GOOGLE_APPLICATION_CREDENTIALS"; echo "$PATH"', "sh", exports],
        capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert shell.stdout.splitlines() == [f"{home}/credentials.json", f"{home}/bin:/usr/bin:/bin"]


def test_path_does_not_grow_when_evaluated_again(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    environment.write(tmp_path, Config())
    assert "export PATH" in environment.exports(tmp_path, {"PATH": "/usr/bin"})
    assert "export PATH" not in environment.exports(tmp_path, {"PATH": f"/usr/bin:{tmp_path}/bin"})


def test_lab_without_programs_adds_nothing_to_the_path(tmp_path: Path) -> None:
    environment.write(tmp_path, Config(depth="api"))
    assert "PATH=" not in environment.exports(tmp_path, {})


def test_no_lab(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="gkelab up"):
        environment.exports(tmp_path)
