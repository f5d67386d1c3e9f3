# SPDX-License-Identifier: GPL-3.0-or-later
"""What module gke_cluster does: its options, and one run of the cluster's lifecycle."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import Clock
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.auth import AUTH_SPEC, require_project
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.change import Retirement
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.desired import desired
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.lifecycle import Lifecycle, Outcome, Policy
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.locations import check_location
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.operations import Place
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.summary import operation_summary, summarise

if TYPE_CHECKING:
    from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient

CREATE_SECONDS = 5400
DRAIN_SECONDS = 3600
"""As long as GKE's own upgrades wait for evictions."""

_AUTOSCALING: dict[str, Any] = {
    "type": "dict",
    "options": {
        "enabled": {"type": "bool", "default": True},
        "minimum": {"type": "int"},
        "maximum": {"type": "int"},
        "total_minimum": {"type": "int"},
        "total_maximum": {"type": "int"},
        "location_policy": {"type": "str", "choices": ["BALANCED", "ANY"]},
    },
}
_POOL: dict[str, Any] = {
    "node_count": {"type": "int"},
    "autoscaling": _AUTOSCALING,
    "machine_type": {"type": "str"},
    "disk_size_gb": {"type": "int"},
    "disk_type": {"type": "str"},
    "image_type": {"type": "str"},
    "oauth_scopes": {"type": "list", "elements": "str"},
    "service_account": {"type": "str"},
    "node_tags": {"type": "list", "elements": "str"},
    "node_labels": {"type": "dict"},
    "node_taints": {
        "type": "list",
        "elements": "dict",
        "options": {
            "key": {"type": "str", "required": True, "no_log": False},
            "value": {"type": "str"},
            "effect": {
                "type": "str",
                "required": True,
                "choices": ["NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"],
            },
        },
    },
    "spot": {"type": "bool"},
    "auto_repair": {"type": "bool"},
    "auto_upgrade": {"type": "bool"},
    "max_surge": {"type": "int"},
    "max_unavailable": {"type": "int"},
    "max_pods_per_node": {"type": "int"},
}
_NODE_POOLS: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "options": {
        "name": {"type": "str", "required": True},
        **_POOL,
        "node_locations": {"type": "list", "elements": "str"},
        "version": {"type": "str"},
        "pod_range": {"type": "str"},
        "private_nodes": {"type": "bool"},
        "extra": {"type": "dict"},
    },
}
_CONTROL_PLANE: dict[str, Any] = {
    "type": "dict",
    "options": {
        "ip_endpoints": {"type": "bool"},
        "public_endpoint": {"type": "bool"},
        "global_access": {"type": "bool"},
        "private_endpoint_subnetwork": {"type": "str"},
        "authorized_networks": {
            "type": "list",
            "elements": "dict",
            "options": {"cidr_block": {"type": "str", "required": True}, "name": {"type": "str"}},
        },
        "dns_external_traffic": {"type": "bool"},
        "dns_kubernetes_tokens": {"type": "bool", "no_log": False},
    },
}
_MAINTENANCE: dict[str, Any] = {
    "type": "dict",
    "mutually_exclusive": [("daily_start", "recurrence")],
    "required_together": [("recurrence", "start_time", "end_time")],
    "options": {
        "daily_start": {"type": "str"},
        "start_time": {"type": "str"},
        "end_time": {"type": "str"},
        "recurrence": {"type": "str"},
        "exclusions": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "start_time": {"type": "str", "required": True},
                "end_time": {"type": "str", "required": True},
                "scope": {"type": "str", "choices": ["NO_UPGRADES", "NO_MINOR_UPGRADES", "NO_MINOR_OR_NODE_UPGRADES"]},
            },
        },
    },
}
_PROVISIONING: dict[str, Any] = {
    "type": "dict",
    "options": {
        "enabled": {"type": "bool", "default": True},
        "service_account": {"type": "str"},
        "limits": {
            "type": "list",
            "elements": "dict",
            "options": {
                "resource": {"type": "str", "required": True},
                "minimum": {"type": "int"},
                "maximum": {"type": "int", "required": True},
            },
        },
    },
}

ARGUMENT_SPEC: dict[str, Any] = {
    **AUTH_SPEC,
    "name": {"type": "str", "required": True},
    "location": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "description": {"type": "str"},
    "cluster_version": {"type": "str"},
    "release_channel": {"type": "str", "choices": ["rapid", "regular", "stable", "extended", "none"]},
    "node_locations": {"type": "list", "elements": "str"},
    "network": {"type": "str"},
    "subnetwork": {"type": "str"},
    "cluster_ipv4_cidr": {"type": "str"},
    "services_ipv4_cidr": {"type": "str"},
    "cluster_secondary_range_name": {"type": "str"},
    "services_secondary_range_name": {"type": "str"},
    "additional_pod_ranges": {"type": "list", "elements": "str"},
    "stack_type": {"type": "str", "choices": ["IPV4", "IPV4_IPV6"]},
    "default_max_pods_per_node": {"type": "int"},
    "logging": {"type": "list", "elements": "str"},
    "monitoring": {"type": "list", "elements": "str"},
    "managed_prometheus": {"type": "bool"},
    "enable_cloud_logging": {"type": "bool"},
    "enable_cloud_monitoring": {"type": "bool"},
    "labels": {"type": "dict"},
    "purge_labels": {"type": "bool", "default": True},
    "autopilot": {"type": "bool"},
    "workload_identity": {"type": "bool"},
    "private_nodes": {"type": "bool"},
    "control_plane": _CONTROL_PLANE,
    "control_plane_ipv4_cidr": {"type": "str"},
    "dataplane_v2": {"type": "bool"},
    "intra_node_visibility": {"type": "bool"},
    "gateway_api": {"type": "str", "choices": ["standard", "disabled"]},
    "autoscaling_profile": {"type": "str", "choices": ["BALANCED", "OPTIMIZE_UTILIZATION"]},
    "node_auto_provisioning": _PROVISIONING,
    "vertical_pod_autoscaling": {"type": "bool"},
    "binary_authorization": {"type": "str", "choices": ["DISABLED", "PROJECT_SINGLETON_POLICY_ENFORCE"]},
    "shielded_nodes": {"type": "bool"},
    "confidential_nodes": {"type": "bool"},
    "database_encryption_key": {"type": "str", "no_log": False},
    "fleet_project": {"type": "str"},
    "maintenance": _MAINTENANCE,
    **_POOL,
    "node_pools": _NODE_POOLS,
    "remove_other_node_pools": {"type": "bool", "default": False},
    "allow_node_recreation": {"type": "bool", "default": False},
    "replace_node_pools": {"type": "bool", "default": False},
    "drain_timeout": {"type": "int", "default": DRAIN_SECONDS},
    "drain_endpoint": {"type": "str", "choices": ["public", "private", "dns"], "default": "public"},
    "allow_recreate": {"type": "bool", "default": False},
    "extra": {"type": "dict"},
    "deletion_protection": {"type": "bool", "default": False},
    "recreate_on_error": {"type": "bool", "default": False},
    "fail_on_degraded": {"type": "bool", "default": True},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": CREATE_SECONDS},
}
SPEC_KWARGS: dict[str, Any] = {}

_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")


def run(params: dict[str, Any], *, check_mode: bool, diff: bool, report: Callable[[str], None]) -> dict[str, Any]:
    """Bring one cluster to the state that the options describe.

    Args:
        params: validated options.
        check_mode: predict only; nothing is written.
        diff: whether to return the managed fields before and after.
        report: takes a line of progress.

    Returns:
        ``changed``, ``cluster``, ``operation``, ``changes``, ``warnings`` and perhaps ``diff``.

    Raises:
        MeshError: the wish cannot be fulfilled.
    """
    project, name, location = require_project(params), str(params["name"]), str(params["location"])
    place = Place(project, location, name)
    if not _NAME.fullmatch(name):
        raise MeshError(
            "name", f"cluster {name!r}", "the name is not allowed",
            "Use at most 40 lower-case letters, digits and hyphens, beginning with a letter.",
        )  # fmt: skip
    check_location(place.subject, location)
    policy = Policy(
        check_mode,
        params["wait"],
        float(params["wait_timeout"]),
        params["recreate_on_error"],
        params["fail_on_degraded"],
        params["deletion_protection"],
    )
    session = GoogleSession(params)
    lifecycle = Lifecycle(session, place, policy, report, _ApiServer(params, place, session.clock, report))
    outcome = lifecycle.present(desired(params, project)) if params["state"] == "present" else lifecycle.absent()
    return _result(outcome, place, diff)


class _ApiServer:
    """How this cluster's nodes are emptied: through its API server, which hardly a run needs."""

    def __init__(self, params: dict[str, Any], place: Place, clock: Clock, report: Callable[[str], None]) -> None:
        self._params = params
        self._place = place
        self._clock = clock
        self._report = report

    @cached_property
    def _client(self) -> KubeClient:
        # Imported here, so that no other run pays for the kubernetes client, a third of a second.
        from ansible_collections.mcistio.gke.plugins.module_utils._kube import connect

        place, endpoint = self._place, self._params["drain_endpoint"]
        ref = {"name": place.cluster, "location": place.location, "project": place.project, "endpoint": endpoint}
        return connect.require(connect.connect(ref, self._params), ref, self._clock)

    def check(self) -> None:
        """See Drain."""
        from ansible_collections.mcistio.gke.plugins.module_utils._kube import draining

        draining.check(self._client)

    def empty(self, going: Retirement, *, wait: bool) -> bool:
        """See Drain."""
        from ansible_collections.mcistio.gke.plugins.module_utils._kube import draining, waiting

        told, seconds = waiting.told_by(self._place.cluster, self._report), float(self._params["drain_timeout"])
        job = draining.Job(going.pool, going.closed, going.successor, going.at_once)
        return draining.drain(self._client, job, seconds, told, wait=wait, clock=self._clock)


def _result(outcome: Outcome, place: Place, diff: bool) -> dict[str, Any]:
    cluster = summarise(outcome.cluster, name=place.cluster, location=place.location, project=place.project)
    result = {
        "changed": outcome.changed,
        "cluster": cluster,
        "operation": operation_summary(outcome.operation),
        "changes": outcome.changes,
        "warnings": outcome.notices,
    }
    if diff:
        result["diff"] = {"before": outcome.before, "after": outcome.after}
    return result
