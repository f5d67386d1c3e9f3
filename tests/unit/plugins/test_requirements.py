# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plugins import is what the collection says that it needs: neither more nor less."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[3]
OF_ANSIBLE = {"ansible", "ansible_collections"}
PACKAGES = {
    "google.auth": "google-auth",
    "google.cloud": "google-cloud-container",
    "google.oauth2": "google-auth",
    "websocket": "websocket-client",
    "yaml": "PyYAML",
}
"""Packages whose name is not that of what is imported."""


def _modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _package(module: str) -> str:
    root, _dot, below = module.partition(".")
    name = f"google.{below.split('.')[0]}" if root == "google" else root
    return PACKAGES.get(name, name)


def _imported() -> set[str]:
    modules = {module for path in (CHECKOUT / "plugins").rglob("*.py") for module in _modules(path)}
    roots = sys.stdlib_module_names | OF_ANSIBLE
    return {_package(module) for module in modules if module.split(".")[0] not in roots}


def _requirements(path: str) -> dict[str, Requirement]:
    lines = (line for line in (CHECKOUT / path).read_text().splitlines() if line and not line.startswith("#"))
    return {each.name: each for each in map(Requirement, lines)}


def test_the_list_for_users_is_what_is_imported() -> None:
    assert set(_requirements("meta/ee-requirements.txt")) == _imported()


def test_what_is_tested_is_within_what_users_are_told() -> None:
    tested = _requirements("requirements/constraints.txt")
    for name, told in _requirements("meta/ee-requirements.txt").items():
        (pin,) = tested[name].specifier
        assert told.specifier.contains(pin.version), name


@pytest.mark.parametrize("version", ["36.0.0", "36.0.1"])
def test_kubernetes_clients_that_send_no_login_are_excluded(version: str) -> None:
    assert not _requirements("meta/ee-requirements.txt")["kubernetes"].specifier.contains(version)
