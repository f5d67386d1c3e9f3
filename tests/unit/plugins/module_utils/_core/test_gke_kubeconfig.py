# SPDX-License-Identifier: GPL-3.0-or-later
"""Module gke_kubeconfig from its options to the file."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcistio.gke.plugins.module_utils._core import gke_kubeconfig
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError

from tests.unit.plugins.fake_google import CENTRAL, LOCATION, Call, Script, cluster, missing
from tests.unit.plugins.module_utils._core.google_run import Runner

REF = {"name": "central", "location": LOCATION}
HERE = Call("GET", CENTRAL, cluster())


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    return Runner(gke_kubeconfig, monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kube" / "config"


def content(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def test_written_then_left_alone_then_removed(run: Runner, path: Path) -> None:
    ask: dict[str, Any] = {"path": str(path), "clusters": [REF]}
    first = run(Script(HERE), **ask)
    assert first["changes"] == ["context central: add"]
    assert first["contexts"] == [{"name": "central", "server": "https://203.0.113.7", "auth": "exec"}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.stat().st_mtime_ns
    assert not run(Script(HERE), **ask)["changed"] and path.stat().st_mtime_ns == before
    gone = run(Script(), state="absent", **ask)
    assert gone["changes"] == ["context central: remove"] and not path.exists()
    assert not run(Script(), state="absent", **ask)["changed"]


def test_check_mode_touches_nothing(run: Runner, path: Path) -> None:
    result = run(Script(HERE), check=True, path=str(path), clusters=[REF])
    assert result["changed"] and not path.parent.exists()
    assert run(Script(HERE), path=str(path), clusters=[REF])["diff"] == result["diff"]
    assert run(Script(), check=True, state="absent", path=str(path), clusters=[REF])["changed"] and path.exists()


def test_a_token_is_renewed_by_every_run_and_is_no_change_and_not_shown(run: Runner, path: Path) -> None:
    ask: dict[str, Any] = {"path": str(path), "clusters": [REF], "auth": "token"}
    first = run(Script(HERE), access_token="first-token", **ask)
    second = run(Script(HERE), access_token="second-token", **ask)
    assert first["changed"] and not second["changed"]
    assert content(path)["users"][0]["user"] == {"token": "second-token"}
    assert "-token" not in str(first) + str(second)
    assert not run(Script(HERE), check=True, access_token="third-token", **ask)["changed"]


def test_a_new_address_or_way_of_logging_in_is_a_change(run: Runner, path: Path) -> None:
    run(Script(HERE), path=str(path), clusters=[REF])
    moved = run(Script(Call("GET", CENTRAL, cluster(endpoint="203.0.113.9"))), path=str(path), clusters=[REF])
    assert moved["changes"] == ["context central: renew"]
    assert moved["diff"]["after"]["central"]["server"] == "https://203.0.113.9"


def test_a_file_that_others_can_read_is_closed(run: Runner, path: Path) -> None:
    run(Script(HERE), path=str(path), clusters=[REF])
    path.chmod(0o644)
    assert run(Script(HERE), path=str(path), clusters=[REF])["changed"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_cluster_that_is_not_there_yet(run: Runner, path: Path) -> None:
    absent = Call("GET", CENTRAL, missing()), Call("GET", "projects/p/locations/-/clusters", {})
    result = run(Script(*absent), check=True, path=str(path), clusters=[REF])
    assert result["changes"] == ["context central: add, once the cluster is there"]
    with pytest.raises(MeshError, match="does not exist"):
        run(Script(*absent), path=str(path), clusters=[REF])
    young = Call("GET", CENTRAL, cluster(endpoint="", status="PROVISIONING"))
    with pytest.raises(MeshError, match="PROVISIONING"):
        run(Script(young), path=str(path), clusters=[REF])
    assert not path.exists()


def test_the_current_context_only_when_asked(run: Runner, path: Path) -> None:
    run(Script(HERE), path=str(path), clusters=[REF])
    assert content(path)["current-context"] == ""
    result = run(Script(HERE), path=str(path), clusters=[REF], set_current_context=True)
    assert result["changes"] == ["current context: central"] and content(path)["current-context"] == "central"


def test_a_key_file_goes_to_the_plugin_too() -> None:
    assert gke_kubeconfig._plugin_environment({"auth": "exec", "service_account_file": "/key.json"}) == (
        ("GOOGLE_APPLICATION_CREDENTIALS", "/key.json"),
    )
    assert gke_kubeconfig._plugin_environment({"auth": "exec", "access_token": "t", "service_account_file": "/k"}) == ()


def test_a_missing_plugin_is_said_when_it_matters(run: Runner, path: Path) -> None:
    assert "gke-gcloud-auth-plugin" in run(Script(HERE), path=str(path), clusters=[REF])["warnings"][0]
    assert run(Script(HERE), path=str(path), clusters=[REF])["warnings"] == []


def test_clusters_with_a_kubeconfig_of_their_own_are_left_out(run: Runner, path: Path) -> None:
    result = run(Script(HERE), path=str(path), clusters=[REF, {"name": "onprem", "kubeconfig": "/k"}])
    assert [context["name"] for context in result["contexts"]] == ["central"]
    assert not run(Script(), path=str(path), clusters=[{"name": "onprem", "kubeconfig": "/k"}])["changed"]


@pytest.mark.parametrize(
    ("clusters", "part"),
    [
        ([REF, {"name": "central", "location": "us-east1-b"}], "central is listed twice"),
        ([{"name": "central"}], "no location"),
    ],
)
def test_bad_input_is_one_clear_line(run: Runner, path: Path, clusters: list[dict[str, str]], part: str) -> None:
    with pytest.raises(MeshError, match=part):
        run(Script(), path=str(path), clusters=clusters)


def test_a_file_that_is_no_kubeconfig_is_left_as_it_is(run: Runner, path: Path) -> None:
    path.parent.mkdir()
    path.write_text("my notes", encoding="utf-8")
    with pytest.raises(MeshError, match="no kubeconfig"):
        run(Script(HERE), path=str(path), clusters=[REF])
    assert path.read_text(encoding="utf-8") == "my notes"
