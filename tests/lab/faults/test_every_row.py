# SPDX-License-Identifier: GPL-3.0-or-later
"""No fault without a test: each function ``test_NN_…`` of this folder tests row NN."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROWS = {
    1: "quota, when a creation is asked for",
    2: "quota, while creating",
    3: "an operation that fails with an error alone",
    4: "stockout",
    5: "nodes that never register",
    6: "a permission that is missing",
    7: "a location that is wrong or forbidden",
    8: "GKE's own service account without its role",
    9: "an API that is not enabled",
    10: "too many calls",
    11: "500, 502, 503, pages in place of JSON",
    12: "a token that expires while waiting",
    13: "credentials that are revoked",
    14: "a busy cluster",
    15: "an operation that Google starts by itself",
    16: "a creation that somebody else was quicker with",
    17: "a namesake that is being deleted",
    18: "a creation that never ends",
    19: "an interrupted creation",
    20: "a lost reply to a write",
    21: "an operation that cannot be seen at first",
    22: "a cluster in state ERROR",
    23: "a cluster in state DEGRADED",
    24: "a cluster that somebody deletes meanwhile",
    25: "one of several clusters that fails",
    26: "a namesake in another location",
    27: "a region taken for a zone",
    28: "a field that cannot be changed",
    29: "ranges that are exhausted",
    30: "a secondary range that is not there",
    31: "pod ranges that overlap",
    32: "a version that is not offered",
    33: "an update without a field",
    34: "an update with two features",
    35: "an etag that has changed",
    36: "a list without some zones",
    37: "a firewall rule edited by hand",
    38: "a firewall rule on another network",
    39: "a firewall rule of somebody else",
    40: "quota of firewall rules",
    41: "a network that is not ready, a rate that is exceeded",
    42: "no rights in the host project of a Shared VPC",
    43: "more ranges or tags than a rule takes",
    44: "no tag to find the nodes by",
    45: "endpoints that are closed or cannot be trusted",
    46: "an API server that is away though the cluster runs",
    47: "a log-in plugin that is missing",
    48: "states and fields that nobody knows yet",
    49: "proxies, interception, clocks",
    50: "a deletion that is protected against",
    51: "a deletion during the creation",
}
"""What Google, the network and people are known to do to whoever manages clusters."""


def test_every_row_has_a_test() -> None:
    tested: dict[int, list[str]] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (match := re.match(r"test_(\d\d)_\w", node.name)):
                tested.setdefault(int(match[1]), []).append(f"{file.name}::{node.name}")
    assert list(ROWS) == list(range(1, 52))
    assert sorted(tested) == list(ROWS), f"without a test: {sorted(set(ROWS) - set(tested))}"
