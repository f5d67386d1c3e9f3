# SPDX-License-Identifier: GPL-3.0-or-later
"""GKE's version words."""

from __future__ import annotations

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import versions


@pytest.mark.parametrize(
    ("wanted", "actual", "result"),
    [
        ("latest", "1.33.5-gke.1", True),
        ("-", "1.33.5-gke.1", True),
        ("1.33", "1.33.5-gke.1", True),
        ("1.33.5", "1.33.5-gke.1", True),
        ("1.33.5-gke.1", "1.33.5-gke.1", True),
        ("1.3", "1.33.5-gke.1", False),
        ("1.33.5-gke.1", "1.33.5-gke.10", False),
        ("1.34", "1.33.5-gke.1", False),
    ],
)
def test_prefixes_and_aliases(wanted: str, actual: str, result: bool) -> None:
    assert versions.matches(wanted, actual) is result


def test_newer_only_as_far_as_the_prefix_says() -> None:
    assert versions.is_newer("1.34.1-gke.5", "1.33")
    assert not versions.is_newer("1.33.9-gke.5", "1.33")
    assert not versions.is_newer("1.9.1-gke.5", "1.33")


CONFIG = {
    "validMasterVersions": ["1.33.5-gke.1", "1.34.1-gke.2", "1.32.9-gke.3"],
    "channels": [{"channel": "STABLE", "validVersions": ["1.32.9-gke.3"]}],
}


def test_offers_of_a_channel_or_of_all_newest_first() -> None:
    assert versions.offered(CONFIG, "stable") == ["1.32.9-gke.3"]
    assert versions.offered(CONFIG)[0] == "1.34.1-gke.2"
    assert versions.offered(CONFIG, "RAPID") == versions.offered(CONFIG)
    assert versions.offered({}) == []
