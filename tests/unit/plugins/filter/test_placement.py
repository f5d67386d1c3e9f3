# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters as Ansible sees them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mcistio.gke.plugins.filter import placement
from ansible_collections.mcistio.gke.plugins.filter.placement import FilterModule

FILTERS = FilterModule().filters()
DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}}


def test_every_filter_has_its_documentation() -> None:
    folder = Path(placement.__file__).parent
    for name in FILTERS:
        assert yaml.safe_load((folder / f"{name}.yml").read_text())["DOCUMENTATION"]["name"] == name


def test_a_filter_does_its_rule() -> None:
    assert FILTERS["unplaced"]([DEPLOYMENT], "east", {"a": []})[0]["metadata"] == {"name": "a"}


def test_complaints_are_ansible_s() -> None:
    with pytest.raises(AnsibleFilterError, match=r"mcistio.gke.placed: the placement names b"):
        FILTERS["placed"]([DEPLOYMENT], "east", {"a": [], "b": []})


@pytest.mark.parametrize("junk", ["text", [1], [{"kind": "Deployment"}], None])
def test_junk_is_told_from_a_bug(junk: object) -> None:
    with pytest.raises(AnsibleFilterError, match="not a list of Kubernetes objects"):
        FILTERS["placed"](junk, "east", {})
