# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of programs, and what is made of the compiler's output. The Go command is a shell script here."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from gkelab.build.errors import BuildError
from gkelab.build.programs import compile_module, copy_from_module, program_key
from gkelab.build.progress import Progress
from gkelab.build.recipe import GO_MODULES, KUBE, GoModule

MODULE = GoModule("tool", (".",))


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    folder = tmp_path / "go" / "tool"
    folder.mkdir(parents=True)
    (folder / "go.mod").write_text("module tool\n")
    (folder / "main.go").write_text("package main\n")
    return tmp_path / "go"


def test_key_follows_what_goes_in(sources: Path) -> None:
    keys = {program_key(sources, MODULE, "amd64")}
    assert keys == {program_key(sources, MODULE, "amd64")}
    keys.add(program_key(sources, MODULE, "arm64"))
    keys.add(program_key(sources, replace(MODULE, variables=(("a.b", "1"),)), "amd64"))
    keys.add(program_key(sources, replace(MODULE, packages=("example.org/x",)), "amd64"))
    (sources / "tool" / "main.go").write_text("package main // changed\n")
    keys.add(program_key(sources, MODULE, "amd64"))
    (sources / "tool" / "page.html").write_text("embedded")
    keys.add(program_key(sources, MODULE, "amd64"))
    (sources / "tool" / "go.sum").write_text("x v1.0.0 h1:\n")
    keys.add(program_key(sources, MODULE, "amd64"))
    assert len(keys) == 7


def test_tests_of_a_program_do_not_rebuild_it(sources: Path) -> None:
    before = program_key(sources, MODULE, "amd64")
    (sources / "tool" / "main_test.go").write_text("package main\n")
    assert program_key(sources, MODULE, "amd64") == before


def test_package_installed_away_from_its_checkout_says_so(sources: Path) -> None:
    (sources / "tool" / "go.mod").unlink()
    with pytest.raises(BuildError, match="pip install -e lab"):
        program_key(sources, MODULE, "amd64")
    with pytest.raises(BuildError, match="pip install -e lab"):
        program_key(sources / "nowhere", MODULE, "amd64")


def test_versions_are_linked_in() -> None:
    assert "-X k8s.io/component-base/version.gitVersion=v1.36.1-gke.1000000" in KUBE.ldflags
    assert "-X k8s.io/component-base/version.gitMinor=36" in KUBE.ldflags
    assert "-X istio.io/istio/pkg/version.buildTag=1.31.0" in KUBE.ldflags


def test_all_programs_have_names_of_their_own() -> None:
    names = [name for module in GO_MODULES for name in module.programs]
    assert len(names) == len(set(names)) == 20
    assert {"etcd", "kube-apiserver", "pause", "bookinfo", "ptp", "coredns"} <= set(names)


def _go(tmp_path: Path, script: str) -> Path:
    program = tmp_path / "fake-go"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


def test_compile_gives_programs_their_usual_names(sources: Path, tmp_path: Path) -> None:
    module = GoModule("tool", ("go.etcd.io/etcd/server/v3", "example.org/cmd/kubectl"))
    go = _go(tmp_path, 'while [ "$1" != -o ]; do shift; done; touch "$2server" "$2kubectl"')
    folder = tmp_path / "out"
    folder.mkdir()
    compile_module(go, sources, module, folder, Progress(io.StringIO()))
    assert sorted(path.name for path in folder.iterdir()) == ["etcd", "kubectl"]


def test_compile_error_is_the_compilers_own_complaint(sources: Path, tmp_path: Path) -> None:
    said = ("go: downloading a v1", "internal/abi", "# tool", "./main.go:3:1: bad thing")
    go = _go(tmp_path, f"printf '%s\\n' {' '.join(map(repr, said))} >&2; exit 1")
    with pytest.raises(BuildError) as caught:
        compile_module(go, sources, MODULE, tmp_path, Progress(io.StringIO()))
    assert str(caught.value) == "Failed to compile Go module tool: ./main.go:3:1: bad thing"


def test_settings_of_the_user_that_change_the_result_are_overruled(
    sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOFLAGS", "-race")
    monkeypatch.setenv("CGO_ENABLED", "1")
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    go = _go(tmp_path, f'echo "$CGO_ENABLED|$GOFLAGS|$GOPROXY|$*" > {tmp_path}/seen')
    compile_module(go, sources, MODULE, tmp_path, Progress(io.StringIO()))
    seen = (tmp_path / "seen").read_text()
    assert seen.startswith("0||https://proxy.example|build -v -trimpath -buildvcs=false -ldflags -s -w -o ")


def test_copy_from_module_is_writable(sources: Path, tmp_path: Path) -> None:
    cached = tmp_path / "modcache"
    (cached / "charts" / "base").mkdir(parents=True)
    (cached / "charts" / "base" / "Chart.yaml").write_text("name: base\n")
    for path in (cached / "charts" / "base" / "Chart.yaml", cached / "charts" / "base", cached / "charts"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    go = _go(tmp_path, f'echo \'{{"Dir": "{cached}"}}\'')
    target = tmp_path / "copy"
    target.mkdir()
    copy_from_module(go, sources / "tool", "example.org/m", ["charts"], target)
    copied = target / "charts" / "base" / "Chart.yaml"
    assert copied.read_text() == "name: base\n"
    assert copied.stat().st_mode & 0o200
    assert copied.parent.stat().st_mode & 0o200


def test_missing_module_is_named(sources: Path, tmp_path: Path) -> None:
    go = _go(tmp_path, "echo 'no required module' >&2; exit 1")
    with pytest.raises(BuildError, match=r"Failed to find Go module example.org/m: no required module"):
        copy_from_module(go, sources / "tool", "example.org/m", ["charts"], tmp_path)
