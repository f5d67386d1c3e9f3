# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain values where suboptions belong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._arguments import misplaced

SPEC: dict[str, Any] = {
    "name": {"type": "str"},
    "scaling": {"type": "dict", "options": {"most": {"type": "int"}}},
    "pools": {
        "type": "list",
        "elements": "dict",
        "options": {"scaling": {"type": "dict", "options": {"most": {"type": "int"}}}},
    },
}


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        ({"name": False, "scaling": {"most": 1}, "pools": [{"scaling": {}}]}, []),
        ({"scaling": None, "pools": None}, []),
        ({"scaling": "most=1", "pools": ["a=b"]}, []),
        ({"scaling": False}, ["scaling"]),
        ({"pools": [{"scaling": 5}, None]}, ["pools.scaling", "pools"]),
    ],
)
def test_each_is_named(given: dict[str, Any], paths: list[str]) -> None:
    assert [one.partition(":")[0] for one in misplaced(SPEC, given)] == paths
