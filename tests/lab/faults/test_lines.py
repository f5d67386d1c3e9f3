# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees meanwhile: a line when the state changes, and none in between."""

from __future__ import annotations

import re

import pytest

from tests.lab.emulator.emulator import JSON
from tests.lab.faults.cloud import CLUSTER, CREATE, ZONE, Cloud

TIME = r"(\d+ h \d\d m \d\d s|\d+ m \d\d s|\d+ s)"
STAGES = re.compile(rf"c: creating \((\d) of 3 stages, {TIME}\)")


def test_a_creation_tells_its_completed_stages(cloud: Cloud) -> None:
    cloud.fault({"operation_seconds": 1.0}, method="POST", path=CREATE)
    run = cloud.cluster()
    first, *stages, last = run.lines
    assert first == f"c: creating in {ZONE}"
    assert re.fullmatch(rf"c: running after {TIME}", last)
    told = [match[1] for line in stages if (match := STAGES.fullmatch(line))]
    assert len(told) == len(stages)
    assert told == sorted(set(told))
    assert told[:2] == ["0", "1"]
    looks = sum("operations/" in call for call in run.calls)
    assert looks > len(stages), "not every look finds something new to tell"


@pytest.mark.parametrize(
    ("method", "path", "options", "line"),
    [
        ("PUT", CLUSTER, {"shielded_nodes": False}, "updating"),
        ("PUT", CLUSTER, {"cluster_version": "1.36"}, "upgrading the control plane"),
        ("DELETE", CLUSTER, {"state": "absent"}, "deleting"),
    ],
)
def test_what_tells_no_stages_tells_its_time(cloud: Cloud, method: str, path: str, options: JSON, line: str) -> None:
    cloud.cluster(cluster_version="1.35")
    cloud.fault({"operation_seconds": 0.3}, method=method, path=path)
    run = cloud.cluster(**options)
    told = [one for one in run.lines if re.fullmatch(rf"c: {line} \({TIME}\)", one)]
    assert len(told) == 1
