# SPDX-License-Identifier: GPL-3.0-or-later
"""What the check of every file finds, and what it lets pass."""

from __future__ import annotations

import pytest

from tests.tools.hygiene import LICENCE, findings


@pytest.mark.parametrize("name", ["plugins/modules/x.py", "roles/a/tasks/main.yml", "Makefile", "docs/a.md"])
def test_a_file_without_its_licence_is_found(name: str) -> None:
    assert list(findings(name, "text\n")) == [f"{name}: no '{LICENCE}' in its first 20 lines"]


@pytest.mark.parametrize("name", ["lab/go/kube/go.sum", "COPYING", "CHANGELOG.md", "docs/picture.svg"])
def test_files_without_room_for_it_pass(name: str) -> None:
    assert not list(findings(name, "text\n"))


@pytest.mark.parametrize(
    "line",
    [
        "/" + "work/main/x",
        "path: /" + "home/somebody/x",
        '"/' + 'root/.kube/config"',
        "see https://proxy." + "golang.org",
        "at files.python" + "hosted.org",
    ],
)
def test_a_machines_own_names_are_found(line: str) -> None:
    (found,) = findings("a.py", f"# {LICENCE}\n{line}\n")
    assert found.startswith("a.py:2: ")


@pytest.mark.parametrize("line", ["~/.kube/config", "$HOME/work/x", "/home/me/a", "{{ base }}/work/x", "a/root/b"])
def test_other_paths_pass(line: str) -> None:
    assert not list(findings("a.py", f"# {LICENCE}\n{line}\n"))
