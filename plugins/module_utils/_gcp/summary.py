# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as our modules return it: the same keys whatever its state, nothing secret. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._gcp.compare import resource_name, resource_project


def summarise(cluster: Mapping[str, Any] | None, *, name: str, location: str, project: str) -> dict[str, Any]:
    """What people and playbooks need of a cluster.

    Args:
        cluster: the API's JSON, or None when there is no cluster (the facts are then null or empty).
        name: used when there is no cluster.
        location: likewise.
        project: its project id (the API's links carry the number).
    """
    have = cluster or {}
    network, policy = have.get("networkConfig") or {}, have.get("ipAllocationPolicy") or {}
    endpoints = have.get("controlPlaneEndpointsConfig") or {}
    by_ip, by_name = endpoints.get("ipEndpointsConfig") or {}, endpoints.get("dnsEndpointConfig") or {}
    private = have.get("privateClusterConfig") or {}
    return {
        "exists": cluster is not None,
        "name": have.get("name") or name,
        "location": have.get("location") or location,
        "project": project,
        "status": have.get("status"),
        "status_message": have.get("statusMessage"),
        "endpoint": have.get("endpoint"),
        "private_endpoint": by_ip.get("privateEndpoint") or private.get("privateEndpoint"),
        "dns_endpoint": by_name.get("endpoint"),
        "ca_certificate": (have.get("masterAuth") or {}).get("clusterCaCertificate"),
        "version": have.get("currentMasterVersion"),
        "release_channel": (have.get("releaseChannel") or {}).get("channel"),
        "network": resource_name(str(network.get("network") or have.get("network") or "")) or None,
        "network_project": resource_project(str(network.get("network") or "")) or project,
        "subnetwork": resource_name(str(network.get("subnetwork") or have.get("subnetwork") or "")) or None,
        "pod_range": policy.get("clusterIpv4CidrBlock") or have.get("clusterIpv4Cidr"),
        "services_range": policy.get("servicesIpv4CidrBlock") or have.get("servicesIpv4Cidr"),
        "autopilot": bool((have.get("autopilot") or {}).get("enabled")),
        "labels": dict(have.get("resourceLabels") or {}),
        "zones": sorted(have.get("locations") or []),
        "node_count": int(have.get("currentNodeCount") or 0),
        "node_pools": [_pool(pool) for pool in have.get("nodePools") or ()],
        "create_time": have.get("createTime"),
        "self_link": have.get("selfLink"),
    }


def operation_summary(operation: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An operation as our modules return it; None when there was none."""
    if not operation:
        return None
    return {
        "name": operation.get("name"),
        "type": operation.get("operationType"),
        "status": operation.get("status"),
        "start_time": operation.get("startTime"),
        "end_time": operation.get("endTime"),
    }


def _pool(pool: Mapping[str, Any]) -> dict[str, Any]:
    config = pool.get("config") or {}
    return {
        "name": pool.get("name"),
        "status": pool.get("status"),
        "version": pool.get("version"),
        "machine_type": config.get("machineType"),
        "tags": sorted(config.get("tags") or []),
        "zones": sorted(pool.get("locations") or []),
        "autoscaling": bool((pool.get("autoscaling") or {}).get("enabled")),
    }
