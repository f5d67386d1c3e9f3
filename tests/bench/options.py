# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks ask of the modules, ours and google.cloud's: as nearly the same as their options allow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.bench.fleet import FIREWALL, NODES, TAG, Fleet

Task = dict[str, Any]
GROUP = "group/mcistio.gke.gcp"


def connection(fleet: Fleet) -> Task:
    """Our modules' connection to the lab itself, over plain HTTP."""
    return {
        "project": fleet.variables["GCP_PROJECT"],
        "auth_kind": "serviceaccount",
        "service_account_file": fleet.key_file,
        "container_endpoint": fleet.api.url,
        "compute_endpoint": fleet.api.url,
    }


def google(fleet: Fleet, project: str) -> Task:
    """Anybody's connection to Google's own addresses."""
    return {"project": project, "auth_kind": "serviceaccount", "service_account_file": fleet.key_file}


def wish() -> Task:
    """The walkthrough's cluster."""
    return {
        "node_count": NODES,
        "machine_type": "e2-standard-4",
        "release_channel": "regular",
        "logging": ["SYSTEM_COMPONENTS", "WORKLOADS"],
        "monitoring": ["SYSTEM_COMPONENTS"],
        "labels": {"mesh": "mesh1"},
        "node_tags": [TAG],
    }


def cluster() -> Task:
    """A task that makes the host's cluster."""
    named = {"name": "{{ inventory_hostname }}", "location": "{{ zone }}"}
    return {"name": "Make the cluster", "mcistio.gke.gke_cluster": {**named, **wish()}}


def only_sleep() -> Task:
    """A task with the same options that does nothing but wait."""
    return {"name": "Wait", "only_sleep": cluster()["mcistio.gke.gke_cluster"]}


def firewall() -> Task:
    """A task that opens all the inventory's clusters to each other."""
    members = "{{ dict(groups.all | zip(groups.all | map('extract', hostvars, 'zone')))"
    members += " | dict2items(key_name='name', value_name='location') }}"
    return {
        "name": "Open the clusters to each other",
        "mcistio.gke.mesh_firewall": {"name": FIREWALL, "clusters": members, "node_tag": TAG},
        "run_once": True,
    }


def nothing() -> Task:
    """A task that does as little as a task can."""
    return {"name": "Nothing", "ansible.builtin.debug": {"msg": "nothing"}}


def peer_cluster() -> Task:
    """google.cloud's task for the host's cluster; it has no options for the components of logging and monitoring."""
    return {
        "name": "Make the cluster",
        "google.cloud.gcp_container_cluster": {
            "name": "{{ inventory_hostname }}",
            "location": "{{ zone }}",
            "initial_node_count": NODES,
            "node_config": {"machine_type": "e2-standard-4", "tags": [TAG]},
            "release_channel": {"channel": "REGULAR"},
            "resource_labels": {"mesh": "mesh1"},
        },
    }


def peer_firewall(rule: Mapping[str, Any]) -> Task:
    """google.cloud's task for a rule that is there, with all that it can say of it."""
    return {
        "name": "Open the clusters to each other",
        "google.cloud.gcp_compute_firewall": {
            "name": rule["name"],
            "network": {"selfLink": rule["network"]},
            "description": rule["description"],
            "direction": rule["direction"],
            "priority": rule["priority"],
            "allowed": [_allowed(one) for one in rule["allowed"]],
            "source_ranges": rule["sourceRanges"],
            "target_tags": rule["targetTags"],
        },
        "run_once": True,
    }


def peer_defaults(given: Mapping[str, Any]) -> Task:
    """The same options for each of google.cloud's modules."""
    return {f"google.cloud.{module}": dict(given) for module in ("gcp_container_cluster", "gcp_compute_firewall")}


def _allowed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"ip_protocol": entry["IPProtocol"]} | ({"ports": entry["ports"]} if entry.get("ports") else {})
