# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read out of a run."""

from __future__ import annotations

import pytest

from tests.bench import runs
from tests.bench.bench import Row, table

RECAP = """\
PLAY RECAP *********************************************************************
central                    : ok=20   changed=3    unreachable=0    failed=0    skipped=4
east                       : ok=15   changed=2    unreachable=0    failed=0    skipped=2
"""


def test_changes_are_summed_over_the_hosts() -> None:
    assert runs.changed(RECAP) == 5


def test_a_run_without_a_recap_is_no_run() -> None:
    with pytest.raises(runs.RunFailed, match="No recap"):
        runs.changed("PLAY [Nothing]\nskipping: no hosts matched\n")


def test_the_table_is_in_columns() -> None:
    assert table([Row("one", 1.25, "s"), Row("another", 10, "calls", "note")]) == (
        "one            1.2 s\nanother       10.0 calls  note"
    )


def test_a_lab_that_is_up_leads_no_run_astray(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GCP_PROJECT", "GKE_MESH_CONTAINER_ENDPOINT", "GKE_MESH_COMPUTE_ENDPOINT", "GKE_MESH_ENV"):
        monkeypatch.setenv(name, "x")
    kept = runs._environment()
    assert "GKE_MESH_ENV" in kept and "PATH" in kept
    assert not {"GCP_PROJECT", "GKE_MESH_CONTAINER_ENDPOINT", "GKE_MESH_COMPUTE_ENDPOINT"} & kept.keys()
