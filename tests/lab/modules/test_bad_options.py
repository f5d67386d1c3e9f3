# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is given to a module: one clear line or a result, never a traceback; and never a write for what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ansible_collections.mcistio.gke.plugins.module_utils._core import (
    gke_cluster,
    gke_cluster_info,
    gke_kubeconfig,
    mesh_firewall,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.lab.modules.cluster_options import VALUES
from tests.lab.modules.entry import run_module
from tests.lab.modules.in_process import ZONE, Cloud, Run

JSON = dict[str, Any]
CORES: dict[str, ModuleType] = {
    "gke_cluster": gke_cluster,
    "gke_cluster_info": gke_cluster_info,
    "gke_kubeconfig": gke_kubeconfig,
    "mesh_firewall": mesh_firewall,
}
REFERENCE = [{"name": "central", "location": ZONE}]
SENSIBLE: dict[str, JSON] = {
    "gke_cluster": {"name": "central", "location": ZONE},
    "gke_cluster_info": {"location": ZONE},
    "gke_kubeconfig": {"clusters": REFERENCE},
    "mesh_firewall": {"clusters": REFERENCE},
}
OUT_OF_THE_FUZZ = frozenset({
    "access_token", "auth_kind", "service_account_file", "service_account_contents", "service_account_email", "scopes",
    "container_endpoint", "compute_endpoint", "project", "path", "state", "wait_timeout",
})  # fmt: skip
"""How to log in and where to is the cloud's to know here; tests of auth.py and http.py have their own bad input."""
_TEXTS = st.one_of(
    st.sampled_from(["", " ", "-", "/", "../..", "a b", "é", "名前", "\x00", "\n", "10.0.0.0/33", "10.0.0.1/8", "::/0",
                     "{{ x }}", "x" * 5000, "0.0.0.0/0", "None", "null", "1e9", "%s", "latest", "1.35"]),
    st.text(max_size=12),
)  # fmt: skip
_SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([-1, 0, 2**31, 2**63, 10**30]), st.floats(), _TEXTS
)
JUNK: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=6,
)
_KEYS = st.sampled_from([
    "nodePools", "networkConfig", "name", "config", "tags", "resourceLabels", "labels", "autopilot", "location",
    "enabled", "initialNodeCount", "releaseChannel", "addonsConfig", "locations", "ipAllocationPolicy",
    "maintenancePolicy", "autoscaling", "clusterIpv4CidrBlock",
])  # fmt: skip
_NESTED = st.recursive(
    _SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip


def _values(option: JSON, name: str) -> st.SearchStrategy[Any]:
    """Junk, mostly in a shape that gets past the first check."""
    if name == "extra":
        return st.dictionaries(_KEYS, _NESTED, max_size=3)
    if "options" in option:
        entry = st.lists(st.sampled_from(sorted(option["options"])), max_size=5, unique=True).flatmap(
            lambda names: st.fixed_dictionaries({one: _values(option["options"][one], one) for one in names})
        )
        shaped: st.SearchStrategy[Any] = st.lists(entry, max_size=3) if option["type"] == "list" else entry
    elif "choices" in option:
        shaped = st.sampled_from(option["choices"])
    else:
        shaped = {
            "int": st.one_of(st.integers(), st.integers(-2, 20)),
            "bool": st.booleans(),
            "list": st.lists(_TEXTS, max_size=3),
            "dict": st.dictionaries(_TEXTS, _SCALARS, max_size=3),
        }.get(option["type"], _TEXTS)
    good = VALUES.get(name, [])
    usual = st.one_of(shaped, st.sampled_from(good)) if good else shaped
    return st.integers(0, 9).flatmap(lambda lot: JUNK if lot == 0 else usual)


def _options(name: str) -> st.SearchStrategy[JSON]:
    spec = {key: option for key, option in CORES[name].ARGUMENT_SPEC.items() if key not in OUT_OF_THE_FUZZ}
    chosen = st.lists(st.sampled_from(sorted(spec)), max_size=5, unique=True)
    return chosen.flatmap(lambda some: st.fixed_dictionaries({one: _values(spec[one], one) for one in some}))


@pytest.fixture(scope="module")
def empty(new_cloud: Callable[[], Cloud]) -> Iterator[Cloud]:
    """A cloud in which nothing may ever be made."""
    cloud = new_cloud()
    yield cloud
    cloud.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("run")


def one_line(run: Run) -> None:
    """A failure is a sentence."""
    if run.result.get("failed"):
        assert run.error.strip()
        assert "\n" not in run.error
        assert "Traceback" not in str(run.result)
        assert "exception" not in run.result


@pytest.mark.parametrize("name", sorted(CORES))
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much])
@given(data=st.data())
def test_any_options(
    name: str, empty: Cloud, new_cloud: Callable[[], Cloud], folder: Path, data: st.DataObject
) -> None:
    options = {**SENSIBLE[name], "path": str(folder / "config")} if name == "gke_kubeconfig" else SENSIBLE[name]
    options = options | data.draw(_options(name))
    predicted = run_module(empty, name, options, folder, check_mode=True)
    one_line(predicted)
    assert not predicted.writes
    cloud = new_cloud()
    try:
        real = run_module(cloud, name, options, folder)
        one_line(real)
        if predicted.error:
            assert not real.writes, options
    finally:
        cloud.close()


WRONG: list[tuple[str, JSON, str]] = [
    ("gke_cluster", {"name": "Central"}, "name"),
    ("gke_cluster", {"name": ""}, "name"),
    ("gke_cluster", {"name": "c" * 41}, "name"),
    ("gke_cluster", {"location": "moon"}, "moon"),
    ("gke_cluster", {"location": ""}, "region"),
    ("gke_cluster", {"node_locations": ["europe-west1-b"]}, "europe-west1-b"),
    ("gke_cluster", {"node_locations": ["us-central1-b"]}, "us-central1-a"),
    ("gke_cluster", {"cluster_ipv4_cidr": "10.0.0.1/8"}, "cluster_ipv4_cidr"),
    ("gke_cluster", {"services_ipv4_cidr": "x"}, "services_ipv4_cidr"),
    ("gke_cluster", {"control_plane_ipv4_cidr": "x"}, "control_plane_ipv4_cidr"),
    ("gke_cluster", {"control_plane": {"authorized_networks": [{"cidr_block": "office"}]}}, "authorized_networks"),
    ("gke_cluster", {"control_plane": {"authorised": True}}, "authorised"),
    ("gke_cluster", {"cluster_version": "9.99"}, "9.99"),
    ("gke_cluster", {"release_channel": "Regular"}, "release_channel"),
    ("gke_cluster", {"node_count": "four"}, "node_count"),
    ("gke_cluster", {"node_count": -1}, "node_count"),
    ("gke_cluster", {"node_count": 1001}, "node_count"),
    ("gke_cluster", {"disk_size_gb": 1}, "disk_size_gb"),
    ("gke_cluster", {"max_pods_per_node": 4}, "max_pods_per_node"),
    ("gke_cluster", {"default_max_pods_per_node": 300}, "default_max_pods_per_node"),
    ("gke_cluster", {"autoscaling": {"minimum": 3, "maximum": 1}}, "autoscaling"),
    ("gke_cluster", {"autoscaling": {"minimum": -3}}, "autoscaling"),
    ("gke_cluster", {"node_tags": ["Mesh Node"]}, "node_tags"),
    ("gke_cluster", {"labels": {"Mesh": "x"}}, "labels"),
    ("gke_cluster", {"labels": {"mesh": "a b"}}, "labels"),
    ("gke_cluster", {"node_pools": [{"name": "a"}, {"name": "a"}]}, "listed twice"),
    ("gke_cluster", {"node_pools": [{"name": "A"}]}, "node pool"),
    ("gke_cluster", {"node_pools": [{}]}, "name"),
    ("gke_cluster", {"node_pools": [{"name": "a", "node_count": -1}]}, "node_count"),
    ("gke_cluster", {"node_taints": [{"key": "a", "effect": "NEVER"}]}, "effect"),
    ("gke_cluster", {"maintenance": {"daily_start": "25:00"}}, "daily_start"),
    ("gke_cluster", {"maintenance": {"recurrence": "FREQ=DAILY"}}, "start_time"),
    ("gke_cluster", {"maintenance": {"start_time": "x", "end_time": "y", "recurrence": "z"}}, "start_time"),
    ("gke_cluster", {"extra": {"addonsConfig": 5}}, "addonsConfig"),
    ("gke_cluster", {"extra": {"autopilot": {"enabled": "perhaps"}}}, "autopilot.enabled"),
    ("gke_cluster", {"extra": {"nodePools": {"a": 1}}}, "nodePools"),
    ("gke_cluster", {"extra": {"nodePools": [{"name": "unlisted"}]}}, "unlisted"),
    ("gke_cluster", {"extra": {"resourceLabels": ["a"]}}, "resourceLabels"),
    ("gke_cluster", {"wait_timeout": 0}, "wait_timeout"),
    ("gke_cluster", {"node_auto_provisioning": False}, "node_auto_provisioning"),
    ("gke_cluster", {"node_pools": [{"name": "a", "autoscaling": 5}]}, "node_pools.autoscaling"),
    ("gke_cluster", {"node_pools": [None]}, "node_pools"),
    ("mesh_firewall", {"clusters": [True]}, "clusters"),
    ("gke_cluster", {"container_endpoint": "http://example.com"}, "plain http"),
    ("gke_cluster", {"project": ""}, "project"),
    ("gke_cluster", {"colour": "blue"}, "colour"),
    ("gke_cluster_info", {"location": "moon"}, "moon"),
    ("gke_cluster_info", {"labels": ["a"]}, "labels"),
    ("gke_kubeconfig", {"clusters": [{"name": "central"}]}, "location"),
    ("gke_kubeconfig", {"clusters": REFERENCE * 2}, "listed twice"),
    ("gke_kubeconfig", {"auth": "password"}, "auth"),
    ("mesh_firewall", {"name": "My Rule"}, "name"),
    ("mesh_firewall", {"clusters": []}, "no clusters"),
    ("mesh_firewall", {"clusters": [{"name": "central"}]}, "location"),
    ("mesh_firewall", {"clusters": [{"name": "central", "location": "moon"}]}, "moon"),
    ("mesh_firewall", {"priority": 65536}, "priority"),
    ("mesh_firewall", {"protocols": ["tcp:http"]}, "tcp:http"),
    ("mesh_firewall", {"protocols": ["tcp:70000"]}, "tcp:70000"),
    ("mesh_firewall", {"protocols": ["300"]}, "300"),
    ("mesh_firewall", {"protocols": []}, "protocols"),
    ("mesh_firewall", {"extra_source_ranges": ["10.0.0.1/8"]}, "extra_source_ranges"),
    ("mesh_firewall", {"extra_source_ranges": ["0.0.0.0/0"]}, "whole internet"),
    ("mesh_firewall", {"max_source_ranges": 0}, "max_source_ranges"),
    ("mesh_firewall", {"node_tag": "Mesh Node"}, "node_tag"),
]
"""Module, what is wrong, and what the sentence must name."""


@pytest.fixture(scope="module")
def standing(new_cloud: Callable[[], Cloud]) -> Iterator[Cloud]:
    """A cloud with cluster central."""
    cloud = new_cloud()
    assert not cloud.run(gke_cluster, SENSIBLE["gke_cluster"]).error
    yield cloud
    cloud.close()


@pytest.mark.parametrize(("name", "wrong", "named"), WRONG, ids=[f"{name} {wrong}"[:60] for name, wrong, _ in WRONG])
@pytest.mark.parametrize("there", [True, False])
def test_what_is_wrong_is_named_and_nothing_is_written(
    name: str, wrong: JSON, named: str, there: bool, standing: Cloud, empty: Cloud, folder: Path
) -> None:
    options = SENSIBLE[name] | ({"path": str(folder / "never")} if name == "gke_kubeconfig" else {}) | wrong
    run = run_module(standing if there else empty, name, options, folder)
    one_line(run)
    assert named in run.error, run.error
    assert not run.writes
    assert not (folder / "never").exists()
