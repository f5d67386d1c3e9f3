# SPDX-License-Identifier: GPL-3.0-or-later
"""From a cluster reference (an option of our modules) to a client of its API server; nothing is written to disk."""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.mcistio.gke.plugins.module_utils._clock import SYSTEM, Clock
from ansible_collections.mcistio.gke.plugins.module_utils._errors import MeshError
from ansible_collections.mcistio.gke.plugins.module_utils._gcp import auth
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.clusters import get_cluster
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.endpoints import address
from ansible_collections.mcistio.gke.plugins.module_utils._gcp.session import GoogleSession
from ansible_collections.mcistio.gke.plugins.module_utils._kube.client import KubeClient
from ansible_collections.mcistio.gke.plugins.module_utils._kube.endpoint import Endpoint, Token
from ansible_collections.mcistio.gke.plugins.module_utils._kube.kubeconfig_reader import endpoint_from_kubeconfig
from ansible_collections.mcistio.gke.plugins.module_utils._kube.transport import HttpTransport

RUNNING = "RUNNING"
READY_SECONDS = 300.0
"""How long an API server may be away while Google updates a zonal cluster's control plane."""
RUNNING_SECONDS = 60.0
"""How long it may be away although Google calls the cluster RUNNING, as right after its creation."""

CLUSTER_REF_OPTIONS: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "location": {"type": "str"},
    "project": {"type": "str"},
    "kubeconfig": {"type": "path"},
    "context": {"type": "str"},
    "endpoint": {"type": "str", "choices": ["public", "private", "dns"], "default": "public"},
}
_RULES: dict[str, Any] = {
    "options": CLUSTER_REF_OPTIONS,
    "mutually_exclusive": [("location", "kubeconfig")],
    "required_one_of": [("location", "kubeconfig")],
    "required_by": {"context": ["kubeconfig"]},
}
CLUSTER_REF: dict[str, Any] = {"type": "dict", "required": True, **_RULES}
"""Option spec of one cluster."""
CLUSTER_REFS: dict[str, Any] = {"type": "list", "elements": "dict", "default": [], **_RULES}
"""Option spec of a list of clusters."""


def connect(ref: dict[str, Any], params: dict[str, Any]) -> KubeClient | None:
    """A client for the referenced cluster, or None when the cluster is not there or has no endpoint yet.

    Args:
        ref: the value of an option with spec CLUSTER_REF.
        params: the module's options; those of the ``gcp`` doc fragment say how to log in.
    """
    if ref.get("kubeconfig"):
        endpoint = endpoint_from_kubeconfig(ref["name"], ref["kubeconfig"], ref.get("context") or "")
        return KubeClient(HttpTransport(endpoint), endpoint)
    project = ref.get("project") or params.get("project")
    if not project:
        raise MeshError("find", f"cluster {ref['name']}", "no project was given", "Set option project or GCP_PROJECT.")
    cluster = get_cluster(GoogleSession(params), project, ref["location"], ref["name"])
    if cluster is None or not cluster.get("endpoint"):
        return None
    endpoint = gke_endpoint(ref["name"], cluster, ref.get("endpoint") or "public", _token(params))
    return KubeClient(HttpTransport(endpoint), endpoint, gke=cluster)


def require(client: KubeClient | None, ref: dict[str, Any], clock: Clock = SYSTEM) -> KubeClient:
    """The client, or a clear error where work is impossible without the cluster.

    The API server of a GKE cluster may be away for a while: that is waited for.
    """
    if client is None:
        raise MeshError(
            "connect to",
            f"cluster {ref['name']} in {ref.get('location')}",
            "it does not exist, or is still being created",
            "Create it first: run the provision phase.",
        )
    if client.gke:
        client.wait_ready(RUNNING_SECONDS if client.gke.get("status") == RUNNING else READY_SECONDS, clock)
    return client


def gke_endpoint(name: str, cluster: dict[str, Any], kind: str, token: Token) -> Endpoint:
    """One of the addresses of a GKE cluster, with whom to trust there; see endpoints.address."""
    where = address({**cluster, "name": name}, kind)
    return Endpoint(name, where.server, ca=base64.b64decode(where.ca).decode(), token=token)


def _token(params: dict[str, Any]) -> Token:
    """A Google access token, fetched at the first request and again only when the API server refuses it."""

    def token(refresh: bool) -> str:
        if refresh:
            auth.login(params).renew()
        return auth.token(params)

    return token
