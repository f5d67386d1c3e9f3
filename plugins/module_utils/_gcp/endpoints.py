# SPDX-License-Identifier: GPL-3.0-or-later
"""Which address of a GKE cluster to call and whom to trust there. Pure, on the API's JSON."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError


@dataclass(frozen=True)
class Address:
    """An API server's URL, and its CA as base64 of PEM (empty: a publicly trusted certificate).

    Attributes:
        notice: a sentence for the user, where the address has a catch.
    """

    server: str
    ca: str
    notice: str = ""


def address(cluster: Mapping[str, Any], kind: str) -> Address:
    """One of a cluster's addresses.

    Args:
        cluster: its JSON.
        kind: ``public``, ``private`` or ``dns``.

    Raises:
        MeshError: the cluster has no such address, or no CA to check it by; there is no insecure way.
    """
    subject = f"cluster {cluster.get('name')}"
    if not cluster.get("endpoint"):
        status = cluster.get("status") or "in no known state"
        raise MeshError("connect to", subject, f"it has no endpoint, it is {status}", "Is it still being created?")
    if kind == "dns":
        return _by_name(cluster, subject)
    host = _private(cluster) if kind == "private" else _public(cluster)
    if not host:
        others = [name for name, value in _all(cluster).items() if value]
        raise MeshError(
            "connect to",
            subject,
            f"it has no {kind} endpoint",
            f"It has: {', '.join(others) or 'none'}. Set option endpoint.",
        )
    ca = str((cluster.get("masterAuth") or {}).get("clusterCaCertificate") or "")
    if not ca:
        raise MeshError("connect to", subject, "the service gave no CA certificate", "Use endpoint: dns.")
    return Address(f"https://{_bracketed(host)}", ca)


def _by_name(cluster: Mapping[str, Any], subject: str) -> Address:
    config = (cluster.get("controlPlaneEndpointsConfig") or {}).get("dnsEndpointConfig") or {}
    if not config.get("endpoint"):
        raise MeshError("connect to", subject, "it has no DNS endpoint", "Set option endpoint to public or private.")
    closed = (
        ""
        if config.get("allowExternalTraffic")
        else f"{cluster.get('name')}: its DNS endpoint answers inside Google's network only."
    )
    return Address(f"https://{config['endpoint']}", "", closed)


def _all(cluster: Mapping[str, Any]) -> dict[str, str]:
    names = (cluster.get("controlPlaneEndpointsConfig") or {}).get("dnsEndpointConfig") or {}
    return {"public": _public(cluster), "private": _private(cluster), "dns": str(names.get("endpoint") or "")}


def _public(cluster: Mapping[str, Any]) -> str:
    """With only the public IP endpoint off, ``endpoint`` is the private address."""
    if not _has_ip(cluster):
        return ""
    told = _ip_config(cluster).get("publicEndpoint") or _legacy(cluster).get("publicEndpoint")
    endpoint = str(cluster["endpoint"])
    return str(told or ("" if endpoint == _private(cluster) else endpoint))


def _private(cluster: Mapping[str, Any]) -> str:
    told = _ip_config(cluster).get("privateEndpoint") or _legacy(cluster).get("privateEndpoint")
    return str(told or "") if _has_ip(cluster) else ""


def _has_ip(cluster: Mapping[str, Any]) -> bool:
    """With all IP endpoints off, ``endpoint`` is the DNS name; what is told of addresses then leads nowhere."""
    return _is_ip(str(cluster.get("endpoint") or ""))


def _legacy(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    return cluster.get("privateClusterConfig") or {}


def _ip_config(cluster: Mapping[str, Any]) -> Mapping[str, Any]:
    return (cluster.get("controlPlaneEndpointsConfig") or {}).get("ipEndpointsConfig") or {}


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
