# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of the old walkthrough, through the module's own entry: what is sent today, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.modules.entry import run_module, said
from tests.lab.modules.in_process import ZONE, Cloud

LOGS_ON = "enable_cloud_logging is a switch of the past: logging: [SYSTEM_COMPONENTS, WORKLOADS] says the same today."
LOGS_OFF = "enable_cloud_logging is a switch of the past: logging: [] says the same today."
METRICS_ON = "enable_cloud_monitoring is a switch of the past: monitoring: [SYSTEM_COMPONENTS] says the same today."
METRICS_OFF = "enable_cloud_monitoring is a switch of the past: monitoring: [] says the same today."
CLUSTER = {"name": "central", "location": ZONE}


@pytest.mark.parametrize(
    ("option", "value", "field", "components", "notice"),
    [
        ("enable_cloud_logging", True, "loggingConfig", ["SYSTEM_COMPONENTS", "WORKLOADS"], LOGS_ON),
        ("enable_cloud_logging", False, "loggingConfig", [], LOGS_OFF),
        ("enable_cloud_monitoring", True, "monitoringConfig", ["SYSTEM_COMPONENTS"], METRICS_ON),
        ("enable_cloud_monitoring", False, "monitoringConfig", [], METRICS_OFF),
    ],
)
def test_a_switch_is_todays_field_and_a_notice(
    option: str, value: bool, field: str, components: list[str], notice: str, cloud: Cloud, tmp_path: Path
) -> None:
    predicted = run_module(cloud, "gke_cluster", {**CLUSTER, option: value}, tmp_path, check_mode=True)
    made = run_module(cloud, "gke_cluster", {**CLUSTER, option: value}, tmp_path)
    again = run_module(cloud, "gke_cluster", {**CLUSTER, option: value}, tmp_path)
    assert [said(run) for run in (predicted, made, again)] == [[notice]] * 3
    assert made.writes[0].body["cluster"][field]["componentConfig"] == {"enableComponents": components}
    assert (again.result["changed"], again.writes) == (False, [])


def test_both_switches_are_said_in_the_order_of_the_walkthrough(cloud: Cloud, tmp_path: Path) -> None:
    both = {**CLUSTER, "enable_cloud_monitoring": True, "enable_cloud_logging": True}
    assert said(run_module(cloud, "gke_cluster", both, tmp_path)) == [LOGS_ON, METRICS_ON]


def test_without_a_switch_nothing_is_said_and_nothing_of_it_sent(cloud: Cloud, tmp_path: Path) -> None:
    made = run_module(cloud, "gke_cluster", CLUSTER, tmp_path)
    assert not said(made)
    assert not {"loggingConfig", "monitoringConfig"} & made.writes[0].body["cluster"].keys()


def test_a_switch_gives_way_to_todays_option(cloud: Cloud, tmp_path: Path) -> None:
    options = {**CLUSTER, "enable_cloud_logging": True, "logging": ["SYSTEM_COMPONENTS"]}
    made = run_module(cloud, "gke_cluster", options, tmp_path)
    sent = made.writes[0].body["cluster"]["loggingConfig"]["componentConfig"]
    assert sent == {"enableComponents": ["SYSTEM_COMPONENTS"]}
    assert said(made) == [
        "enable_cloud_logging is a switch of the past and has no effect: logging is set too, and that counts."
    ]
