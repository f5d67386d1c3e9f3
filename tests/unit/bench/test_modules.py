# SPDX-License-Identifier: GPL-3.0-or-later
"""Which creations the benchmark of the modules asks for."""

from __future__ import annotations

import pytest

from tests.bench import options
from tests.bench.modules import durations


def test_creations_take_thirty_to_thirty_nine_seconds_and_the_longest_are_spread() -> None:
    asked = durations(100, 39)
    assert (min(asked), max(asked)) == (30, 39)
    assert [number for number, seconds in enumerate(asked) if seconds == 39] == list(range(9, 100, 10))


def test_a_short_run_keeps_the_proportions() -> None:
    asked = durations(10, 3.9)
    assert [min(asked), max(asked)] == [pytest.approx(3.0), pytest.approx(3.9)]


def test_both_ask_for_the_same_rule() -> None:
    rule = {
        "name": "fw", "network": "n", "description": "d", "direction": "INGRESS", "priority": 900,
        "allowed": [{"IPProtocol": "tcp", "ports": ["15012"]}, {"IPProtocol": "icmp"}],
        "sourceRanges": ["10.0.0.0/17"], "targetTags": ["t"],
    }  # fmt: skip
    asked = options.peer_firewall(rule)["google.cloud.gcp_compute_firewall"]
    assert asked["allowed"] == [{"ip_protocol": "tcp", "ports": ["15012"]}, {"ip_protocol": "icmp"}]
    assert asked["source_ranges"] == ["10.0.0.0/17"]
    assert asked["priority"] == 900
